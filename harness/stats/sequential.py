"""Looks at the data on the way: how much of an error rate each look may spend, and the bounds it leaves."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri

Spending = Literal["obrien-fleming", "pocock", "power"]
POWER = 1.5
"""Exponent of the power family: spends later than Pocock's and earlier than O'Brien and Fleming's."""
_GRID = 801
_FAR = 8.0
"""Standard deviations beyond which a normal density is nothing."""


def spent(alpha: float, fraction: float, spending: Spending) -> float:
    """Share of a one-sided error rate spent once a fraction of the information is there.

    ``obrien-fleming``: ``2 (1 - Phi(z_{1-alpha/2} / sqrt(t)))``; ``pocock``: ``alpha ln(1 + (e-1) t)``;
    ``power``: ``alpha t^1.5``. Sources: Lan and DeMets 1983; Kim and DeMets 1987.

    Args:
        alpha: the whole rate, in (0, 1).
        fraction: in (0, 1]; at 1 everything is spent.
        spending: which family.
    """
    if fraction >= 1:
        return alpha
    if spending == "power":
        return alpha * math.pow(fraction, POWER)
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1) * fraction)
    return float(2 * ndtr(-ndtri(1 - alpha / 2) / math.sqrt(fraction)))


def spending_bounds(alpha: float, fractions: Sequence[float], spending: Spending) -> tuple[float, ...]:
    """One-sided bounds on the z scale, one per look: stop at the first look with z at or above its bound.

    Under no effect the bounds are crossed with probability ``spent(alpha, t_k)`` by look k, for statistics
    with independent increments. By recursive integration over the density of what has not yet been stopped.
    Source: Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19.

    Args:
        alpha: the one-sided error rate over all looks, in (0, 0.5).
        fractions: information at each look, rising, in (0, 1].
        spending: how alpha is spent.

    Raises:
        ValueError: the fractions do not rise within (0, 1].
    """
    rising = all(a < b for a, b in zip((0.0, *fractions), fractions, strict=False))
    if not fractions or not rising or fractions[-1] > 1:
        raise ValueError(f"fractions {fractions} do not rise within (0, 1]")
    return _bounds(alpha, tuple(fractions), spending)


@functools.lru_cache(maxsize=256)
def _bounds(alpha: float, fractions: tuple[float, ...], spending: Spending) -> tuple[float, ...]:
    total = [spent(alpha, fraction, spending) for fraction in fractions]
    bounds = [float(-ndtri(total[0]))]
    grid = _grid(bounds[0], fractions[0])
    density = _normal(grid, math.sqrt(fractions[0])) * _weights(grid)
    for index in range(1, len(fractions)):
        now, step = fractions[index], math.sqrt(fractions[index] - fractions[index - 1])
        wanted = total[index] - total[index - 1]
        crosses = functools.partial(_crossing, grid=grid, density=density, now=now, step=step)
        bounds.append(_falls_to(crosses, wanted))
        later = _grid(bounds[-1], now)
        density = (_normal(later[:, None] - grid[None, :], step) @ density) * _weights(later)
        grid = later
    return tuple(bounds)


def _crossing(
    bound: float, *, grid: np.ndarray[Any, Any], density: np.ndarray[Any, Any], now: float, step: float
) -> float:
    """Probability that what has not been stopped crosses the bound at this look."""
    return float(density @ ndtr((grid - bound * math.sqrt(now)) / step))


def _falls_to(function: Callable[[float], float], wanted: float) -> float:
    """Where a falling function takes a value, by bisection."""
    low, high = -_FAR, _FAR
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > wanted else (low, middle)
    return (low + high) / 2


def _grid(bound: float, fraction: float) -> np.ndarray[Any, Any]:
    """Values of the score (z times root of the fraction) that have not crossed the bound."""
    found: np.ndarray[Any, Any] = np.linspace(-_FAR, bound, _GRID) * math.sqrt(fraction)
    return found


def _weights(grid: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Weights of the trapezoid rule."""
    weights = np.full(len(grid), grid[1] - grid[0])
    weights[[0, -1]] /= 2
    return weights


def _normal(x: np.ndarray[Any, Any], deviation: float) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.exp(-0.5 * (x / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    return found
