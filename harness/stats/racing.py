"""One look of a race: who leads, how much better each other may still be, and who is out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, stdtrit

Array = np.ndarray[Any, Any]

PSEUDO = 0.25
"""Standard deviation of one further difference, in widths of the range: no spread is never no doubt."""


class Look(NamedTuple):
    """Row of the leader; upper limits of how much better each row is; which rows are out; whether to stop.

    ``limits`` is 0 for the leader, and infinite where nothing is known.
    """

    leader: int
    limits: Array
    out: Array
    is_over: bool


def judge_look(
    values: Array, clusters: Array, fit: Array, *, bound: float, epsilon: float, width: float
) -> Look:
    """Judge the candidates that are still in the race on what all of them were asked.

    The leader has the highest mean of those that are fit; who is not is out, unless nobody is. With d the
    paired differences to the leader, a candidate is out when ``mean(d) + q se(d) < 0``: ``se`` is
    cluster-robust and at least ``PSEUDO * width / n``, and q is the quantile of Student's t with
    (clusters - 1) degrees of freedom at the level of the look's bound. The race is over when one is left, or
    no other may be better than the leader by more than ``epsilon``. Sources: Maron and Moore 1994; Birattari
    et al. 2002; bounds by Lan and DeMets 1983.

    Args:
        values: shape (candidates, cases), higher is better; NaN where a metric does not apply.
        clusters: shape (cases,), the document of each case as a number.
        fit: shape (candidates,), whether it could be chosen at all.
        bound: of this look, on the z scale.
        epsilon: difference that does not matter, on the scale of the values.
        width: of the range of the values.
    """
    seen = ~np.isnan(values)
    means = np.where(seen.any(1), np.nansum(values, 1) / np.maximum(seen.sum(1), 1), -np.inf)
    fit = fit if fit.any() else np.ones(len(values), dtype=bool)
    leader = int(np.where(fit, means, -np.inf).argmax())
    difference = values - values[leader]
    known = ~np.isnan(difference)
    n = known.sum(1)
    mean = np.where(known, difference, 0.0).sum(1) / np.maximum(n, 1)
    se, df = _clustered(difference, known, mean, clusters)
    se = np.maximum(se, PSEUDO * width / np.maximum(n, 1))
    with np.errstate(invalid="ignore"):
        limits = np.where(df > 0, mean + stdtrit(np.maximum(df, 1), float(ndtr(bound))) * se, math.inf)
    limits[leader] = 0.0
    out = (limits < 0) | ~fit
    others = np.delete(limits, leader)[~np.delete(out, leader)]
    return Look(leader, limits, out, is_over=bool((others <= epsilon).all()))


def _clustered(difference: Array, known: Array, mean: Array, clusters: Array) -> tuple[Array, Array]:
    """Standard error of each row's mean, ``C/(C-1) sum_g (sum_{i in g} (d_i - mean) / n)^2``, and C - 1."""
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    deviations = np.where(known, difference - mean[:, None], 0.0)[:, order]
    sums = np.add.reduceat(deviations, starts, axis=1) / np.maximum(known.sum(1), 1)[:, None]
    count = np.add.reduceat(known[:, order], starts, axis=1).astype(bool).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(count / (count - 1) * (sums**2).sum(1))
    return np.where(count > 1, se, math.inf), count - 1
