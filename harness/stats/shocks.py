"""Shocks that all items of one run share: how far run means lie apart beyond what their items explain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc

from harness.stats.paired import cluster_codes, unit_error

MOST_CHANCE = 0.01
"""Spread that items alone show at least so often is put down to them: the level of the F test."""
NONE = 1e-24
"""Variances below this are rounding: sums in another order."""


class RunShock(NamedTuple):
    """The variance of a run's mean that its items do not explain, of a system that was run several times.

    ``variance`` is 0 and ``df`` 0 where it is not ``used``. ``spread_sd`` is the standard deviation between
    the run means, ``expected_sd`` the one that their items explain; None: cannot be known.
    """

    variance: float
    df: float
    spread_sd: float | None
    expected_sd: float | None
    n_runs: int
    used: bool


def run_shock(values: Sequence[Sequence[float]], clusters: Sequence[str]) -> RunShock:
    """Estimate the variance component of a shock shared by all items of a run.

    With m_r the mean of run r, ``s^2 = sum_r (m_r - m)^2 / (k-1)`` is the variance between run means. The
    part explained by noise that is independent between clusters is the cluster-robust variance of a run mean
    around the items' own means,

    ``v^2 = C/(C-1) * sum_r sum_g (sum_{i in g} e_ri)^2 / (n^2 (k-1))``, e_ri = x_ri - x_i - (m_r - m).

    The shock's variance is the excess ``s^2 - v^2`` (the method of moments of a one-way random effect:
    Searle, Casella and McCulloch 1992, chapter 3). It is used only where ``s^2 / v^2`` would be as large by
    the items alone in fewer than 1 % of baselines, F with k-1 and (k-1)(C-1) degrees of freedom; its own
    are Satterthwaite's, ``(s^2 - v^2)^2 / (s^4/(k-1) + v^4/((k-1)(C-1)))``. The order of runs and items
    changes nothing.

    The level trades false alarms with shocks for power without. Simulated (1,000 baselines of 5 runs, binary
    scores, shocks of 1.4 points): a one-sided test at 5 % alarms falsely in 11.0, 14.9 and 21.9 % at 200, 500
    and 1,000 items without the addition, and in 10.3, 9.5 and 10.7 % with it; without shocks it finds a drop
    of 5 points in 84.7 % and 83.8 % at 200 items, 99.4 % and 99.1 % at 500. At a level of 10 % it would be
    6.8, 8.0 and 6.9 %, for 5 points of power at 200 items and 1.4 at 500.

    Args:
        values: shape (k, n): each run's value of each item, k, n >= 1, finite.
        clusters: shape (n,), the cluster of each item.

    Raises:
        ValueError: no values, or lengths differ.
    """
    k, n = len(values), len(clusters)
    if not k or not n or any(len(row) != n for row in values):
        raise ValueError(f"{k} runs of {[len(row) for row in values]} values in {n} clusters")
    codes = cluster_codes(clusters)
    count = int(codes.max()) + 1
    if k < 2:
        return RunShock(0.0, 0.0, None, None, k, used=False)
    x = np.asarray(values, dtype=float)
    means = np.array([math.fsum(row) / n for row in values])
    middle = math.fsum(means) / k
    spread = math.fsum((means - middle) ** 2) / (k - 1)
    if count < 2:
        return RunShock(0.0, 0.0, math.sqrt(spread), None, k, used=False)
    residuals = x - np.sort(x, axis=0).sum(axis=0) / k - (means - middle)[:, None]
    squares = [_squared_sums(row, codes) for row in residuals]
    expected = count / (count - 1) * math.fsum(squares) / (n * n * (k - 1))
    shown = math.sqrt(spread), math.sqrt(expected)
    df_items = (k - 1) * (count - 1)
    if spread <= max(expected, NONE):
        return RunShock(0.0, 0.0, *shown, k, used=False)
    if expected > NONE and fdtrc(k - 1, df_items, spread / expected) >= MOST_CHANCE:
        return RunShock(0.0, 0.0, *shown, k, used=False)
    part = expected / spread
    df = (1 - part) ** 2 / (1 / (k - 1) + part**2 / df_items)
    return RunShock(spread - expected, df, *shown, k, used=True)


def largest_shock(values: Sequence[Sequence[float | None]], clusters: Sequence[str], span: float) -> float:
    """Most that ``run_shock`` could find, as a variance, whatever the missing values (None) are.

    Both standard deviations are seminorms of the values: one value that moves by w moves the spread of the
    means by ``w / (n sqrt(k))``, and what items explain by no more than ``w * unit_error / sqrt(k)``.

    Args:
        values: shape (k, n).
        clusters: shape (n,).
        span: width of the range that values are in; may be infinite.
    """
    known = [value for row in values for value in row if value is not None]
    lost = sum(len(row) for row in values) - len(known)
    k, n = len(values), len(clusters)
    if k < 2 or len(set(clusters)) < 2:
        return 0.0
    if not known or (lost and math.isinf(span)):
        return math.inf
    middle = math.fsum(known) / len(known)
    found = run_shock([[middle if value is None else value for value in row] for row in values], clusters)
    moved = lost * span / math.sqrt(k) if lost else 0.0
    spread = ((found.spread_sd or 0.0) + moved / n) ** 2
    least = max(0.0, (found.expected_sd or 0.0) - moved * unit_error(clusters)) ** 2
    if spread <= max(least, NONE):
        return 0.0
    if least > NONE and fdtrc(k - 1, (k - 1) * (len(set(clusters)) - 1), spread / least) >= MOST_CHANCE:
        return 0.0
    return spread - least


def _squared_sums(row: np.ndarray, codes: np.ndarray) -> float:
    """Sum of the squared sums by cluster, added up in an order that depends on the numbers alone."""
    order = np.argsort(row)
    return math.fsum(np.bincount(codes[order], weights=row[order]) ** 2)
