"""What an interval says of a group and of a gap, in the words of an audit."""

from __future__ import annotations

from collections.abc import Iterable

from harness.comparison import LEVEL
from harness.types import GapVerdict, GroupGap

GRAVEST_FIRST: tuple[GapVerdict, ...] = (
    "worse beyond tolerance",
    "difference found",
    "too few cases",
    "no difference found",
    "parity shown",
)


def group_verdict(row: GroupGap, tolerance: float | None) -> GapVerdict:
    """Say what is shown of one group.

    Parity is shown where the whole interval lies within the tolerance on both sides, however sure a smaller
    difference is. A group is found worse by its one-sided p-value, adjusted for all groups, or where scores
    are missing by its interval; "no difference found" only says that neither shows one. Without a tolerance
    there is nothing to be beyond or within.
    """
    found = row.interval
    if not row.enough or found is None:
        return "too few cases"
    if tolerance is not None and found.low > tolerance:
        return "worse beyond tolerance"
    if tolerance is not None and -tolerance <= found.low and found.high <= tolerance:
        return "parity shown"
    if found.low > 0 or (row.p_worse is not None and row.p_worse <= 1 - LEVEL):
        return "difference found"
    return "better than the rest" if found.high < 0 else "no difference found"


def gap_verdict(rows: Iterable[GroupGap]) -> GapVerdict:
    """The gravest that a group has (better than the rest is a difference); parity only where all have it."""
    seen = {row.verdict for row in rows}
    if "worse beyond tolerance" in seen:
        return "worse beyond tolerance"
    if seen & {"difference found", "better than the rest"}:
        return "difference found"
    if "too few cases" in seen or not seen:
        return "too few cases"
    return "parity shown" if seen == {"parity shown"} else "no difference found"
