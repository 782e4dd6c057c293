"""One query to one Response: deadline, retries that honour Retry-After, errors as values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

import msgspec

from harness.errors import SystemFailure
from harness.types import Query, Response, ResponseError, RunSettings

Ask = Callable[[Query], Awaitable[Response]]

LONGEST_WAIT_S = 60.0
"""A server's Retry-After is honoured up to this; the case's deadline may end the wait earlier."""


async def ask(system: Ask, query: Query, settings: RunSettings) -> Response:
    """Ask once, with retries, within the deadline; whatever goes wrong is the response's error.

    The deadline covers the case in all: every attempt and every wait. ``timings.total_s`` is the time of the
    successful attempt, as measured here where the system does not say. Where a system gives places (it has a
    ``place``, as workers have), the case's time begins when it has one.
    """
    attempts = 0

    async def attempt(answer: Ask) -> Response:
        nonlocal attempts
        attempts += 1
        started = time.perf_counter()
        response = await answer(query)
        if response.timings.total_s is None:
            timings = msgspec.structs.replace(response.timings, total_s=time.perf_counter() - started)
            response = msgspec.structs.replace(response, timings=timings)
        return response

    try:
        async with _place(system) as answer, asyncio.timeout(settings.deadline_s):
            try:
                response = await attempt(answer)
            except SystemFailure as failure:
                if not failure.retry or settings.retries == 0:
                    raise
                response = await _try_again(partial(attempt, answer), failure, settings)
    except TimeoutError:
        message = f"no answer within {settings.deadline_s:g} s"
        return Response(attempts=attempts, error=ResponseError("timeout", message))
    except SystemFailure as failure:
        return Response(attempts=attempts, error=ResponseError(failure.kind, failure.message))
    return msgspec.structs.replace(response, attempts=attempts) if attempts > 1 else response


def _place(system: Any) -> AbstractAsyncContextManager[Ask]:
    place = getattr(system, "place", None)
    return nullcontext(system) if place is None else place()


async def _try_again(
    attempt: Callable[[], Awaitable[Response]], first: SystemFailure, settings: RunSettings
) -> Response:
    """Repeat after a failure: exponential back-off with jitter, or as long as the server asks for."""
    import tenacity

    jittered = tenacity.wait_random_exponential(multiplier=0.5, max=20)
    known = [first]

    async def next_attempt() -> Response:
        if known:  # the failure that brought us here is the first of the attempts
            raise known.pop()
        return await attempt()

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome is not None else None
        return _wanted_wait(failure) or jittered(state)

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, SystemFailure) and error.retry),
        stop=tenacity.stop_after_attempt(settings.retries + 1),
        wait=wait,
        reraise=True,
    )
    return await retrying(next_attempt)


def _wanted_wait(failure: BaseException | None) -> float | None:
    if isinstance(failure, SystemFailure) and failure.retry_after_s is not None:
        return min(LONGEST_WAIT_S, max(0.0, failure.retry_after_s))
    return None
