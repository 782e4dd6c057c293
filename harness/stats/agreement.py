"""How far labels agree: two raters beyond chance, several raters with gaps, and a judge's rates of error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from harness.stats.intervals import effective_n
from harness.stats.paired import ClusteredMean, cluster_codes, student_quantile
from harness.stats.rates import wilson_ci

Array = np.ndarray[Any, Any]
Scheme = Literal["nominal", "linear", "quadratic"]
"""How far two levels are apart: all alike, by steps, or by squared steps."""


class Agreement(NamedTuple):
    """A coefficient of agreement: 1 is perfect, 0 is what chance gives; with its limits over n items.

    ``value`` and limits are None where it is not defined: all labels alike, or fewer than two clusters. Where
    all labels of one rater are alike it is 0 whatever the other says, and has no limits.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


class Rate(NamedTuple):
    """A weighted rate with its limits over n items; ``value`` and limits are None without one."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def cohen_kappa(
    first: Sequence[int],
    second: Sequence[int],
    clusters: Sequence[str],
    *,
    weights: Sequence[float] | None = None,
    scheme: Scheme = "nominal",
    level: float = 0.95,
) -> Agreement:
    """Cohen's kappa of two raters, weighted by how far levels are apart, with Student's t limits.

    ``1 - D_o / D_e`` with the observed disagreement ``D_o = sum p_kl v_kl`` and that of independent raters
    with the same margins ``D_e = sum p_k. p_.l v_kl``; ``v`` is 1 off the diagonal, ``|k - l|`` or its
    square. Sources: Cohen 1960 and 1968. The error is that of the linearised coefficient,
    ``z_i = -(d_i - D_o - (1 - kappa) (e_i - 2 D_e)) / D_e`` with ``d_i = v_kl`` of the item and ``e_i`` its
    two mean distances to the other rater's margin, summed within clusters; with equal weights and one item
    per cluster it is Fleiss, Cohen and Everitt's 1969 up to n / (n - 1). Without a disagreement the lower
    limit is ``1 - 3 / (n D_e)`` (rule of three), in place of one.

    Args:
        first: shape (n,), the level of each item by its number, from 0.
        second: shape (n,), the other rater's.
        clusters: shape (n,).
        weights: shape (n,), above 0: how many items each stands for. None: one.
        scheme: how far levels are apart.
        level: confidence.

    Raises:
        ValueError: no items, or lengths differ.
    """
    n = len(first)
    if not n or len(second) != n or len(clusters) != n:
        raise ValueError(f"{n} and {len(second)} labels in {len(clusters)} clusters")
    a, b = np.asarray(first), np.asarray(second)
    share = _shares(weights, n)
    size = int(max(a.max(), b.max())) + 1
    apart = _distances(np.arange(size, dtype=float), scheme)
    margin_a, margin_b = (np.bincount(x, weights=share, minlength=size) for x in (a, b))
    observed, chance = float(share @ apart[a, b]), float(margin_a @ apart @ margin_b)
    if chance <= 0:
        return Agreement(None, None, None, n)
    kappa = 1 - observed / chance
    expected = apart[a] @ margin_b + apart[b] @ margin_a
    influence = -(apart[a, b] - observed - (1 - kappa) * (expected - 2 * chance)) / chance
    if not (np.count_nonzero(margin_a) > 1 and np.count_nonzero(margin_b) > 1):
        return Agreement(0.0, None, None, n)  # 0 whatever the other says: it has no error to tell
    result = _of_influence(kappa, influence * share, clusters)
    if observed == 0:
        return Agreement(1.0, max(-1.0, 1 - 3 * float(apart.max()) / (_kish(share) * chance)), 1.0, n)
    return _with_limits(result, level)


def krippendorff_alpha(
    ratings: Sequence[Sequence[float | None]],
    clusters: Sequence[str],
    *,
    scheme: Scheme = "nominal",
    level: float = 0.95,
) -> Agreement:
    """Krippendorff's alpha of several raters, any of whom may have left items out.

    ``1 - D_o / D_e``: the mean distance of two labels of the same item, over that of any two labels of items
    with at least two. With every rater on every item it is Fleiss' kappa but for ``(1 - kappa) / (items *
    raters)``. Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". The error is the
    delete-one-cluster jackknife.

    Args:
        ratings: shape (items, raters), None where a rater gave no label.
        clusters: shape (items,).
        scheme: how far labels are apart; ``linear`` and ``quadratic`` take labels as numbers.
        level: confidence.

    Raises:
        ValueError: lengths differ.
    """
    if len(ratings) != len(clusters):
        raise ValueError(f"{len(ratings)} items in {len(clusters)} clusters")
    kept = [
        ([value for value in row if value is not None], cluster)
        for row, cluster in zip(ratings, clusters, strict=True)
        if sum(value is not None for value in row) > 1
    ]
    if not kept:
        return Agreement(None, None, None, 0)
    levels = sorted({value for row, _ in kept for value in row})
    apart = _distances(np.array(levels), scheme)
    counts = np.array([[row.count(value) for value in levels] for row, _ in kept], dtype=float)
    codes = cluster_codes([cluster for _, cluster in kept])
    within = np.einsum("ik,kl,il->i", counts, apart, counts) / (counts.sum(axis=1) - 1)
    groups = int(codes.max()) + 1
    pieces = np.bincount(codes, weights=within, minlength=groups)
    totals = np.stack([np.bincount(codes, weights=column, minlength=groups) for column in counts.T], axis=1)
    alpha = _alpha(within.sum(), counts.sum(axis=0), apart)
    if alpha is None or groups < 2:
        return Agreement(alpha, None, None, len(kept))
    left_out = [
        _alpha(pieces.sum() - pieces[g], totals.sum(axis=0) - totals[g], apart) for g in range(groups)
    ]
    known = [value for value in left_out if value is not None]
    if len(known) < groups:
        return Agreement(alpha, None, None, len(kept))
    middle = math.fsum(known) / groups
    spread = math.fsum((value - middle) ** 2 for value in known) * (groups - 1) / groups
    return _with_limits(ClusteredMean(alpha, math.sqrt(spread), groups - 1, len(kept)), level)


def weighted_rate(
    hits: Sequence[bool], weights: Sequence[float], clusters: Sequence[str], level: float = 0.95
) -> Rate:
    """Share of hits among items that stand for more than themselves, with Wilson's limits.

    The effective sample size is ``p(1-p) / se^2`` with the linearised, cluster-robust error of the weighted
    share, and never above Kish's ``(sum w)^2 / sum w^2``, nor the clusters where all items are alike.
    Sources: Wilson 1927; Kish 1965; Korn and Graubard 1998.

    Args:
        hits: shape (n,); with none the rate is not known.
        weights: shape (n,), above 0.
        clusters: shape (n,).
        level: confidence.
    """
    n = len(hits)
    if not n:
        return Rate(None, None, None, 0)
    share = _shares(weights, n)
    x = np.asarray(hits, dtype=float)
    rate = min(1.0, max(0.0, float(share @ x)))
    result = _of_influence(rate, share * (x - rate), clusters)
    size = min(_kish(share), effective_n(result, rate)) if n > 1 else 1.0
    low, high = wilson_ci(rate * size, size, level)
    return Rate(rate, low, high, n)


def _alpha(within: float, totals: Array, apart: Array) -> float | None:
    """Alpha from the summed distances within items and the count of every label."""
    n = float(totals.sum())
    between = float(totals @ apart @ totals) / (n - 1) if n > 1 else 0.0
    return 1 - float(within) / between if between > 0 else None


def _distances(levels: Array, scheme: Scheme) -> Array:
    steps = np.abs(levels[:, None] - levels[None, :])
    found: Array = (steps > 0).astype(float) if scheme == "nominal" else steps
    return found**2 if scheme == "quadratic" else found


def _shares(weights: Sequence[float] | None, n: int) -> Array:
    found = np.full(n, 1.0) if weights is None else np.asarray(weights, dtype=float)
    return np.asarray(found / found.sum())


def _kish(share: Array) -> float:
    return 1 / float(share @ share)


def _of_influence(value: float, parts: Array, clusters: Sequence[str]) -> ClusteredMean:
    """A statistic with the cluster-robust error of its linearised form; ``parts`` sum to 0."""
    codes = cluster_codes(clusters)
    count = int(codes.max()) + 1
    if count < 2:
        return ClusteredMean(value, math.inf, 0, len(parts))
    sums = np.bincount(codes, weights=parts)
    return ClusteredMean(value, math.sqrt(count / (count - 1) * float(sums @ sums)), count - 1, len(parts))


def _with_limits(result: ClusteredMean, level: float) -> Agreement:
    if result.df == 0:
        return Agreement(result.mean, None, None, result.n)
    half = student_quantile(result.df, (1 + level) / 2) * result.se
    return Agreement(result.mean, max(-1.0, result.mean - half), min(1.0, result.mean + half), result.n)
