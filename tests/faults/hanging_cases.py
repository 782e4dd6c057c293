"""Twenty cases of which one meets a system that hangs, and what is left of its processes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from harness.engine.limits import RunLimits
from harness.engine.progress import Silent
from harness.engine.runner import Asked, Todo, run_cases
from harness.engine.scorer import Work
from harness.engine.signals import Signals
from harness.systems.opening import open_system
from harness.types import Case, Metric, Query, Response, Result, RunSettings, Score

DEADLINE_S = 1.5


class Kept:
    """A journal that keeps results by case."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}

    def answered(self, case_id: str, repeat: int, response: Response) -> None:
        """Wait for the scores."""

    def scored(self, result: Result) -> None:
        self.results[result.case_id] = result


def ask_all(
    adapter: str, options: dict[str, Any], *, deadline_s: float = DEADLINE_S, **texts: str
) -> tuple[dict[str, Result], float]:
    """Ask 20 cases, 4 at a time; ``texts`` are questions of some; gives results, and seconds of asking."""
    kept = Kept()
    scored = Metric("answered", lambda case, response: Score(value=1.0), 1, "Always 1.")
    settings = RunSettings(max_concurrency=4, deadline_s=deadline_s)
    limits = RunLimits(settings, seed=0).of_system("host")
    work = Work({"answered": scored}, {}, settings, lambda response: response, limits=limits)
    cases = [Case(query=Query(f"q{n}", texts.get(f"q{n}", "fine"))) for n in range(20)]

    async def go() -> float:
        async with open_system(adapter, options) as system:
            started = time.monotonic()
            progress = Silent(20, 0)
            with Signals(progress) as signals:
                todo = ((Asked(system, work, kept), Todo(case, 0)) for case in cases)
                await run_cases(todo, 4, progress, signals)
            return time.monotonic() - started

    return kept.results, asyncio.run(go())


def check(results: dict[str, Result], seconds: float) -> None:
    """One timed out, 19 are scored, and it took no longer than the deadline and a little."""
    errors = {name: found.response.error for name, found in results.items() if found.response.error}
    assert {name: error.kind for name, error in errors.items()} == {"q3": "timeout"}
    assert [found.scores["answered"].status for found in results.values()].count("scored") == 19
    assert len(results) == 20
    assert DEADLINE_S <= seconds < DEADLINE_S + 2


def assert_gone(pids: Path, n: int) -> None:
    """So many processes were noted, and none of them runs any more."""
    noted = [int(line) for line in pids.read_text().split()]
    assert len(noted) == n
    deadline = time.monotonic() + 5
    left = [pid for pid in noted if is_running(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [pid for pid in noted if is_running(pid)]
    assert left == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
