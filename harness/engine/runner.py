"""All cases of a run: bounded concurrency, one recorded line per result, a clean stop on Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from harness.engine.asking import Ask, ask
from harness.engine.scoring import score
from harness.types import Case, Metric, Response, Result, RunSettings

STOP_GRACE_S = 5.0
"""Seconds that calls in flight get to finish after the first Ctrl-C."""


class Progress(Protocol):
    """Told of everything that happens, to be shown."""

    def started(self, case_id: str) -> None:
        """A case is being asked."""

    def finished(self, result: Result) -> None:
        """A result is on disk."""

    def stopping(self) -> None:
        """A signal came: calls in flight get to finish, a second signal ends them."""


class Work(NamedTuple):
    """What a run needs beside the system: the metrics and what they need, and how to ask."""

    metrics: Mapping[str, Metric]
    resources: Mapping[str, Any]
    settings: RunSettings
    clean: Callable[[Response], Response]
    """Applied to every response before it is scored or recorded: secrets out, broken text repaired."""


class Stop:
    """Whether the run has been told to stop, and by which signal."""

    def __init__(self) -> None:
        """Start running."""
        self.signal: int | None = None

    def __call__(self, number: int) -> None:
        """Take note of a signal."""
        self.signal = number


async def run_cases(
    todo: Iterable[tuple[Case, int]],
    system: Ask,
    work: Work,
    record: Callable[[Result], None],
    progress: Progress,
) -> int | None:
    """Ask, score and record every (case, repeat); give the signal that stopped the run, or None.

    At most ``settings.max_concurrency`` calls are in flight. On the first SIGINT or SIGTERM no further case
    is begun and those in flight get some seconds to finish; a second one ends them at once. What was
    recorded stays recorded.

    Args:
        todo: what is to be asked, in order; pulled lazily.
        system: the system under test.
        work: metrics, their resources, settings.
        record: called once per result, in order of arrival; returns when the result is safe.
        progress: told of starts and results.
    """
    stop = Stop()
    pending = iter(todo)
    # Metrics are plain functions that compute: on the event loop they would hold up the calls in flight, and
    # so lengthen the latencies that are being measured. One thread, so that they need not be thread-safe.
    scorer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="harness-scorer")
    tasks = [
        asyncio.create_task(_work_off(pending, stop, system, work, scorer, record, progress))
        for _ in range(work.settings.max_concurrency)
    ]
    with scorer, _Signals(stop, tasks, progress):
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in done if not task.cancelled() and task.exception()), None)
        if failed is not None:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if failed is not None and (error := failed.exception()) is not None:
        raise error
    return stop.signal


async def _work_off(
    pending: Iterator[tuple[Case, int]],
    stop: Stop,
    system: Ask,
    work: Work,
    scorer: Executor,
    record: Callable[[Result], None],
    progress: Progress,
) -> None:
    loop = asyncio.get_running_loop()
    for case, repeat in pending:
        if stop.signal is not None:
            return
        progress.started(case.id)
        response = work.clean(await ask(system, case.query, work.settings))
        scores = await loop.run_in_executor(scorer, score, case, response, work.metrics, work.resources)
        result = Result(case_id=case.id, repeat=repeat, response=response, scores=scores)
        record(result)
        progress.finished(result)


class _Signals:
    """Turns SIGINT and SIGTERM into a clean stop while the cases run."""

    def __init__(self, stop: Stop, tasks: list[asyncio.Task[None]], progress: Progress) -> None:
        self.stop, self.tasks, self.progress = stop, tasks, progress
        self.loop = asyncio.get_running_loop()
        self.handled: list[int] = []

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self.loop.add_signal_handler(number, self._on_signal, int(number))
            except (NotImplementedError, RuntimeError, ValueError):
                continue  # not the main thread, or a platform without signal handlers: the default applies
            self.handled.append(number)

    def __exit__(self, *_: object) -> None:
        for number in self.handled:
            self.loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self.stop.signal is None:
            self.stop(number)
            self.progress.stopping()
            self.loop.call_later(STOP_GRACE_S, self._cancel)
        else:
            self._cancel()

    def _cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
