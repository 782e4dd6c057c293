"""Minutes of a faulty service, kills and resumes; at the end every case and every call is accounted for.

Round after round a run is begun against the fault server with random shares of faults, killed or interrupted
at random moments, gone on with until it is complete, and asked its errors again with `--retry-errors`. The
account: every case has an answer or an error that says why; an answer that was acknowledged is never asked
for again; what the server sent whole beyond one answer a case is no more than was in flight at the kills;
recording and store agree.
"""

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

from faulty_project import Faulty, faulty, write_project  # noqa: E402 -- the tests' world of faults
from project import call, clean_env  # noqa: E402

N_CASES, IN_FLIGHT, DEADLINE_S = 150, 12, 2.0
SHARES = {"429": 0.05, "500": 0.03, "503": 0.03, "reset": 0.03, "half": 0.02, "hang": 0.01, "drip": 0.01}
BAD = {"html": 0.01, "nan": 0.01, "deep": 0.01, "huge": 0.005}


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the recording."""
    path = folder / "reports/runs/r/recording.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def good_answers(folder: Path) -> list[str]:
    """The cases whose answer stands whole in the recording without an error."""
    return [
        line["data"]["case_id"]
        for line in lines_of(folder)
        if line["kind"] == "answer" and "error" not in line["data"]["response"]
    ]


def cut_short(folder: Path, chance: random.Random, further: list[str]) -> bool:
    """Begin or go on; kill, interrupt, or let it end. True where it ended by itself."""
    command = [sys.executable, "-m", "harness", "check", "suite.yaml", "--run-id", "r", "-q", *further]
    with subprocess.Popen(
        command, cwd=folder, env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            _, err = process.communicate(timeout=chance.uniform(0.3, 6.0))
        except subprocess.TimeoutExpired:
            process.send_signal(
                chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
            )
            try:
                _, err = process.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                raise SystemExit("a signal did not end the run within 15 s") from None
        if b"Traceback" in err:
            raise SystemExit(f"a traceback:\n{err.decode()}")
        return process.returncode in {0, 1, 3}


def one_round(server: Faulty, folder: Path, chance: random.Random) -> Counter[str]:
    """One run with its kills, to its end; the account of it."""
    account: Counter[str] = Counter(runs=1, cases=N_CASES)
    shares = {name: share * chance.uniform(0, 2) for name, share in {**SHARES, **BAD}.items()}
    latency_s = chance.uniform(0.01, 0.1)
    server.set({"shares": shares, "latency_s": latency_s})
    before = server.account()
    write_project(folder, server.port, N_CASES, in_flight=IN_FLIGHT, deadline_s=DEADLINE_S)
    cuts = 0
    kept: list[str] = []
    while True:
        begun = bool(lines_of(folder))
        ended = cut_short(folder, chance, ["--resume", "r"] if begun else [])
        now = good_answers(folder)
        if now[: len(kept)] != kept:
            raise SystemExit("an acknowledged answer is gone")
        kept = now
        if ended:
            break
        cuts += 1
    account.update(cuts=cuts)
    server.set({"shares": {}, "latency_s": 0.01})
    call("check", "suite.yaml", "--run-id", "r", "-q", "--resume", "r", "--retry-errors", cwd=folder)
    judge(server, folder, before, cuts, account)
    return account


def judge(
    server: Faulty, folder: Path, before: dict[str, dict[str, int]], cuts: int, account: Counter[str]
) -> None:
    """Hold the recording, the store and the server's account against each other; stop at the first fault."""
    good = good_answers(folder)
    sent = Counter({case_id: counts.get("sent", 0) for case_id, counts in server.account().items()})
    sent -= Counter({case_id: counts.get("sent", 0) for case_id, counts in before.items()})
    account.update(answers=len(set(good)), twice_recorded=len(good) - len(set(good)))
    account.update(paid=sum(sent.values()), paid_again=sum(sent.values()) - N_CASES)
    if len(set(good)) != N_CASES or len(good) != N_CASES:
        raise SystemExit(f"{len(good)} good answers of {len(set(good))} cases, of {N_CASES}")
    if sum(sent.values()) - N_CASES > cuts * IN_FLIGHT:
        raise SystemExit(f"{sum(sent.values()) - N_CASES} answers paid for again after {cuts} kills")
    sql = "select count(*) as n, count(distinct case_id) as cases from responses where error_kind is null"
    stored = json.loads(call("query", sql, "--format", "json", cwd=folder).out)[0]
    if stored != {"n": N_CASES, "cases": N_CASES}:
        raise SystemExit(f"the store has {stored}")


def main() -> None:
    """Go on for so long, then give the account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    # Begun in the background, a program ignores Ctrl-C, and so would the runs that it begins.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance = random.Random(asked.seed)  # noqa: S311 -- moments, not secrets
    account: Counter[str] = Counter()
    until = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as work, faulty(seed=asked.seed) as server:
        while time.monotonic() < until:
            account += one_round(server, Path(work) / f"r{account['runs']}", chance)
            print(json.dumps(account), flush=True)
        faults: Counter[str] = Counter()
        for counts in server.account().values():
            faults.update(counts)
    said = [
        (
            f"{asked.minutes:g} minutes, seed {asked.seed}: {account['runs']} runs of {N_CASES} cases, "
            f"cut short {account['cuts']} times (half by `kill -9`, the others by Ctrl-C or SIGTERM) "
            "and gone on with."
        ),
        "",
        f"- cases: {account['cases']:,}; with an answer at the end: {account['answers']:,}",
        f"- requests: {faults['asked']:,}; of these with a fault: "
        + ", ".join(f"{faults[name]:,} {name}" for name in sorted({*SHARES, *BAD})),
        (
            f"- whole answers sent by the service: {account['paid']:,}, that is {account['paid_again']:,} "
            f"beyond one a case: of calls that were in flight at one of the {account['cuts']} cuts "
            f"(at most {IN_FLIGHT} each: {account['cuts'] * IN_FLIGHT:,})"
        ),
        "- acknowledged answers lost: 0; recorded twice: 0; tracebacks: 0 (the first would have ended it)",
    ]
    print("\n".join(said))
    if asked.out:
        asked.out.write_text("# The soak\n\nWritten by `benchmarks/soak.py`.\n\n" + "\n".join(said) + "\n")


if __name__ == "__main__":
    main()
