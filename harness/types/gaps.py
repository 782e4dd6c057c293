"""Gaps between groups of users."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.types.evidence import Estimate, Interval

GapVerdict = Literal[
    "worse beyond tolerance",
    "difference found",
    "too few cases",
    "parity shown",
    "no difference found",
    "better than the rest",
]
"""What an audit says of a group, and of a gap: the gravest that a group of it has."""


class GroupGap(Struct, frozen=True):
    """One group against the rest; ``deficit`` is how much worse the group is (positive: worse).

    ``interval`` is of the deficit and holds together with those of the other judged groups. ``p_worse`` is
    the one-sided p-value of "the group is worse", adjusted for all of them (None where scores are missing).
    ``shrunken`` is the group's mean drawn to the centre as far as it is noise. ``detectable`` is the
    smallest true deficit that ``p_worse`` finds with 80 % power. ``needed`` is how many cases the group needs
    to be judged and for a deficit of the tolerance to be found with that power (None where it is settled).
    ``at_least`` is the one-sided lower limit of the deficit that goes with ``p_worse``: above 0 exactly where
    the group is found worse at 5 %; ``interval`` is wider, for it looks to both sides.
    """

    group: str
    estimate: Estimate
    n_clusters: int
    enough: bool
    deficit: float | None = None
    interval: Interval | None = None
    p_worse: float | None = None
    shrunken: float | None = None
    detectable: float | None = None
    needed: int | None = None
    verdict: GapVerdict | None = None
    at_least: float | None = None


class Gap(Struct, frozen=True):
    """How one metric differs between the groups of one attribute; groups sorted worst first.

    ``difference`` is best minus worst group mean among groups with enough cases (descriptive: it is biased
    upward); the verdict rests on the simultaneous intervals of each group against the rest. ``p_omnibus`` is
    the p-value of "all groups are alike", small ones included. ``alpha`` is the two-sided level of one of
    the ``comparisons``, so that all intervals hold together, ``alpha_worse`` that of "the group is worse".
    ``tolerance`` is the deficit that is allowed.
    """

    metric: str
    attribute: str
    groups: tuple[GroupGap, ...]
    overall: Estimate
    min_n: int
    difference: float | None = None
    ratio: float | None = None
    higher_is_better: bool = True
    p_omnibus: float | None = None
    alpha: float | None = None
    alpha_worse: float | None = None
    comparisons: int = 0
    tolerance: float | None = None
    verdict: GapVerdict | None = None
