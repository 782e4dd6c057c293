"""A function of the user's as the system under test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from harness.errors import SystemFailure, UsageError
from harness.systems.answers import to_response
from harness.systems.callables import imported
from harness.systems.pool import MOST_WORKERS, Pool, Speech, Worker
from harness.systems.programs import Program, start
from harness.systems.shared import Shared, answer_of, encode_call
from harness.systems.worker import LINE_BYTES, Ready, Reply
from harness.types import Query, Response

READY_S = 300.0
"""Seconds that a worker gets to import the function."""
GROW_S = 0.1
"""A call waits so long for a worker that is idle before one more is started for it."""

_MAIN = "import sys; sys.path[:] = sys.argv[2:]; from harness.systems.worker import main; main(sys.argv[1])"

Ask = Callable[[Query], Awaitable[Response]]


@asynccontextmanager
async def connect(
    *, target: str, workers: int | None = None, isolation: Literal["process", "none"] = "process"
) -> AsyncIterator[Ask]:
    """Connect to a function ``Query -> answer``, plain or async.

    The answer is a str (the output), a mapping with fields of a Response, or a Response. A system with
    something to open and close is an adapter of its own: name its ``module:connect`` as the adapter.

    The function runs in processes of its own, so that a call can be ended whatever it does. A plain one
    answers one call at a time in each: a call past its deadline, or one that ends its process, costs no other
    call anything. An async one answers all calls in one process; where a call blocks its loop or ends the
    process, the others that were in flight there are asked once more, each alone (``attempts`` is 2 then).

    Args:
        target: ``module:attribute`` of the function, importable from the current folder.
        workers: processes, 1 to 64, all started at once; None: for a plain function one, and one more
            whenever a call waits; for an async one a single one.
        isolation: ``none``: in this process, in daemon threads; a call past its deadline is left behind.

    Raises:
        UsageError: the function cannot be imported or called.
    """
    if isolation == "none":
        if workers is not None:
            raise UsageError("python takes no 'workers' with isolation: none")
        async with imported(target, "target") as ask:

            async def answer(query: Query) -> Response:
                return to_response(await ask(query))

            yield answer
        return
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"python takes 1 to {MOST_WORKERS} workers")
    start_program = partial(_start, target)
    first, ready = await _started(target)
    system: Shared | Pool
    if ready.is_async:
        system = Shared(start_program, workers or 1, first)
    else:
        places = [Worker(start_program, _SPEECH) for _ in range(workers or MOST_WORKERS)]
        places[0].adopt(first)
        system = Pool(places, GROW_S)
    try:
        if workers is not None:
            await system.start_all()
        yield system
    finally:
        await system.close()


async def _start(target: str) -> Program:
    program, _ = await _started(target)
    return program


async def _started(target: str) -> tuple[Program, Ready]:
    """Start a worker and wait until it has imported the function.

    It imports from where this process would, the current folder first.

    Raises:
        UsageError: it cannot.
    """
    here = str(Path.cwd())
    path = sys.path if here in sys.path else [here, *sys.path]
    program = await start([sys.executable, "-P", "-c", _MAIN, target, *path], limit=LINE_BYTES, heard=True)
    try:
        async with asyncio.timeout(READY_S):
            ready = msgspec.json.decode(await program.read(), type=Ready)
    except BaseException as error:
        await program.kill()
        if isinstance(error, TimeoutError):
            raise UsageError(f"target {target!r} was not imported within {READY_S:g} s") from error
        if isinstance(error, (SystemFailure, msgspec.DecodeError)):
            raise UsageError(f"target {target!r} cannot be imported: {error}") from error
        raise
    if ready.faults:
        await program.close()
        raise UsageError(ready.faults)
    return program, ready


def _read(line: bytes, _: Query) -> Reply:
    return msgspec.json.decode(line, type=Reply)


_SPEECH = Speech(partial(encode_call, 0), _read, lambda reply, _: answer_of(reply))
