"""Scores by group to a Gap: every group against the rest, with intervals that hold together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness.comparison import LEVEL, Table, estimate, resolution
from harness.fairness.verdicts import gap_verdict, group_verdict
from harness.slices import values_of
from harness.types import UNSCORED, Case, Gap, GroupGap, Interval, MetricIdentity

if TYPE_CHECKING:
    from harness.stats.groups import Sample

MIN_CLUSTERS = 10
"""Source documents below which a group is listed and not judged."""


def groups_of(cases: Iterable[Case], sources: Sequence[str]) -> dict[str, list[Case]]:
    """Sort cases by the values of an attribute, or of several crossed (``de & plain``).

    A case without a value is in no group; one with several (tags) is in several.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        for values in product(*(dict.fromkeys(values_of(case, source)) for source in sources)):
            groups.setdefault(" & ".join(values), []).append(case)
    return groups


def gap_between_groups(
    name: str,
    attribute: str,
    table: Table,
    groups: Mapping[str, Sequence[Case]],
    metric: MetricIdentity,
    min_n: int,
    tolerance: float | None = None,
) -> Gap:
    """Compare each group with all cases outside it.

    The intervals hold together with 95 % over the judged groups, by flipping the signs of whole clusters
    (``stats.groups.hold_together``). Unscored cases widen them: within the group they count at their worst,
    outside it at their best, and the error is shared among all groups that they might have let be judged
    (Bonferroni), so that nothing lost can narrow an interval. A deficit is never bounded closer than
    ``3 / n`` of the range for a group of n (rule of three).

    Args:
        name: the metric.
        attribute: what the groups are values of.
        table: the metric's values by case.
        groups: group to its cases; a case may be in several.
        metric: direction and range.
        min_n: scored cases below which a group is listed and not judged, nor judged by as few others.
        tolerance: the deficit that is allowed, above 0: says how many cases a group needs.
    """
    everyone = list({case.id: case for cases in groups.values() for case in cases}.values())
    scored = _Scored(table, everyone, groups, metric)
    judged = [group for group in sorted(groups) if scored.is_enough(group, min_n, among_others=True)]
    deficits = _deficits(scored, judged, min_n) if judged else {}
    shrunken = scored.shrunken()
    rows = [
        GroupGap(
            group=group,
            estimate=estimate(table, cases, metric),
            n_clusters=scored.clusters(group),
            enough=scored.is_enough(group, min_n),
            shrunken=shrunken.get(group),
        )
        for group, cases in groups.items()
    ]
    held = next(iter(deficits.values()), None)
    alpha_worse = held.alpha_worse if held else None
    rows = [_with_deficit(row, deficits.get(row.group), metric) for row in rows]
    rows = [_with_words(row, scored.needed(row, min_n, alpha_worse, tolerance), tolerance) for row in rows]
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
        p_omnibus=scored.p_omnibus(),
        alpha=held.alpha if held else None,
        alpha_worse=alpha_worse,
        comparisons=len(deficits),
        tolerance=tolerance,
        verdict=gap_verdict(rows),
    )


class _Deficit(NamedTuple):
    """How much worse a group is than the rest, within which limits (infinite: none) and how surely."""

    value: float
    low: float
    high: float
    p_worse: float | None
    at_least: float | None
    detectable: float
    alpha: float
    alpha_worse: float
    method: str


class _Scored:
    """The scored cases of all groups as harm (positive is worse), and the lost ones by group."""

    def __init__(
        self,
        table: Table,
        everyone: Sequence[Case],
        groups: Mapping[str, Sequence[Case]],
        metric: MetricIdentity,
    ) -> None:
        self.metric = metric
        self.sign = -1.0 if metric.higher_is_better else 1.0
        self.names = sorted(groups)
        members = {name: {case.id for case in cases} for name, cases in groups.items()}
        self.harms: list[float] = []
        self.of: list[str] = []
        self.inside: list[list[bool]] = []
        self.lost_of: list[str] = []
        self.lost_inside: list[list[bool]] = []
        self._samples: dict[tuple[str, ...], Sample] = {}
        self._sides: dict[tuple[str, bool, bool], list[str]] = {}
        for case in everyone:
            found = table.get(case.id)
            row = [case.id in members[name] for name in self.names]
            if found is not None and found.value is not None:
                self.harms.append(self.sign * found.value)
                self.of.append(case.cluster)
                self.inside.append(row)
            elif found is None or found.status in UNSCORED:
                self.lost_of.append(case.cluster)
                self.lost_inside.append(row)

    def side(self, group: str, *, inside: bool, lost: bool = False) -> list[str]:
        """Clusters of the scored (or lost) cases of a group, or of those outside it, one for each case."""
        key = group, inside, lost
        if key not in self._sides:
            at = self.names.index(group)
            of, rows = (self.lost_of, self.lost_inside) if lost else (self.of, self.inside)
            self._sides[key] = [cluster for cluster, row in zip(of, rows, strict=True) if row[at] == inside]
        return self._sides[key]

    def clusters(self, group: str) -> int:
        """How many clusters the scored cases of a group come from."""
        return len(set(self.side(group, inside=True)))

    def is_enough(self, group: str, min_n: int, *, among_others: bool = False, lost: bool = False) -> bool:
        """Say whether a group has enough scored cases, and the rest too; ``lost``: if all were scored."""
        for inside in (True, False) if among_others else (True,):
            found = self.side(group, inside=inside)
            found = [*found, *self.side(group, inside=inside, lost=True)] if lost else found
            if len(found) < min_n or len(set(found)) < MIN_CLUSTERS:
                return False
        return True

    def sample(self, groups: Sequence[str]) -> Sample:
        """The scored cases, with membership of these groups."""
        from harness.stats.groups import make_sample

        key = tuple(groups)
        if key not in self._samples:
            places = [self.names.index(group) for group in groups]
            self._samples[key] = make_sample(
                self.harms, self.of, [[row[at] for at in places] for row in self.inside]
            )
        return self._samples[key]

    @cached_property
    def filled(self) -> list[str]:
        """Groups with a scored case."""
        return [name for name in self.names if self.side(name, inside=True)]

    def shrunken(self) -> dict[str, float]:
        """The shrunken mean of every group with a scored case, where there are several."""
        from harness.stats.groups import shrunken_means

        if len(self.filled) < 2:
            return {}
        found = shrunken_means(self.sample(self.filled))
        return {name: self.sign * float(value) + 0.0 for name, value in zip(self.filled, found, strict=True)}

    def p_omnibus(self) -> float | None:
        """P-value of "all groups are alike"; None where fewer than two groups or too few clusters differ."""
        from harness.stats.groups import omnibus_test

        if len(self.filled) < 2 or len(set(self.of)) < MIN_CLUSTERS:
            return None
        return omnibus_test(self.sample(self.filled))

    @cached_property
    def variance(self) -> float:
        """Variance per case of a group's mean, the same for all groups."""
        from harness.stats.groups import cell_variance

        return cell_variance(self.sample(self.filled))[0]

    def least_for(self, tolerance: float) -> int:
        """Cases without a fault that bound a deficit by the tolerance (rule of three)."""
        return math.ceil(resolution(1, self.metric) / tolerance)

    def needed(self, row: GroupGap, min_n: int, alpha: float | None, tolerance: float | None) -> int | None:
        """How many cases a group needs to be judged, and for the tolerance to be found in it."""
        from harness.stats.groups import cases_needed

        least = 0 if row.enough else min_n
        if tolerance and len(self.harms) > 1:
            level = alpha or (1 - LEVEL) / max(1, len(self.names))
            least = max(least, cases_needed(self.variance, level, tolerance), self.least_for(tolerance))
        is_served = row.enough and (row.detectable is None or not tolerance or row.detectable <= tolerance)
        return None if is_served or least <= row.estimate.n else least


def _deficits(scored: _Scored, judged: Sequence[str], min_n: int) -> dict[str, _Deficit]:
    """Compare every judged group with the rest, so that all intervals hold together."""
    from harness.stats.groups import detectable_gap, rest_contrasts
    from harness.stats.simultaneous import hold_by_bonferroni, hold_together

    lost, sample = bool(scored.lost_of), scored.sample(judged)
    contrasts = rest_contrasts(sample, lost=lost)
    if lost:
        possible = [
            name for name in scored.names if scored.is_enough(name, min_n, among_others=True, lost=True)
        ]
        together = hold_by_bonferroni(contrasts, LEVEL, len({*possible, *judged}))
        method = "group against rest, Bonferroni, clustered; unscored at their worst"
    else:
        together = hold_together(contrasts, LEVEL)
        method = "group against rest, simultaneous by cluster sign flips"
    found = {}
    for at, group in enumerate(judged):
        low, high = float(together.low[at]), float(together.high[at])
        value, se = float(contrasts.means[at]) + 0.0, float(contrasts.se[at])
        sizes = [len(scored.side(group, inside=inside)) for inside in (True, False)]
        high = max(high, value + resolution(min(sizes), scored.metric))
        if lost:
            room = _room(scored, group, (together.high[at] - value) / se if se else 0.0)
            low, high = low - room, high + room
        found[group] = _Deficit(
            value=value,
            low=low,
            high=high,
            p_worse=None if lost else float(together.p_worse[at]),
            at_least=None if lost else float(together.at_least[at]),
            detectable=max(detectable_gap(se, together.alpha_worse), resolution(sizes[0], scored.metric)),
            alpha=together.alpha,
            alpha_worse=together.alpha_worse,
            method=method,
        )
    return found


def _room(scored: _Scored, group: str, quantile: float) -> float:
    """What the lost cases of a group and of the rest may move a limit by; infinite without an upper end.

    Moving an unscored case over the whole range moves a mean by range / n, and the error by no more than
    ``unit_error`` (own variance) or ``sqrt(2 (1/n_g + 1/n_rest) / n)`` (variance common to all groups, where
    a cell's sum of deviations moves by no more than sqrt 2); both sides are allowed for at once.
    """
    from harness.stats.paired import unit_error

    span = math.inf if scored.metric.high is None else scored.metric.high - scored.metric.low
    sides = [scored.side(group, inside=inside) for inside in (True, False)]
    fewer = min(len(set(side)) for side in sides)
    common = math.sqrt(2 * (1 / len(sides[0]) + 1 / len(sides[1])) / (len(scored.harms) - 1))
    room = 0.0
    for side, inside in zip(sides, (True, False), strict=True):
        lost = scored.side(group, inside=inside, lost=True)
        if lost:
            counted = [*lost, *side]
            error = max(unit_error(counted, fewer), common)
            room += len(lost) * span * (1 / len(counted) + quantile * error)
    return room


def _with_deficit(row: GroupGap, found: _Deficit | None, metric: MetricIdentity) -> GroupGap:
    """No interval where unscored cases of a metric without an upper end leave the deficit without a limit."""
    if found is None:
        return row
    span = math.inf if metric.high is None else metric.high - metric.low
    interval = None
    if math.isfinite(found.low) and math.isfinite(found.high):
        interval = Interval(float(max(found.low, -span)), float(min(found.high, span)), LEVEL, found.method)
    return msgspec.structs.replace(
        row,
        deficit=found.value,
        interval=interval,
        p_worse=found.p_worse,
        at_least=found.at_least,
        detectable=found.detectable,
    )


def _with_words(row: GroupGap, needed: int | None, tolerance: float | None) -> GroupGap:
    """A group that is surely worse, better or as good needs no more cases."""
    verdict = group_verdict(row, tolerance)
    is_open = verdict in ("too few cases", "no difference found", "difference found")
    return msgspec.structs.replace(row, needed=needed if is_open else None, verdict=verdict)


def _worst_first(row: GroupGap, metric: MetricIdentity) -> tuple[float, str]:
    if row.estimate.value is None:
        return math.inf, row.group
    return (row.estimate.value if metric.higher_is_better else -row.estimate.value), row.group
