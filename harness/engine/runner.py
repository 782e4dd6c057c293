"""All cases of a run, or of several: bounded concurrency, one line per result, a clean stop on Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from harness.engine.asking import Ask, ask
from harness.engine.limits import Limits
from harness.engine.scoring import score
from harness.engine.signals import Signals
from harness.types import Case, Metric, Response, Result, RunSettings, Score


class Progress(Protocol):
    """Told of everything that happens, to be shown."""

    def started(self, case_id: str) -> None:
        """A case is being asked."""

    def finished(self, result: Result) -> None:
        """A result is on disk."""


class Work(NamedTuple):
    """What a run needs beside the system: the metrics and what they need, and how to ask."""

    metrics: Mapping[str, Metric]
    resources: Mapping[str, Any]
    settings: RunSettings
    clean: Callable[[Response], Response]
    """Applied to every response before it is scored or recorded: secrets out, broken text repaired."""
    end_judging: Callable[[], None] = lambda: None
    """Gives up what judges are still being asked, when nothing waits for it any more."""
    limits: Limits | None = None
    """What holds the calls back beyond their number; None: nothing does."""


class Asked(NamedTuple):
    """Whom a case is asked of, how the answer is scored, and where the result goes.

    ``record`` is called once per result, in order of arrival; it returns when the result is safe.
    """

    system: Ask
    work: Work
    record: Callable[[Result], None]


async def run_cases(
    todo: Iterable[tuple[Asked, Case, int]], max_concurrency: int, progress: Progress, signals: Signals
) -> None:
    """Ask, score and record every (case, repeat), and return when no call is in flight any more.

    On the first SIGINT or SIGTERM, or when a budget is used up, no further case is begun and those in flight
    get some seconds to finish; a further signal ends them at once. What was recorded stays recorded, and
    ``signals`` tells.

    Args:
        todo: of whom what is to be asked, in order; pulled lazily.
        max_concurrency: calls in flight at most, of all systems together.
        progress: told of starts and results.
        signals: what stops the run early.
    """
    pending = iter(todo)
    # Metrics are plain functions that compute: on the event loop they would hold up the calls in flight, and
    # so lengthen the latencies that are being measured. One thread, so that they need not be thread-safe.
    scorer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="harness-scorer")
    # Metrics that ask a judge wait for it, in as many threads as there are cases in flight.
    judging = ThreadPoolExecutor(max_workers=max_concurrency, thread_name_prefix="harness-judging")
    pools = _Pools(scorer, judging)
    tasks = [
        asyncio.create_task(_work_off(pending, signals, pools, progress)) for _ in range(max_concurrency)
    ]
    with scorer, signals.ending(tasks):
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in done if not task.cancelled() and task.exception()), None)
        if failed is not None:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(judging.shutdown)  # its threads end by what this loop does for them
    if failed is not None and (error := failed.exception()) is not None:
        raise error


class _Pools(NamedTuple):
    """Where metrics compute: those that need nothing but the answer, and those that ask a judge."""

    plain: Executor
    judged: Executor


async def _work_off(
    pending: Iterator[tuple[Asked, Case, int]], signals: Signals, pools: _Pools, progress: Progress
) -> None:
    for (system, work, record), case, repeat in pending:
        if signals.ended:
            return
        if work.limits is not None:
            await work.limits.admit(case.query)
        progress.started(case.id)
        response = work.clean(await ask(system, case.query, work.settings, work.limits))
        scores = await _scores(case, response, work, pools)
        result = Result(case_id=case.id, repeat=repeat, response=response, scores=scores)
        record(result)
        progress.finished(result)


async def _scores(case: Case, response: Response, work: Work, pools: _Pools) -> dict[str, Score]:
    """Score on every metric, in the order of the run's."""
    loop = asyncio.get_running_loop()
    judged = {name: one for name, one in work.metrics.items() if "judge" in one.needs}
    plain = {name: one for name, one in work.metrics.items() if name not in judged}
    found = await loop.run_in_executor(pools.plain, score, case, response, plain, work.resources)
    if judged:
        waiting = loop.run_in_executor(pools.judged, score, case, response, judged, work.resources)
        try:
            found |= await waiting
        except asyncio.CancelledError:
            work.end_judging()
            raise
    return {name: found[name] for name in work.metrics}
