"""A recording to scores by case and metric, their means, and what two runs may be compared on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from harness.cases import outlines
from harness.errors import NotComparable
from harness.slices import select
from harness.types import (
    UNSCORED,
    Case,
    Comparison,
    Estimate,
    MetricIdentity,
    Recorded,
    Result,
    Run,
    Score,
    Slice,
    Status,
    Suite,
    metric_of,
    twin_measure,
)

LEVEL = 0.95
NOT_KNOWN = "it is not known whether its judge withstands attacks"
SAME = 1e-12
"""Differences below this are ties: sums in another order, not another answer."""


class CaseValue(NamedTuple):
    """One metric on one case, averaged over repeats; ``value`` is None unless every repeat has its value."""

    value: float | None
    status: Status


Table = Mapping[str, CaseValue]
"""Case id to value, for one metric of one run."""


class Looks(NamedTuple):
    """The looks that were taken at a run on its way: the stage of each case, and how much was there by then.

    ``fractions`` rise: shares of the planned cases asked by each look so far; ``(1.0,)`` for a run that was
    asked in one go. ``stages`` counts from 0; a case that is not in it came in with the first.
    """

    stages: Mapping[str, int] = {}
    fractions: tuple[float, ...] = (1.0,)


class RunScores(NamedTuple):
    """One run folded by case, or several pooled, ready to be compared and decided upon.

    ``looks`` were taken on its way. ``runs`` holds the tables of each run by itself where several were
    pooled; the first of them is ``run``. ``advisory`` says of judged metrics why they may not decide a gate,
    ``served`` by which models they were judged.
    """

    run: Run
    cases: Sequence[Case]
    tables: Mapping[str, Table]
    looks: Looks = Looks()
    runs: tuple[Mapping[str, Table], ...] = ()
    advisory: Mapping[str, str] = {}
    served: Mapping[str, frozenset[str]] = {}


def run_scores(recorded: Recorded) -> RunScores:
    """Fold every metric of a recording."""
    cases = outlines(recorded.cases)
    alone = [name for name in recorded.run.metrics if twin_measure(name) is None]
    tables: dict[str, Table] = dict(fold(recorded.results, alone, recorded.run.repeats))
    for name, identity in recorded.run.metrics.items():
        if (about := twin_measure(name)) is not None:
            measure, of = about
            of_metric = recorded.run.metrics.get(of, identity)
            values = tables.get(of, {})
            tables[name] = over_twins(measure, values, cases, of_metric)
    n_looks = recorded.stop.look if recorded.stop else len(recorded.looks)
    looks = Looks(recorded.stages, recorded.looks[:n_looks]) if recorded.stages else Looks()
    doubts = {name: why for name in recorded.run.judges if (why := recorded.trust.get(name, NOT_KNOWN))}
    advisory = doubts | {name: doubts[of] for name in tables if (of := metric_of(name)) in doubts}
    served = served_by(recorded.results) if recorded.run.judges else {}
    return RunScores(recorded.run, cases, tables, looks, advisory=advisory, served=served)


def served_by(results: Iterable[Result]) -> dict[str, frozenset[str]]:
    """Name the models that judged each metric, as their services say."""
    found: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for name, score in result.scores.items():
            judges = score.details.get("judges")
            for judge in judges if isinstance(judges, list) else ():
                if isinstance(judge, dict) and isinstance(judge.get("served"), str):
                    found[name] |= set(filter(None, judge["served"].split("; ")))
    return {name: frozenset(models) for name, models in found.items()}


def fold(results: Iterable[Result], metrics: Sequence[str], repeats: int) -> dict[str, dict[str, CaseValue]]:
    """Average each metric over the repeats of each case; the case, not the repeat, is the unit.

    A case with a repeat that should have a value and has none, or with fewer than ``repeats`` results, is
    unscored as a whole: dropping the repeat would let an error help. Repeats to which the metric does not
    apply are left out of the average.

    Args:
        results: the repeats of a case one after the other.
        metrics: their names.
        repeats: how many results every case should have.

    Raises:
        ValueError: the results of a case are scattered.
    """
    tables: dict[str, dict[str, CaseValue]] = {name: {} for name in metrics}
    shared: dict[CaseValue, CaseValue] = {}
    seen: set[str] = set()
    for case_id, group in groupby(results, lambda result: result.case_id):
        if case_id in seen:
            raise ValueError(f"results of case {case_id!r} stand in several places")
        seen.add(case_id)
        scores = [result.scores for result in group]
        for name, table in tables.items():
            if found := [by_name[name] for by_name in scores if name in by_name]:
                value = _average(found, repeats)
                table[case_id] = shared.setdefault(value, value)  # most metrics have few values: held once
    return tables


def _average(found: Sequence[Score], repeats: int) -> CaseValue:
    lost = next((score.status for score in found if score.status in UNSCORED), None)
    if lost is not None or len(found) < repeats:
        return CaseValue(None, lost or "system_error")
    values = [score.value for score in found if score.value is not None]
    if not values:
        return CaseValue(None, "not_applicable")
    return CaseValue(math.fsum(values) / len(values), "scored")


def over_twins(
    measure: str, table: Table, cases: Sequence[Case], metric: MetricIdentity
) -> dict[str, CaseValue]:
    """Say of a metric how it stands over twins.

    ``flip_rate`` and ``consistency`` have a value at each twin: whether its value differs from that of its
    original, and 1 minus by how much of the range. Where the metric applies to one of the two only, the
    answers differ in kind: a flip, consistency 0. ``worst_case`` has a value at each original: the worst of
    its own and its twins'. A case whose sibling lacks a score is unscored: nothing is known of the pair. Not
    applicable: where the metric applies to none of them, where a case has no twin, or its original is not in
    the run.

    Args:
        measure: one of ``TWIN_MEASURES``.
        table: values of the metric.
        cases: the cases of the run.
        metric: direction and range of the metric, which has an upper end.
    """
    ids = {case.id for case in cases}
    twins: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        if case.twin_of is not None and case.twin_of in ids:
            twins[case.twin_of].append(case.id)
    found = {case.id: CaseValue(None, "not_applicable") for case in cases}
    for original, others in twins.items():
        if measure == "worst_case":
            found[original] = _worst([_at(table, one) for one in (original, *others)], metric)
            continue
        for twin in others:
            found[twin] = _agreement(measure, _at(table, original), _at(table, twin), metric)
    return found


def _at(table: Table, case_id: str) -> CaseValue:
    return table.get(case_id, CaseValue(None, "system_error"))


def _lost(values: Sequence[CaseValue]) -> CaseValue | None:
    return next((CaseValue(None, one.status) for one in values if one.status in UNSCORED), None)


def _worst(values: Sequence[CaseValue], metric: MetricIdentity) -> CaseValue:
    if lost := _lost(values):
        return lost
    known = [one.value for one in values if one.value is not None]
    if not known:
        return CaseValue(None, "not_applicable")
    return CaseValue(min(known) if metric.higher_is_better else max(known), "scored")


def _agreement(measure: str, first: CaseValue, second: CaseValue, metric: MetricIdentity) -> CaseValue:
    if lost := _lost((first, second)):
        return lost
    if first.value is None and second.value is None:
        return CaseValue(None, "not_applicable")
    span = (metric.high or 0.0) - metric.low
    apart = span
    if first.value is not None and second.value is not None:
        apart = abs(first.value - second.value)
    flipped = apart > SAME
    return CaseValue(
        float(flipped) if measure == "flip_rate" else 1 - (apart / span if flipped else 0), "scored"
    )


def estimate(table: Table, cases: Sequence[Case], metric: MetricIdentity, level: float = LEVEL) -> Estimate:
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
    interval = mean_ci(values, clusters, metric.low, metric.high, level)
    return Estimate(math.fsum(values) / len(values), len(values), unscored, interval)


def estimates(scores: RunScores, suite: Suite, slice_: Slice) -> dict[str, Estimate]:
    """Estimate every metric of a run over the cases of a slice."""
    cases = select(scores.cases, slice_, suite.slices)
    return {
        name: estimate(scores.tables[name], cases, identity) for name, identity in scores.run.metrics.items()
    }


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
    return tuple(name for name in both if _meaning(baseline, name) != _meaning(candidate, name))


def _meaning(run: Run, name: str) -> tuple[object, ...]:
    """Give what numbers of a metric mean in a run: its identity, its judge, and those of what it is about."""
    of = metric_of(name)
    return run.metrics[name], run.metrics.get(of), run.judges.get(of)
