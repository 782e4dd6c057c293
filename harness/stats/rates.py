"""Intervals of rates: of one, of what must never happen, and of how far one fell over the same cases."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_ci(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a rate; ``n`` may be an effective sample size.

    ``(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``. Source: Wilson 1927.

    Args:
        successes: 0 to n.
        n: above 0.
        level: confidence in (0, 1).
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def clopper_pearson_ci(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a rate: it covers at least as often as it says, for every true rate.

    The limits are the rates at which so many successes or more, or so many or fewer, have probability
    ``(1 - level) / 2``: quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k). Source: Clopper and
    Pearson 1934.

    Args:
        successes: 0 to n.
        n: independent trials; with none the interval is 0 to 1.
        level: confidence in (0, 1).

    Raises:
        ValueError: successes outside 0 to n.
    """
    one_sided = (1 + level) / 2
    return 1 - clopper_pearson_upper(n - successes, n, one_sided), clopper_pearson_upper(
        successes, n, one_sided
    )


def clopper_pearson_upper(successes: int, n: int, level: float = 0.95) -> float:
    """Exact one-sided upper limit of a rate, for what must not happen at all.

    The ``level`` quantile of Beta(k + 1, n - k); with no success ``1 - (1 - level)^(1/n)``, at 95 % about
    ``3 / n`` (rule of three). Source: Clopper and Pearson 1934.

    Args:
        successes: 0 to n.
        n: independent trials; with none the limit is 1.
        level: confidence in (0, 1).

    Raises:
        ValueError: successes outside 0 to n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    from scipy.special import betaincinv

    return 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, level))


def newcombe_paired_ci(
    both: int, losses: int, wins: int, neither: int, level: float = 0.95
) -> tuple[float, float]:
    """Interval of how far a pass rate fell, over the same cases before and after: Newcombe's hybrid score.

    With rates ``p`` before and ``q`` after and their Wilson limits ``l, u``:
    ``(p - q) - sqrt(a^2 - 2 phi a b + b^2)`` for ``a = p - l_p, b = u_q - q``, and
    ``(p - q) + sqrt(c^2 - 2 phi c d + d^2)`` for ``c = u_p - p, d = q - l_q``. ``phi`` is the correlation of
    the fourfold table, ``(both * neither - losses * wins) / sqrt(product of the margins)``, where a numerator
    above 0 is lowered by n/2 but not below 0; it is 0 where a margin is empty. Source: Newcombe 1998,
    "Improved confidence intervals for the difference between binomial proportions based on paired data",
    method 10. Cases must be independent: with several of one document use the cluster-robust limits.

    Args:
        both: cases that pass before and after.
        losses: cases that passed before and fail now.
        wins: cases that failed before and pass now.
        neither: cases that fail before and after.
        level: confidence in (0, 1).

    Returns:
        Limits of ``p - q`` within -1 to 1; above 0 is a drop.

    Raises:
        ValueError: a count below 0, or no case.
    """
    counts = (both, losses, wins, neither)
    n = sum(counts)
    if min(counts) < 0 or n == 0:
        raise ValueError(f"a fourfold table of {counts}")
    before, after = both + losses, both + wins
    p, q = before / n, after / n
    (low_p, high_p), (low_q, high_q) = wilson_ci(before, n, level), wilson_ci(after, n, level)
    phi = _paired_correlation(both, losses, wins, neither)
    down = _hypotenuse(p - low_p, high_q - q, phi)
    up = _hypotenuse(high_p - p, q - low_q, phi)
    return max(-1.0, p - q - down), min(1.0, p - q + up)


def _paired_correlation(both: int, losses: int, wins: int, neither: int) -> float:
    """Newcombe's continuity-corrected phi of a fourfold table."""
    margins = (both + losses) * (wins + neither) * (both + wins) * (losses + neither)
    excess = float(both * neither - losses * wins)
    if excess > 0:
        excess = max(0.0, excess - (both + losses + wins + neither) / 2)
    return excess / math.sqrt(margins) if margins else 0.0


def _hypotenuse(a: float, b: float, phi: float) -> float:
    """Length of the difference of two errors whose correlation is ``phi``."""
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))
