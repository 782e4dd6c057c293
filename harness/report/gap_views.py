"""Gaps between groups as rows: the same numbers in the report and in the audit."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from harness import numbers
from harness.report import charts, gap_words, wording
from harness.report.charts import Bar, Forest
from harness.report.wording import Finding
from harness.types import Audit, Gap, GroupGap, Report, Verdict


class GroupRow(Struct, frozen=True):
    """One group: its mean with the interval, the shrunken mean, and what stands against the rest."""

    name: str
    bar: Bar
    found: Finding
    mean: str
    interval: str
    n: str
    shrunken: str
    p: str
    detectable: str
    needed: str


class GapView(Struct, frozen=True):
    """One metric by the groups of one attribute; ``kind`` and ``word`` are the audit's.

    ``telling`` is the group that tells most, ``small`` names those not judged.
    """

    metric: str
    attribute: str
    lower_is_better: bool
    level: str
    forest: Forest
    rows: tuple[GroupRow, ...]
    difference: str
    ratio: str
    overall: str
    tolerance: str
    p_omnibus: str
    comparisons: int
    kind: str
    word: str
    verdicts: tuple[Verdict, ...]
    telling: GroupRow | None
    small: tuple[str, ...]


def gap_view(report: Report | Audit, gap: Gap, verdicts: Sequence[Verdict]) -> GapView:
    """Write the numbers of one gap, worst group first; groups too small to judge stand in their place."""
    unit = wording.unit(report, gap.metric)
    forest = charts.groups(gap)
    rows = tuple(_row(gap, group, bar, unit) for group, bar in zip(gap.groups, forest.bars, strict=True))
    telling = gap_words.telling_row(gap)
    kind, word = gap_words.GAP_KINDS[gap.verdict or "too few cases"]
    return GapView(
        metric=gap.metric,
        attribute=gap.attribute,
        lower_is_better=not gap.higher_is_better,
        level=numbers.level_name(group.estimate.interval for group in gap.groups),
        forest=forest,
        rows=rows,
        difference=numbers.number(gap.difference, unit),
        ratio=numbers.number(gap.ratio),
        overall=numbers.with_interval(gap.overall.value, gap.overall.interval, unit),
        tolerance=numbers.number(gap.tolerance, unit) if gap.tolerance is not None else "",
        p_omnibus=numbers.p_value(gap.p_omnibus),
        comparisons=gap.comparisons,
        kind=kind,
        word=word,
        telling=next((row for row in rows if telling is not None and row.name == telling.group), None),
        small=tuple(row.name for row in rows if row.found.kind == "unknown"),
        verdicts=tuple(v for v in verdicts if v.gap is not None and _is_about(v.gap, gap)),
    )


def _row(gap: Gap, group: GroupGap, bar: Bar, unit: str) -> GroupRow:
    return GroupRow(
        name=group.group,
        bar=bar,
        found=gap_words.group_finding(gap, group, unit),
        mean=numbers.number(group.estimate.value, unit),
        interval=numbers.interval(group.estimate.interval, unit),
        n=numbers.used(group.estimate),
        shrunken=numbers.number(group.shrunken, unit),
        p=numbers.p_value(group.p_worse),
        detectable=numbers.number(group.detectable, unit),
        needed=numbers.count(group.needed) if group.needed is not None else "",
    )


def _is_about(one: Gap, other: Gap) -> bool:
    return (one.metric, one.attribute) == (other.metric, other.attribute)
