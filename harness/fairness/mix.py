"""Groups at equal mix: is a group worse served, or are its questions harder?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.comparison import LEVEL, Table
from harness.fairness.gaps import MIN_CLUSTERS
from harness.slices import values_of
from harness.types import Case, EqualMix, Gap, Interval, MetricIdentity

NO_VALUE = "(none)"
METHOD = "within strata (Cochran, Mantel-Haenszel weights), simultaneous by cluster sign flips"


def equal_mix(
    gap: Gap,
    by: str,
    source: str,
    table: Table,
    groups: Mapping[str, Sequence[Case]],
    metric: MetricIdentity,
) -> tuple[EqualMix, ...]:
    """Compare each judged group with the others within the strata of another attribute.

    A stratum that holds the group only, or others only, says nothing and has no part. A group is left out
    where its strata with others hold fewer than ``gap.min_n`` of its cases or 10 of its documents.

    Args:
        gap: the same groups without strata.
        by: name of the attribute that makes the strata.
        source: where cases have it; a case without a value is in a stratum of its own kind.
        table: the metric's values by case.
        groups: group to its cases.
        metric: direction and range.
    """
    from harness.stats.groups import make_sample, rest_contrasts
    from harness.stats.simultaneous import hold_together

    mixed = {row.group: row for row in gap.groups if row.deficit is not None}
    everyone = list({case.id: case for cases in groups.values() for case in cases}.values())
    scored = [case for case in everyone if (found := table.get(case.id)) and found.value is not None]
    strata = {case.id: " & ".join(values_of(case, source)) or NO_VALUE for case in scored}
    members = {name: {case.id for case in groups[name]} for name in mixed}
    within = {name: _within(scored, members[name], strata) for name in mixed}
    judged = [name for name in sorted(mixed) if _is_enough(within[name], gap.min_n)]
    if not judged or len(set(strata.values())) < 2:
        return ()
    sign = -1.0 if metric.higher_is_better else 1.0
    sample = make_sample(
        [sign * (table[case.id].value or 0.0) for case in scored],
        [case.cluster for case in scored],
        [[case.id in members[name] for name in judged] for case in scored],
        [strata[case.id] for case in scored],
    )
    contrasts = rest_contrasts(sample)
    together = hold_together(contrasts, LEVEL)
    rows = []
    for at, name in enumerate(judged):
        interval = Interval(float(together.low[at]), float(together.high[at]), LEVEL, METHOD)
        deficit, before = float(contrasts.means[at]) + 0.0, mixed[name]
        sure = not interval.low <= 0 <= interval.high or (
            before.interval is not None and not before.interval.low <= 0 <= before.interval.high
        )
        rows.append(
            EqualMix(
                by=by,
                group=name,
                mixed=before.deficit or 0.0,
                deficit=deficit,
                n=len(within[name]),
                n_strata=len({strata[case.id] for case in within[name]}),
                interval=interval,
                p_worse=float(together.p_worse[at]),
                at_least=float(together.at_least[at]),
                reversed=sure and deficit * (before.deficit or 0.0) < 0,
            )
        )
    return tuple(rows)


def _within(scored: Sequence[Case], members: set[str], strata: Mapping[str, str]) -> list[Case]:
    """The group's cases in strata that hold others too."""
    seen: dict[str, set[bool]] = defaultdict(set)
    for case in scored:
        seen[strata[case.id]].add(case.id in members)
    return [case for case in scored if case.id in members and len(seen[strata[case.id]]) == 2]


def _is_enough(cases: Sequence[Case], min_n: int) -> bool:
    return len(cases) >= min_n and len({case.cluster for case in cases}) >= MIN_CLUSTERS
