"""Workers that answer many questions at a time, as a system: no call costs another its answer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from harness.errors import SystemFailure
from harness.systems.programs import Program
from harness.systems.worker import Call, Reply
from harness.types import Query, Response

STUCK_S = 1.0
"""A worker that does not say within so many seconds that it has given a call up is blocked by it."""


def encode_call(number: int, query: Query | None) -> bytes:
    """A call as a line, or, without a query, that it is given up."""
    return msgspec.json.encode(Call(number, query)) + b"\n"


def answer_of(reply: Reply) -> Response:
    """Give the response of a reply.

    Raises:
        SystemFailure: the reply says that there is none.
    """
    if reply.response is None:
        why = reply.error
        if why is None:
            raise SystemFailure("bad_response", "the worker gave no answer")
        raise SystemFailure(why.kind, why.message, retry=reply.retry, retry_after_s=reply.retry_after_s)
    return reply.response


class Shared:
    """Workers as a system, each with as many calls in flight as there are.

    A call that is cancelled is given up in its worker, too; a worker that does not heed that is killed, and
    gets no further call until it does. The calls that it had besides are asked once more, each in a worker of
    its own: so the one that ends its worker is found.
    """

    max_in_flight = None

    def __init__(self, start_program: Callable[[], Awaitable[Program]], n: int, first: Program) -> None:
        """Keep ``n`` workers; ``first`` is the program of one."""
        self._start, self._n = start_program, n
        self._hubs = [_Hub(first)]
        self._starting = asyncio.Lock()

    async def start_all(self) -> None:
        """Start the workers that are missing, one after the other.

        Raises:
            UsageError: one cannot import the function.
        """
        await self._hub()

    async def __call__(self, query: Query) -> Response:
        """Ask the worker that has least to do."""
        try:
            hub = await self._hub()
        except Exception as error:
            raise _not_started(error) from error
        try:
            return await hub.ask(query)
        except _Lost as lost:
            if lost.was_alone:
                raise lost.failure from None
        return await self._ask_alone(query)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Shared]:
        """Have a worker there that heeds; neither its start nor the wait for that is the time of a call."""
        with suppress(Exception):  # asking tries again, and tells
            await self._hub()
        yield self

    async def close(self) -> None:
        """End all workers."""
        await asyncio.gather(*(hub.close() for hub in self._hubs))

    async def _hub(self) -> _Hub:
        while True:
            if len(self._hubs) < self._n or not all(hub.is_live for hub in self._hubs):
                async with self._starting:
                    self._hubs = [hub for hub in self._hubs if hub.is_live]
                    while len(self._hubs) < self._n:
                        self._hubs.append(_Hub(await self._start()))
            hub = min(self._hubs, key=lambda hub: hub.load)
            if hub.settled.is_set():
                return hub
            await hub.settled.wait()

    async def _ask_alone(self, query: Query) -> Response:
        try:
            hub = _Hub(await self._start())
        except Exception as error:
            raise _not_started(error) from error
        try:
            response = await hub.ask(query)
        except _Lost as lost:
            raise lost.failure from None
        finally:
            await hub.kill()
        return msgspec.structs.replace(response, attempts=response.attempts + 1)


class _Lost(Exception):
    """A worker ended with a call in flight: how, and whether it was the only one there."""

    def __init__(self, failure: SystemFailure, *, was_alone: bool) -> None:
        super().__init__(failure.message)
        self.failure, self.was_alone = failure, was_alone


class _Hub:
    """One worker, and the calls that are in flight in it."""

    def __init__(self, program: Program) -> None:
        self.is_live = True
        self.settled = asyncio.Event()  # it owes no sign that it has given a call up, or is no more
        self.settled.set()
        self._program = program
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._given_up: set[int] = set()
        self._decoder = msgspec.json.Decoder(Reply)
        self._reading = asyncio.create_task(self._read())

    @property
    def load(self) -> tuple[bool, int]:
        """Whether it owes a sign that it has given a call up, and its calls in flight."""
        return not self.settled.is_set(), len(self._waiting)

    async def ask(self, query: Query) -> Response:
        number = next(self._numbers)
        line = encode_call(number, query)
        self._waiting[number] = future = asyncio.get_running_loop().create_future()
        self._program.write(line)
        try:
            reply = await future
        except asyncio.CancelledError:
            if self._waiting.pop(number, None) is not None and self.is_live:
                self._give_up(number)
            raise
        return answer_of(reply)

    async def close(self) -> None:
        await self._stop_reading()
        await self._program.close()

    async def kill(self) -> None:
        await self._stop_reading()
        await self._program.kill()

    def _give_up(self, number: int) -> None:
        self._given_up.add(number)
        self.settled.clear()
        self._program.write(encode_call(number, None))
        asyncio.get_running_loop().call_later(STUCK_S, self._end_if_stuck, number)

    def _end_if_stuck(self, number: int) -> None:
        if number in self._given_up and self.is_live:
            self.is_live = False
            self._program.kill_group()
            self.settled.set()

    async def _read(self) -> None:
        try:
            while True:
                reply = self._decoder.decode(await self._program.read())
                self._given_up.discard(reply.number)
                if not self._given_up:
                    self.settled.set()
                future = self._waiting.pop(reply.number, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except (SystemFailure, msgspec.DecodeError) as error:
            failure = error if isinstance(error, SystemFailure) else SystemFailure("bad_response", str(error))
        self.is_live = False
        self.settled.set()
        await self._program.kill()
        was_alone = len(self._waiting) + len(self._given_up) == 1
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(_Lost(failure, was_alone=was_alone))
        self._waiting.clear()

    async def _stop_reading(self) -> None:
        self.is_live = False
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading


def _not_started(error: Exception) -> SystemFailure:
    return SystemFailure("process", f"the worker cannot be started again: {error}")
