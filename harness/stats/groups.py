"""Groups against the rest: their contrasts and errors, an omnibus test, shrunken means, cases needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from harness.stats.simultaneous import Contrasts, flipped_share

Array = np.ndarray[Any, np.dtype[np.float64]]
Numbers = np.ndarray[Any, np.dtype[np.intp]]

PRIOR_DF = 20
"""Degrees of freedom that the variance common to all groups adds to a group's own."""


class Sample(NamedTuple):
    """n items in a canonical order: value, cluster number, which of the K groups hold it, stratum.

    ``values`` has shape (n,), ``clusters`` (n,) with numbers 0 to C - 1, ``members`` (n, K) of 0 and 1,
    ``strata`` (n,) with any numbers.
    """

    values: Array
    clusters: Numbers
    members: Array
    strata: Numbers

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.clusters[-1]) + 1

    def by_cluster(self, columns: Array) -> Array:
        """Sum the rows of each cluster: (n, K) to (C, K)."""
        return self._sum(columns, np.diff(self.clusters) > 0)

    def by_cell(self, columns: Array) -> Array:
        """Sum the rows of each cell, the items of one cluster that are in the same groups."""
        return self._sum(
            columns, (np.diff(self.clusters) > 0) | (np.diff(self.members, axis=0) != 0).any(axis=1)
        )

    def _sum(self, columns: Array, changes: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
        return np.add.reduceat(columns, np.flatnonzero(np.r_[True, changes]), axis=0)


def make_sample(
    values: Sequence[float],
    clusters: Sequence[str],
    members: Sequence[Sequence[bool]],
    strata: Sequence[str] | None = None,
) -> Sample:
    """Bring items into an order that depends on nothing but themselves.

    Args:
        values: shape (n,), finite, n >= 1.
        clusters: shape (n,), the name of each item's cluster.
        members: shape (n, K), whether each item is in each group.
        strata: shape (n,), the name of each item's stratum; None is one stratum for all.
    """
    codes, layers = _numbers(clusters), _numbers(strata or [""] * len(values))
    y = np.asarray(values, dtype=float)
    rows = np.asarray(members, dtype=float).reshape(len(y), -1)
    order = np.lexsort((y, layers, *rows.T[::-1], codes))
    return Sample(y[order], codes[order], rows[order], layers[order])


def _numbers(names: Sequence[str]) -> Numbers:
    """Number names in the order of the alphabet."""
    number = {name: at for at, name in enumerate(sorted(set(names)))}
    return np.fromiter((number[name] for name in names), np.intp, len(names))


def rest_contrasts(sample: Sample, *, lost: bool = False) -> Contrasts:
    """Mean of each group minus the mean of all items outside it, within strata where there are several.

    Strata are weighted by ``n_g n_rest / (n_g + n_rest)`` (Cochran 1954; of rates, Mantel and Haenszel's risk
    difference), so a stratum without the group or without others has no part in it; with one stratum it is
    the plain difference. Every group needs a stratum with both.

    The variance is the larger of two. ``V_own`` is the cluster-robust one of
    ``stats.paired.clustered_difference`` (m clusters on the smaller side). ``V_all`` is what the contrast
    would have if every group varied alike: with item weights ``h`` (``1/n_g`` inside, ``-1/n_rest`` outside),
    ``s^2 sum_i h_i^2 + c (sum_clusters h^2 - sum_cells h^2)``, a cell being the items of one cluster with the
    same memberships, ``s^2`` the variance per item of a cell's sum and ``c`` (0 or more) the covariance of
    two items of one cluster in different cells. So a small group whose values happen to be all the same has
    no interval of width 0. Student's t has m - 1 + 20 degrees of freedom: ``V_all`` is known much better.

    Args:
        sample: the items.
        lost: values are missing: ``V_all`` at ``c = s^2`` or 0, whichever is larger, so that the root of the
            variance is a seminorm of the values and cannot grow by more than each one's part.
    """
    sample = sample._replace(values=sample.values - sample.values[0])  # no rounding where all are the same
    weight, centre = _weights(sample)
    influence = sample.by_cluster(weight * (sample.values[:, None] - centre))
    sides = [(sample.by_cluster((weight * sign > 0).astype(float)) > 0).sum(axis=0) for sign in (1, -1)]
    clusters = np.minimum(*sides)
    own = (influence**2).sum(axis=0) * clusters / np.maximum(clusters - 1, 1)
    variance, covariance = cell_variance(sample)
    shared = (sample.by_cluster(weight) ** 2).sum(axis=0) - (sample.by_cell(weight) ** 2).sum(axis=0)
    if lost:
        covariance, shared = variance, np.maximum(shared, 0)
    common = variance * (weight**2).sum(axis=0) + covariance * shared
    return Contrasts(
        means=sample.values @ weight,
        se=np.sqrt(np.maximum(own, common)),
        df=clusters - 1.0 + PRIOR_DF,
        influence=influence,
    )


def _weights(sample: Sample) -> tuple[Array, Array]:
    """Each item's weight in each contrast, and the mean of those that it is among; both (n, K)."""
    weight, centre = np.zeros_like(sample.members), np.zeros_like(sample.members)
    total = np.zeros(sample.members.shape[1])
    for stratum in np.unique(sample.strata):
        here = sample.strata == stratum
        y, inside = sample.values[here], sample.members[here]
        outside = 1 - inside
        size, others = inside.sum(axis=0), outside.sum(axis=0)
        share = size * others / len(y)
        size, others = np.maximum(size, 1), np.maximum(others, 1)
        weight[here] = share * (inside / size - outside / others)
        centre[here] = inside * (y @ inside / size) + outside * (y @ outside / others)
        total += share
    return weight / total, centre


def cell_variance(sample: Sample) -> tuple[float, float]:
    """Variance per item of a mean within one group, the same for all (``V = s^2 / n``), and a covariance.

    Deviations are from the mean of the items with the same memberships. ``s^2`` is the sum over cells of
    (sum of deviations)^2 over n less the number of those means: with one item to a cell, the pooled variance.
    The covariance is that of two items of one cluster in different cells, by moments, and not below 0; 0
    where no cluster has two cells.
    """
    _, kind = np.unique(sample.members, axis=0, return_inverse=True)
    kind = kind.ravel()
    sizes = np.bincount(kind)
    means = np.bincount(kind, weights=sample.values) / sizes
    deviations = (sample.values - means[kind])[:, None]
    count = np.ones_like(deviations)
    squares = float((sample.by_cell(deviations) ** 2).sum())
    pairs = float((sample.by_cluster(count) ** 2).sum() - (sample.by_cell(count) ** 2).sum())
    products = float((sample.by_cluster(deviations) ** 2).sum()) - squares
    return squares / max(len(deviations) - len(sizes), 1), max(0.0, products / pairs) if pairs else 0.0


def omnibus_test(sample: Sample) -> float:
    """P-value of "all groups have the same mean", whichever differs; small groups count with the others.

    ``sum_g n_g (mean_g - mean)^2`` held against its value when the clusters' parts, taken about the overall
    mean, change sign at random: the sign-flip score test of Hemerik, Goeman and Finos 2020.
    """
    y, inside = sample.values, sample.members
    size = inside.sum(axis=0)
    weight = inside / size - 1 / len(y)
    parts = sample.by_cluster(weight * (y - y.mean())[:, None]) * np.sqrt(size)
    return flipped_share(parts)


def shrunken_means(sample: Sample) -> Array:
    """Empirical-Bayes means of the groups, shape (K,): each drawn to the centre as far as it is noise.

    ``centre + tau^2 / (tau^2 + s^2/n_g) (mean_g - centre)`` with the spread between groups ``tau^2`` by
    moments. Source: DerSimonian and Laird 1986; Efron and Morris 1975.
    """
    size = sample.members.sum(axis=0)
    means = sample.values @ sample.members / size
    noise = cell_variance(sample)[0] / size
    if not noise.all():
        return np.asarray(means)
    weight = 1 / noise
    centre = (weight * means).sum() / weight.sum()
    excess = (weight * (means - centre) ** 2).sum() - (len(means) - 1)
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    spread = max(0.0, excess / scale) if scale > 0 else 0.0
    return np.asarray(centre + spread / (spread + noise) * (means - centre))


def detectable_gap(se: float, alpha: float, power: float = 0.8) -> float:
    """Smallest true difference that a one-sided test at ``alpha`` finds with this power: normal theory."""
    return float(ndtri(1 - alpha) + ndtri(power)) * se


def cases_needed(variance: float, alpha: float, gap: float, power: float = 0.8) -> int:
    """Cases that a group needs for a gap to be found with this power, the rest being much larger.

    ``s^2 (z_{1-alpha} + z_power)^2 / gap^2`` with ``s^2`` from ``cell_variance``.
    """
    return math.ceil(variance * float(ndtri(1 - alpha) + ndtri(power)) ** 2 / gap**2)
