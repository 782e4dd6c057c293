"""The gate on the gap between groups of one attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.fairness.gaps import gap_between_groups, groups_of
from harness.gates.evidence import Evidence
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
    """Decide it on the cases that the gate is about."""
    limit = gate.max_gap or 0.0
    gap = find_gap(gate.metric or "", gate.slice or "", evidence, cases, limit or None)
    judged = [row for row in gap.groups if row.enough and row.deficit is not None]
    small = [row.group for row in gap.groups if not row.enough]
    missing = [row.group for row in gap.groups if _is_missing(row, gap)]
    base = msgspec.structs.replace(
        empty,
        candidate=gap.difference,
        limit=limit,
        n=gap.overall.n,
        n_total=gap.overall.n + gap.overall.n_unscored,
        gap=gap,
    )

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return msgspec.structs.replace(base, outcome=outcome, reason=reason)

    if len(gap.groups) < 2:
        found = "only one group" if gap.groups else "no group"
        return verdict("inconclusive", f"there is {found} of {gap.attribute}: nothing to compare")
    if not judged:
        return verdict("inconclusive", f"no group has {gap.min_n} scored cases from enough documents")
    worst = max(judged, key=_low)
    widest = max(judged, key=_high)
    if _low(worst) > limit:
        return verdict("fail", f"{worst.group} is worse than the rest by {_deficit_text(worst)}")
    if small and gate.insufficient == "fail":
        return verdict("fail", f"too few cases to judge: {', '.join(small)}")
    if _high(widest) > limit:
        return verdict("inconclusive", f"{widest.group} may be worse by {_deficit_text(widest)}")
    if missing or (small and gate.insufficient == "inconclusive"):
        return verdict("inconclusive", f"too few scored cases to judge: {', '.join(missing or small)}")
    note = f"; not judged: {', '.join(small)}" if small else ""
    return verdict("pass", f"no group is worse by more than {number(_high(widest))} (95 %){note}")


def _is_missing(row: GroupGap, gap: Gap) -> bool:
    """A group that might be judged if every case were scored is not small: it, or its rest, is missing."""
    if row.enough:
        return row.deficit is None and gap.overall.n_unscored > 0
    unscored = row.estimate.n_unscored
    return unscored > 0 and row.estimate.n + unscored >= gap.min_n


def _low(row: GroupGap) -> float:
    return row.interval.low if row.interval else -math.inf


def _high(row: GroupGap) -> float:
    return row.interval.high if row.interval else math.inf


def _deficit_text(row: GroupGap) -> str:
    if row.interval is None:
        return "any amount: unscored cases have no limit"
    return f"{number(row.deficit)} ({number(row.interval.low)} to {number(row.interval.high)})"
