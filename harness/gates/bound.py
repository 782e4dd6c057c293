"""The gate on an absolute bound: of a mean with its interval, a quantile, or a total."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.comparison import LEVEL, Looks, Table, estimate
from harness.gates.evidence import Evidence
from harness.gates.looks import is_partial, level_of
from harness.numbers import number
from harness.types import UNSCORED, Case, Gate, Interval, MetricIdentity, Outcome, Verdict

Range = tuple[float, float]

LATENCY = "latency_s"
BOUND_ERROR = (1 - LEVEL) / 2
"""How often a mean just on the bound may pass, or fail, over all looks."""


def decide_bound(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """Decide it on the cases that the gate is about."""
    name, looks = gate.metric or "", evidence.candidate.looks
    metric, table = evidence.candidate.run.metrics[name], evidence.candidate.tables[name]
    level = LEVEL if looks == Looks() else 2 * level_of(looks, BOUND_ERROR) - 1
    found = estimate(table, cases, metric)
    untold = _untold(gate, table, cases, metric)
    found = msgspec.structs.replace(found, n_unscored=found.n_unscored + untold)
    empty = msgspec.structs.replace(empty, n=found.n, n_total=found.n + found.n_unscored)
    if found.value is None:
        return msgspec.structs.replace(empty, reason=f"no case has a value of {name}")
    values = sorted(value for case in cases if (value := _value(table, case)) is not None)
    shown: Interval | None = None
    shown_value = found.value
    if gate.quantile is not None or gate.total:
        margin = _margin(gate, looks, values)
        shown_value, low, high = _point_range(gate, values, found.n_unscored, metric, margin)
        if gate.total and is_partial(looks):
            high = math.inf  # what has not been asked is not added up yet
        known = possible = (low, high)
    elif gate.bound == "point" and not is_partial(looks):
        shown = found.interval
        known, possible = (found.value, found.value), _mean_range(values, found.n_unscored, metric)
    elif found.interval is not None:
        shown = found.interval
        held = estimate(table, cases, metric, level).interval or shown
        known, possible = (held.low, held.high), _interval_range(table, cases, held, metric, level)
    else:
        why = f"values from one document ({found.n}) have no interval"
        return msgspec.structs.replace(empty, reason=why, candidate=found.value)
    outcome, reason = bound_outcome(gate, possible, known, metric.unit)
    if found.n_unscored and outcome == "inconclusive":
        how = "without a value" if untold else "unscored"
        reason += f"; {found.n_unscored} of {found.n + found.n_unscored} {how} count at their worst"
    return msgspec.structs.replace(
        empty,
        outcome=outcome,
        reason=reason,
        candidate=shown_value,
        interval=shown,
        limit=gate.min if gate.min is not None else gate.max,
    )


def _untold(gate: Gate, table: Table, cases: Sequence[Case], metric: MetricIdentity) -> int:
    """Count the cases whose part of a total is not known although the metric does not apply.

    Those are costs and tokens (metrics without an upper end) that the system does not say: left out, they
    would make the total smaller. The time of a reply from a cache is the exception, there is none to add.
    """
    if not gate.total or metric.high is not None or gate.metric == LATENCY:
        return 0
    return sum(case.id in table and table[case.id].status == "not_applicable" for case in cases)


def bound_outcome(gate: Gate, possible: Range, known: Range, unit: str) -> tuple[Outcome, str]:
    """PASS if all that is possible is within the bounds, FAIL if all that is known is outside one."""
    low, high = -math.inf if gate.min is None else gate.min, math.inf if gate.max is None else gate.max
    if low <= possible[0] and possible[1] <= high:
        return "pass", f"{_range_text(possible, unit)}: within the bound"
    if known[1] < low:
        return "fail", f"{number(known[1], unit)} at most, below {number(low, unit)}"
    if known[0] > high:
        return "fail", f"{number(known[0], unit)} at least, above {number(high, unit)}"
    return "inconclusive", f"{_range_text(possible, unit)}: cannot tell"


def _range_text(ends: Range, unit: str) -> str:
    if ends[0] == ends[1]:
        return number(ends[0], unit)
    low, high = (number(end, unit) if math.isfinite(end) else "no limit" for end in ends)
    return f"between {low} and {high}"


def _margin(gate: Gate, looks: Looks, values: Sequence[float]) -> float:
    """How far the share that a quantile is at may be off while a part of the cases has been asked.

    ``z sqrt(q (1 - q) / n)``, the normal approximation of the binomial limits of an order statistic; 0 for
    all cases: a limit on a quantile is about the cases that there are.
    """
    if gate.quantile is None or not is_partial(looks):
        return 0.0
    from scipy.special import ndtri

    spread = math.sqrt(gate.quantile * (1 - gate.quantile) / len(values))
    return float(ndtri(level_of(looks, BOUND_ERROR))) * spread


def _point_range(
    gate: Gate, values: list[float], unscored: int, metric: MetricIdentity, margin: float
) -> tuple[float, float, float]:
    """A quantile or total of what is known, and the least and most it can be with the unscored."""
    top = math.inf if metric.high is None else metric.high
    least, most = sorted([metric.low] * unscored + values), sorted(values + [top] * unscored)
    if gate.total:
        return math.fsum(values), math.fsum(least), math.fsum(most)
    q = gate.quantile or 0.0
    return _quantile(values, q), _quantile(least, max(0.0, q - margin)), _quantile(most, min(1.0, q + margin))


def _quantile(ordered: list[float], q: float) -> float:
    """The smallest value with at least a share q of the values at or below it."""
    rank = math.ceil(q * len(ordered) - 1e-9)  # 0.07 * 100 is above 7 in floating point
    return ordered[max(0, rank - 1)]


def _mean_range(values: Sequence[float], unscored: int, metric: MetricIdentity) -> Range:
    """Least and most that the mean can be with the unscored at either end of the range."""
    total, known = len(values) + unscored, math.fsum(values)
    high = math.inf if unscored and metric.high is None else unscored * (metric.high or 0.0)
    return (known + unscored * metric.low) / total, (known + high) / total


def _interval_range(
    table: Table, cases: Sequence[Case], shown: Interval, metric: MetricIdentity, level: float
) -> Range:
    """Least and most that the interval's ends can be: the mean moves, and its error grows with each case."""
    from harness.stats.paired import student_quantile, unit_error

    lost = [case.cluster for case in cases if case.id not in table or table[case.id].status in UNSCORED]
    scored = [(value, case.cluster) for case in cases if (value := _value(table, case)) is not None]
    if not lost:
        return shown.low, shown.high
    if metric.high is None:
        return metric.low, math.inf
    values, clusters = zip(*scored, strict=True)
    mean = math.fsum(values) / len(values)
    least, most = _mean_range(values, len(lost), metric)
    quantile = student_quantile(len(set(clusters)) - 1, (1 + level) / 2)
    error = quantile * unit_error([*clusters, *lost]) * len(lost) * (metric.high - metric.low)
    low, high = shown.low - (mean - least) - error, shown.high + (most - mean) + error
    return max(low, metric.low), min(high, metric.high)


def _value(table: Table, case: Case) -> float | None:
    found = table.get(case.id)
    return None if found is None else found.value
