"""Hosts to be asked by a fake clock: healthy, refusing beyond so many calls, or with a queue."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.engine.limits import Host
from harness.errors import SystemFailure
from harness.types import Query, Response

QUERY = Query(id="q", input="Where?")
ANSWER = Response(output="There.")


def refusal(retry_after_s: float | None = None, status: int = 429) -> SystemFailure:
    return SystemFailure(
        "http_status", f"HTTP status {status}", retry=True, retry_after_s=retry_after_s, http_status=status
    )


@dataclass
class Server:
    """Answers after ``latency_s()``; beyond ``admits`` calls it refuses, beyond ``workers`` they queue."""

    latency_s: Callable[[], float]
    admits: int = 10**9
    workers: int = 10**9
    in_flight: int = 0
    most: int = 0
    refused: int = 0
    begun_at: list[float] = field(default_factory=list)
    _queue: list[asyncio.Future[None]] = field(default_factory=list)

    async def __call__(self, query: Query) -> Response:
        self.begun_at.append(asyncio.get_running_loop().time())
        if self.in_flight >= self.admits:
            self.refused += 1
            await asyncio.sleep(0.002)
            raise refusal()
        with self._counted():
            if self.in_flight > self.workers:
                place = asyncio.get_running_loop().create_future()
                self._queue.append(place)
                await place
            await asyncio.sleep(self.latency_s())
            if self._queue:
                self._queue.pop(0).set_result(None)
        return ANSWER

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


async def ask_all(host: Host, system: Callable[[Query], Awaitable[Response]], n: int, workers: int) -> float:
    """Ask ``n`` times, refused calls again after a while; gives the seconds that it took."""
    waits, todo = random.Random(7), iter(range(n))  # noqa: S311 -- a simulation
    began = asyncio.get_running_loop().time()

    async def work() -> None:
        for _ in todo:
            while True:
                await host.admit()
                try:
                    await host.call(system, QUERY, 0)
                    break
                except SystemFailure:
                    await asyncio.sleep(waits.uniform(0.0, 0.5))

    await asyncio.gather(*(work() for _ in range(workers)))
    return asyncio.get_running_loop().time() - began
