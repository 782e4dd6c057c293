"""Another attempt after one that failed: how long to wait for it, and how many a run may make in all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from harness.deadlines import stopped
from harness.errors import SystemFailure
from harness.types import FailedAttempt, Query, Response

if TYPE_CHECKING:
    from harness.engine.limits import Limits

FIRST_WAIT_S, MOST_WAIT_S = 0.5, 20.0
LONGEST_WAIT_S = 60.0
"""A server's Retry-After is honoured up to this; the case's deadline may end the wait earlier."""
FREE_PER_CALL = 2
"""Retries beyond the share, for each call that may be in flight: as many as are refused while a limit is
halved down to what a server admits."""


class Retries:
    """What a run may try again, of systems or of a judge: a share of the first tries so far, and a few more.

    An outage then costs little more than the calls of the run, instead of several times as many.
    """

    def __init__(self, share: float, max_concurrency: int, seed: int) -> None:
        """Take the share (0 or more), the calls in flight at most, and what draws the waits."""
        self.firsts = self.made = self.waiting = 0
        self._share = share
        self._free = FREE_PER_CALL * max_concurrency
        self._random = random.Random(seed)  # noqa: S311 -- spreads waits, hides nothing

    def take(self) -> bool:
        """Take one retry; say whether there was one left."""
        if self.made + 1 > self._free + self._share * self.firsts:
            return False
        self.made += 1
        return True

    @property
    def spent(self) -> str:
        """Why there is no further try."""
        return f"not tried again, the run has spent its {self.made:,} retries"

    def wait_s(self, number: int, retry_after_s: float | None) -> float:
        """Give the seconds before retry ``number``, from 1: as wanted by the server, or drawn.

        Drawn evenly from 0 to ``FIRST_WAIT_S``, doubled for each retry before ("full jitter", Brooker 2015).
        """
        if retry_after_s:
            return min(LONGEST_WAIT_S, retry_after_s)
        return self._random.uniform(0.0, min(MOST_WAIT_S, FIRST_WAIT_S * 2 ** min(number - 1, 10)))


async def try_again(
    attempt: Callable[[], Awaitable[Response]],
    failure: SystemFailure,
    query: Query,
    retries: int,
    limits: Limits,
    failures: list[FailedAttempt],
    clock: asyncio.Timeout,
) -> Response:
    """Repeat after a failure, as often as the case and the run may; ``failures`` gets what was followed.

    ``clock`` ends the case. It stands still while a retry waits for its turn at the host: others may hold all
    places, and this case would have had its answer in time.

    Raises:
        SystemFailure: that of the last attempt, or ``retry_budget``.
    """
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

    failed = failure
    made = False

    async def once() -> Response:
        nonlocal made
        if not made:  # the first attempt, which has failed already
            made = True
            raise failure
        return await attempt()

    def wait_s(state: RetryCallState) -> float:
        nonlocal failed
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SystemFailure):
            failed = error
        return limits.retries.wait_s(state.attempt_number, failed.retry_after_s)

    def spend(_: RetryCallState) -> None:
        if not limits.retries.take():
            message = f"{failed.message}; {limits.retries.spent}"
            raise SystemFailure("retry_budget", message, http_status=failed.http_status)

    async def wait(seconds: float) -> None:
        began = asyncio.get_running_loop().time()
        limits.retries.waiting += 1
        try:
            await asyncio.sleep(seconds)
            with stopped(clock):
                await limits.host.admit(limits.size_of(query))
        finally:
            limits.retries.waiting -= 1
            waited = asyncio.get_running_loop().time() - began
            failures.append(FailedAttempt(failed.kind, waited, failed.http_status))

    return await AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, SystemFailure) and error.retry),
        stop=stop_after_attempt(1 + retries),
        wait=wait_s,
        before_sleep=spend,
        sleep=wait,
        reraise=True,
    )(once)
