"""Two tables of scores paired by case: the harm of every pair, and what is only bounded or left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from harness.comparison import SAME, CaseValue, Table
from harness.types import Case, MetricIdentity

Scale = Literal["difference", "ratio"]
"""Harms are differences, or logarithms of ratios: a latency that doubles, whatever it was."""
SATURATED = 0.98
"""Share of its range from which a metric has no room to rise: then only losses can be counted."""


class Pairs(NamedTuple):
    """Paired harms (positive: the candidate is worse) and the pairs whose harm is only bounded.

    A pair with an unscored side has its largest possible harm in ``worst`` and the width of what is possible
    in ``widths`` (infinite for a metric without an upper end). ``span`` is the width of the metric's range,
    ``best`` how many pairs are at its good end in both runs. ``saturated``: the baseline has no room above.
    ``means`` are those of both runs over the known pairs, None without one.
    """

    harms: list[float]
    clusters: list[str]
    worst: list[float]
    widths: list[float]
    worst_clusters: list[str]
    unpaired: int
    gained: int
    judge_errors: int
    best: int
    span: float
    saturated: bool
    means: tuple[float, float] | None = None

    @property
    def pass_or_fail(self) -> bool:
        """Whether every known pair is kept, lost or won as a whole."""
        return all(abs(harm) in (0.0, self.span) for harm in self.harms)

    @property
    def total(self) -> int:
        """How many pairs there would be with every score."""
        return len(self.harms) + len(self.worst)


def pair(
    baseline: Table,
    candidate: Table,
    cases: Sequence[Case],
    metric: MetricIdentity,
    scale: Scale = "difference",
) -> Pairs:
    """Pair two tables by case.

    A case to which the metric applies in neither run is left out, one to which it applies in the candidate
    only is ``gained``: there is nothing that it could have fallen from. Any other case to which it does not
    apply in one of the runs is unpaired. On the scale of ratios a pair with one value at 0 is as good as
    lost: its ratio could be anything; with both at 0 nothing changed.
    """
    harms, clusters, worst, widths, worst_clusters = [], [], [], [], []
    befores, afters = [], []
    unpaired = gained = judge_errors = best = 0
    span = math.inf if metric.high is None or scale == "ratio" else metric.high - metric.low
    room = 0.0
    seen = 0
    for case in cases:
        before = baseline.get(case.id, CaseValue(None, "system_error"))
        after = candidate.get(case.id, CaseValue(None, "system_error"))
        judge_errors += "judge_error" in (before.status, after.status)
        if before.status != "not_applicable":
            seen += 1
            room += _room(before.value, metric)
        harm = _harm(before.value, after.value, metric, scale)
        if harm is not None and before.value is not None and after.value is not None:
            befores.append(before.value)
            afters.append(after.value)
            harms.append(harm if abs(harm) > SAME else 0.0)
            clusters.append(case.cluster)
            best += harms[-1] == 0 and _room(before.value, metric) == 0
        elif before.status == "not_applicable" and after.value is not None:
            gained += 1
        elif before.status == "not_applicable" or after.status == "not_applicable":
            unpaired += before.status != after.status
        else:
            worst.append(math.inf if math.isinf(span) else _worst_harm(before.value, after.value, metric))
            widths.append(span if before.value is not None or after.value is not None else 2 * span)
            worst_clusters.append(case.cluster)
    saturated = metric.high is not None and seen > 0 and room / seen < (1 - SATURATED) * span
    lost = worst, widths, worst_clusters
    means = (math.fsum(befores) / len(harms), math.fsum(afters) / len(harms)) if harms else None
    return Pairs(harms, clusters, *lost, unpaired, gained, judge_errors, best, span, saturated, means)


def _harm(before: float | None, after: float | None, metric: MetricIdentity, scale: Scale) -> float | None:
    """How much worse the candidate is; None where that is not known.

    On the scale of ratios ``log(after / before)``: its mean is the log of the geometric mean ratio, for which
    everything in ``stats.paired`` holds. What doubles for one case and halves for another has not changed.
    Source: Fleming and Wallace 1986, "How not to lie with statistics: the correct way to summarize benchmark
    results".
    """
    if before is None or after is None:
        return None
    if scale == "ratio":
        if before <= 0 or after <= 0:
            return 0.0 if before == after else None
        before, after = math.log(before), math.log(after)
    return before - after if metric.higher_is_better else after - before


def _worst_harm(before: float | None, after: float | None, metric: MetricIdentity) -> float:
    high = metric.low if metric.high is None else metric.high
    best, worst = (high, metric.low) if metric.higher_is_better else (metric.low, high)
    return abs((best if before is None else before) - (worst if after is None else after))


def _room(value: float | None, metric: MetricIdentity) -> float:
    """How far a value of the baseline is from the best; an unscored one counts as the best."""
    if value is None or metric.high is None:
        return 0.0
    return metric.high - value if metric.higher_is_better else value - metric.low
