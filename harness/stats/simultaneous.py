"""Several contrasts judged together, by flipping the signs of whole clusters."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

Array = np.ndarray[Any, np.dtype[np.float64]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

FLIPS = 1999
"""Sign flips of the clusters; a probability of 5 % is known to half a point."""
SEED = 20
CHUNK = 4_000_000
"""Signs held at a time."""
TIES = 1e-5
"""Flipped sums within this share of the observed one count as equal: rounding of single precision."""


class Contrasts(NamedTuple):
    """K estimates that are judged together: standard errors, degrees of freedom, and their dependence.

    ``influence`` (C, K) has each cluster's part in each estimate; its columns sum to about 0.
    """

    means: Array
    se: Array
    df: Array
    influence: Array


class Together(NamedTuple):
    """Intervals and p-values of K contrasts that hold together.

    ``alpha`` is the two-sided level at which each contrast alone is held so that all intervals hold with the
    level asked for. ``p_worse`` is the one-sided p-value of "the contrast is above 0", adjusted for all, and
    ``alpha_worse`` the level at which each alone is held by it; ``at_least`` are the one-sided lower limits
    at that level, above 0 exactly where ``p_worse`` is at most one minus the level asked for. ``low``,
    ``high``, ``p_worse``, ``at_least``: shape (K,).
    """

    alpha: float
    low: Array
    high: Array
    alpha_worse: float
    p_worse: Array
    at_least: Array


def hold_together(contrasts: Contrasts, level: float) -> Together:
    """Give intervals that hold all at once, and p-values adjusted for all, by flipping clusters' signs.

    The cluster is the unit whatever lies in it: one group (whole documents change sign) or several (a
    question in five languages moves all of them together). ``alpha`` is the quantile over flips of the
    smallest p-value among the contrasts' normal scores ``sum_c e_c u_c / sqrt(sum_c u_c^2)``: single-step
    min-p, which is max-T with each contrast on its own Student's t (Westfall and Young 1993; multiplier
    bootstrap of the maximum: Chernozhukov, Chetverikov and Kato 2013). It lies between Bonferroni's level
    and no correction, and is kept there. The same with the largest signed score gives ``p_worse``.
    """
    wanted, count = 1 - level, len(contrasts.means)
    lengths = np.sqrt((contrasts.influence**2).sum(axis=0))
    highest, largest = _extremes(contrasts.influence / np.where(lengths > 0, lengths, 1.0))
    raw = _raw_p(contrasts)
    smallest = ndtr(-highest)
    counted = (1 + (smallest[:, None] <= raw).sum(axis=0)) / (len(smallest) + 1)
    return _limits(
        contrasts,
        _level(2 * ndtr(-largest), wanted, count),
        _level(smallest, wanted, count),
        np.minimum(np.minimum(np.maximum(counted, raw), count * raw), 1.0),
    )


def hold_by_bonferroni(contrasts: Contrasts, level: float, count: int) -> Together:
    """The same by sharing the error among ``count`` comparisons: never narrower, whatever is correlated."""
    each = (1 - level) / count
    return _limits(contrasts, each, each, np.minimum(count * _raw_p(contrasts), 1.0))


def _level(smallest: Array, wanted: float, count: int) -> float:
    """The level of one comparison below which the p-value adjusted for all is at most the level of all."""
    rank = max(1, math.floor(wanted * (len(smallest) + 1) + 1e-9))
    found = float(np.partition(smallest, rank - 1)[rank - 1])
    return min(max(found, wanted / count), wanted)


def _limits(contrasts: Contrasts, alpha: float, alpha_worse: float, p_worse: Array) -> Together:
    half = stdtrit(contrasts.df, 1 - alpha / 2) * contrasts.se
    at_least = contrasts.means - stdtrit(contrasts.df, 1 - alpha_worse) * contrasts.se
    return Together(alpha, contrasts.means - half, contrasts.means + half, alpha_worse, p_worse, at_least)


def _raw_p(contrasts: Contrasts) -> Array:
    """One-sided p-value of "above 0" of each contrast alone; 0.5 where neither mean nor error is above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(contrasts.means / contrasts.se, nan=0.0)
    return np.asarray(stdtr(contrasts.df, -t))


def flipped_share(parts: Array) -> float:
    """P-value of the sum of squares of K sums, when the clusters' parts in them change sign at random.

    Args:
        parts: shape (C, K); the observed sums are those of its columns.
    """
    observed = float((parts.sum(axis=0) ** 2).sum())
    flipped = np.concatenate([signs @ parts.astype(np.float32) for signs in _signs(len(parts))])
    beyond = int(((flipped**2).sum(axis=1) >= observed * (1 - TIES)).sum())
    return (1 + beyond) / (FLIPS + 1)


def _extremes(scores: Array) -> tuple[Array, Array]:
    """Highest flipped sum over the columns for every flip and its mirror; largest absolute one by flip."""
    found = [signs @ scores.astype(np.float32) for signs in _signs(len(scores))]
    highest = np.concatenate([block.max(axis=1) for block in found])
    lowest = np.concatenate([block.min(axis=1) for block in found])
    return np.concatenate([highest, -lowest]), np.maximum(highest, -lowest)


def _signs(clusters: int) -> Iterator[Floats]:
    """Give the flips in blocks (some flips, clusters): the same signs for the same number of clusters."""
    if clusters * FLIPS <= CHUNK:
        yield _kept_signs(clusters)
        return
    rng, rows = np.random.default_rng([SEED, clusters]), max(1, CHUNK // clusters)
    for start in range(0, FLIPS, rows):
        yield _draw_signs(rng, min(rows, FLIPS - start), clusters)


@functools.lru_cache(maxsize=8)
def _kept_signs(clusters: int) -> Floats:
    """All flips; kept, since every metric of a run flips the same clusters."""
    return _draw_signs(np.random.default_rng([SEED, clusters]), FLIPS, clusters)


def _draw_signs(rng: np.random.Generator, rows: int, clusters: int) -> Floats:
    return rng.integers(0, 2, (rows, clusters), dtype=np.int8) * np.float32(2) - np.float32(1)
