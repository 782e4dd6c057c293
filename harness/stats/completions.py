"""What a test could say if the missing values were known: the best case for it over all they can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

STEPS = 200


def mean_could_exceed(
    sums: Array, counts: Array, lows: Array, highs: Array, quantile: float, variance: float = 0.0
) -> bool:
    """Say whether ``mean > quantile * sqrt(se^2 + variance)`` for some sums within the box.

    The mean is over all values of all clusters, ``se`` its cluster-robust error (as in ``clustered_mean``).
    ``mean - quantile * sqrt(se^2 + variance)`` is concave in the sums, so its tangent at any point bounds it
    from above on the whole box. The search goes from point to point along the best corner of the tangent
    (Frank and Wolfe 1956) until a point is above 0, or a bound is not.

    Args:
        sums: shape (C,), what is known of the sum of each cluster.
        counts: shape (C,), how many values it will be of, missing ones included; 1 at least.
        lows: shape (C,), the least that missing values add to it; 0 where none is missing.
        highs: shape (C,), the most.
        quantile: above 0.
        variance: of what moves all values together, 0 or more.

    Returns:
        True where it can be, and where that could not be excluded in ``STEPS`` steps.
    """
    clusters, n = len(sums), float(counts.sum())
    if clusters < 2:
        return False
    scale = clusters / (clusters - 1) / n**2
    added = highs.astype(float)
    for _ in range(STEPS):
        total = sums + added
        mean = float(total.sum()) / n
        rest = total - counts * mean
        square = scale * float(rest @ rest) + variance
        value = mean - quantile * math.sqrt(square)
        if value > 0:
            return True
        tilt = scale * (rest - float(rest @ counts) / n) / math.sqrt(max(square, 1e-300))
        slope = 1 / n - quantile * tilt
        step = np.where(slope > 0, highs, lows) - added
        if value + float(slope @ step) <= 0:
            return False
        gain = float(step.sum()) / n
        moved = step - counts * gain
        squares = square, scale * float(rest @ moved), scale * float(moved @ moved)
        added = added + step * _best_share(gain, squares, quantile)
    return True


def _best_share(gain: float, squares: tuple[float, float, float], quantile: float) -> float:
    """Where ``gain x - quantile sqrt(c + 2 d x + e x^2)`` is largest for x in [0, 1]."""
    c, d, e = squares

    def rises(x: float) -> bool:
        return gain > quantile * (d + e * x) / math.sqrt(max(c + 2 * d * x + e * x * x, 1e-300))

    low, high = 0.0, 1.0
    if rises(high):
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) else (low, middle)
    return low
