"""How many calls a host may have in flight: cut where it refuses them or becomes slow, then raised again."""

from __future__ import annotations

import math

REFUSED_CUT = 0.5
"""What is left of the limit when a call is refused."""
SLOW_CUT = 0.7
"""What is left of the limit when calls have become slow."""
SLOW = 2.0
"""How many times the best median three of four calls take when they have become slow."""
EFFECT = 0.85
"""What is left of the median, at most, where fewer calls in flight made them faster."""
LEAST_CALLS = 20
"""Calls whose times are looked at together, where the limit is lower."""
PROBE_ROUNDS = 10
"""Round trips for which the limit stays just below what was refused last, before one more is tried."""


class Concurrency:
    """A limit from 1 to ``most``, cut by a factor and raised by one per round trip (Chiu and Jain 1989).

    **Refused.** A refusal halves the limit, unless the call was begun before the last cut: all calls of one
    round trip cut it once. Below what was refused, the limit rises by one per round trip, and the last step
    takes ``PROBE_ROUNDS`` of them, so that a host which admits so many refuses few.

    **Slow.** Of every round of calls (as many as the limit, ``LEAST_CALLS`` at least, all begun after the
    last cut) the median is taken, and the smallest median is remembered. Where three of four calls took more
    than ``SLOW`` times that, the limit is cut to ``SLOW_CUT`` of it. That is on trial: if the median of the
    next round has not fallen to ``EFFECT``, it is not our calls that make the host slow; the limit is
    restored at once and the median becomes the one to remember. So a healthy host whose times scatter keeps
    its limit.

    Times are seconds of any clock that never goes back.
    """

    def __init__(self, most: int, *, adapts: bool = True) -> None:
        """Begin with as many as there may ever be; it stays there unless it ``adapts``."""
        self.most = most
        self.limit = float(most)
        self._adapts = adapts
        self._refused_at = math.inf
        self._cut_at = -math.inf
        self._took: list[float] = []
        self._best_median = math.inf
        self._trial: tuple[float, float] | None = None  # the median and the limit before the last slow cut

    @property
    def allowed(self) -> int:
        """Calls that may be in flight."""
        return int(self.limit)

    def answered(self, began: float, now: float, *, is_full: bool) -> None:
        """Note a call that was answered, or given up; ``is_full``: no more were allowed beside it."""
        if not self._adapts:
            return
        if is_full and self.limit < self.most:
            near = self._refused_at - 1 <= self.limit <= self._refused_at
            self.limit = min(float(self.most), self.limit + 1 / self.limit / (PROBE_ROUNDS if near else 1))
        if began > self._cut_at:
            self._took.append(now - began)
            if len(self._took) >= max(LEAST_CALLS, self.limit):
                self._end_round(now)

    def refused(self, began: float, now: float, in_flight: int) -> None:
        """Note a call that was refused while so many were in flight, itself among them."""
        if self._adapts and began > self._cut_at:
            self._refused_at = min(self.limit, in_flight)
            self._trial = None
            self._cut(self._refused_at * REFUSED_CUT, now)

    def _end_round(self, now: float) -> None:
        took, self._took = sorted(self._took), []
        quartile, median = took[len(took) // 4], took[len(took) // 2]
        if self._trial is not None:
            median_before, limit_before = self._trial
            self._trial = None
            if median > EFFECT * median_before:
                self.limit = max(self.limit, limit_before)
                self._best_median = median
        elif quartile > SLOW * self._best_median and self.limit > 1:
            self._trial = median, self.limit
            self._cut(self.limit * SLOW_CUT, now)
        else:
            self._best_median = min(self._best_median, median)

    def _cut(self, limit: float, now: float) -> None:
        self.limit = max(1.0, limit)
        self._cut_at = now
        self._took = []
