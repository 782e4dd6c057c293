"""What runs in a worker: a function of the user's, asked and answered in lines.

The first line says whether the function could be had. From then on each line in is a ``Call``, each line
out the ``Reply`` to one. What the function prints goes to standard error: it cannot get between the lines.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Any, Literal

import msgspec

from harness.errors import Fault, SystemFailure, UsageError
from harness.systems.answers import timed, to_response, to_retrieved
from harness.systems.callables import described, failure_of, guarded, is_async, load_callable
from harness.types import Query, Response, ResponseError

LINE_BYTES = 64_000_000
"""The longest line, either way."""

Noun = Literal["target", "retriever"]
Read = Callable[[object], Response]
READERS: dict[Noun, Read] = {"target": to_response, "retriever": to_retrieved}
"""What a function is to the suite, and how what it gives becomes a Response."""


class Ready(msgspec.Struct):
    """The first line: whether calls may come side by side; or what is wrong with the function."""

    is_async: bool = False
    faults: tuple[Fault, ...] = ()


class Call(msgspec.Struct, array_like=True):
    """A question under a number; without one, the call of that number is given up."""

    number: int
    query: Query | None = None


class Reply(msgspec.Struct, array_like=True):
    """The answer to a call, or why there is none."""

    number: int
    response: Response | None = None
    error: ResponseError | None = None
    retry: bool = False
    retry_after_s: float | None = None


def main(path: str, noun: Noun) -> None:
    """Load ``module:attribute`` and answer calls until standard input ends."""
    questions, replies = _own_streams()
    try:
        function = load_callable(path, noun)
    except UsageError as error:
        _send(replies, Ready(faults=error.faults))
        return
    except BaseException as error:  # noqa: BLE001 -- the module is the user's: even SystemExit is told
        _send(replies, Ready(faults=(Fault(f"{noun} {path!r} cannot be imported: {described(error)}"),)))
        return
    _send(replies, Ready(is_async(function)))
    if is_async(function):
        asyncio.run(_answer_side_by_side(function, READERS[noun], questions, replies))
    else:
        _answer_in_turn(function, READERS[noun], questions, replies)


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output away: the function has an empty input, and prints to standard error."""
    questions, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, replies


def _send(replies: IO[bytes], message: msgspec.Struct) -> None:
    with suppress(BrokenPipeError):  # nobody listens any more: the input ends next
        replies.write(msgspec.json.encode(message) + b"\n")
        replies.flush()


def _answer_in_turn(
    function: Callable[[Query], Any], read: Read, questions: IO[bytes], replies: IO[bytes]
) -> None:
    """One call after the other, in the main thread; what is awaitable is awaited on one loop for all."""
    decoder = msgspec.json.Decoder(Call)
    with asyncio.Runner() as runner:

        def called(query: Query) -> Any:
            found = function(query)
            return runner.run(guarded(lambda: found)) if inspect.isawaitable(found) else found

        for line in questions:
            number, query = msgspec.structs.astuple(decoder.decode(line))
            started = time.perf_counter()
            try:
                reply = Reply(number, timed(read(called(query)), time.perf_counter() - started))
            except BaseException as error:  # noqa: BLE001 -- whatever it is, it is the failure of this call
                reply = _failed(number, error)
            _send(replies, reply)


async def _answer_side_by_side(
    function: Callable[[Query], Any], read: Read, questions: IO[bytes], replies: IO[bytes]
) -> None:
    """Many calls at a time, each a task of one loop."""
    decoder = msgspec.json.Decoder(Call)
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), questions)
    tasks: dict[int, asyncio.Task[Reply]] = {}

    async def answer(number: int, query: Query) -> Reply:
        started = time.perf_counter()
        try:
            response = read(await guarded(lambda: function(query)))
        except SystemFailure as failure:
            return _failed(number, failure)
        return Reply(number, timed(response, time.perf_counter() - started))

    def answered(number: int, task: asyncio.Task[Reply]) -> None:
        del tasks[number]
        given_up = SystemFailure("exception", "given up")  # nobody waits for it, but for the loop to say so
        _send(replies, _failed(number, given_up) if task.cancelled() else task.result())

    while line := await reader.readline():
        call = decoder.decode(line)
        if call.query is not None:
            tasks[call.number] = task = loop.create_task(answer(call.number, call.query))
            task.add_done_callback(partial(answered, call.number))
        elif call.number in tasks:
            tasks[call.number].cancel()


def _failed(number: int, error: BaseException) -> Reply:
    failure = error if isinstance(error, SystemFailure) else failure_of(error)
    what = ResponseError(failure.kind, failure.message)
    return Reply(number, None, what, failure.retry, failure.retry_after_s)
