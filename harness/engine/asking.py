"""One query to one Response: deadline, retries that honour Retry-After, errors as values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any

import msgspec

from harness.deadlines import stopped
from harness.engine.limits import Limits, RunLimits
from harness.engine.retries import try_again
from harness.errors import SystemFailure
from harness.types import FailedAttempt, Query, Response, ResponseError, RunSettings

Ask = Callable[[Query], Awaitable[Response]]


async def ask(system: Ask, query: Query, settings: RunSettings, limits: Limits | None = None) -> Response:
    """Ask once, with retries, within the deadline; whatever goes wrong is the response's error.

    The deadline covers the case in all: every attempt and every wait between them, but not for a turn at a
    host whose places others hold. ``timings.total_s`` is the time of the successful attempt, as measured here
    where the system does not say. Where a system gives places (it has a ``place``, as workers have), each
    attempt has one, and the wait for it is not the case's time either. Between attempts none is held: those
    who could free it may be waiting at the host behind this case.

    Args:
        system: what is asked.
        query: the question.
        settings: deadline and retries.
        limits: what holds calls back, which has admitted the first attempt; None: nothing does.
    """
    attempts = 0
    failures: list[FailedAttempt] = []

    async def attempt() -> Response:
        nonlocal attempts
        async with _place(system, clock) as answer:
            attempts += 1
            started = time.perf_counter()
            response = await (answer(query) if limits is None else limits.call(answer, query))
            if response.timings.total_s is None:
                timings = msgspec.structs.replace(response.timings, total_s=time.perf_counter() - started)
                response = msgspec.structs.replace(response, timings=timings)
            return response

    try:
        async with asyncio.timeout(settings.deadline_s) as clock:
            try:
                response = await attempt()
            except SystemFailure as failure:
                if not failure.retry or settings.retries == 0:
                    raise
                held = limits or RunLimits(settings, seed=0).of_system("")
                response = await try_again(attempt, failure, query, settings.retries, held, failures, clock)
        if _is_over(clock):  # a system that blocks the loop, or heeds no cancellation, answers all the same
            response = _no_answer_within(settings.deadline_s)
    except TimeoutError:
        response = _no_answer_within(settings.deadline_s)
    except SystemFailure as failure:
        response = Response(error=ResponseError(failure.kind, failure.message))
    if attempts > 1 or failures:
        response = msgspec.structs.replace(response, attempts=attempts, failures=tuple(failures))
    return response


def _is_over(clock: asyncio.Timeout) -> bool:
    ends_at = clock.when()
    return ends_at is not None and asyncio.get_running_loop().time() > ends_at


def _no_answer_within(deadline_s: float) -> Response:
    return Response(error=ResponseError("timeout", f"no answer within {deadline_s:g} s"))


def _place(system: Any, clock: asyncio.Timeout) -> AbstractAsyncContextManager[Ask]:
    place = getattr(system, "place", None)
    return nullcontext(system) if place is None else _waited_for(place, clock)


@asynccontextmanager
async def _waited_for(
    place: Callable[[], AbstractAsyncContextManager[Ask]], clock: asyncio.Timeout
) -> AsyncIterator[Ask]:
    async with AsyncExitStack() as held:
        with stopped(clock):
            answer = await held.enter_async_context(place())
        yield answer
