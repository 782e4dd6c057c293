"""Answers to results beside the calls in flight: metrics that compute in one thread, judges in several."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from harness.engine.scoring import score
from harness.types import Case, Metric, Response, Result, RunSettings, Score

GATHER_S = 0.02
"""Answers of so many seconds go to the scoring thread together: a thread is woken once for all of them."""
DELIVER_S = 0.1
"""Results of slow metrics come back at least so often, in seconds."""
MOST_WAITING = 1000
"""So many answers may wait to be scored: memory stays bounded where scoring is slower than the system."""


class Progress(Protocol):
    """Told of everything that happens, to be shown."""

    def started(self, case_id: str) -> None:
        """A case is being asked."""

    def answered(self, response: Response) -> None:
        """An answer, or an error, is recorded."""

    def finished(self, result: Result) -> None:
        """A result is recorded."""


class Journal(Protocol):
    """Where answers and their scores are recorded; each call returns when they are safe."""

    def answered(self, case_id: str, repeat: int, response: Response) -> None:
        """Keep an answer that is not scored yet."""

    def scored(self, result: Result) -> None:
        """Keep the scores of an answer that was kept before."""


@dataclass(frozen=True)
class Work:
    """What a run needs beside the system: the metrics and what they need, and how to ask.

    ``clean`` is applied to every response before it is recorded: secrets out, broken text repaired.
    ``end_judging`` gives up what judges are still being asked, when nothing waits for it any more.
    """

    metrics: Mapping[str, Metric]
    resources: Mapping[str, Any]
    settings: RunSettings
    clean: Callable[[Response], Response]
    end_judging: Callable[[], None] = lambda: None

    @cached_property
    def judged(self) -> Mapping[str, Metric]:
        """The metrics that ask a judge."""
        return {name: one for name, one in self.metrics.items() if "judge" in one.needs}

    @cached_property
    def computed(self) -> Mapping[str, Metric]:
        """The metrics that need nothing but the answer."""
        return {name: one for name, one in self.metrics.items() if name not in self.judged}


class Answered(NamedTuple):
    """An answer on its way to its scores."""

    case: Case
    repeat: int
    response: Response
    work: Work
    journal: Journal


class Scorer:
    """Scores what is added, in order of arrival, and records the results.

    Metrics are plain functions that compute: on the event loop they would hold up the calls in flight, and so
    lengthen the latencies that are being measured. They run in one thread, so that they need not be
    thread-safe. Metrics that ask a judge wait for it, in threads of their own.
    """

    def __init__(self, max_judging: int, progress: Progress) -> None:
        """Have at most ``max_judging`` answers with judges at a time."""
        self._progress = progress
        self._judging = ThreadPoolExecutor(max_judging, thread_name_prefix="harness-judging")
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._room = asyncio.Event()
        self._gathered: list[Answered] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batches: queue.SimpleQueue[list[Answered] | None] = queue.SimpleQueue()
        self._judged: dict[asyncio.Task[None], Work] = {}
        self._n_open = 0
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether so many answers wait that no further case should be asked."""
        return self._n_open >= MOST_WAITING

    async def room(self) -> None:
        """Wait until fewer answers wait to be scored."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    def add(self, answered: Answered) -> None:
        """Take an answer that is recorded."""
        self._n_open += 1
        self._gathered.append(answered)
        if self._timer is None:
            self._timer = self._loop.call_later(GATHER_S, self._send)

    def close(self) -> None:
        """Take it that nothing more comes: ``work`` ends when everything is scored."""
        self._closed = True
        self._send()
        self._end_if_done()

    async def work(self) -> None:
        """Score and record until closed and done.

        Raises:
            MetricFault: a metric raised, or gave a value outside its range.
            RecordingError: a result cannot be written.
        """
        thread = threading.Thread(target=self._compute, name="harness-scorer", daemon=True)
        thread.start()
        try:
            await self._ended
        finally:
            self._batches.put(None)
            for task, work in self._judged.items():
                task.cancel()
                work.end_judging()
            await asyncio.to_thread(self._judging.shutdown)  # its threads end by what this loop does for them

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            self._batches.put(self._gathered)
            self._gathered = []

    def _compute(self) -> None:
        """Compute, in the scoring thread, what needs no judge."""
        while (batch := self._batches.get()) is not None:
            scored: list[tuple[Answered, dict[str, Score]]] = []
            since = time.monotonic()
            for one in batch:
                try:
                    found = score(one.case, one.response, one.work.computed, one.work.resources)
                except BaseException as error:  # noqa: BLE001 -- it comes out where `work` is awaited
                    self._tell(self._fail, error)
                    return
                scored.append((one, found))
                if time.monotonic() - since > DELIVER_S:
                    self._tell(self._take, scored)
                    scored, since = [], time.monotonic()
            self._tell(self._take, scored)

    def _tell(self, function: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *args)

    def _take(self, scored: list[tuple[Answered, dict[str, Score]]]) -> None:
        if self._ended.done():
            return
        try:
            for one, found in scored:
                if one.work.judged:
                    task = self._loop.create_task(self._judge(one, found))
                    self._judged[task] = one.work
                    task.add_done_callback(self._judged_one)
                else:
                    self._finish(one, found)
        except Exception as error:  # noqa: BLE001 -- it comes out where `work` is awaited
            self._fail(error)
        self._end_if_done()

    async def _judge(self, one: Answered, found: dict[str, Score]) -> None:
        judged = await self._loop.run_in_executor(
            self._judging, score, one.case, one.response, one.work.judged, one.work.resources
        )
        both = found | judged
        self._finish(one, {name: both[name] for name in one.work.metrics})

    def _judged_one(self, task: asyncio.Task[None]) -> None:
        self._judged.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        self._end_if_done()

    def _finish(self, one: Answered, scores: dict[str, Score]) -> None:
        result = Result(case_id=one.case.id, repeat=one.repeat, response=one.response, scores=scores)
        one.journal.scored(result)
        self._progress.finished(result)
        self._n_open -= 1
        if not self.is_full:
            self._room.set()

    def _fail(self, error: BaseException) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    def _end_if_done(self) -> None:
        if self._closed and not self._n_open and not self._ended.done():
            self._ended.set_result(None)
