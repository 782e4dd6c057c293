"""Recorded responses scored again: in batches, in several processes where that pays; nothing is asked."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from harness.engine.scoring import score
from harness.registry import find_metric
from harness.types import Case, Corpus, Metric, Response, Result, Score

BATCH = 50
PAYS_S = 5.0
"""Seconds of computing from which on further processes are worth their start."""

Stored = tuple[Case, Result]


class Rescoring(NamedTuple):
    """What responses are scored with, and how wide.

    ``folder`` is where modules of the user's are imported from; ``record`` is called once per result, in
    their order; ``end_judging`` gives up what judges are still being asked.
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


async def score_again(stored: Iterable[Stored], n: int, how: Rescoring) -> None:
    """Score every one of ``n`` responses on every metric and record it, otherwise as it was.

    Responses are taken as they are needed, some batches ahead.

    Raises:
        MetricFault: a metric raised, or gave a value outside its range.
        RecordingError: a result cannot be recorded.
    """
    judging = ThreadPoolExecutor(how.max_concurrency, thread_name_prefix="harness-judging")
    waiting: deque[asyncio.Task[list[Result]]] = deque()
    with ExitStack() as pools:
        here = _Here(how, judging, pools.enter_context(ThreadPoolExecutor(1)))
        ahead = 1  # until it is known how long a batch takes
        try:
            for number, batch in enumerate(_batches(stored)):
                if number == 2:
                    ahead = how.processes + 1
                    if how.processes > 1 and here.batch_s * (n / BATCH - 2) > PAYS_S:
                        here.workers = pools.enter_context(_workers(how))
                waiting.append(asyncio.create_task(here.score(batch)))
                if len(waiting) >= ahead:
                    _record(await waiting.popleft(), how)
            while waiting:
                _record(await waiting.popleft(), how)
        except BaseException:
            how.end_judging()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if here.workers is not None:
                here.workers.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            await asyncio.to_thread(judging.shutdown)  # its threads end by what this loop does for them


def _batches(stored: Iterable[Stored]) -> Iterator[list[Stored]]:
    rest = iter(stored)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _record(results: list[Result], how: Rescoring) -> None:
    for result in results:
        how.record(result)


class _Here:
    """Scores batches in threads of this process, or hands what only computes to ``workers``."""

    def __init__(self, how: Rescoring, judging: Executor, plain: Executor) -> None:
        self._how = how
        self._judging = judging
        self._plain = plain
        self.workers: Executor | None = None
        self.batch_s = 0.0

    async def score(self, batch: Sequence[Stored]) -> list[Result]:
        loop = asyncio.get_running_loop()
        judged = self._how.judged
        asked = [
            loop.run_in_executor(self._judging, score, case, result.response, judged, self._how.resources)
            for case, result in (batch if judged else ())
        ]
        try:
            if self.workers is None:
                plain = await loop.run_in_executor(self._plain, self._timed, batch)
            else:
                data = msgspec.json.encode([(case, result.response) for case, result in batch])
                found = await loop.run_in_executor(self.workers, _score_in_worker, data)
                plain = msgspec.json.decode(found, type=list[dict[str, Score]])
        except BaseException:
            for future in asked:
                future.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            raise
        verdicts = await asyncio.gather(*asked) if judged else [{}] * len(batch)
        return [
            replace(result, scores={name: (scores | more)[name] for name in self._how.metrics})
            for (_, result), scores, more in zip(batch, plain, verdicts, strict=True)
        ]

    def _timed(self, batch: Sequence[Stored]) -> list[dict[str, Score]]:
        began = time.thread_time()
        how = self._how
        found = [score(case, result.response, how.plain, how.resources) for case, result in batch]
        self.batch_s = time.thread_time() - began
        return found


# -- in the processes beside this one ----------------------------------------------------------------------

_THERE: tuple[Mapping[str, Metric], Mapping[str, Any]] = ({}, {})


def _workers(how: Rescoring) -> ProcessPoolExecutor:
    needs = {need for one in how.plain.values() for need in one.needs}
    corpus = msgspec.json.encode(how.resources["corpus"]) if "corpus" in needs else b"null"
    begin = (list(how.plain), corpus, str(how.folder))
    context = multiprocessing.get_context("spawn")  # this process has threads: a fork could hang
    return ProcessPoolExecutor(how.processes, context, initializer=_begin, initargs=begin)


def _begin(names: list[str], corpus: bytes, folder: str) -> None:
    """Find the metrics by name, in a new process."""
    import sys

    global _THERE  # noqa: PLW0603 -- what a worker process knows from its start on
    sys.path.insert(0, folder)
    found = msgspec.json.decode(corpus, type=Corpus | None)
    _THERE = ({name: find_metric(name) for name in names}, {"corpus": found})


def _score_in_worker(data: bytes) -> bytes:
    metrics, resources = _THERE
    batch = msgspec.json.decode(data, type=list[tuple[Case, Response]])
    return msgspec.json.encode([score(case, response, metrics, resources) for case, response in batch])
