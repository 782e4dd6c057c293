"""What the engine costs beside the system it asks: CPU a case, calls in flight, memory, start, judges.

Runs `harness` and, interleaved with it, the bare references and whichever peers are installed, against the
same loopback server. Server and peers' runners are those of the kit (`--kit`), which is no part of this
project; each peer runs in a Python of its own (`--peer inspect=PYTHON`).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
HARNESS = [sys.executable, "-m", "harness"]
LATENCY_S = 0.05
Row = dict[str, Any]

SUITE = """version: 1
suite: overhead
goldens: [{{path: cases.jsonl}}]
system:
  adapter: http
  url: {url}/completions
  request: {{model: m, prompt: $.input}}
  response: {{output: "$.choices[0].text"}}
metrics: [required_facts]
gates: [{{id: facts, metric: required_facts, min: 0.5}}]
run: {{max_concurrency: {in_flight}}}
"""
CHAT_SUITE = SUITE.replace(
    """  adapter: http
  url: {url}/completions
  request: {{model: m, prompt: $.input}}
  response: {{output: "$.choices[0].text"}}
""",
    """  adapter: openai_chat
  base_url: {url}
  model: m
  prompt: prompt.md
""",
)
JUDGED_SUITE = """version: 1
suite: judged
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: answers.jsonl}}
metrics: [judged_faithfulness, answer_relevancy]
judges: {{default: {{base_url: "{url}", model: m, output: json}}}}
gates: [{{id: faithful, metric: judged_faithfulness, min: 0.5, bound: point}}]
run: {{max_concurrency: {in_flight}}}
"""
ANSWER = "The notice period is sixty days. The renewal window is one year."


class Kit:
    """The kit's server and runners, and how a process is measured."""

    def __init__(self, folder: Path, python: Path, peers: dict[str, str], work: Path) -> None:
        """Load the kit's module of that name from its folder."""
        spec = importlib.util.spec_from_file_location("bench_runner", folder / "bench_runner.py")
        if spec is None or spec.loader is None:
            raise SystemExit(f"no kit in {folder}: name its folder with --kit")
        self.runner = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.runner)
        self.folder, self.python, self.peers, self.work = folder, python, peers, work

    def samples(self, n: int) -> Path:
        """JSON lines with n questions, made once."""
        path = self.work / f"d{n}.jsonl"
        if not path.exists():
            make = [self.python, self.folder / "gen_data.py", "-n", str(n), "-o", path]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        return path

    def peer_commands(self, url: str, n: int, in_flight: int) -> dict[str, list[str]]:
        """Give the command of each of the kit's runners, by name."""
        asked = argparse.Namespace(
            py=str(self.python), venv=[f"{k}={v}" for k, v in self.peers.items()], latency=LATENCY_S
        )
        found: dict[str, list[str]] = self.runner.peers(
            asked, url, str(self.samples(n)), in_flight, str(self.work / "peer")
        )
        return found

    def measure(self, command: list[str], cwd: Path, stats: Callable[[], Row]) -> Row:
        """Run it; CPU ms between first request and last reply, peak memory, and what the server counted."""
        done = self.runner.run([str(part) for part in command], str(cwd), 600, dict(os.environ))
        if done["rc"] != 0:
            raise SystemExit(f"{command[0]} {command[1:3]} ended with {done['rc']}:\n{done['out'][-1500:]}")
        seen = stats()
        cpu_s, waited_s = self.runner.window(done["ser"], seen["first"], seen["last"])
        return {
            "cpu_s": done["cpu"],
            "window_cpu_s": cpu_s,
            "waited_s": waited_s,
            "rss_mb": done["rss_mb"],
            "wall_s": done["wall"],
            "connections": seen.get("conns", seen.get("connections")),
            "in_flight": seen.get("mean_inflight", seen.get("mean_in_flight")),
            "span_s": seen["span_s"],
            "hits": seen["hits"],
        }


@contextlib.contextmanager
def kit_server(kit: Kit) -> Iterator[int]:
    """The kit's server, on a port of its own."""
    process, port = kit.runner.start_server(str(kit.python), ["--latency", LATENCY_S])
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def judge_server() -> Iterator[int]:
    """The judge of this folder, on a port of its own."""
    command = [sys.executable, str(HERE / "judge_server.py"), str(LATENCY_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


def fetch(port: int, path: str) -> Row:
    """Ask a server for its counts, or to begin anew."""
    with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as reply:
        found: Row = json.loads(reply.read())
    return found


def project(folder: Path, suite: str, samples: Path, url: str, in_flight: int) -> list[str]:
    """Write a project for `harness run`; give the command."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    with (folder / "cases.jsonl").open("w") as cases, (folder / "answers.jsonl").open("w") as answers:
        for row in rows:
            case = {"id": row["id"], "input": row["prompt"], "must_include": [row["reference"]]}
            cases.write(json.dumps(case) + "\n")
            answers.write(
                json.dumps({"id": row["id"], "output": ANSWER, "retrieved": row["contexts"]}) + "\n"
            )
    (folder / "prompt.md").write_text("## user\n{question}\n")
    (folder / "suite.yaml").write_text(suite.format(url=url, in_flight=in_flight))
    return [*HARNESS, "run", "suite.yaml"]


def overhead(kit: Kit, rounds: int, sizes: list[tuple[int, int]], others: list[str]) -> list[Row]:
    """A: one call a case, a trivial score; ours by HTTP and by the SDK, then the others, round by round."""
    rows = []
    with kit_server(kit) as port:
        url = f"http://127.0.0.1:{port}/v1"
        for round_ in range(rounds):
            for n, in_flight in sizes:
                commands = kit.peer_commands(url, n, in_flight)
                for name in ["harness", "harness openai_chat", *(one for one in others if one in commands)]:
                    if name.startswith("harness"):
                        suite = CHAT_SUITE if "chat" in name else SUITE
                        cwd = kit.work / "ours"
                        command = project(cwd, suite, kit.samples(n), url, in_flight)
                    elif n > 1000 and not name.startswith("bare"):
                        continue
                    else:
                        cwd, command = kit.work / "peer", commands[name]
                        shutil.rmtree(cwd, ignore_errors=True)
                        cwd.mkdir()
                    fetch(port, "reset")
                    row = kit.measure(command, cwd, lambda: fetch(port, "stats"))
                    rows.append({"part": "A", "name": name, "n": n, "c": in_flight, "round": round_, **row})
                    tell(rows[-1])
    return rows


def judged(kit: Kit, rounds: int, n: int, in_flight: int, others: list[str]) -> list[Row]:
    """B: two judge calls a case; the others judge faithfulness in as many calls as they need."""
    rows = []
    with kit_server(kit) as port, judge_server() as judge_port:
        commands = kit.peer_commands(f"http://127.0.0.1:{port}/v1", n, in_flight)
        for round_ in range(rounds):
            for name in ["harness", *(one for one in others if one in commands)]:
                ours = name == "harness"
                server = judge_port if ours else port
                # Ours are kept: ext4 makes new files slowly where many were deleted a moment ago.
                cwd = kit.work / (f"ours-{round_}" if ours else "peer")
                shutil.rmtree(cwd, ignore_errors=True)
                cwd.mkdir()
                url = f"http://127.0.0.1:{judge_port}/v1"
                command = (
                    project(cwd, JUDGED_SUITE, kit.samples(n), url, in_flight) if ours else commands[name]
                )
                fetch(server, "reset")
                row = kit.measure(command, cwd, lambda server=server: fetch(server, "stats"))
                rows.append({"part": "B", "name": name, "n": n, "c": in_flight, "round": round_, **row})
                tell(rows[-1])
    return rows


def start(kit: Kit, rounds: int) -> list[Row]:
    """Cold: CPU of `--help` and of a run of one case, store included."""
    rows = []
    with kit_server(kit) as port:
        url = f"http://127.0.0.1:{port}/v1"
        for round_ in range(rounds):
            cwd = kit.work / "ours"
            one = project(cwd, SUITE, kit.samples(1), url, 1)
            bare = kit.peer_commands(url, 1, 1)["bare-aiohttp"]
            for name, command in (
                ("--help", [*HARNESS, "--help"]),
                ("one case", one),
                ("bare aiohttp", bare),
            ):
                (kit.work / "peer").mkdir(exist_ok=True)
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(command, cwd=cwd, check=True, capture_output=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                rows.append({"part": "start", "name": name, "n": 1, "c": 1, "round": round_, "cpu_s": cpu_s})
                tell(rows[-1])
    return rows


def tell(row: Row) -> None:
    """Show a row as it comes."""
    shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
    print(json.dumps(shown), flush=True)


def median(rows: list[Row], key: str, scale: float = 1.0) -> str:
    """Median and range of a column, or a dash."""
    found = sorted(row[key] * scale for row in rows if row.get(key) is not None)
    if not found:
        return "—"
    digits = 2 if found[-1] < 100 else 0
    middle = f"{statistics.median(found):.{digits}f}"
    return middle if len(found) < 2 else f"{middle} ({found[0]:.{digits}f}–{found[-1]:.{digits}f})"


def page(rows: list[Row]) -> str:
    """The tables: medians over the rounds, and their range."""
    lines = [
        "# The engine beside bare clients and peers",
        "",
        "Written by `benchmarks/engine.py`. Medians over interleaved rounds (lowest–highest) on a busy",
        "machine with two cores. CPU ms a case: of the whole process between the first request's arrival and",
        "the last reply, as the server saw them; ours writes every answer and every score to disk in that",
        "time. In flight: the server's mean, of the limit. The server answers after 50 ms.",
    ]
    groups: dict[tuple[str, int, int], dict[str, list[Row]]] = {}
    for row in rows:
        groups.setdefault((row["part"], row["n"], row["c"]), {}).setdefault(row["name"], []).append(row)
    for (part, n, in_flight), by_name in groups.items():
        if part == "start":
            lines += ["", "## Start", "", "| | CPU s |", "|---|---|"]
            lines += [f"| {name} | {median(found, 'cpu_s')} |" for name, found in by_name.items()]
            continue
        what = "one call a case" if part == "A" else "two judge calls a case"
        lines += ["", f"## {what}: {n:,} cases, {in_flight} in flight", ""]
        lines += [
            "| | CPU ms a case | in flight | CPU s, whole | peak MB | connections | wall of the calls, s |"
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for name, found in by_name.items():
            share = [{"v": row["in_flight"] / in_flight * 100} for row in found]
            cells = [
                median(found, "window_cpu_s", 1000 / n),
                f"{median(share, 'v')} %",
                median(found, "cpu_s"),
                median(found, "rss_mb"),
                median(found, "connections"),
                median(found, "span_s"),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    kit = Path(os.environ.get("HARNESS_BENCH", HERE.parent.parent / "shared" / "bench"))
    parser.add_argument("--kit", type=Path, default=kit, help="folder of server and peers' runners")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="one with the kit's packages"
    )
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", default="start,A,B")
    parser.add_argument("--sizes", default="1000x32,1000x128,5000x32,5000x128")
    parser.add_argument(
        "--only", default="bare-raw,bare-aiohttp,ragas-aevaluate,deepeval-metric,inspect-solver"
    )
    parser.add_argument("--out", type=Path, help="page to write, with a .json of the rows beside it")
    parser.add_argument("--add", action="store_true", help="add to the rows that are there")
    asked = parser.parse_args()
    peers = dict(one.split("=", 1) for one in asked.peer)
    sizes = [(int(n), int(c)) for n, _, c in (size.partition("x") for size in asked.sizes.split(","))]
    kept = asked.out and asked.out.with_suffix(".json")
    rows: list[Row] = json.loads(kept.read_text()) if asked.add and kept and kept.exists() else []
    with tempfile.TemporaryDirectory() as work:
        kit_ = Kit(asked.kit, asked.python, peers, Path(work))
        parts = asked.parts.split(",")
        if "start" in parts:
            rows += start(kit_, asked.rounds)
        if "A" in parts:
            rows += overhead(kit_, asked.rounds, sizes, asked.only.split(","))
        if "B" in parts:
            others = ["bare-2calls-aiohttp", "ragas-faithfulness", "deepeval-faithfulness"]
            rows += judged(kit_, asked.rounds, 200, 32, others)
    if asked.out:
        asked.out.write_text(page(rows))
        asked.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
    else:
        print(page(rows))


if __name__ == "__main__":
    main()
