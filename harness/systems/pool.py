"""Programs that answer one question at a time, side by side, as a system."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, cast

from harness.errors import SystemFailure
from harness.systems.programs import Program
from harness.types import Query, Response

MOST_WORKERS = 64

Ask = Callable[[Query], Awaitable[Response]]


class Speech(NamedTuple):
    """How one question is put to a program, and its line understood.

    ``read`` raises SystemFailure where the line is out of step: the program is replaced then. ``answer``
    makes the Response, or raises its failure; it is given the seconds since the question was sent.
    """

    write: Callable[[Query], bytes]
    read: Callable[[bytes, Query], Any]
    answer: Callable[[Any, float], Response]


class Worker:
    """A place for a program that answers one question at a time; started again after a failure."""

    def __init__(self, start_program: Callable[[], Awaitable[Program]], speech: Speech) -> None:
        """Start nothing yet."""
        self._start, self._speech = start_program, speech
        self._program: Program | None = None

    @property
    def is_live(self) -> bool:
        """Whether a program is there to be asked, as far as is known."""
        return self._program is not None and not self._program.output_ended

    def adopt(self, program: Program) -> None:
        """Take a program that is started already."""
        self._program = program

    async def start(self) -> None:
        """Start the program, unless it is there; one that has ended is replaced.

        Raises:
            OSError, ValueError, HarnessError: whatever starting it raises.
        """
        if not self.is_live:
            await self.kill()
            self._program = await self._start()

    async def ask(self, query: Query) -> Response:
        """Send one query and wait for its reply; seconds count from the sending.

        Raises:
            SystemFailure: ``process``: the program ended; ``bad_response``: its line is no reply.
        """
        if not self.is_live:
            try:
                await self.start()
            except Exception as error:
                raise SystemFailure("process", f"the program cannot be started again: {error}") from error
        program = cast("Program", self._program)
        line = self._speech.write(query)
        sent = time.perf_counter()
        try:
            program.write(line)
            said = self._speech.read(await program.read(), query)
        except BaseException:
            await self.kill()  # what it writes later would be taken for the reply to the next question
            raise
        return self._speech.answer(said, time.perf_counter() - sent)

    async def kill(self) -> None:
        """Kill the program, if there is one."""
        program, self._program = self._program, None
        if program is not None:
            await program.kill()

    async def close(self) -> None:
        """Let the program end, if there is one."""
        program, self._program = self._program, None
        if program is not None:
            await program.close()


class Pool:
    """Workers side by side, as a system: each call takes one that is idle, or waits for it.

    A call's own time begins when it has its ``place``: neither the wait nor the start of a program counts.
    """

    def __init__(self, workers: Sequence[Worker], grow_s: float = 0.0) -> None:
        """Take the workers; one without a program is started when a call has waited ``grow_s`` seconds.

        With a wait there are never more being started than are there: calls that all came at once do not
        each start a program of their own, and those there double with every start as long as calls wait.
        """
        self._workers = workers
        self._grow_s = grow_s
        self._n_starting = 0
        self._idle: list[Worker] = []
        self._cold: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        for worker in workers:
            self._free(worker)

    @property
    def max_in_flight(self) -> int:
        """More calls than that only wait."""
        return len(self._workers)

    async def __call__(self, query: Query) -> Response:
        """Ask one worker."""
        async with self.place() as ask:
            return await ask(query)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Ask]:
        """Have a worker for oneself; give what asks it."""
        worker = await self._take()
        try:
            if not worker.is_live:
                await self._start(worker)
            yield worker.ask
        finally:
            self._free(worker)

    async def start_all(self) -> None:
        """Start every worker.

        Raises:
            OSError, ValueError, HarnessError: what the first that cannot be started raises.
        """
        started = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        for failure in started:
            if failure is not None:
                raise failure
        cold, self._cold = self._cold, []
        for worker in cold:
            self._free(worker)

    async def close(self) -> None:
        """End all programs."""
        await asyncio.gather(*(worker.close() for worker in self._workers))

    async def _start(self, worker: Worker) -> None:
        self._n_starting += 1
        try:
            with suppress(Exception):  # asking tries again, and tells
                await worker.start()
        finally:
            self._n_starting -= 1

    async def _take(self) -> Worker:
        may_start = False
        while not may_start and not self._idle and 0 < len(self._cold) < len(self._workers):
            with suppress(TimeoutError):
                return await self._next_free(self._grow_s)
            n_there = len(self._workers) - len(self._cold) - self._n_starting
            may_start = not self._grow_s or self._n_starting < n_there
        for there in (self._idle, self._cold):
            if there:
                return there.pop()
        return await self._next_free(None)

    async def _next_free(self, patience_s: float | None) -> Worker:
        free: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(free)
        try:
            async with asyncio.timeout(patience_s):
                return await free
        except BaseException:
            if not free.cancelled():  # it came too late, and is somebody else's
                self._free(free.result())
            raise

    def _free(self, worker: Worker) -> None:
        """Hand a worker to who has waited longest."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(worker)
                return
        (self._idle if worker.is_live else self._cold).append(worker)
