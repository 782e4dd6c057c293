"""The geometric mean ratio of paired positive measurements such as seconds and costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.paired import ClusteredMean, clustered_mean, two_sided_limits, upper_limit


def ratio_of(before: Sequence[float], after: Sequence[float], clusters: Sequence[str]) -> ClusteredMean:
    """Mean of ``log(after / before)`` with its cluster-robust error: the log of the geometric mean ratio.

    A measurement that doubles for one item and halves for another has not changed. Everything in
    ``stats.paired`` holds on the log scale: ``positive_mean_test`` is the test of "the ratio is above 1",
    and of "above 1.1" after ``log(1.1)`` is subtracted from the mean. Source: Fleming and Wallace 1986, "How
    not to lie with statistics: the correct way to summarize benchmark results".

    A value of 0 or below has no ratio, and is refused rather than dropped or replaced: leaving out what cost
    nothing would change what is measured. Who measures such values compares the differences instead, with
    ``clustered_mean``.

    Args:
        before: shape (n,), n >= 1, above 0 and finite.
        after: shape (n,), of the same items, above 0 and finite.
        clusters: shape (n,), the cluster of each item.

    Raises:
        ValueError: no values, lengths differ, or a value that is not above 0 and finite.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before and {len(after)} after")
    without = sum(not (0 < value < math.inf) for pair in zip(before, after, strict=True) for value in pair)
    if without:
        raise ValueError(f"{without} of {2 * len(before)} values are not above 0: they have no ratio")
    logs = [math.log(new) - math.log(old) for old, new in zip(before, after, strict=True)]
    return clustered_mean(logs, clusters)


def geometric_ratio(result: ClusteredMean) -> float:
    """The geometric mean of ``after / before``: 1 where nothing changed, above 1 where it grew."""
    return _exp(result.mean)


def ratio_limits(result: ClusteredMean, level: float) -> tuple[float, float]:
    """Two-sided confidence limits of the ratio, Student's t on logs; 0 and infinity with one cluster."""
    low, high = two_sided_limits(result, level)
    return _exp(low), _exp(high)


def ratio_upper_limit(result: ClusteredMean, level: float) -> float:
    """One-sided upper confidence limit of the ratio; infinite with one cluster."""
    return _exp(upper_limit(result, level))


def _exp(x: float) -> float:
    """``e^x``, infinite where a float ends."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
