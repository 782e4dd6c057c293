"""What holds calls back: a host's rate, its calls in flight, its wish for a pause, and the run's budget."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from harness.engine.budget import Budget
from harness.engine.concurrency import Concurrency
from harness.engine.rates import Rate
from harness.engine.retries import LONGEST_WAIT_S, Retries
from harness.errors import SystemFailure
from harness.types import JudgeSettings, Query, Response, RunSettings

REFUSALS = frozenset({429, 503})
"""HTTP statuses by which a host says that it is asked too much."""
SERVER_ERROR = 500
"""Statuses from here say nothing of how many calls a host bears; as little does a failure without one."""
CHARACTERS_A_TOKEN = 4.0
"""By which tokens are estimated before a call; what a call then used beyond that is learnt."""
LEARNT = 0.1
"""Weight of the last call in what calls use beyond the estimate, once there are as many as 1 / LEARNT."""


class Host:
    """Calls to one host, first come, first served; used within one event loop.

    Every ``admit`` that returns is followed by exactly one of ``replied``, ``gave_up`` and ``failed``.
    """

    def __init__(
        self,
        max_concurrency: int,
        *,
        adaptive: bool = True,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        """Take what the host may be asked at most; None: any number."""
        self.concurrency = Concurrency(max_concurrency, adapts=adaptive)
        self.counts_tokens = tokens_per_minute is not None
        self.in_flight = 0
        self._is_rated = requests_per_minute is not None or tokens_per_minute is not None
        self._requests, self._tokens = Rate(requests_per_minute), Rate(tokens_per_minute)
        self._used_beyond = 0.0
        self._taken_beyond: deque[float] = deque(maxlen=2 * max_concurrency)  # by calls that told nothing yet
        self._n_learnt = self._n_replies = 0
        self._paused_until = 0.0
        self._closed = False
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def admit(self, size: int = 0) -> None:
        """Return when a call may begin; ``size`` is the characters that it sends, where tokens are counted.

        Raises:
            asyncio.CancelledError: the host is closed: no call is to begin any more.
        """
        now = asyncio.get_running_loop().time()
        if self._waiting or self._closed or self._wait_s(now) != 0:
            await self._wait(size)
        else:
            self._begin(now, size)

    def replied(self, began: float, http_status: int = 200, retry_after_s: float | None = None) -> None:
        """Note the reply to a call that was begun at a time of the loop's clock.

        Where the host refused the call, all others wait as long as it wants, up to a minute.
        """
        now = asyncio.get_running_loop().time()
        if http_status in REFUSALS or retry_after_s is not None:
            self.concurrency.refused(began, now, self.in_flight)
            self._paused_until = max(self._paused_until, now + min(LONGEST_WAIT_S, retry_after_s or 0.0))
        elif http_status < SERVER_ERROR:
            self._n_replies += 1
            self.concurrency.answered(began, now, is_full=self.in_flight >= self.concurrency.allowed)
        self._end()

    def gave_up(self, began: float) -> None:
        """Note a call that nobody waits for any more: so slow at least is the host."""
        self.replied(began)

    def failed(self) -> None:
        """Note a call that failed in a way which says nothing of how much the host bears."""
        self._end()

    def used(self, size: int, tokens: int) -> None:
        """Note the tokens that a call of this size has used in fact, read and written."""
        beyond = tokens - size / CHARACTERS_A_TOKEN
        taken = self._taken_beyond.popleft() if self._taken_beyond else self._used_beyond
        self._tokens.correct(beyond - taken)  # whichever call it was: in all, it is what was taken
        self._n_learnt += 1
        weight = max(LEARNT, 1 / self._n_learnt)
        self._used_beyond = max(0.0, self._used_beyond + weight * (beyond - self._used_beyond))

    async def call(self, system: Callable[[Query], Awaitable[Response]], query: Query, size: int) -> Response:
        """Ask a system what was admitted, and note how that ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            response = await system(query)
        except SystemFailure as failure:
            self.replied(began, failure.http_status or SERVER_ERROR, failure.retry_after_s)
            raise
        except asyncio.CancelledError:  # most often by the deadline
            self.gave_up(began)
            raise
        except BaseException:
            self.failed()
            raise
        if self.counts_tokens and (tokens := _tokens_of(response)) is not None:
            self.used(size, tokens)
        self.replied(began)
        return response

    def paid_off_s(self, now: float) -> float:
        """Give the seconds until its rates are as if nobody had been asked."""
        return max(self._requests.paid_off_s(now), self._tokens.paid_off_s(now))

    def close(self) -> None:
        """Let no call begin any more: those that wait are cancelled."""
        self._closed = True
        while self._waiting:
            self._waiting.popleft()[0].cancel()

    def _wait_s(self, now: float) -> float | None:
        """Seconds until the next call may begin; None: when another one has ended.

        Where tokens are counted, no more calls are in flight than have been replied to, and one: what a call
        takes is learnt before many are begun that take more than the rate brings.
        """
        if self.in_flight >= self.concurrency.allowed:
            return None
        if self.counts_tokens and self.in_flight > self._n_replies:
            return None
        wait = max(0.0, self._paused_until - now)
        return max(wait, self._requests.wait_s(now), self._tokens.wait_s(now)) if self._is_rated else wait

    def _begin(self, now: float, size: int) -> None:
        self.in_flight += 1
        if self._is_rated:
            self._requests.take(now)
        if self.counts_tokens:
            self._tokens.take(now, size / CHARACTERS_A_TOKEN + self._used_beyond)
            self._taken_beyond.append(self._used_beyond)

    def _end(self) -> None:
        self.in_flight -= 1
        if self._waiting:
            self._go_on()

    async def _wait(self, size: int) -> None:
        if self._closed:
            raise asyncio.CancelledError
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((place, size))
        self._go_on()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # its turn came, and nobody is there to take it
                self._end()
            raise

    def _go_on(self) -> None:
        """Let those begin who may, and come back when it is time for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            place, size = self._waiting[0]
            if not place.done():
                now = loop.time()
                wait = self._wait_s(now)
                if wait is None:
                    return
                if wait > 0:
                    self._timer = loop.call_later(wait, self._go_on)
                    return
                self._begin(now, size)
                place.set_result(None)
            self._waiting.popleft()


class Limits(NamedTuple):
    """What holds the calls of one system back: its host's limits, and what the run has left."""

    host: Host
    retries: Retries
    budget: Budget

    async def admit(self, query: Query) -> None:
        """Return when the first attempt of a case may begin.

        Raises:
            asyncio.CancelledError: it may not: the run is ending.
        """
        if self.budget.max_cost_usd is not None:
            await self.budget.admit()
        await self.host.admit(self.size_of(query))
        self.retries.firsts += 1

    async def admit_answered(self) -> None:
        """Return when the judges of a case that is answered may be asked; raises what ``admit`` does."""
        if self.budget.max_cost_usd is not None:
            await self.budget.admit()

    async def call(self, system: Callable[[Query], Awaitable[Response]], query: Query) -> Response:
        """Ask a system once, as admitted."""
        return await self.host.call(system, query, self.size_of(query))

    def size_of(self, query: Query) -> int:
        """Characters of a query; 0 where nobody counts them."""
        if not self.host.counts_tokens:
            return 0
        said = sum(len(message.content) for message in query.history)
        return len(query.input) + said + sum(len(passage.text) for passage in query.contexts)


class JudgeLimits(NamedTuple):
    """What holds the requests to one judge back: its limits, and what the run may try again of it."""

    host: Host
    retries: Retries


class RunLimits:
    """The limits of a run, shared by everything that it asks: those of each host, and those of each judge."""

    def __init__(self, settings: RunSettings, seed: int, budget: Budget | None = None) -> None:
        """Take how the run asks, with the calls in flight that it may have in fact."""
        self.settings = settings
        self.retries = Retries(settings.retry_share, settings.max_concurrency, seed)
        self.budget = budget or Budget()
        self._hosts: dict[str, Host] = {}
        self._judges: dict[str, JudgeLimits] = {}
        self._seed = seed

    def of_system(self, host: str) -> Limits:
        """Give the limits of a system; those at the same host share them."""
        if host not in self._hosts:
            self._hosts[host] = Host(
                self.settings.max_concurrency,
                adaptive=self.settings.adaptive,
                requests_per_minute=self.settings.requests_per_minute,
                tokens_per_minute=self.settings.tokens_per_minute,
            )
        return Limits(self._hosts[host], self.retries, self.budget)

    def of_judge(self, name: str, settings: JudgeSettings) -> JudgeLimits:
        """Give the limits of a judge, which are its own."""
        if name not in self._judges:
            in_flight = settings.max_concurrency or self.settings.max_concurrency
            host = Host(
                in_flight,
                adaptive=self.settings.adaptive,
                requests_per_minute=settings.requests_per_minute,
                tokens_per_minute=settings.tokens_per_minute,
            )
            self._judges[name] = JudgeLimits(host, Retries(self.settings.retry_share, in_flight, self._seed))
        return self._judges[name]

    def end(self) -> None:
        """Let no system be asked any more; judges go on with what was answered."""
        for host in self._hosts.values():
            host.close()
        self.budget.close()

    def paid_off_s(self) -> float:
        """Give the seconds until another process may ask in place of this one without exceeding a rate."""
        hosts = (*self._hosts.values(), *(limits.host for limits in self._judges.values()))
        return max((host.paid_off_s(time.monotonic()) for host in hosts), default=0.0)

    def told(self) -> list[str]:
        """Say what limits the run now: ``4 retrying``, ``limit 12/32``, ``judge limit 3/8``."""
        found = [f"{self.retries.waiting} retrying"] if self.retries.waiting else []
        judges = [limits.host for limits in self._judges.values()]
        for whose, hosts in (("", self._hosts.values()), ("judge ", judges)):
            cut = [host for host in hosts if host.concurrency.allowed < host.concurrency.most]
            if cut:
                least = min(cut, key=lambda host: host.concurrency.limit / host.concurrency.most)
                found.append(f"{whose}limit {least.concurrency.allowed}/{least.concurrency.most}")
        return found


def _tokens_of(response: Response) -> int | None:
    usage = response.usage
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)
