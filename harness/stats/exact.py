"""Tests for few clusters or few cases that changed: their p-value needs no large sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtrc, gammaln

from harness.stats.paired import cluster_codes

Array = np.ndarray[Any, np.dtype[np.float64]]

ARRANGEMENTS = 2**17
"""Up to so many distinguishable flips all are counted, beyond them a random sample is."""
_TIE = 1e-9
"""Statistics (of -1 to 1) that differ by less are the same number, computed in another order."""
_BYTE_SIGNS = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
"""The 256 ways to flip eight clusters; shape (256, 8) of -1 and 1."""


def sign_flip_test(
    values: Sequence[float], clusters: Sequence[str], *, flips: int = 9999, seed: int = 0
) -> float:
    """One-sided p-value of "the true mean is above 0" by flipping the signs of whole clusters.

    The statistic is that of ``paired.clustered_mean``, ``t = mean / se`` with CR1, computed anew after every
    flip: with cluster sums ``S_g``, sizes ``n_g`` and signs ``e_g``, ``mean = sum_g e_g S_g / n`` and
    ``se^2`` is in proportion to ``sum_g (e_g S_g - n_g mean)^2``. The p-value is the share of all 2^C flips
    whose t is at least the observed one, ties included; clusters of equal size and equal sum up to the sign
    are counted together, which makes up to 2^17 distinguishable flips countable in full: always with 17
    clusters or fewer, and with any number of cases that pass or fail (where one item per cluster gives
    McNemar's exact test). Beyond, it is ``(1 + hits) / (1 + flips)`` of seeded random flips.

    It holds its level exactly where cluster sums are symmetric about 0, as those of two equally good systems
    are, and, being studentised, in large samples where only their mean is 0: not in small ones that are
    skewed, where the t test fails as it does (docs/adr/0005). Sources: Fisher 1935; Canay, Romano and Shaikh
    2017, "Randomization Tests under an Approximate Symmetry Assumption"; Phipson and Smyth 2010 for the ones
    that are added.

    Args:
        values: shape (n,), n >= 1, finite. Their scale and the order of the items change nothing.
        clusters: shape (n,), the cluster of each value.
        flips: random flips where not all can be counted, at least 1.
        seed: of the random flips.

    Returns:
        In (0, 1]; 1 where every cluster sums to 0, and with one cluster, whose error is unknown.

    Raises:
        ValueError: no values or not finite, lengths differ, or no flips.
    """
    if not len(values) or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    if flips < 1:
        raise ValueError(f"{flips} flips")
    x = np.asarray(values, dtype=float)
    if not np.isfinite(x).all():
        raise ValueError("a value is not finite")
    sums, sizes = _cluster_sums(x, clusters)
    if len(sums) < 2 or not sums.any():
        return 1.0
    design = _Design.of(sums, sizes)
    bar = _bounded_t(_sum(sums), _sum(sums * sizes), design) - _TIE
    kinds = _kinds(sums, sizes)
    if math.prod(int(count) + 1 for count in kinds.counts) <= ARRANGEMENTS:
        totals, weighted, shares = _all_flips(kinds)
        share = float(shares[_bounded_t(totals, weighted, design) >= bar].sum())
        return min(1.0, max(share, math.ulp(0.0)))
    totals, weighted = _random_flips(kinds, flips, np.random.default_rng(seed))
    hits = int(np.count_nonzero(_bounded_t(totals, weighted, design) >= bar))
    return (1 + hits) / (1 + flips)


def mcnemar_test(losses: int, wins: int, *, mid: bool = True) -> float:
    """One-sided p-value of "a case is lost more often than won", for cases that pass or fail.

    Of the ``losses + wins`` cases that changed, each is a loss with probability 1/2 if nothing did:
    ``P(X >= losses)`` for a binomial X, less half of ``P(X = losses)`` for the mid-p-value, which is close to
    its level where the exact test stays well below. Sources: McNemar 1947; Lancaster 1961; Fagerland,
    Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data". Cases must be independent: with
    several cases of one document use ``sign_flip_test``.

    Args:
        losses: cases that passed before and fail now.
        wins: cases that failed before and pass now.
        mid: the mid-p-value rather than the exact one.

    Returns:
        In [0, 1]; 1 where nothing changed.

    Raises:
        ValueError: a count below 0.
    """
    if losses < 0 or wins < 0:
        raise ValueError(f"{losses} losses and {wins} wins")
    changed = losses + wins
    if changed == 0:
        return 1.0
    at_least = float(bdtrc(losses - 1, changed, 0.5)) if losses else 1.0
    more = float(bdtrc(losses, changed, 0.5)) if wins else 0.0
    return (at_least + more) / 2 if mid else at_least


class _Design(NamedTuple):
    """What no flip changes: items, sum of squared cluster sizes, sum of squared cluster sums."""

    n: float
    sizes: float
    sums: float

    @classmethod
    def of(cls, sums: Array, sizes: Array) -> _Design:
        return cls(float(sizes.sum()), float(sizes @ sizes), _sum(sums**2))


class _Kinds(NamedTuple):
    """Clusters that no flip can tell apart: absolute sum (above 0), size, and how many there are of each."""

    sums: Array
    sizes: Array
    counts: np.ndarray[Any, np.dtype[np.intp]]


def _cluster_sums(x: Array, clusters: Sequence[str]) -> tuple[Array, Array]:
    """Sum, over the largest item, and size of every cluster.

    Sums are kept to twelve digits, so that those of the same scores are the same number in any order, and
    those that cancel are 0 rather than what rounding leaves of them.
    """
    largest = np.abs(x).max()
    sums: Any = x / largest if largest else x
    sizes = np.ones(len(x))
    if len(set(clusters)) < len(x):
        codes, rising = cluster_codes(clusters), np.argsort(x)
        sums, sizes = np.bincount(codes[rising], sums[rising]), np.bincount(codes).astype(float)
    return np.round(sums, 12), sizes


def _sum(x: Array) -> float:
    """Sum in an order that depends on the numbers alone."""
    return float(np.sort(x[x != 0]).sum())


def _kinds(sums: Array, sizes: Array) -> _Kinds:
    """Count the clusters by absolute sum and size; one that sums to 0 is the same however it is flipped."""
    moves = sums != 0
    pairs = np.sort(np.abs(sums[moves]) + 1j * sizes[moves])
    first = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    return _Kinds(pairs[first].real, pairs[first].imag, np.diff(first, append=len(pairs)))


def _bounded_t(totals: Any, weighted: Any, design: _Design) -> Any:
    """A rising function of t in [-1, 1], defined where the error is 0; of one flip or an array of them.

    Args:
        totals: ``sum_g e_g S_g``.
        weighted: ``sum_g e_g n_g S_g``.
        design: not all sums are 0.
    """
    means = totals / design.n
    spread = np.maximum(design.sums - 2 * means * weighted + means**2 * design.sizes, 0.0)
    return totals / np.sqrt(totals**2 + spread * design.n**2 / design.sizes)


def _all_flips(kinds: _Kinds) -> tuple[Array, Array, Array]:
    """Totals, weighted totals and share of every distinguishable flip; each of shape (flips,)."""
    totals, weighted, shares = np.zeros(1), np.zeros(1), np.ones(1)
    for cluster_sum, size, count in zip(*kinds, strict=True):
        kept = np.arange(count + 1.0)
        net = (2 * kept - count) * cluster_sum
        log_share = gammaln(count + 1) - gammaln(kept + 1) - gammaln(count - kept + 1) - count * math.log(2)
        totals = np.add.outer(totals, net).ravel()
        weighted = np.add.outer(weighted, net * size).ravel()
        shares = np.multiply.outer(shares, np.exp(log_share)).ravel()
    return totals, weighted, shares


def _random_flips(kinds: _Kinds, flips: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Totals and weighted totals of random flips; each of shape (flips,).

    Where a kind has many clusters, only how many of them keep their sign is drawn. Else the clusters are
    flipped eight at a time: a random byte picks one of 256 sums that were added up beforehand.
    """
    one_size = bool((kinds.sizes == kinds.sizes[0]).all())
    if 64 * len(kinds.counts) <= kinds.counts.sum():
        net = 2.0 * rng.binomial(kinds.counts, 0.5, (flips, len(kinds.counts))) - kinds.counts
        return net @ kinds.sums, net @ (kinds.sums * kinds.sizes)
    sums, sizes = np.repeat(kinds.sums, kinds.counts), np.repeat(kinds.sizes, kinds.counts)
    room = -len(sums) % 8
    blocks = np.pad(np.stack([sums, sums * sizes]), ((0, 0), (0, room))).reshape(2, -1, 8)
    totals, weighted = np.zeros(flips), np.zeros(flips)
    for block in range(blocks.shape[1]):
        pick = rng.integers(0, 256, flips, dtype=np.uint8)
        totals += (_BYTE_SIGNS @ blocks[0, block])[pick]
        if not one_size:
            weighted += (_BYTE_SIGNS @ blocks[1, block])[pick]
    return totals, totals * sizes[0] if one_size else weighted
