"""Whether a metric catches a planted fault, and how often: per fault, metric and slice, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.types import Case, Metric, Score

STEP = 0.1
"""A fall by this share of a metric's range is noticed, wherever it starts."""
Scored = Mapping[str, Score]
"""Case id to score, for one metric."""


class Rate(msgspec.Struct, frozen=True):
    """How often something was so, with Wilson's 95 % interval."""

    count: int
    times: int
    low: float
    high: float


class Caught(msgspec.Struct, frozen=True):
    """How often one metric caught one fault in a slice: of all cases in which it was planted.

    ``silent`` are those in which the metric has a value neither before nor after: they are not caught.
    """

    fault: str
    metric: str
    slice: str
    names: bool
    caught: Rate
    silent: int


class Flagged(msgspec.Struct, frozen=True):
    """How often one metric flags a clean answer in a slice, of those that it has a value for."""

    metric: str
    slice: str
    flagged: Rate


def is_flagged(metric: Metric, score: Score) -> bool:
    """Tell whether a metric finds fault with an answer: its value is not the best of its range.

    It is the threshold that a gate on named ``cases`` has by default. A metric without a best value, such as
    a time, flags nothing.
    """
    best = metric.high if metric.higher_is_better else metric.low
    return metric.high is not None and score.value is not None and score.value != best


def is_caught(metric: Metric, clean: Score, planted: Score) -> bool:
    """Tell whether a metric sees that an answer got worse.

    It flags the planted answer and not the clean one, or its value falls by ``STEP`` of its range. A value
    that is gone is no catch: nothing would alarm.
    """
    if metric.high is None or planted.value is None:
        return False
    if is_flagged(metric, planted) and not is_flagged(metric, clean):
        return True
    if clean.value is None:
        return False
    fall = clean.value - planted.value if metric.higher_is_better else planted.value - clean.value
    return fall >= STEP * (metric.high - metric.low) - 1e-9


def count_caught(
    metric: Metric, cases: Sequence[Case], clean: Scored, planted: Scored
) -> tuple[Rate | None, int]:
    """Count over the cases in which a fault was planted how often it is caught, and where it has no value.

    Returns:
        None where it was planted in no case.
    """
    found = [case for case in cases if case.id in planted]
    silent = sum(clean[case.id].value is None and planted[case.id].value is None for case in found)
    return rate(found, [is_caught(metric, clean[case.id], planted[case.id]) for case in found]), silent


def count_flagged(metric: Metric, cases: Iterable[Case], clean: Scored) -> Rate | None:
    """Count how often a metric flags a clean answer, of those that it has a value for; None: it has none."""
    found = [case for case in cases if clean[case.id].value is not None]
    return rate(found, [is_flagged(metric, clean[case.id]) for case in found])


def rate(cases: Sequence[Case], happened: Sequence[bool]) -> Rate | None:
    """Give the rate with its interval, clustered by document; None without a case."""
    from harness.stats.intervals import mean_ci

    if not cases:
        return None
    interval = mean_ci([float(one) for one in happened], [case.cluster for case in cases], 0.0, 1.0)
    low, high = (interval.low, interval.high) if interval is not None else (0.0, 1.0)
    return Rate(sum(happened), len(cases), low, high)
