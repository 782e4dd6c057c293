"""Intervals of many paired differences that hold together: the max-T of a cluster multiplier bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr

from harness.stats.paired import ClusteredMean, clustered_mean, student_quantile

DRAWS = 5000
_CHUNK, _SIGNS = 500, 2_000_000
"""Sets of signs that are drawn at a time, and signs, so that memory does not grow with the clusters."""
_DIGITS = 6
"""Significant digits that are kept of the critical p-value, so that no order of sums is seen in it."""


class Contrast(NamedTuple):
    """Differences of one pair, shape (n,), and the cluster of each; contrasts may share clusters."""

    values: Sequence[float]
    clusters: Sequence[str]


class Limits(NamedTuple):
    """The mean difference and its limits; all limits of a family hold together."""

    mean: float
    low: float
    high: float


def simultaneous_limits(
    contrasts: Sequence[Contrast], level: float = 0.95, *, seed: int = 0, draws: int = DRAWS
) -> list[Limits]:
    """Two-sided limits of every contrast that hold for all of them at once with probability ``level``.

    ``mean_k +- t_{C_k - 1, 1 - p*/2} se_k`` with the cluster-robust ``se_k``. The critical ``p*`` is the
    ``1 - level`` quantile of the smallest p-value over the contrasts when every cluster's sum of influences
    ``sum_{i in g} (x_i - mean) / n`` gets a random sign, the same in all contrasts, and the standard errors
    are computed anew. It is never below Bonferroni's ``(1 - level) / m`` nor above ``1 - level``. With as
    many clusters in each contrast it is the max-T. Sources: Westfall and Young 1993, 2.6; Cameron, Gelbach
    and Miller 2008 on Rademacher weights by cluster; Chernozhukov, Chetverikov and Kato 2013.

    Args:
        contrasts: each with 1 value or more.
        level: of all intervals together, in (0, 1).
        seed: of the signs; the same seed gives the same limits.
        draws: how many sets of signs.
    """
    means = [clustered_mean(contrast.values, contrast.clusters) for contrast in contrasts]
    p = _critical_p(contrasts, means, 1 - level, np.random.default_rng(seed), draws)
    halves = [student_quantile(mean.df, 1 - p / 2) * mean.se if mean.se else 0.0 for mean in means]
    return [
        Limits(mean.mean, mean.mean - half, mean.mean + half)
        for mean, half in zip(means, halves, strict=True)
    ]


def _critical_p(
    contrasts: Sequence[Contrast],
    means: Sequence[ClusteredMean],
    alpha: float,
    rng: np.random.Generator,
    draws: int,
) -> float:
    """The p-value that the smallest of all falls below with probability ``alpha`` where nothing differs."""
    moving = [k for k, mean in enumerate(means) if mean.df > 0 and mean.se > 0]
    if len(moving) < 2:
        return alpha
    sums, weights = _influence([contrasts[k] for k in moving])
    df = np.array([means[k].df for k in moving], dtype=float)
    squares, crossed, sizes = (sums**2).sum(1), sums * weights, (weights**2).sum(1)
    smallest = np.empty(draws)
    chunk = max(1, min(_CHUNK, _SIGNS // sums.shape[1]))
    for start in range(0, draws, chunk):
        count = min(chunk, draws - start)
        signs = rng.integers(0, 2, (count, sums.shape[1])).astype(float)
        signs *= 2.0
        signs -= 1.0
        mean = signs @ sums.T
        spread = squares - 2 * mean * (signs @ crossed.T) + mean**2 * sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(mean) / np.sqrt((df + 1) / df * np.maximum(spread, 0.0))
        p = 2 * stdtr(df, -np.where(np.isnan(t), 0.0, t))
        smallest[start : start + count] = p.min(1)
    found = float(np.quantile(smallest, alpha, method="lower"))
    return float(f"{min(max(found, alpha / len(moving)), alpha):.{_DIGITS}g}")


def _influence(contrasts: Sequence[Contrast]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sums of influences, and shares of the items, by contrast and cluster; shapes (m, clusters)."""
    names = sorted({name for contrast in contrasts for name in contrast.clusters})
    numbers = {name: number for number, name in enumerate(names)}
    sums, weights = np.zeros((len(contrasts), len(names))), np.zeros((len(contrasts), len(names)))
    for k, (values, clusters) in enumerate(contrasts):
        x = np.asarray(values, dtype=float)
        codes = np.fromiter((numbers[name] for name in clusters), np.intp, len(x))
        order = np.lexsort((x, codes))
        deviations = (x - x.mean())[order] / len(x)
        sums[k] = np.bincount(codes[order], weights=deviations, minlength=len(names))
        weights[k] = np.bincount(codes, minlength=len(names)) / len(x)
    return sums, weights
