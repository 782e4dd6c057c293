"""The cluster-robust mean of paired differences: its standard error, one-sided test and limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

SOLVE_STEPS, SOLVED = 100, 1e-9
"""Most steps to a detectable mean, and the relative step at which it is found."""


class ClusteredMean(NamedTuple):
    """A mean with its cluster-robust standard error; ``df`` is clusters minus one (0: no error known).

    Of a difference between two sets, the clusters are those of the set that has fewer.
    """

    mean: float
    se: float
    df: int
    n: int

    @property
    def clusters(self) -> int:
        """How many clusters the error rests on."""
        return self.df + 1


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> ClusteredMean:
    """Mean of n values whose errors are correlated within clusters.

    ``se^2 = C/(C-1) * sum_g (sum_{i in g} (x_i - mean))^2 / n^2``, the CR1 sandwich estimator of a mean;
    with one item per cluster it is the ordinary standard error. Source: Liang and Zeger 1986; Cameron and
    Miller 2015, "A Practitioner's Guide to Cluster-Robust Inference", with df = C - 1. The order of the
    items does not change the last bit.

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
    mean = math.fsum(values) / len(x)
    if count < 2:
        return ClusteredMean(mean, math.inf, 0, len(x))
    se = math.sqrt(count / (count - 1) * _squared_sums(x - mean, codes)) / len(x)
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
    ``se^2 = m/(m-1) * sum_g (sum_{i in g} influence_i)^2`` with m the clusters of the set that has fewer, and
    df = m - 1: a small group's error is known no better because the other set is large. Source: Cameron and
    Miller 2015, on few clusters and few treated groups.

    Raises:
        ValueError: a set is empty, or lengths differ.
    """
    sizes = (len(first), len(first_clusters)), (len(second), len(second_clusters))
    if not first or not second or any(have != want for have, want in sizes):
        raise ValueError(f"two sets of (values, clusters) with {sizes[0]} and {sizes[1]}")
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    codes = cluster_codes([*first_clusters, *second_clusters])
    fewer = min(len(set(first_clusters)), len(set(second_clusters)))
    mean_a, mean_b = math.fsum(first) / len(a), math.fsum(second) / len(b)
    if fewer < 2:
        return ClusteredMean(mean_a - mean_b, math.inf, 0, len(a) + len(b))
    influence = np.concatenate([(a - mean_a) / len(a), (mean_b - b) / len(b)])
    se = math.sqrt(fewer / (fewer - 1) * _squared_sums(influence, codes))
    return ClusteredMean(mean_a - mean_b, se, fewer - 1, len(a) + len(b))


def _squared_sums(x: np.ndarray[Any, Any], codes: np.ndarray[Any, Any]) -> float:
    """Sum of the squared sums by cluster, added up in an order that depends on the numbers alone."""
    order = np.argsort(x)
    sums = np.sort(np.bincount(codes[order], weights=x[order]) ** 2)
    return float(sums.sum())


def cluster_codes(clusters: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Number the clusters 0, 1, ... in order of first appearance; shape (n,)."""
    if len(set(clusters)) == len(clusters):
        return np.arange(len(clusters))
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in clusters), np.intp, len(clusters))


def cluster_sums(
    names: Sequence[str], clusters: Sequence[str], values: Sequence[float]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sum and count of the values in each named cluster, shape (C,) each; the order of values is nothing.

    Args:
        names: every cluster once.
        clusters: shape (n,), the cluster of each value, among the names.
        values: shape (n,).
    """
    place = {name: index for index, name in enumerate(names)}
    codes = np.fromiter((place[name] for name in clusters), np.intp, len(clusters))
    x = np.asarray(values, dtype=float)
    order = np.argsort(x, kind="stable")
    sums = np.bincount(codes[order], weights=x[order], minlength=len(names))
    return sums, np.bincount(codes, minlength=len(names)).astype(float)


def positive_mean_test(result: ClusteredMean) -> float:
    """One-sided p-value of "the true mean is above 0", Student's t with C - 1 degrees of freedom.

    With no spread at all the p-value is 0, 0.5 or 1 by the sign of the mean; with one cluster it is 1.
    """
    if result.df == 0:
        return 1.0
    if result.se == 0:
        return 0.5 if result.mean == 0 else float(result.mean < 0)
    from scipy.special import stdtr  # a third of a second of imports: not for a mean alone

    return float(stdtr(result.df, -result.mean / result.se))


def student_quantile(df: int, level: float) -> float:
    """Student's t quantile; infinite without degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(df, level)) if df > 0 else math.inf


def upper_limit(result: ClusteredMean, level: float) -> float:
    """One-sided upper confidence limit of the mean; infinite with one cluster."""
    if result.df == 0:
        return math.inf
    return result.mean + student_quantile(result.df, level) * result.se


def two_sided_limits(result: ClusteredMean, level: float) -> tuple[float, float]:
    """Two-sided confidence limits of the mean; infinite with one cluster."""
    half = upper_limit(result, (1 + level) / 2) - result.mean
    return result.mean - half, result.mean + half


class Jumps(NamedTuple):
    """How a mean rises: a share of the rise is items that jump by so much, the rest all items a little."""

    share: float
    size: float


def detectable_mean(
    result: ClusteredMean, alpha: float, power: float = 0.8, jumps: Jumps | None = None
) -> float:
    """Smallest true mean that the one-sided test at ``alpha`` finds with the given power.

    Without jumps ``d = (z_{1-alpha} + z_power) * se``, the usual normal approximation; see Miller 2024,
    "Adding Error Bars to Evals". A mean d that is higher because ``share * d / size`` of the n items jump is
    also less certain, ``se(d)^2 = se^2 + (d - mean) * share * size / n``, and its t varies less, because more
    jumps raise mean and error together. By the delta method the variance of t is ``1 - d k3 / se^4 +
    (d / se)^2 (k4 / se^4 + 2 / C) / 4``, with the cumulants ``k3 = d * share * size^2 / n^2`` and ``k4 =
    d * share * size^3 / n^3`` of the mean. Infinite with one cluster.

    Args:
        result: observed.
        alpha: of the test, one-sided.
        power: wanted.
        jumps: how a mean rises; None: all items alike.
    """
    if not math.isfinite(result.se):
        return math.inf
    critical, beyond = NormalDist().inv_cdf(1 - alpha), NormalDist().inv_cdf(power)
    if jumps is None:
        return (critical + beyond) * result.se
    unit = jumps.size / result.n
    added = jumps.share * unit
    found = (critical + beyond) * result.se + (critical + beyond) ** 2 * added
    for _ in range(SOLVE_STEPS):
        before = found
        se = math.sqrt(result.se**2 + max(0.0, before - result.mean) * added)
        if se == 0:  # as much was seen, without any spread
            return before
        e, risen = before / se, before * added / se**2
        variance = 1 - e * risen * unit / se + e**2 / 4 * (risen * (unit / se) ** 2 + 2 / result.clusters)
        found = (critical + beyond * math.sqrt(max(0.0, variance))) * se
        if abs(found - before) <= SOLVED * before:
            break
    return found


def unit_error(clusters: Sequence[str], rests_on: int | None = None) -> float:
    """Most that one of n items, moved by 1, can add to the standard error of their mean.

    The standard error is a seminorm of the values, so moving item i of cluster g by w adds at most
    ``|w| * se(e_i)`` with ``se(e_i)^2 = C/(C-1) * (1 - 2 n_g/n + sum_h (n_h/n)^2) / n^2``: largest for the
    smallest cluster, and about ``1 / n`` where no cluster is large.

    Args:
        clusters: shape (n,), the cluster of each item.
        rests_on: C where it is not the clusters of these items: of a difference, those of the smaller set.
    """
    sizes, n = np.bincount(cluster_codes(clusters)), len(clusters)
    count = len(sizes) if rests_on is None else rests_on
    if count < 2:
        return math.inf
    # In whole numbers: the same to the last bit in any order.
    spread = (n * n - 2 * n * int(sizes.min()) + int(sizes @ sizes)) / (n * n)
    return math.sqrt(count / (count - 1) * spread) / n
