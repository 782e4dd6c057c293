"""Ranks of the relevant documents that were found, to one value per query and metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Relevant(NamedTuple):
    """The relevant documents of n queries, by query (from 0): ``counts`` (n,), and their ``grades``, (m,).

    The grades of a query stand together, the largest first.
    """

    counts: Ints
    grades: Floats

    @property
    def starts(self) -> Ints:
        """Where the grades of each query begin, (n,)."""
        found: Ints = np.cumsum(self.counts) - self.counts
        return found


class Found(NamedTuple):
    """The relevant documents that were retrieved, by query and then rank (from 1); each array is (h,)."""

    query: Ints
    rank: Ints
    grade: Floats

    @classmethod
    def of(cls, query: Ints, rank: Ints, grade: Floats) -> Found:
        """Bring them into their order."""
        order = np.lexsort((rank, query))
        return cls(query[order], rank[order], grade[order])


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def recall(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.recall_at``, per query: (n,)."""
    return _count(found, relevant, k) / np.maximum(relevant.counts, 1)


def precision(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.precision_at``."""
    return _count(found, relevant, k) / k


def hit_rate(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.hit_rate_at``."""
    return (_count(found, relevant, k) > 0).astype(np.float64)


def reciprocal_rank(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.reciprocal_rank_at``."""
    values = np.zeros(len(relevant.counts))
    query, first = np.unique(found.query, return_index=True)
    rank = found.rank[first]
    values[query] = np.where(rank <= k, 1 / rank, 0.0)
    return values


def average_precision(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.average_precision_at``."""
    _, first, counts = np.unique(found.query, return_index=True, return_counts=True)
    place = np.arange(1, len(found.query) + 1) - np.repeat(first, counts)  # of a query's, from 1
    return _sum(found.query, np.where(found.rank <= k, place / found.rank, 0.0), relevant) / np.maximum(
        relevant.counts, 1
    )


def ndcg(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.ndcg_at``."""
    gained = _sum(found.query, _discounted(found.grade, found.rank, k), relevant)
    place = np.arange(1, len(relevant.grades) + 1) - np.repeat(relevant.starts, relevant.counts)
    query = np.repeat(np.arange(len(relevant.counts)), relevant.counts)
    ideal = _sum(query, _discounted(relevant.grades, place, k), relevant)
    return np.divide(gained, ideal, out=np.zeros_like(ideal), where=ideal > 0)


def r_precision(found: Found, relevant: Relevant, k: int) -> Floats:
    """As ``retrieval.r_precision_of``; there is no ``k``."""
    del k
    within = found.rank <= relevant.counts[found.query]
    return _sum(found.query, within.astype(np.float64), relevant) / np.maximum(relevant.counts, 1)


VALUES: dict[str, Callable[[Found, Relevant, int], Floats]] = {
    "recall": recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
    "map": average_precision,
    "ndcg": ndcg,
    "r_precision": r_precision,
}
"""The metrics of ``harness.metrics.retrieval`` by name."""


def _count(found: Found, relevant: Relevant, k: int) -> Floats:
    counts = np.bincount(found.query[found.rank <= k], minlength=len(relevant.counts))
    return counts.astype(np.float64)


def _sum(query: Ints, weights: Floats, relevant: Relevant) -> Floats:
    """Add up by query, in the order of ranks."""
    return np.bincount(query, weights, minlength=len(relevant.counts)).astype(np.float64)


def _discounted(grade: Floats, rank: Ints, k: int) -> Floats:
    return np.where(rank <= k, grade / np.log2(rank + 1), 0.0)
