"""Many one-sided tests on the same documents as one test: weighted min-p by sign flips, stepped down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

Array = np.ndarray[Any, Any]

FLIPS = 4999
CLUSTERS_AT_ONCE = 2_000
"""Clusters whose signs are held at a time; a multiple of 4, so that blocks draw what one draw would."""
TIE = 1e-9
"""Weighted p-values closer than this share are ties: the same sums, added up in another order."""


class Family(NamedTuple):
    """H tests on G clusters, each on the mean of the values that its clusters hold.

    Attributes:
        sums: shape (G, H), sum of a test's values in a cluster; 0 where it has none.
        counts: shape (G, H), how many values that sum is of.
        weights: shape (H,), above 0: what share of the error rate each test gets.
        stages: shape (G,), the look at which each cluster came in, from 0, rising.
        least: shape (2, H), values and clusters below which a test is not made at a look.
    """

    sums: Array
    counts: Array
    weights: Array
    stages: Array
    least: Array


class FamilyTest(NamedTuple):
    """What one look at the whole family says.

    Attributes:
        adjusted: shape (H,), p-values of the family: the smallest is the p-value of "no test is worse", each
            further one that of what is left after the smaller ones. Earlier looks are counted in.
        critical: weighted p-value (p / weight) up to which the smallest is found at this look; times a test's
            weight it is the alpha that the test really gets.
    """

    adjusted: Array
    critical: float


def family_test(
    family: Family, observed: Array, spent: Sequence[float], *, seed: int, flips: int = FLIPS
) -> FamilyTest:
    """Test that all true means are 0 or below, by flipping the signs of whole clusters.

    Each flip gives every test a studentised cluster-robust statistic (the same as ``clustered_mean``), turned
    into a p-value, and the family its smallest weighted p-value ``min_h p_h / w_h``. Under the null the flips
    are as likely as what was observed, whatever the correlation between tests, so the share of flips at or
    below the observed minimum is its p-value. Over looks, a flip that was found at an earlier look counts as
    found: the bound of look k is the value at which ``spent[k]`` of all flips have been found by then.
    Sources: Westfall and Young 1993 (min-p, step-down), Romano and Wolf 2005; Genovese, Roeder and Wasserman
    2006 (weights); Lan and DeMets 1983 (spending); Winkler and others 2014 (whole blocks).

    Args:
        family: the tests.
        observed: shape (H,), z-values as ``z_of_t`` gives them; larger is worse. They may be smaller than
            those of the sums alone: where a run as a whole may have shifted, say.
        spent: error rate spent by each look so far; one entry where there is one look.
        seed: of the flips; clusters of a look get the same flips at every later look.
        flips: how many.
    """
    found = np.zeros(flips, dtype=bool)
    weighted = np.empty((flips, len(family.weights)))
    for stage, rate in enumerate(spent):
        weighted = _flipped(family, stage, seed, flips)
        if stage < len(spent) - 1:
            found |= weighted.min(axis=1) <= _bound(weighted.min(axis=1), found, rate)
    ours = ndtr(-observed) / family.weights
    critical = _bound(weighted.min(axis=1), found, spent[-1])
    return FamilyTest(_step_down(weighted, found, ours), critical)


def z_of_t(t: Array, df: Array) -> Array:
    """Turn Student's t into a normal deviate with the same tail, within 0.022 from 5 degrees of freedom.

    ``sign(t) (8 df + 1) / (8 df + 3) sqrt(df log(1 + t^2 / df))``. Source: Wallace 1959. It rises with t, so
    that comparing flips with what was observed loses nothing by it.
    """
    found: Array = np.sign(t) * (8 * df + 1) / (8 * df + 3) * np.sqrt(df * np.log1p(t * t / df))
    return found


def _flipped(family: Family, stage: int, seed: int, flips: int) -> Array:
    """Weighted p-values of every flip on the clusters up to a stage; infinite where a test has too few.

    Shape (flips, H).
    """
    tests = len(family.weights)
    totals, products = np.zeros((flips, tests)), np.zeros((flips, tests))
    for block in range(stage + 1):
        rows = family.stages == block
        sums, counts = family.sums[rows], family.counts[rows]
        rng = np.random.default_rng([seed, block])
        for begin in range(0, len(sums), CLUSTERS_AT_ONCE):
            part = slice(begin, begin + CLUSTERS_AT_ONCE)
            signs = _signs(len(sums[part]), flips, rng)
            totals += signs @ sums[part]
            products += signs @ (sums[part] * counts[part])
    rows = family.stages <= stage
    counts = family.counts[rows]
    t = _student(totals, products, family.sums[rows], counts)
    clusters = (counts > 0).sum(axis=0)
    weighted: Array = ndtr(-z_of_t(t, np.maximum(clusters - 1, 1))) / family.weights
    weighted[:, (np.stack([counts.sum(axis=0), clusters]) < family.least).any(axis=0)] = np.inf
    return weighted


def _signs(clusters: int, flips: int, rng: np.random.Generator) -> Array:
    """Signs, shape (flips, clusters), drawn cluster by cluster."""
    bits = rng.integers(0, 256, size=(clusters, -(-flips // 8)), dtype=np.uint8)
    found: Array = np.unpackbits(bits, axis=1, count=flips).T * 2.0 - 1.0
    return found


def _student(totals: Array, products: Array, sums: Array, counts: Array) -> Array:
    """Cluster-robust t of flipped sums: ``mean / se`` with ``clustered_mean``'s formula; shape (flips, H).

    The squares are ``sum (s_g u_g - n_g m)^2 = sum u_g^2 - 2 m sum s_g n_g u_g + m^2 sum n_g^2``.
    """
    n = np.maximum(counts.sum(axis=0), 1)
    clusters = np.maximum((counts > 0).sum(axis=0), 2)
    own = (sums**2).sum(axis=0)
    mean = totals / n
    squares = own - 2 * mean * products + mean**2 * (counts**2).sum(axis=0)
    least = np.maximum(own * 1e-12, 1e-300)  # no spread: a huge t, or 0 where nothing differs at all
    error = np.sqrt(clusters / (clusters - 1) * np.maximum(squares, least)) / n
    t: Array = mean / error
    return t


def _bound(minima: Array, found: Array, rate: float) -> float:
    """The largest minimum of a flip at which no more than the rate of all have been found.

    One is counted for what was observed; 0 where the rate does not reach to the first flip.
    """
    room = int(rate * (len(minima) + 1) + TIE) - 1 - int(found.sum())
    if room <= 0:
        return 0.0
    ranked = np.sort(minima[~found])
    if room >= len(ranked):
        return float(ranked[-1])
    # Flips that tie with the first that has no room any more are out with it.
    return float(ranked[ranked < ranked[room] * (1 - TIE)].max(initial=0.0))


def _step_down(weighted: Array, found: Array, ours: Array) -> Array:
    order = np.argsort(ours, kind="stable")
    least_left = np.minimum.accumulate(weighted[:, order][:, ::-1], axis=1)[:, ::-1]
    as_small = found[:, None] | (least_left <= ours[order] * (1 + TIE))
    p = (1 + as_small.sum(axis=0)) / (len(weighted) + 1)
    adjusted = np.empty(len(ours))
    adjusted[order] = np.maximum.accumulate(p)
    return adjusted
