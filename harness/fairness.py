"""Scores by group to a Gap: every group against the rest, with simultaneous intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.comparison import LEVEL, Table, estimate, resolution
from harness.types import UNSCORED, Case, Gap, GroupGap, Interval, MetricIdentity

MIN_CLUSTERS = 10
"""Source documents below which a group is listed and not judged."""


def gap_between_groups(
    name: str,
    attribute: str,
    table: Table,
    groups: Mapping[str, Sequence[Case]],
    metric: MetricIdentity,
    min_n: int,
) -> Gap:
    """Compare each group with all cases outside it.

    The intervals are Bonferroni-adjusted over the judged groups, so that together they hold with 95 %.
    Unscored cases widen them: within the group they count at their worst, outside it at their best. A
    deficit is never bounded closer than ``3 / n`` of the range for a group of n (rule of three).

    Args:
        name: the metric.
        attribute: what the groups are values of.
        table: the metric's values by case.
        groups: group to its cases; a case may be in several.
        metric: direction and range.
        min_n: scored cases below which a group is listed and not judged, nor judged by as few others.
    """
    everyone = list({case.id: case for cases in groups.values() for case in cases}.values())
    estimates = {group: estimate(table, cases, metric) for group, cases in groups.items()}
    rests: dict[str, list[Case]] = {}
    for group, cases in groups.items():
        members = {case.id for case in cases}
        rests[group] = [case for case in everyone if case.id not in members]
    enough = {group: _is_enough(table, cases, min_n) for group, cases in groups.items()}
    judged = {group for group, rest in rests.items() if enough[group] and _is_enough(table, rest, min_n)}
    level = 1 - (1 - LEVEL) / max(1, len(judged))
    rows: list[GroupGap] = []
    for group, cases in groups.items():
        deficit = interval = None
        if group in judged:
            deficit, interval = _deficit(table, cases, rests[group], metric, level)
        clusters = _clusters(table, cases)
        rows.append(GroupGap(group, estimates[group], clusters, enough[group], deficit, interval))
    means = [row.estimate.value for row in rows if row.enough and row.estimate.value is not None]
    return Gap(
        metric=name,
        attribute=attribute,
        groups=tuple(sorted(rows, key=lambda row: _worst_first(row, metric))),
        overall=estimate(table, everyone, metric),
        min_n=min_n,
        difference=max(means) - min(means) if len(means) > 1 else None,
        ratio=min(means) / max(means) if len(means) > 1 and max(means) > 0 else None,
        higher_is_better=metric.higher_is_better,
    )


def _deficit(
    table: Table, group: Sequence[Case], rest: Sequence[Case], metric: MetricIdentity, level: float
) -> tuple[float, Interval | None]:
    """How much worse the group is than the rest, and the interval that allows for unscored cases.

    No interval where unscored cases of a metric without an upper end leave the deficit without a limit.
    """
    from harness.stats.paired import clustered_difference, student_quantile, two_sided_limits, unit_error

    sign = 1.0 if metric.higher_is_better else -1.0
    ours = [(sign * value, case.cluster) for case in group if (value := _value(table, case)) is not None]
    others = [(sign * value, case.cluster) for case in rest if (value := _value(table, case)) is not None]
    result = clustered_difference(
        [value for value, _ in others],
        [cluster for _, cluster in others],
        [value for value, _ in ours],
        [cluster for _, cluster in ours],
    )
    low, high = two_sided_limits(result, level)
    high = max(high, result.mean + resolution(min(len(ours), len(others)), metric))
    quantile = student_quantile(result.df, (1 + level) / 2)
    span = math.inf if metric.high is None else metric.high - metric.low
    for cases in (group, rest):
        lost = [case.cluster for case in cases if _is_lost(table, case)]
        if lost:
            # Moving an unscored case over the whole range moves a mean by range / n and its error by no more
            # than unit_error; both sides of the difference are allowed for at once.
            counted = [*lost, *(case.cluster for case in cases if _value(table, case) is not None)]
            widest = 1 / len(counted) + quantile * unit_error(counted, result.clusters)
            low, high = low - len(lost) * span * widest, high + len(lost) * span * widest
    if not (math.isfinite(low) and math.isfinite(high)):
        return result.mean + 0.0, None
    method = "group against rest, Bonferroni, clustered"
    return result.mean + 0.0, Interval(max(low, -span), min(high, span), level, method)


def _is_enough(table: Table, cases: Sequence[Case], min_n: int) -> bool:
    scored = sum(_value(table, case) is not None for case in cases)
    return scored >= min_n and _clusters(table, cases) >= MIN_CLUSTERS


def _clusters(table: Table, cases: Sequence[Case]) -> int:
    return len({case.cluster for case in cases if _value(table, case) is not None})


def _value(table: Table, case: Case) -> float | None:
    found = table.get(case.id)
    return None if found is None else found.value


def _is_lost(table: Table, case: Case) -> bool:
    return case.id not in table or table[case.id].status in UNSCORED


def _worst_first(row: GroupGap, metric: MetricIdentity) -> tuple[float, str]:
    if row.estimate.value is None:
        return math.inf, row.group
    return (row.estimate.value if metric.higher_is_better else -row.estimate.value), row.group
