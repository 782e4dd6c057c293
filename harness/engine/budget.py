"""What a run may spend: money, held before each call is begun, and minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from harness.errors import UsageError
from harness.types import Response

NO_COST_MEND = (
    "have it say `usage.cost_usd` (with `usd_per_million_tokens`, openai_chat does), or limit the time with"
    " --max-minutes"
)


class Stops(Protocol):
    """Ends a run early, cleanly."""

    def stop(self, why: str) -> None:
        """Begin no further case; those in flight get some seconds to finish."""

    def stop_after(self, seconds: float, why: str) -> None:
        """Stop when so much time has passed, unless the run has ended."""


class Budget:
    """Money and minutes of a run, over all that it asks; used within one event loop.

    A case is begun only if what was spent, and what it and those in flight will cost by the mean so far, stay
    within the budget. Until one has told its cost, cases go one at a time; afterwards, where one does not
    fit, those in flight are waited for, which may turn out cheaper.
    """

    def __init__(self, max_cost_usd: float | None = None, max_minutes: float | None = None) -> None:
        """Take what may be spent; None: any amount."""
        self.max_cost_usd, self.max_minutes = max_cost_usd, max_minutes
        self.spent_usd = 0.0
        self._n_priced = self._in_flight = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._stop: Callable[[str], None] = lambda _: None
        self._closed = False

    @property
    def mean_usd(self) -> float | None:
        """What a case has cost so far, judges included; None before the first that told."""
        return self.spent_usd / self._n_priced if self._n_priced else None

    def begin(self, signals: Stops) -> None:
        """Begin to count minutes; ``signals`` is told when something is used up."""
        self._stop = signals.stop
        if self.max_minutes is not None:
            signals.stop_after(60 * self.max_minutes, f"its {self.max_minutes:g} minutes are over")

    def count_before(self, n: int, spent_usd: float) -> None:
        """Take into account what ``n`` cases of an earlier part of the run have cost."""
        self._n_priced += n
        self.spent_usd += spent_usd

    async def admit(self) -> None:
        """Return when there is money for another case.

        Raises:
            asyncio.CancelledError: there is none left, or the run is ending.
        """
        while not self._closed:
            if self._fits():
                self._in_flight += 1
                return
            if not self._in_flight:
                self._stop(f"its budget of ${self.max_cost_usd:g} has no room for another case")
                break
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place
        raise asyncio.CancelledError

    def paid(self, cost_usd: float) -> None:
        """Note what a judge's reply cost, as soon as it came."""
        self.spent_usd += cost_usd

    def finished(self, response: Response) -> None:
        """Note a case for which nothing more is paid.

        Answers without a cost, and calls that ran into the deadline, count as the mean; other errors, and
        cached answers, as nothing.

        Raises:
            UsageError: under a limit of money, the first answer does not tell what it cost.
        """
        cost = None if response.cached else self._cost_of(response)
        if cost is not None:
            self.spent_usd += cost
            self._n_priced += 1
        self._in_flight -= 1
        self._wake()

    def close(self) -> None:
        """Let no case begin any more."""
        self._closed = True
        self._wake()

    def _cost_of(self, response: Response) -> float | None:
        if response.usage.cost_usd is not None:
            return response.usage.cost_usd
        if response.error is not None:
            return self.mean_usd if response.error.kind == "timeout" else None
        if self.max_cost_usd is not None and not self._n_priced:
            what = "the system does not tell what an answer costs: a budget of money cannot be kept"
            raise UsageError(what, mend=NO_COST_MEND)
        return self.mean_usd

    def _fits(self) -> bool:
        mean = self.mean_usd
        if mean is None or self.max_cost_usd is None:
            return self.max_cost_usd is None or self._in_flight == 0
        return self.spent_usd + (self._in_flight + 1) * mean <= self.max_cost_usd * (1 + 1e-9)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)
