"""What an audit says of groups and gaps, in words and marks: the same in every rendering."""

from __future__ import annotations

from harness import numbers
from harness.report.wording import Finding
from harness.types import DeficitChange, EqualMix, Gap, GapVerdict, GroupGap


def group_finding(gap: Gap, group: GroupGap, in_unit: str = "") -> Finding:
    """Say what the audit shows of one group: too few cases, worse or better than the rest, parity, nothing.

    The number is the deficit: positive where the group is worse off, whatever the metric's direction.
    """
    if group.verdict == "too few cases":
        return Finding("unknown", _why_not_judged(gap, group))
    span = numbers.with_interval(group.deficit, group.interval, in_unit, change=True)
    allowed = numbers.number(gap.tolerance, in_unit)
    if group.verdict == "worse beyond tolerance":
        return Finding("worse", f"worse than the rest, beyond the tolerance of {allowed}: {span}")
    if group.verdict == "difference found":
        within = "; whether beyond the tolerance is open" if gap.tolerance is not None else ""
        size = numbers.worse_by(group.deficit, group.at_least, group.interval, in_unit)
        return Finding("worse", f"worse than the rest by {size}{within}")
    if group.verdict == "better than the rest":
        return Finding("better", f"better than the rest: {span}")
    if group.verdict == "parity shown":
        return Finding("even", f"parity shown, within {allowed}: {span}")
    high = group.interval.high if group.interval else None
    excluded = f"; up to {numbers.number(high, in_unit)} is not excluded" if high and high > 0 else ""
    return Finding("even", f"no difference found: {span}{excluded}")


def _why_not_judged(gap: Gap, group: GroupGap) -> str:
    n = numbers.count(group.estimate.n)
    if not group.enough and group.estimate.n < gap.min_n:
        return f"n = {n}: too few cases to judge (need {numbers.count(gap.min_n)})"
    if not group.enough:
        return f"n = {n} from {numbers.count(group.n_clusters)} documents: too few to judge"
    if group.deficit is not None:
        return "not bounded: unscored cases have no limit"
    return "not compared: too few cases outside the group"


GAP_KINDS: dict[GapVerdict, tuple[str, str]] = {
    "worse beyond tolerance": ("fail", "FAIL: worse beyond tolerance"),
    "difference found": ("worse", "difference found"),
    "too few cases": ("inconclusive", "INSUFFICIENT DATA"),
    "no difference found": ("even", "no difference found"),
    "parity shown": ("pass", "OK: parity shown"),
    "better than the rest": ("better", "better than the rest"),
}
"""What an audit says of a gap: the kind of its mark, and the words beside it."""
GAP_WORDS: dict[GapVerdict | None, str] = {
    "worse beyond tolerance": "FAIL",
    "difference found": "difference",
    "too few cases": "too few",
    "no difference found": "none found",
    "parity shown": "parity",
    None: numbers.NONE,
}
"""The same where there is little room."""


def is_worse(row: DeficitChange | EqualMix) -> bool:
    """Whether a group is found worse: by its one-sided test, whose lower limit is then above 0."""
    return row.at_least is not None and row.at_least > 0


def telling_row(gap: Gap) -> GroupGap | None:
    """Give the group that tells most about a gap: what made its verdict, else where most is not excluded."""
    order = ("worse beyond tolerance", "difference found", "better than the rest")
    judged = [(row.interval.high, row) for row in gap.groups if row.interval is not None]
    if not judged:
        return None

    def rank(pair: tuple[float, GroupGap]) -> tuple[int, float]:
        high, row = pair
        return (order.index(row.verdict) if row.verdict in order else len(order)), -high

    return min(judged, key=rank)[1]
