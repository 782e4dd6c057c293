"""The cluster-robust mean of paired differences: its standard error, one-sided test and limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit


class ClusteredMean(NamedTuple):
    """A mean with its cluster-robust standard error; ``df`` is clusters minus one (0: no error known)."""

    mean: float
    se: float
    df: int
    n: int

    @property
    def clusters(self) -> int:
        """How many clusters the items fall into."""
        return self.df + 1


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> ClusteredMean:
    """Mean of n values whose errors are correlated within clusters.

    ``se^2 = C/(C-1) * sum_g (sum_{i in g} (x_i - mean))^2 / n^2``, the CR1 sandwich estimator of a mean;
    with one item per cluster it is the ordinary standard error. Source: Liang and Zeger 1986; Cameron and
    Miller 2015, "A Practitioner's Guide to Cluster-Robust Inference", with df = C - 1.

    Args:
        values: shape (n,), n >= 1, finite.
        clusters: shape (n,), the cluster of each value.

    Raises:
        ValueError: no values, or lengths differ.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    x = np.asarray(values, dtype=float)
    codes = cluster_codes(clusters)
    count = int(codes.max()) + 1
    mean = float(x.mean())
    if count < 2:
        return ClusteredMean(mean, math.inf, 0, len(x))
    sums = np.bincount(codes, weights=x - mean, minlength=count)
    se = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(x)
    return ClusteredMean(mean, se, count - 1, len(x))


def clustered_difference(
    first: Sequence[float],
    first_clusters: Sequence[str],
    second: Sequence[float],
    second_clusters: Sequence[str],
) -> ClusteredMean:
    """Mean of ``first`` minus mean of ``second``, two disjoint sets of items that may share clusters.

    Each item's influence is its deviation from its own mean over the size of its set; influences are summed
    within clusters, so a cluster in both sets (the same question in two languages) lowers the error.

    Raises:
        ValueError: a set is empty, or lengths differ.
    """
    if not first or not second:
        raise ValueError("both sets need a value")
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    codes = cluster_codes([*first_clusters, *second_clusters])
    count = int(codes.max()) + 1
    mean = float(a.mean() - b.mean())
    if count < 2:
        return ClusteredMean(mean, math.inf, 0, len(a) + len(b))
    influence = np.concatenate([(a - a.mean()) / len(a), -(b - b.mean()) / len(b)])
    sums = np.bincount(codes, weights=influence, minlength=count)
    se = math.sqrt(count / (count - 1) * float(sums @ sums))
    return ClusteredMean(mean, se, count - 1, len(a) + len(b))


def cluster_codes(clusters: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Number the clusters 0, 1, ... in order of first appearance; shape (n,)."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in clusters), np.intp, len(clusters))


def positive_mean_test(result: ClusteredMean) -> float:
    """One-sided p-value of "the true mean is above 0", Student's t with C - 1 degrees of freedom.

    With no spread at all the p-value is 0, 0.5 or 1 by the sign of the mean; with one cluster it is 1.
    """
    if result.df == 0:
        return 1.0
    if result.se == 0:
        return 0.5 if result.mean == 0 else float(result.mean < 0)
    return float(stdtr(result.df, -result.mean / result.se))


def upper_limit(result: ClusteredMean, level: float) -> float:
    """One-sided upper confidence limit of the mean; infinite with one cluster."""
    if result.df == 0:
        return math.inf
    return result.mean + float(stdtrit(result.df, level)) * result.se


def two_sided_limits(result: ClusteredMean, level: float) -> tuple[float, float]:
    """Two-sided confidence limits of the mean; infinite with one cluster."""
    half = upper_limit(result, (1 + level) / 2) - result.mean
    return result.mean - half, result.mean + half


def detectable_mean(result: ClusteredMean, alpha: float, power: float = 0.8) -> float:
    """Smallest true mean that the one-sided test at ``alpha`` finds with the given power.

    ``(z_{1-alpha} + z_power) * se``, the usual normal approximation; see Miller 2024, "Adding Error Bars to
    Evals". Infinite with one cluster.
    """
    if not math.isfinite(result.se):
        return math.inf
    return float(ndtri(1 - alpha) + ndtri(power)) * result.se


def unit_error(clusters: int, n: int) -> float:
    """Most that one item, moved by 1, can add to the standard error of a mean of n items in C clusters.

    The standard error is a seminorm of the values, so moving item i by w adds at most ``w * se(e_i)``, and
    ``se(e_i)^2 <= C/(C-1) * 2 / n^2`` whatever the cluster sizes: ``(1 - n_g/n)^2 + sum_h (n_h/n)^2 <= 2``.
    """
    return math.sqrt(2 * clusters / (clusters - 1)) / n if clusters > 1 else math.inf
