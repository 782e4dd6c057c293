"""A function of the user's as a system: in processes of its own, which a deadline ends, or in this one."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from harness.errors import SystemFailure, UsageError
from harness.systems.answers import timed
from harness.systems.callables import imported
from harness.systems.pool import MOST_WORKERS, Pool, Speech, Worker
from harness.systems.programs import Program, start
from harness.systems.shared import Shared, answer_of, encode_call
from harness.systems.worker import LINE_BYTES, READERS, Noun, Ready, Reply
from harness.types import Query, Response

READY_S = 300.0
"""Seconds that a worker gets to import the function."""
GROW_S = 0.1
"""A call waits so long for a worker that is idle before one more is started for it."""

_MAIN = (
    "import sys; sys.path[:] = sys.argv[3:]; from harness.systems.worker import main; main(*sys.argv[1:3])"
)

Isolation = Literal["process", "none"]
Ask = Callable[[Query], Awaitable[Response]]


class Function(Protocol):
    """A function that is open: ask it, or have a place first, in which the wait for a worker is over."""

    async def __call__(self, query: Query) -> Response:
        """Ask once."""

    def place(self) -> AbstractAsyncContextManager[Ask]:
        """Have a place, and give what asks there."""


@asynccontextmanager
async def open_function(
    path: str, noun: Noun, workers: int | None, isolation: Isolation
) -> AsyncIterator[Function]:
    """Open a function ``Query -> answer``, plain or async; ``READERS`` says what its noun may answer.

    It runs in processes of its own, so that a call can be ended whatever it does. A plain one answers one
    call at a time in each: a call past its deadline, or one that ends its process, costs no other call
    anything. An async one answers all calls in one process; where a call blocks its loop or ends the process,
    the others that were in flight there are asked once more, each alone (``attempts`` is 2 then).

    Args:
        path: ``module:attribute`` of the function, importable from the current folder.
        noun: what it is to the suite.
        workers: processes, 1 to 64, all started at once; None: for a plain function one, and one more
            whenever a call waits; for an async one a single one.
        isolation: ``none``: in this process, in daemon threads; a call past its deadline is left behind.

    Raises:
        UsageError: the function cannot be imported or called, or ``workers`` is wrong.
    """
    if workers is not None and (isolation == "none" or not 1 <= workers <= MOST_WORKERS):
        mend = "isolation: none has no workers" if isolation == "none" else f"from 1 to {MOST_WORKERS}"
        raise UsageError(f"system.workers is {workers}", mend=mend)
    if isolation == "none":
        async with imported(path, noun) as ask:
            yield _Here(ask, READERS[noun])
        return
    start_program = partial(_start, path, noun)
    first, ready = await _started(path, noun)
    function: Shared | Pool
    if ready.is_async:
        function = Shared(start_program, workers or 1, first)
    else:
        places = [Worker(start_program, _SPEECH) for _ in range(workers or MOST_WORKERS)]
        places[0].adopt(first)
        function = Pool(places, GROW_S)
    try:
        if workers is not None:
            await function.start_all()
        yield function
    finally:
        await function.close()


class _Here:
    """A function in this process: there is a place for every call."""

    def __init__(self, ask: Callable[[Query], Awaitable[Any]], read: Callable[[object], Response]) -> None:
        self._ask, self._read = ask, read

    async def __call__(self, query: Query) -> Response:
        started = time.perf_counter()
        response = self._read(await self._ask(query))
        return timed(response, time.perf_counter() - started)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Ask]:
        yield self


async def _start(path: str, noun: Noun) -> Program:
    program, _ = await _started(path, noun)
    return program


async def _started(path: str, noun: Noun) -> tuple[Program, Ready]:
    """Start a worker and wait until it has imported the function.

    It imports from where this process would, the current folder first.

    Raises:
        UsageError: it cannot.
    """
    here = str(Path.cwd())
    folders = sys.path if here in sys.path else [here, *sys.path]
    command = [sys.executable, "-P", "-c", _MAIN, path, noun, *folders]
    program = await start(command, limit=LINE_BYTES, heard=True)
    try:
        async with asyncio.timeout(READY_S):
            ready = msgspec.json.decode(await program.read(), type=Ready)
    except BaseException as error:
        await program.kill()
        if isinstance(error, TimeoutError):
            raise UsageError(f"{noun} {path!r} was not imported within {READY_S:g} s") from error
        if isinstance(error, (SystemFailure, msgspec.DecodeError)):
            raise UsageError(f"{noun} {path!r} cannot be imported: {error}") from error
        raise
    if ready.faults:
        await program.close()
        raise UsageError(ready.faults)
    return program, ready


def _read(line: bytes, _: Query) -> Reply:
    return msgspec.json.decode(line, type=Reply)


_SPEECH = Speech(partial(encode_call, 0), _read, lambda reply, _: answer_of(reply))
