"""The rank of some documents among all that were retrieved, in trec_eval's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.metrics.bulk.values import Ints

Scores = np.ndarray[Any, np.dtype[np.float32]]


def ranks_of(
    scores: Scores,
    rows: Ints,
    hit_rows: Ints,
    hit_scores: Scores,
    name_of_hit: Callable[[int], str],
    names_at: Callable[[Ints], list[str]],
) -> Ints:
    """Rank by score descending, then by document id descending, from 1.

    Scores are compared in single precision, as trec_eval holds them; ids as text.

    Args:
        scores: of every retrieved document, (m,), those of a query together.
        rows: where the documents of each query begin, and the end of the last one, (n + 1,).
        hit_rows: the query, from 0, of the documents that are asked for, (h,).
        hit_scores: their scores, (h,).
        name_of_hit: gives the id of one of them, by its index.
        names_at: gives the ids at some indices into ``scores``. Both are asked about equal scores only.

    Raises:
        UsageError: a score is not a number.
    """
    if np.isnan(scores).any():
        raise UsageError("a score is not a number (NaN)", mend="leave the document out, or give it a score")
    keys = _keys(np.repeat(np.arange(len(rows) - 1), np.diff(rows)), scores)
    in_order = np.sort(keys)
    asked = _keys(hit_rows, hit_scores)
    before = np.searchsorted(in_order, asked, "right")
    ranks: Ints = rows[hit_rows + 1] - before + 1
    begin = np.searchsorted(in_order, asked, "left")
    tied = np.flatnonzero(before - begin > 1)
    if len(tied):
        places = np.argsort(keys, kind="stable")
        names: dict[int, list[str]] = {}
        for hit in tied.tolist():
            first = int(begin[hit])
            if first not in names:
                names[first] = sorted(names_at(places[first : before[hit]]), reverse=True)
            ranks[hit] += names[first].index(name_of_hit(hit))
    return ranks


def in_single_precision(scores: Any) -> Scores:
    """Give scores as trec_eval holds them; what is too large for that is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(scores).astype(np.float32)


def _keys(rows: Ints, scores: Scores) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """One number per document that sorts by query, then by score: the bits of the score, turned to sort."""
    bits = (scores + np.float32(0)).view(np.uint32)  # of the two zeros, one
    sign = np.uint32(1 << 31)
    ordered = np.where(bits & sign, ~bits, bits | sign)
    return (rows.astype(np.uint64) << np.uint64(32)) | ordered
