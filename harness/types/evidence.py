"""Numbers with their uncertainty: estimates, and comparisons of two runs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.types.goldens import Slice


class Interval(Struct, frozen=True):
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


class Estimate(Struct, frozen=True):
    """A mean over cases: ``n`` have a value, ``n_unscored`` should have had one, the rest do not apply."""

    value: float | None
    n: int
    n_unscored: int
    interval: Interval | None = None


class Comparison(Struct, frozen=True):
    """Candidate against baseline on one metric and slice, paired by case.

    ``change`` is candidate minus baseline over the pairs. ``p_worse`` is the one-sided p-value of "the
    candidate is worse". ``harm`` is the change turned so that positive is worse; ``harm_limit`` is its
    one-sided upper limit (95 %, but where ``limit_level`` says else) with every unscored pair counted at its
    worst (None: cannot be bounded).
    ``n_gained`` cases have a value in the candidate only and are not part of the comparison.
    ``detectable`` is the smallest true harm found with 80 % power at ``alpha``. ``p_adjusted`` is the p-value
    within all tests of the gate, held against ``level``: what the gate may have spent of its alpha by now.
    On the scale of ratios all changes and harms are relative: 0.1 is ten percent. ``baseline`` and
    ``candidate`` are the means of all that each side has; ``pair_means`` are both over the pairs alone, and
    what is shown beside a change.
    """

    metric: str
    slice: Slice
    baseline: Estimate
    candidate: Estimate
    change: float | None = None
    interval: Interval | None = None
    p_worse: float | None = None
    harm: float | None = None
    harm_limit: float | None = None
    detectable: float | None = None
    alpha: float | None = None
    n_pairs: int = 0
    n_unpaired: int = 0
    n_gained: int = 0
    n_clusters: int = 0
    worse: int = 0
    better: int = 0
    same: int = 0
    higher_is_better: bool = True
    method: str = ""
    scale: Literal["difference", "ratio"] = "difference"
    limit_level: float = 0.95
    p_adjusted: float | None = None
    level: float | None = None
    pair_means: tuple[float, float] | None = None

    @property
    def means(self) -> tuple[float | None, float | None]:
        """Baseline and candidate over the cases that both have; without a pair, over what each has."""
        return self.pair_means or (self.baseline.value, self.candidate.value)

    @property
    def is_whole(self) -> bool:
        """Whether both sides have a value for the same cases and no others."""
        return self.baseline.n == self.candidate.n == self.n_pairs


class TailChange(Struct, frozen=True):
    """How a high quantile of a time or a cost moved, over the same cases: advisory, it decides nothing.

    ``interval`` is of ``after - before``, ``relative`` of ``after / before - 1``. Of ``n`` cases ``n_lost``
    lack a value on a side; they count as the slowest after and as nothing before, and where that leaves
    ``after`` or its limits open these are None.
    """

    metric: str
    quantile: float
    before: float
    after: float | None
    interval: Interval | None
    relative: Interval | None
    n: int
    n_lost: int
    n_clusters: int
