"""Judges of a stub service, asked from a test as a metric asks them: in a thread beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from judge_stub import Stub

from harness.api.judging import open_judges
from harness.judges.asking import Asking
from harness.registry import find_metric
from harness.types import JudgeSettings, Judging, Suite

Found = TypeVar("Found")


def suite_with(judges: Mapping[str, JudgeSettings], metric: str, combine: Any = "mean") -> Suite:
    """A suite that only judges."""
    judging = {metric: Judging(tuple(judges), combine)}
    return Suite(1, "s", (), {}, (metric,), (), judges=dict(judges), judging=judging)


def settings_of(stub: Stub, **changes: Any) -> JudgeSettings:
    return JudgeSettings(**{"base_url": stub.url, "model": "m", "retries": 0, "timeout_s": 5.0, **changes})


def with_judges(
    judges: Mapping[str, JudgeSettings],
    work: Callable[[Asking], Found],
    *,
    metric: str = "judged_faithfulness",
    combine: str = "mean",
    cache: Path | None = None,
) -> Found:
    """Run a plain function that asks a judge, and fail when a task is left behind."""
    suite = suite_with(judges, metric, combine)

    async def run() -> Found:
        async with open_judges(suite, [find_metric(metric)], cache) as opened:
            found = await asyncio.to_thread(work, opened.panels[metric].open())
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found

    return asyncio.run(run())
