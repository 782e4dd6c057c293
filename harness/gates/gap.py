"""The gate on the gap between groups of one attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.fairness.gaps import gap_between_groups, groups_of
from harness.gates.evidence import Evidence
from harness.gates.looks import reach_of
from harness.numbers import number
from harness.types import Case, Gap, Gate, GroupGap, Outcome, Verdict


def find_gap(
    name: str, attribute: str, evidence: Evidence, cases: Sequence[Case], tolerance: float | None = None
) -> Gap:
    """Compare the groups of one attribute on one metric; ``tolerance`` is the deficit that is allowed."""
    rule = evidence.suite.slices[attribute]
    table, metric = evidence.candidate.tables[name], evidence.candidate.run.metrics[name]
    groups = groups_of(cases, (rule.source,))
    return gap_between_groups(name, attribute, table, groups, metric, rule.min_n, tolerance)


def decide_gap(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """Decide it on the cases that the gate is about: by the group against the rest that is shown.

    The verdict's ``candidate`` and ``interval`` are of that group's deficit, which the limit is about; the
    difference of best and worst mean (``gap.difference``) decides nothing.
    """
    limit = gate.max_gap or 0.0
    gap = find_gap(gate.metric or "", gate.slice or "", evidence, cases, limit or None)
    judged = [row for row in gap.groups if row.enough and row.deficit is not None]
    small = [row.group for row in gap.groups if not row.enough]
    missing = [row.group for row in gap.groups if _is_missing(row, gap)]
    base = msgspec.structs.replace(
        empty,
        limit=limit,
        n=gap.overall.n,
        n_total=gap.overall.n + gap.overall.n_unscored,
        gap=gap,
    )

    def verdict(outcome: Outcome, reason: str, row: GroupGap | None = None) -> Verdict:
        shown = row and {"candidate": row.deficit, "interval": row.interval}
        return msgspec.structs.replace(base, outcome=outcome, reason=reason, **(shown or {}))

    if len(gap.groups) < 2:
        found = "only one group" if gap.groups else "no group"
        return verdict("inconclusive", f"there is {found} of {gap.attribute}: nothing to compare")
    if not judged:
        return verdict("inconclusive", f"no group has {gap.min_n} scored cases from enough documents")
    reach = reach_of(evidence.candidate.looks)
    worst = max(judged, key=lambda row: _low(row, reach))
    widest = max(judged, key=lambda row: _high(row, reach))
    if _low(worst, reach) > limit:
        return verdict("fail", f"{worst.group} is worse than the rest by {_deficit_text(worst)}", worst)
    if small and gate.insufficient == "fail":
        return verdict("fail", f"too few cases to judge: {', '.join(small)}", widest)
    if _high(widest, reach) > limit:
        reason = f"{widest.group} may be worse than the rest by {_deficit_text(widest)}"
        return verdict("inconclusive", reason, widest)
    if missing or (small and gate.insufficient == "inconclusive"):
        reason = f"too few scored cases to judge: {', '.join(missing or small)}"
        return verdict("inconclusive", reason, widest)
    note = f"; not judged: {', '.join(small)}" if small else ""
    most = number(_high(widest, reach))
    return verdict("pass", f"no group is worse than the rest by more than {most} (95 %){note}", widest)


def _is_missing(row: GroupGap, gap: Gap) -> bool:
    """A group that might be judged if every case were scored is not small: it, or its rest, is missing."""
    if row.enough:
        return row.deficit is None and gap.overall.n_unscored > 0
    unscored = row.estimate.n_unscored
    return unscored > 0 and row.estimate.n + unscored >= gap.min_n


def _low(row: GroupGap, reach: float) -> float:
    if row.interval is None or row.deficit is None:
        return -math.inf
    return row.deficit - reach * (row.deficit - row.interval.low)


def _high(row: GroupGap, reach: float) -> float:
    if row.interval is None or row.deficit is None:
        return math.inf
    return row.deficit + reach * (row.interval.high - row.deficit)


def _deficit_text(row: GroupGap) -> str:
    if row.interval is None:
        return "any amount: unscored cases have no limit"
    return f"{number(row.deficit)} ({number(row.interval.low)} to {number(row.interval.high)})"
