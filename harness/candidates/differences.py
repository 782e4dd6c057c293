"""All pairs of candidates on one metric, with intervals that hold together; letters of the tied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from harness.candidates.entrants import COST, LATENCY, Entrant
from harness.comparison import LEVEL, SAME, resolution
from harness.slices import TOO_SMALL_TO_TEST
from harness.types import Case, Difference, Interval, MetricIdentity, Slice

LEAST_DOCUMENTS = 10
"""Documents below which a pair is listed and not told apart."""
MARGINS = {COST: (0.10, 0.0), LATENCY: (0.10, 0.01)}
"""By how much a cost or a latency must differ beyond doubt: a share of the lower mean, so much of its unit.
Both move from run to run with the machine and the hour, in every case alike, and no interval sees that."""
METHOD = "paired t, clustered, max-T over all pairs"


class _Pair(NamedTuple):
    first: Entrant
    second: Entrant
    slice: Slice
    values: list[float]
    clusters: list[str]
    levels: tuple[float, float] = (0.0, 0.0)
    """Means of both over these cases."""

    @property
    def is_enough(self) -> bool:
        return len(self.values) >= TOO_SMALL_TO_TEST and len(set(self.clusters)) >= LEAST_DOCUMENTS


def differences_of(name: str, entrants: Sequence[Entrant]) -> tuple[Difference, ...]:
    """Compare every pair on one metric; pairs are in the order of the entrants."""
    pairs = [_pair(name, a, b, a.cases, Slice()) for a, b in combinations(entrants, 2)]
    return _decide(name, pairs)


def slice_differences(
    name: str, reference: Entrant, others: Iterable[Entrant], slices: Sequence[tuple[Slice, Sequence[Case]]]
) -> tuple[Difference, ...]:
    """Compare every other candidate with one, in every slice; all intervals hold together."""
    pairs = [_pair(name, other, reference, cases, slice_) for slice_, cases in slices for other in others]
    return tuple(found for found in _decide(name, pairs) if found.n_pairs)


def _pair(name: str, first: Entrant, second: Entrant, cases: Iterable[Case], slice_: Slice) -> _Pair:
    """Differences over the cases that were asked of both and to which the metric applies in both."""
    pair = _Pair(first, second, slice_, [], [])
    ours, theirs = first.counted[name], second.counted[name]
    sums = [0.0, 0.0]
    for case in cases:
        a, b = ours.get(case.id), theirs.get(case.id)
        if a is None or b is None or a.value is None or b.value is None:
            continue
        change = a.value - b.value
        pair.values.append(change if abs(change) > SAME else 0.0)
        pair.clusters.append(case.cluster)
        sums[0], sums[1] = sums[0] + a.value, sums[1] + b.value
    n = max(1, len(pair.values))
    return pair._replace(levels=(sums[0] / n, sums[1] / n))


def _decide(name: str, pairs: Sequence[_Pair]) -> tuple[Difference, ...]:
    from harness.stats.pairwise import Contrast, simultaneous_limits

    judged = [k for k, pair in enumerate(pairs) if pair.is_enough]
    limits = simultaneous_limits([Contrast(pairs[k].values, pairs[k].clusters) for k in judged], LEVEL)
    found = dict(zip(judged, limits, strict=True))
    rows = []
    for k, pair in enumerate(pairs):
        metric, n = pair.first.metric(name), len(pair.values)
        interval = None
        if k in found:
            interval = _interval(found[k].low, found[k].high, resolution(n, metric), metric)
        rows.append(
            Difference(
                metric=name,
                first=pair.first.id,
                second=pair.second.id,
                change=math.fsum(pair.values) / n + 0.0 if n else None,
                interval=interval,
                n_pairs=n,
                n_clusters=len(set(pair.clusters)),
                better=_better(name, pair, interval),
                slice=pair.slice,
            )
        )
    return tuple(rows)


def _interval(low: float, high: float, least: float, metric: MetricIdentity) -> Interval:
    """Never closer than ``3 / n`` of the range: n pairs without a difference leave that much open."""
    middle, half = (low + high) / 2, max((high - low) / 2, least)
    span = math.inf if metric.high is None else metric.high - metric.low
    return Interval(max(middle - half, -span) + 0.0, min(middle + half, span) + 0.0, LEVEL, METHOD)


def _better(name: str, pair: _Pair, interval: Interval | None) -> str | None:
    """The run that is told to be better; one with unscored cases never, where they have no worst."""
    share, least = MARGINS.get(name, (0.0, 0.0))
    margin = max(share * min(pair.levels), least)
    if interval is None or (interval.low <= margin and interval.high >= -margin):
        return None
    metric = pair.first.metric(name)
    winner = pair.first if (interval.low > 0) == metric.higher_is_better else pair.second
    return None if metric.high is None and winner.lost(name) else winner.id


def letters_of(ordered: Sequence[str], differences: Iterable[Difference]) -> dict[str, tuple[str, ...]]:
    """Give each run its letters on one metric; ``ordered`` has the runs, best first."""
    from harness.stats.letters import letter_groups

    places = {run: place for place, run in enumerate(ordered)}
    apart = [(places[d.first], places[d.second]) for d in differences if d.better is not None]
    return dict(zip(ordered, letter_groups(len(ordered), apart), strict=True))
