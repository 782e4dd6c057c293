"""Confidence intervals of the means of one run, rates among them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.paired import ClusteredMean, clustered_mean, two_sided_limits
from harness.stats.rates import wilson_ci
from harness.types import Interval


def mean_ci(
    values: Sequence[float], clusters: Sequence[str], low: float, high: float | None, level: float = 0.95
) -> Interval | None:
    """Interval of a mean of scores within ``low`` to ``high`` (None: unbounded above).

    Rates (every value at an end of the range) get Wilson's interval at the effective sample size
    ``min(n, n / deff)`` with the design effect ``deff = se^2 / (p(1-p)/(n-1))``: n with one item per cluster,
    and the number of clusters when every value is the same. Source: Korn and Graubard 1998. Other means get
    Student's t on the cluster-robust error, cut to the range; None where one cluster and no upper end leave
    the mean without a limit.
    """
    result = clustered_mean(values, clusters)
    if high is not None and all(value in {low, high} for value in values):
        rate = (result.mean - low) / (high - low)
        n = effective_n(result, rate, high - low)
        start, end = wilson_ci(rate * n, n, level)
        return Interval(low + start * (high - low), low + end * (high - low), level, "wilson, clustered")
    start, end = two_sided_limits(result, level)
    end = end if high is None else min(end, high)
    return Interval(max(start, low), end, level, "t, clustered") if math.isfinite(end) else None


def effective_n(result: ClusteredMean, rate: float, span: float = 1.0) -> float:
    """How many independent items would know the rate as well; ``span`` is the width of the values' range."""
    spread = (result.se / span) ** 2
    if not 0 < spread < math.inf:
        return result.clusters
    return min(result.n, rate * (1 - rate) / spread * result.n / (result.n - 1))
