"""The gate on an absolute bound: of a mean with its interval, a quantile, or a total."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.comparison import estimate
from harness.gates.evidence import Evidence
from harness.numbers import number
from harness.types import Case, Gate, Interval, MetricIdentity, Outcome, Verdict


def decide_bound(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """Decide it on the cases that the gate is about."""
    name = gate.metric or ""
    metric, table = evidence.candidate.run.metrics[name], evidence.candidate.tables[name]
    found = estimate(table, cases, metric)
    empty = msgspec.structs.replace(empty, n=found.n, n_total=found.n + found.n_unscored)
    if found.value is None or found.interval is None:
        return msgspec.structs.replace(empty, reason=f"no case has a value of {name}")
    shown: Interval | None = None
    if gate.quantile is not None or gate.total:
        values = sorted(
            value
            for case in cases
            if (value := table[case.id].value if case.id in table else None) is not None
        )
        shown_value, low, high = _point_range(gate, values, found.n_unscored, metric)
        known = low, high
    else:
        shown, shown_value = found.interval, found.value
        spread = _unscored_shift(found.n, found.n_unscored, len({case.cluster for case in cases}), metric)
        ends = (shown.low, shown.high) if gate.bound == "interval" else (found.value, found.value)
        low, high = ends[0] - spread, ends[1] + spread
        known = ends
    outcome, reason = _bound_outcome(gate, (low, high), known, metric.unit)
    if found.n_unscored and outcome == "inconclusive":
        reason += f"; {found.n_unscored} of {found.n + found.n_unscored} unscored count at their worst"
    return msgspec.structs.replace(
        empty,
        outcome=outcome,
        reason=reason,
        candidate=shown_value,
        interval=shown,
        limit=gate.min if gate.min is not None else gate.max,
    )


def _bound_outcome(
    gate: Gate, possible: tuple[float, float], known: tuple[float, float], unit: str
) -> tuple[Outcome, str]:
    """PASS if all that is possible is within the bounds, FAIL if all that is known is outside one."""
    low, high = -math.inf if gate.min is None else gate.min, math.inf if gate.max is None else gate.max
    if low <= possible[0] and possible[1] <= high:
        return "pass", "within the bound"
    if known[1] < low:
        return "fail", f"{number(known[1], unit)} at most, below {number(low, unit)}"
    if known[0] > high:
        return "fail", f"{number(known[0], unit)} at least, above {number(high, unit)}"
    ends = " to ".join(number(end, unit) if math.isfinite(end) else "no limit" for end in possible)
    return "inconclusive", f"between {ends}: cannot tell"


def _point_range(
    gate: Gate, values: list[float], unscored: int, metric: MetricIdentity
) -> tuple[float, float, float]:
    """A quantile or total of what is known, and the least and most it can be with the unscored."""
    top = math.inf if metric.high is None else metric.high
    least, most = sorted([metric.low] * unscored + values), sorted(values + [top] * unscored)
    if gate.total:
        return math.fsum(values), math.fsum(least), math.fsum(most)
    q = gate.quantile or 0.0
    return _quantile(values, q), _quantile(least, q), _quantile(most, q)


def _quantile(ordered: list[float], q: float) -> float:
    """The smallest value with at least a share q of the values at or below it."""
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def _unscored_shift(n: int, unscored: int, clusters: int, metric: MetricIdentity) -> float:
    """How far unscored cases could move a limit of the mean: their share of the range, and their error."""
    from harness.stats.paired import unit_error

    if not unscored:
        return 0.0
    if metric.high is None:
        return math.inf
    span = metric.high - metric.low
    return span * (unscored / (n + unscored) + 2.0 * unscored * unit_error(clusters, n))
