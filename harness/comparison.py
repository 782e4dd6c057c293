"""Two tables of scores to a Comparison per metric and slice, paired by case; one table to an Estimate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.errors import NotComparable
from harness.types import (
    UNSCORED,
    Case,
    Comparison,
    Estimate,
    Interval,
    MetricIdentity,
    Recorded,
    Result,
    Run,
    Slice,
    Status,
)

LEVEL = 0.95
SAME = 1e-12
"""Differences below this are ties: sums in another order, not another answer."""


class CaseValue(NamedTuple):
    """One metric on one case, averaged over repeats; ``value`` is None unless every repeat has its value."""

    value: float | None
    status: Status


Table = Mapping[str, CaseValue]
"""Case id to value, for one metric of one run."""


class RunScores(NamedTuple):
    """One run folded by case, ready to be compared and decided upon."""

    run: Run
    cases: tuple[Case, ...]
    tables: Mapping[str, Table]


def run_scores(recorded: Recorded) -> RunScores:
    """Fold every metric of a recording."""
    repeats = recorded.run.repeats
    tables = {name: fold(recorded.results, name, repeats) for name in recorded.run.metrics}
    return RunScores(recorded.run, recorded.cases, tables)


def fold(results: Iterable[Result], metric: str, repeats: int) -> dict[str, CaseValue]:
    """Average one metric over the repeats of each case; the case, not the repeat, is the unit.

    A case with a repeat that should have a value and has none, or with fewer than ``repeats`` results, is
    unscored as a whole: dropping the repeat would let an error help. Repeats to which the metric does not
    apply are left out of the average.
    """
    scores = defaultdict(list)
    for result in results:
        score = result.scores.get(metric)
        if score is not None:
            scores[result.case_id].append(score)
    table: dict[str, CaseValue] = {}
    for case_id, found in scores.items():
        lost = next((score.status for score in found if score.status in UNSCORED), None)
        values = [score.value for score in found if score.value is not None]
        if lost is not None or len(found) < repeats:
            table[case_id] = CaseValue(None, lost or "system_error")
        elif values:
            table[case_id] = CaseValue(math.fsum(values) / len(values), "scored")
        else:
            table[case_id] = CaseValue(None, "not_applicable")
    return table


def estimate(table: Table, cases: Sequence[Case], metric: MetricIdentity) -> Estimate:
    """Mean of one run over the cases, with its interval; cases without an entry count as unscored."""
    from harness.stats.intervals import mean_ci

    values, clusters, unscored = [], [], 0
    for case in cases:
        found = table.get(case.id, CaseValue(None, "system_error"))
        if found.value is not None:
            values.append(found.value)
            clusters.append(case.cluster)
        elif found.status in UNSCORED:
            unscored += 1
    if not values:
        return Estimate(None, 0, unscored)
    interval = mean_ci(values, clusters, metric.low, metric.high, LEVEL)
    return Estimate(math.fsum(values) / len(values), len(values), unscored, interval)


class Pairs(NamedTuple):
    """Paired harms (positive: the candidate is worse) and the pairs whose harm is only bounded."""

    harms: list[float]
    clusters: list[str]
    worst: list[float]
    widths: list[float]
    worst_clusters: list[str]
    unpaired: int
    gained: int


def pair(baseline: Table, candidate: Table, cases: Sequence[Case], metric: MetricIdentity) -> Pairs:
    """Pair two tables by case.

    A pair with an unscored side has its largest possible harm in ``worst`` and the width of what is possible
    in ``widths`` (infinite for a metric without an upper end). A case to which the metric applies in neither
    run is left out, one to which it applies in the candidate only is ``gained``: there is nothing that it
    could have fallen from. Any other case to which it does not apply in one of the runs is unpaired.
    """
    pairs = Pairs([], [], [], [], [], 0, 0)
    unpaired = gained = 0
    span = math.inf if metric.high is None else metric.high - metric.low
    for case in cases:
        before = baseline.get(case.id, CaseValue(None, "system_error"))
        after = candidate.get(case.id, CaseValue(None, "system_error"))
        if before.value is not None and after.value is not None:
            change = after.value - before.value
            harm = -change if metric.higher_is_better else change
            pairs.harms.append(harm if abs(harm) > SAME else 0.0)
            pairs.clusters.append(case.cluster)
        elif before.status == "not_applicable" and after.value is not None:
            gained += 1
        elif before.status == "not_applicable" or after.status == "not_applicable":
            unpaired += before.status != after.status
        else:
            pairs.worst.append(_worst_harm(before.value, after.value, metric))
            pairs.widths.append(span if before.value is not None or after.value is not None else 2 * span)
            pairs.worst_clusters.append(case.cluster)
    return pairs._replace(unpaired=unpaired, gained=gained)


def _worst_harm(before: float | None, after: float | None, metric: MetricIdentity) -> float:
    if metric.high is None:
        return math.inf
    best, worst = (metric.high, metric.low) if metric.higher_is_better else (metric.low, metric.high)
    return abs((best if before is None else before) - (worst if after is None else after))


def compare(
    name: str,
    tables: tuple[Table, Table],
    cases: Sequence[Case],
    slice_: Slice,
    metric: MetricIdentity,
    alpha: float,
) -> Comparison:
    """Compare the candidate with the baseline on one metric over the cases of one slice.

    Args:
        name: the metric.
        tables: baseline and candidate.
        cases: the cases of the slice.
        slice_: shown with the result.
        metric: direction and range.
        alpha: what the test's p-value will be held against; decides the detectable harm only.
    """
    from harness.stats import paired

    baseline, candidate = tables
    pairs = pair(baseline, candidate, cases, metric)
    found = Comparison(
        metric=name,
        slice=slice_,
        baseline=estimate(baseline, cases, metric),
        candidate=estimate(candidate, cases, metric),
        n_pairs=len(pairs.harms),
        n_unpaired=pairs.unpaired + len(pairs.worst),
        n_gained=pairs.gained,
        higher_is_better=metric.higher_is_better,
        alpha=alpha,
    )
    if not pairs.harms:
        return found
    result = paired.clustered_mean(pairs.harms, pairs.clusters)
    low, high = paired.two_sided_limits(result, LEVEL)
    sign = -1.0 if metric.higher_is_better else 1.0
    span = math.inf if metric.high is None else metric.high - metric.low
    changes = sorted(min(span, max(-span, sign * end + 0.0)) for end in (low, high))
    limit = harm_limit(pairs, metric)
    least = paired.detectable_mean(result, alpha)
    floor = resolution(len(pairs.harms), metric)
    return msgspec.structs.replace(
        found,
        change=sign * result.mean + 0.0,
        interval=Interval(changes[0], changes[1], LEVEL, "paired t, clustered") if result.df else None,
        p_worse=paired.positive_mean_test(result),
        harm=result.mean + 0.0,
        harm_limit=limit if math.isfinite(limit) else None,
        detectable=max(least, floor) if math.isfinite(least) else None,
        n_clusters=result.clusters,
        worse=sum(harm > 0 for harm in pairs.harms),
        better=sum(harm < 0 for harm in pairs.harms),
        same=sum(harm == 0 for harm in pairs.harms),
        method="paired t, clustered by document",
    )


def harm_limit(pairs: Pairs, metric: MetricIdentity) -> float:
    """One-sided 95 % upper limit of the mean harm, with every unscored pair at its worst.

    Moving an unscored pair from its worst by w lowers the mean by ``w / n`` and adds at most
    ``w * unit_error`` to the error. So the limit of the observed and worst pairs, plus the widths times what
    the error can add beyond that, is an upper bound of the limit for every completion of the missing scores.
    It is never below ``3 / n`` of the range: n pairs without a loss leave that much open (rule of three).
    """
    from harness.stats import paired

    if any(math.isinf(worst) for worst in pairs.worst):
        return math.inf
    clusters = [*pairs.clusters, *pairs.worst_clusters]
    result = paired.clustered_mean([*pairs.harms, *pairs.worst], clusters)
    limit = paired.upper_limit(result, LEVEL)
    if pairs.widths and result.df:
        error = paired.student_quantile(result.df, LEVEL) * paired.unit_error(clusters)
        limit += math.fsum(pairs.widths) * max(0.0, error - 1 / result.n)
    return max(limit, resolution(result.n, metric))


def resolution(n: int, metric: MetricIdentity) -> float:
    """Smallest mean harm that n pairs could speak about: ``3 / n`` of the range; 0 for unbounded metrics."""
    return 0.0 if metric.high is None else 3 / n * (metric.high - metric.low)


def hardest_first(found: Comparison) -> tuple[float, float, str, str]:
    """Sort key: the surest harm first, then the largest, then by name."""
    p = 1.0 if found.p_worse is None else found.p_worse
    return p, -(found.harm or 0.0), found.metric, found.slice.label


def check_comparable(baseline: Run, candidate: Run, *, intersect: bool) -> tuple[str, ...]:
    """Give the notices under which two runs may be compared.

    Args:
        baseline: the earlier run.
        candidate: the later run.
        intersect: compare only the unchanged cases when the goldens differ.

    Raises:
        NotComparable: the goldens differ (and not ``intersect``), or the runs share no comparable metric.
    """
    notices = []
    if baseline.dataset_digest != candidate.dataset_digest:
        if not intersect:
            raise NotComparable(
                f"the goldens of baseline {baseline.id!r} and run {candidate.id!r} differ",
                mend="compare only unchanged cases with --intersect, or promote a new baseline",
            )
        notices.append("the goldens changed: only cases that are the same in both runs are compared")
    if baseline.corpus_digest != candidate.corpus_digest:
        notices.append("the corpus changed between baseline and candidate")
    differing = differing_metrics(baseline, candidate)
    notices += [f"{name!r} changed its version or judge: its numbers are not compared" for name in differing]
    if not (baseline.metrics.keys() & candidate.metrics.keys()) - set(differing):
        raise NotComparable("the two runs share no metric of the same version", mend="promote a new baseline")
    return tuple(notices)


def differing_metrics(baseline: Run, candidate: Run) -> tuple[str, ...]:
    """Name the metrics that both runs have and that mean different things in them, sorted."""
    both = sorted(baseline.metrics.keys() & candidate.metrics.keys())
    return tuple(
        name
        for name in both
        if baseline.metrics[name] != candidate.metrics[name]
        or baseline.judges.get(name) != candidate.judges.get(name)
    )
