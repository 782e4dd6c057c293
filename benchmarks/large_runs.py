"""What a run of 100,000 cases, and a gate of two such runs, take: memory, CPU, and what they leave on disk.

Goldens, corpus and system are made here with a fixed seed: a question, gold passages and required facts a
case, five passages an answer out of a corpus of 5,000, ten metrics. The candidate is slightly worse than the
baseline. Every command is a process of its own, as a user gives it; memory is the peak of that process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PEAK_MB, REPORT_MB = 1000, 25
"""Goals: less memory than that, and a page that is smaller."""
DOCUMENTS = 5000
WORDS = (
    "order",
    "refund",
    "sent",
    "within",
    "days",
    "after",
    "receipt",
    "written",
    "notice",
    "owner",
    "unless",
)
SUITE = """version: 1
suite: large
goldens: [{path: cases.jsonl}]
system: {adapter: python, target: "system:answer", isolation: none}
candidates:
  worse: {target: "system:worse"}
metrics:
  - recall@5
  - precision@5
  - ndcg@5
  - mrr@5
  - required_facts
  - token_f1
  - exact_match
  - refusal_correctness
  - numbers_grounded
  - error_rate
slices: {language: {from: groups.language}}
gates:
  - {id: facts, metric: required_facts, max_drop: 0.02}
  - {id: recall, metric: recall@5, min: 0.5, bound: point}
"""
SYSTEM = """
import json
import random

with open("corpus.jsonl") as file:
    CORPUS = {row["doc_id"]: row["text"] for row in map(json.loads, file)}
NAMES = sorted(CORPUS)


def _answer(query, wrong):
    chance = random.Random(query.id)
    number = int(query.id[1:])
    found = chance.sample(NAMES, 5)
    if chance.random() < 0.8:
        found[chance.randrange(5)] = NAMES[number % len(NAMES)]
    days = number % 90 + (chance.random() < wrong)
    text = f"Clause {number} sets a period of {days} days after written notice."
    return {"output": text, "retrieved": [{"doc_id": name, "text": CORPUS[name]} for name in found]}


def answer(query):
    return _answer(query, 0.10)


def worse(query):
    return _answer(query, 0.11)
"""
MEASURED = """
import re, runpy, sys
sys.argv[0] = "harness"
try:
    runpy.run_module("harness", run_name="__main__", alter_sys=True)
finally:
    # Of this program alone: what getrusage tells begins with the peak of the process that forked it.
    with open("/proc/self/status") as status, open("peak.txt", "w") as file:
        file.write(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
"""


def write_project(folder: Path, cases: int) -> None:
    """Write goldens, corpus, system and suite."""
    rng = random.Random(20261126)  # noqa: S311 -- not for secrets
    with (folder / "corpus.jsonl").open("w") as file:
        for number in range(DOCUMENTS):
            text = f"d{number:04}: {' '.join(rng.choices(WORDS, k=45))}"
            file.write(json.dumps({"doc_id": f"d{number:04}", "text": text}) + "\n")
    with (folder / "cases.jsonl").open("w") as file:
        for number in range(cases):
            case = {
                "id": f"c{number:06}",
                "input": f"Which period does clause {number} set, and {' '.join(rng.choices(WORDS, k=12))}?",
                "expected_output": [f"Clause {number} sets a period of {number % 90} days."],
                "must_include": [f"{number % 90} days"],
                "evidence": [{"doc_id": f"d{number % DOCUMENTS:04}"}],
                "groups": {"language": f"l{number % 12}"},
            }
            file.write(json.dumps(case) + "\n")
    (folder / "system.py").write_text(SYSTEM)
    (folder / "suite.yaml").write_text(SUITE)


def measure(folder: Path, *arguments: str, first: str = "") -> dict[str, float]:
    """Run a command to its end: peak MB, CPU and wall seconds; ``first`` is code that it begins with."""
    command = [sys.executable, "-c", first + MEASURED, *arguments]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak_mb = int((folder / "peak.txt").read_text()) / 1024
    return {"peak_mb": peak_mb, "cpu_s": cpu_s, "wall_s": time.perf_counter() - started}


def run_all(cases: int, folder: Path) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Give what each command took, and the sizes in MB of what is there afterwards."""
    write_project(folder, cases)
    commands = {
        "run (baseline)": ("run", "suite.yaml", "--run-id", "base", "-q"),
        "run (candidate)": ("run", "suite.yaml", "--candidate", "worse", "--run-id", "new", "-q"),
        "gate": ("gate", "new", "--baseline", "base"),
        "runs import": ("runs", "import"),
    }
    took: dict[str, dict[str, float]] = {}
    for name, arguments in commands.items():
        took[name] = measure(folder, *arguments)
        print(name, {key: round(value, 1) for key, value in took[name].items()}, file=sys.stderr, flush=True)
    there = folder / "reports" / "runs" / "new"
    files = {path.name: path for path in sorted(there.iterdir()) if path.is_file()}
    files["harness.duckdb"] = folder / "reports" / "harness.duckdb"
    return took, {name: path.stat().st_size / 1e6 for name, path in files.items()}


def page_of(cases: int, took: dict[str, dict[str, float]], sizes: dict[str, float]) -> tuple[str, list[str]]:
    """The page, and the goals that were missed."""
    lines = [
        "# Large runs",
        "",
        f"Two runs of {cases:,} cases, ten metrics, five passages an answer, and a gate on the second.",
        "",
        f"| command | peak MB (goal: less than {PEAK_MB:,}) | CPU s | CPU ms a case |",
        "|---|--:|--:|--:|",
    ]
    for name, found in took.items():
        per_case = 1000 * found["cpu_s"] / cases
        lines.append(f"| {name} | {found['peak_mb']:,.0f} | {found['cpu_s']:.0f} | {per_case:.2f} |")
    lines += ["", "| file | MB |", "|---|--:|"]
    lines += [f"| {name} | {size:.1f} |" for name, size in sizes.items()]
    missed = [
        f"{name}: {found['peak_mb']:,.0f} MB" for name, found in took.items() if found["peak_mb"] >= PEAK_MB
    ]
    if sizes["report.html"] >= REPORT_MB:
        missed.append(f"report.html: {sizes['report.html']:.1f} MB, not less than {REPORT_MB}")
    return "\n".join([*lines, "", *(missed or ["Every goal was met."])]) + "\n", missed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="cases of each run (100000)")
    parser.add_argument("--out", type=Path, help="write the page here")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        took, sizes = run_all(options.cases, Path(folder))
    page, missed = page_of(options.cases, took, sizes)
    print(page, end="")
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
