"""How far the slow end of a time or a cost moved: its 95th percentile, advisory beside what decides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from harness.comparison import LEVEL, CaseValue, Table, differing_metrics
from harness.gates.evidence import Evidence
from harness.slices import select
from harness.types import (
    LARGEST_VALUE,
    UNSCORED,
    Case,
    Gate,
    Interval,
    MetricIdentity,
    Slice,
    TailChange,
    Verdict,
)

TAIL = 0.95
"""The quantile that is looked at where no gate names another."""
LEAST_BEYOND, LEAST_DOCUMENTS = 3.0, 10
"""Cases to be expected beyond a quantile, and documents, below which nothing is said of it."""
METHOD = "paired percentile bootstrap of whole documents"
LOST = CaseValue(None, "system_error")


def with_tails(verdicts: Sequence[Verdict], evidence: Evidence) -> tuple[Verdict, ...]:
    """Put beside each drop or bound of a time or a cost how far its slow end moved; no outcome changes."""
    gates = {gate.id: gate for gate in evidence.suite.gates}
    return tuple(
        replace(verdict, tail=_beside(gates[verdict.gate], verdict, evidence))
        if verdict.gate in gates
        else verdict
        for verdict in verdicts
    )


def _beside(gate: Gate, verdict: Verdict, evidence: Evidence) -> TailChange | None:
    """The tail over the cases that a gate was decided on, against what it was decided against."""
    name, candidate = gate.metric or "", evidence.candidate
    reference = evidence.anchor if gate.against == "anchor" else evidence.baseline
    if gate.kind not in ("drop", "bound") or gate.total or reference is None:
        return None
    if name not in candidate.tables or name not in reference.tables:
        return None
    if name in differing_metrics(reference.run, candidate.run):
        return None
    if reference.run.repeats != candidate.run.repeats:
        return None  # a mean of several answers has a shorter tail than one answer
    found = verdict.comparison
    slice_ = found.slice if found is not None else Slice(tuple(gate.where.items()))
    cases = evidence.comparable(select(candidate.cases, slice_, evidence.suite.slices), gate.against)
    runs = [tables[name] for tables in reference.runs] or [reference.tables[name]]
    quantile = TAIL if gate.quantile is None else gate.quantile
    return tail_change(name, runs, candidate.tables[name], cases, candidate.run.metrics[name], quantile)


def tail_change(
    name: str,
    before: Sequence[Table],
    after: Table,
    cases: Iterable[Case],
    metric: MetricIdentity,
    quantile: float = TAIL,
) -> TailChange | None:
    """Compare a high quantile of one run with that of one or several others, over the same cases.

    Several runs are not averaged by case, which would shorten their tail: each of their values is an item,
    beside the one value of the candidate's case. A case without a value counts as the slowest after, and as
    nothing before.

    Args:
        name: the metric.
        before: its values by case in each run that is compared with; at least one.
        after: the same in the candidate.
        cases: those that may be compared; the metric may apply to fewer.
        metric: direction and range.
        quantile: in (0, 1).

    Returns:
        None for a metric that has an upper end or is better the higher it is, and of fewer than 10 documents
        or than 3 cases to be expected beyond the quantile (60 for a 95th percentile).
    """
    from harness.stats.quantiles import quantile_change

    if metric.high is not None or metric.higher_is_better:
        return None
    rows = [
        (case.cluster, now, was)
        for case in cases
        for now, was in [(after.get(case.id, LOST), [table.get(case.id, LOST) for table in before])]
        if all(value.status != "not_applicable" for value in (now, *was))
    ]
    if not _is_enough(len(rows), {cluster for cluster, _, _ in rows}, quantile):
        return None
    items = [
        (cluster, metric.low if earlier.value is None else earlier.value, _or_slowest(now.value))
        for cluster, now, was in rows
        for earlier in was
    ]
    clusters, olds, news = zip(*items, strict=True)
    found = quantile_change(olds, news, clusters, quantile, level=LEVEL)
    slowest = max(value for value in (*olds, *news) if value < LARGEST_VALUE)
    is_known = found.difference_limits[1] <= slowest - min(olds)
    ratio = found.ratio_limits
    return TailChange(
        metric=name,
        quantile=quantile,
        before=found.before,
        after=found.after if found.after <= slowest else None,
        interval=Interval(*found.difference_limits, LEVEL, METHOD) if is_known else None,
        relative=Interval(ratio[0] - 1, ratio[1] - 1, LEVEL, METHOD) if is_known and ratio else None,
        n=len(rows),
        n_lost=sum(any(value.status in UNSCORED for value in (now, *was)) for _, now, was in rows),
        n_clusters=len(set(clusters)),
    )


def tail_interval(values: Sequence[float | None], clusters: Sequence[str]) -> Interval | None:
    """Interval of the 95th percentile of one run; None: fewer than 10 documents, or it has no end.

    Args:
        values: shape (n,), None where there is none: those count as the slowest.
        clusters: shape (n,), the cluster of each.
    """
    from harness.stats.quantiles import quantile_ci

    if len(set(clusters)) < LEAST_DOCUMENTS:
        return None
    found = quantile_ci([math.inf if value is None else value for value in values], clusters, TAIL, LEVEL)
    if not all(map(math.isfinite, found)):
        return None
    return Interval(*found, LEVEL, "order statistics at the effective sample size")


def _is_enough(n: int, clusters: set[str], quantile: float) -> bool:
    return n * (1 - quantile) >= LEAST_BEYOND and len(clusters) >= LEAST_DOCUMENTS


def _or_slowest(value: float | None) -> float:
    """What has no value is slower than all that has one: a limit that reaches it is none."""
    return LARGEST_VALUE if value is None else value
