"""How gaps moved since the baseline: a release can keep the mean and widen a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.comparison import LEVEL, Table
from harness.fairness.gaps import MIN_CLUSTERS
from harness.types import Case, DeficitChange, Interval, MetricIdentity

METHOD = "paired, group against rest, simultaneous by cluster sign flips"


def deficit_changes(
    tables: tuple[Table, Table], groups: Mapping[str, Sequence[Case]], metric: MetricIdentity, min_n: int
) -> tuple[DeficitChange, ...]:
    """Compare each group's deficit in two runs, over the cases that have a value in both.

    The change of a deficit is the contrast, group against rest, of the paired differences, so that what makes
    a case hard cancels. Worst change first.

    Args:
        tables: baseline and candidate.
        groups: group to its cases that may be compared.
        metric: direction and range.
        min_n: pairs below which a group is left out, in it or outside it.
    """
    from harness.stats.groups import make_sample, rest_contrasts
    from harness.stats.simultaneous import hold_together

    everyone = list({case.id: case for cases in groups.values() for case in cases}.values())
    sign = -1.0 if metric.higher_is_better else 1.0
    harms: dict[str, tuple[float, float]] = {}
    for case in everyone:
        before, after = (table.get(case.id) for table in tables)
        if before and after and before.value is not None and after.value is not None:
            harms[case.id] = sign * before.value, sign * after.value
    paired = [case for case in everyone if case.id in harms]
    members = {name: {case.id for case in cases} for name, cases in groups.items()}
    judged = [name for name in sorted(groups) if _is_enough(paired, members[name], min_n)]
    if not judged:
        return ()
    clusters = [case.cluster for case in paired]
    inside = [[case.id in members[name] for name in judged] for case in paired]
    old = rest_contrasts(make_sample([harms[case.id][0] for case in paired], clusters, inside))
    new = rest_contrasts(make_sample([harms[case.id][1] for case in paired], clusters, inside))
    moved = rest_contrasts(
        make_sample([harms[case.id][1] - harms[case.id][0] for case in paired], clusters, inside)
    )
    together = hold_together(moved, LEVEL)
    found = [
        DeficitChange(
            group=name,
            before=float(old.means[at]) + 0.0,
            after=float(new.means[at]) + 0.0,
            change=float(moved.means[at]) + 0.0,
            n_pairs=sum(case.id in members[name] for case in paired),
            n_unpaired=sum(case.id not in harms for case in groups[name]),
            interval=Interval(float(together.low[at]), float(together.high[at]), LEVEL, METHOD),
            p_worse=float(together.p_worse[at]),
            at_least=float(together.at_least[at]),
        )
        for at, name in enumerate(judged)
    ]
    return tuple(sorted(found, key=lambda row: (-row.change, row.group)))


def _is_enough(paired: Sequence[Case], members: set[str], min_n: int) -> bool:
    sides = [[case.cluster for case in paired if (case.id in members) is inside] for inside in (True, False)]
    return all(len(side) >= min_n and len(set(side)) >= MIN_CLUSTERS for side in sides)
