"""Recorded responses scored again: in batches, in several processes where that pays; nothing is asked."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from harness.engine.scoring import score
from harness.engine.signals import unstopped
from harness.errors import MetricFault
from harness.registry import find_metric
from harness.types import Case, Corpus, Metric, Response, Result, Score

BATCH = 50
PAYS_S = 5.0
"""Seconds of computing from which on further processes are worth their start."""

Stored = tuple[Case, Result]


class Rescoring(NamedTuple):
    """What responses are scored with, and how wide.

    ``folder`` is where modules of the user's are imported from; ``record`` is called once per result, as soon
    as it is there; ``end_judging`` gives up what judges are still being asked.
    """

    metrics: Mapping[str, Metric]
    resources: Mapping[str, Any]
    folder: Path
    max_concurrency: int
    processes: int
    record: Callable[[Result], None]
    end_judging: Callable[[], None]

    @property
    def judged(self) -> dict[str, Metric]:
        """The metrics that ask a judge."""
        return {name: one for name, one in self.metrics.items() if "judge" in one.needs}

    @property
    def plain(self) -> dict[str, Metric]:
        """Those that compute."""
        return {name: one for name, one in self.metrics.items() if "judge" not in one.needs}


class Stop:
    """Tells those who score to begin no further answer; given to ``score_again``, and used in its loop."""

    def __init__(self) -> None:
        """Begin without a wish to stop."""
        self.wanted = False
        self.queued: set[Future[dict[str, Score]]] = set()

    def __call__(self) -> None:
        """Let no answer begin: judges are asked what they are being asked, and nothing more."""
        self.wanted = True
        for future in self.queued:
            future.cancel()  # of one that a thread has begun nothing comes of it


async def score_again(stored: Iterable[Stored], n: int, how: Rescoring, stop: Stop) -> None:
    """Score every one of ``n`` responses on every metric and record it, otherwise as it was.

    Responses are taken as they are needed, some batches ahead. After a ``stop`` it returns when what was
    begun is recorded; cancelled, it gives that up.

    Raises:
        MetricFault: a metric raised, or gave a value outside its range; or a process that computes was ended.
        RecordingError: a result cannot be recorded.
    """
    judging = ThreadPoolExecutor(how.max_concurrency, thread_name_prefix="harness-judging")
    waiting: deque[asyncio.Task[None]] = deque()
    with ExitStack() as pools:
        here = _Here(how, stop, judging, pools.enter_context(ThreadPoolExecutor(1)))
        ahead = 1  # until it is known how long a batch takes
        try:
            for number, batch in enumerate(_batches(stored)):
                if stop.wanted:
                    break
                if number == 2:
                    ahead = how.processes + 1
                    if how.processes > 1 and here.batch_s * (n / BATCH - 2) > PAYS_S:
                        here.workers = pools.enter_context(_workers(how))
                waiting.append(asyncio.create_task(here.score(batch)))
                if len(waiting) >= ahead:
                    await waiting.popleft()
            while waiting:
                await waiting.popleft()
        except BaseException:
            here.given_up = True
            how.end_judging()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if here.workers is not None:
                here.workers.give_up()
            raise
        finally:
            await asyncio.to_thread(judging.shutdown)  # its threads end by what this loop does for them


def _batches(stored: Iterable[Stored]) -> Iterator[list[Stored]]:
    rest = iter(stored)
    while batch := list(islice(rest, BATCH)):
        yield batch


class _Here:
    """Scores batches in threads of this process, or hands what only computes to ``workers``."""

    def __init__(self, how: Rescoring, stop: Stop, judging: Executor, plain: Executor) -> None:
        self._how = how
        self._stop = stop
        self._judging = judging
        self._plain = plain
        self.workers: _Workers | None = None
        self.batch_s = 0.0
        self.given_up = False

    async def score(self, batch: Sequence[Stored]) -> None:
        """Score a batch, and record every answer as soon as all of its scores are there."""
        judged = self._how.judged
        queued = [
            self._judging.submit(score, case, result.response, judged, self._how.resources)
            for case, result in (batch if judged else ())
        ]
        asked = [asyncio.wrap_future(future) for future in queued]
        self._stop.queued.update(queued)
        try:
            plain = await self._computed(batch)
            if not judged:
                for (_, result), scores in zip(batch, plain, strict=True):
                    self._record(result, scores)
                return
            of = dict(zip(asked, zip(batch, plain, strict=True), strict=True))
            left = set(asked)
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for future in done:
                    if not future.cancelled():
                        (_, result), scores = of[future]
                        self._record(result, scores | future.result())
        except BaseException:
            for future in asked:
                future.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            raise
        finally:
            self._stop.queued.difference_update(queued)

    async def _computed(self, batch: Sequence[Stored]) -> list[dict[str, Score]]:
        loop = asyncio.get_running_loop()
        if self.workers is None:
            return await loop.run_in_executor(self._plain, self._timed, batch)
        data = msgspec.json.encode([(case, result.response) for case, result in batch])
        try:
            found = await loop.run_in_executor(self.workers.pool, _score_in_worker, data)
        except BrokenProcessPool as error:
            mend = "give it more memory, or let --processes 1 compute"
            raise MetricFault("a process that computed scores was ended from outside", mend=mend) from error
        return msgspec.json.decode(found, type=list[dict[str, Score]])

    def _record(self, result: Result, scores: Mapping[str, Score]) -> None:
        self._how.record(replace(result, scores={name: scores[name] for name in self._how.metrics}))

    def _timed(self, batch: Sequence[Stored]) -> list[dict[str, Score]]:
        began = time.thread_time()
        how = self._how
        found = []
        for case, result in batch:
            if self.given_up:
                raise CancelledError
            found.append(score(case, result.response, how.plain, how.resources))
        self.batch_s = time.thread_time() - began
        return found


# -- in the processes beside this one ----------------------------------------------------------------------

_THERE: tuple[Mapping[str, Metric], Mapping[str, Any]] = ({}, {})


class _Workers(NamedTuple):
    """Processes that compute, and what they end by where nobody waits for them any more."""

    pool: ProcessPoolExecutor
    alive: Connection

    def give_up(self) -> None:
        """End them at once."""
        self.alive.close()
        self.pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _workers(how: Rescoring) -> Iterator[_Workers]:
    needs = {need for one in how.plain.values() for need in one.needs}
    corpus = msgspec.json.encode(how.resources["corpus"]) if "corpus" in needs else b"null"
    context = multiprocessing.get_context("spawn")  # this process has threads: a fork could hang
    theirs, ours = context.Pipe(duplex=False)
    begin = (theirs, list(how.plain), corpus, str(how.folder))
    pool = ProcessPoolExecutor(how.processes, context, initializer=_begin, initargs=begin)
    with theirs, ours, pool:
        with unstopped():  # a terminal sends its signals to all: these end with this process, and by none
            for _ in range(how.processes):
                pool.submit(os.getpid)
        yield _Workers(pool, ours)


def _begin(alive: Connection, names: list[str], corpus: bytes, folder: str) -> None:
    """Find the metrics by name, in a new process, which ends with the one that began it."""
    import sys

    global _THERE  # noqa: PLW0603 -- what a worker process knows from its start on
    threading.Thread(target=_leave_with, args=[alive], daemon=True).start()
    sys.path.insert(0, folder)
    found = msgspec.json.decode(corpus, type=Corpus | None)
    _THERE = ({name: find_metric(name) for name in names}, {"corpus": found})


def _leave_with(alive: Connection) -> None:
    with suppress(EOFError, OSError):
        alive.recv()
    os._exit(1)


def _score_in_worker(data: bytes) -> bytes:
    metrics, resources = _THERE
    batch = msgspec.json.decode(data, type=list[tuple[Case, Response]])
    return msgspec.json.encode([score(case, response, metrics, resources) for case, response in batch])
