"""A rate that is kept smoothly: so much a minute, with no burst beyond what one second brings."""

from __future__ import annotations

import math

BURST_S = 1.0
"""Seconds whose amount may go at once after a pause; the rest follows at the rate."""


class Rate:
    """How much may go, and when: the generic cell rate algorithm (ITU-T I.371, 1996) as virtual scheduling.

    In any ``t`` seconds no more goes than ``(t + BURST_S) * per_minute / 60`` and one more. An amount of any
    size goes as soon as what went before is paid off, and is itself paid off afterwards: nothing waits for
    ever. Times are seconds of any clock that never goes back.
    """

    def __init__(self, per_minute: float | None) -> None:
        """Take how much may go in a minute, above 0; None: any amount."""
        self._seconds_of_one = 0.0 if per_minute is None else 60 / per_minute
        self._paid_off_at = -math.inf

    def wait_s(self, now: float) -> float:
        """Give the seconds until the next may go; 0 where it may go now."""
        return max(0.0, self._paid_off_at - BURST_S - now)

    def paid_off_s(self, now: float) -> float:
        """Give the seconds until what went is paid off: another rate may begin then, with its burst."""
        return max(0.0, self._paid_off_at - now)

    def take(self, now: float, amount: float = 1.0) -> None:
        """Note that so much went, whether it was its time or not."""
        if self._seconds_of_one:
            self._paid_off_at = max(self._paid_off_at, now) + amount * self._seconds_of_one

    def correct(self, more: float) -> None:
        """Note that what went was so much more than was thought, or less where it is negative."""
        self._paid_off_at += more * self._seconds_of_one
