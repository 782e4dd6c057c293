"""Kills a run at random moments, goes on with it, and counts what was lost and what was paid for twice."""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "faults")]

import crashing  # noqa: E402 -- the tests' world of faults
from faulty_project import Faulty, faulty, write_project  # noqa: E402
from project import call, clean_env  # noqa: E402

N_CASES, IN_FLIGHT, LATENCY_S = 200, 16, 0.03
WHEN = {"SOURCE_DATE_EPOCH": "1000000000"}
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
POINTS = {"written": 2 * N_CASES + 1, "torn": 2 * N_CASES + 1, "synced": 12, "renamed": 6, "loaded": 12}
PEERS = """
| | cases | finished before the kill | of those kept | paid for again |
|---|---|---|---|---|
| inspect_ai, `eval_retry` | 1,000 | 501 | 495 | 6 |
| promptfoo, `--resume` | 1,000 | 513 | 483 | 30 |
| lm-eval, `use_cache` | 1,000 | 523 | 491 | 32 |
| deepeval, `use_cache` | 200 | 103 | 96 | 7 |
| ragas `@experiment` | 1,000 | 508 | 0 | 508 |
"""


def check(folder: Path, *further: str, program: tuple[str, ...] = ()) -> Any:
    """Run the suite."""
    return call("check", "suite.yaml", "--run-id", "r", "-q", *further, cwd=folder, program=program, **WHEN)


def kept_answers(folder: Path) -> list[str]:
    """The cases whose answer stands whole in the recording."""
    path = folder / "reports/runs/r/recording.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = (json.loads(line) for line in lines if line.endswith(b"\n"))
    return [line["data"]["case_id"] for line in whole if line["kind"] == "answer"]


def files(folder: Path) -> dict[str, bytes]:
    """The report in every format."""
    return {name: (folder / "reports/runs/r" / name).read_bytes() for name in RENDERED}


def kill_somewhere(folder: Path, chance: random.Random, span_s: float) -> str:
    """Kill a run at a random call of the operating system, or at a random time; say where."""
    point = chance.choice([*POINTS, "time", "time"])
    if point != "time":
        n = chance.randint(1, POINTS[point])
        ended = check(folder, program=(crashing.__file__, point, str(n)))
        return f"{point} {n}" if ended.code == -signal.SIGKILL else f"{point} {n}: not reached"
    wait_s = chance.uniform(0.3, span_s)
    command = [sys.executable, "-m", "harness", "check", "suite.yaml", "--run-id", "r", "-q"]
    with subprocess.Popen(
        command, cwd=folder, env=clean_env(**WHEN), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(wait_s)
        process.kill()
    return f"time {wait_s:.2f} s"


def one_kill(server: Faulty, folder: Path, chance: random.Random, span_s: float) -> dict[str, Any]:
    """Kill, go on, and account for every call."""
    write_project(folder, server.port, N_CASES, in_flight=IN_FLIGHT)
    before = Counter({case_id: counts["asked"] for case_id, counts in server.account().items()})
    where = kill_somewhere(folder, chance, span_s)
    kept = kept_answers(folder)
    begun = (folder / "reports/runs/r/recording.jsonl").exists()
    ended = check(folder, *(("--resume", "r") if begun else ()))
    calls = Counter({case_id: counts["asked"] for case_id, counts in server.account().items()}) - before
    asked_again = [case_id for case_id in kept if calls[case_id] > 1]
    return {
        "where": where,
        "kept": len(kept),
        "repeated": sum(calls.values()) - N_CASES,
        "lost": len(asked_again),
        "code": ended.code,
        "files": files(folder),
    }


def main() -> None:
    """Kill as often as asked, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 -- moments, not secrets
    with tempfile.TemporaryDirectory() as work, faulty(latency_s=LATENCY_S) as server:
        began = time.monotonic()
        whole = write_project(Path(work) / "whole", server.port, N_CASES, in_flight=IN_FLIGHT)
        ended = check(whole)
        span_s = time.monotonic() - began
        rows = []
        for number in range(asked.kills):
            row = one_kill(server, Path(work) / f"k{number}", chance, span_s)
            row["same"] = row.pop("files") == files(whole) and row["code"] == ended.code
            rows.append(row)
            print(json.dumps(row), flush=True)
    repeated = [row["repeated"] for row in rows]
    middle = [row for row in rows if 0 < row["kept"] < N_CASES]
    said = [
        (
            f"{len(rows)} kills (seed {asked.seed}) of runs of {N_CASES} cases, {IN_FLIGHT} in flight: "
            f"{len(middle)} in the middle of the calls, the others before, or while scores, reports or the "
            "store were written."
        ),
        "",
        f"- answers lost that had been acknowledged: {sum(row['lost'] for row in rows)}",
        (
            f"- calls made twice: {sum(repeated)} in all, at most {max(repeated)} after one kill "
            f"(in flight: {IN_FLIGHT})"
        ),
        (
            f"- reports, in four formats, identical to the byte with those of the run that was not killed: "
            f"{sum(row['same'] for row in rows)} of {len(rows)}"
        ),
    ]
    print("\n".join(said))
    if asked.out:
        peers = "Peers, killed once at half, figures of the versions that engine.md names:\n" + PEERS
        head = "# Killed with `kill -9`\n\nWritten by `benchmarks/kills.py`.\n\n"
        asked.out.write_text(head + "\n".join(said) + "\n\n" + peers)
    if any(row["lost"] or row["repeated"] > IN_FLIGHT or not row["same"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
