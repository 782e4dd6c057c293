"""Runs and judgements as columns: which relevant documents were retrieved, and at which rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from harness.errors import UsageError
from harness.metrics.bulk.columns import ROWS_AT_ONCE, Ids, column, grouped, has_column
from harness.metrics.bulk.ranks import in_single_precision, ranks_of
from harness.metrics.bulk.values import NOTHING, Floats, Found, Ints, Relevant


class Judged(NamedTuple):
    """The relevant documents of the queries, those of a query together, (m,)."""

    queries: list[Any]
    documents: Ids
    grades: Floats
    counts: Ints

    @property
    def relevant(self) -> Relevant:
        """What the values need of them."""
        query = np.repeat(np.arange(len(self.counts)), self.counts)
        return Relevant(self.counts, self.grades[np.lexsort((-self.grades, query))])


class Retrieved(NamedTuple):
    """What was retrieved, the documents of a query together, (m,); ``begins`` has n + 1 places."""

    queries: list[Any]
    documents: Ids
    scores: Any
    begins: Ints


def judged(qrels: Any) -> Judged:
    """Take judgements from columns ``query_id``, ``doc_id`` and ``grade``; below 1 is not relevant."""
    documents = Ids(column(qrels, "doc_id", "qrels"), "qrels, doc_id")
    groups = grouped(Ids(column(qrels, "query_id", "qrels"), "qrels, query_id"))
    grades = np.asarray(column(qrels, "grade", "qrels"))
    if grades.dtype.kind not in "iu":
        raise UsageError(f"qrels, grade is {grades.dtype}", mend="grades are whole numbers")
    _check_lengths("qrels", len(documents), len(grades), int(groups.begins[-1]))
    rows = np.arange(len(grades)) if groups.order is None else groups.order
    query = np.repeat(np.arange(len(groups.ids)), np.diff(groups.begins))
    _check_once(documents, rows, query, groups.ids)
    kept = grades[rows] >= 1
    counts = np.bincount(query[kept], minlength=len(groups.ids))
    return Judged(groups.ids, documents.take(rows[kept]), grades[rows[kept]].astype(np.float64), counts)


def retrieved(run: Any) -> Retrieved:
    """Take a run from columns ``query_id``, ``doc_id`` and ``score``, or ``rank`` (from 1) without scores."""
    documents = Ids(column(run, "doc_id", "run"), "run, doc_id")
    groups = grouped(Ids(column(run, "query_id", "run"), "run, query_id"))
    ranked = not has_column(run, "score")
    scores = np.asarray(column(run, "rank" if ranked and has_column(run, "rank") else "score", "run"))
    if scores.dtype.kind not in "iuf":
        raise UsageError(f"run, {'rank' if ranked else 'score'} is {scores.dtype}", mend="numbers are wanted")
    _check_lengths("run", len(documents), len(scores), int(groups.begins[-1]))
    scores = -scores.astype(np.float64) if ranked else scores
    if groups.order is not None:
        documents, scores = documents.take(groups.order), scores[groups.order]
    return Retrieved(groups.ids, documents, scores, groups.begins)


def found_in(run: Retrieved, qrels: Judged) -> Found:
    """Find the relevant documents in a run and rank them, a block of queries at a time.

    Raises:
        UsageError: a document twice for one query, a score that is not a number, or ids of two kinds.
    """
    if (run.documents.numbers is None) != (qrels.documents.numbers is None) and len(qrels.documents):
        raise UsageError(
            "doc_id is whole numbers in the one and text in the other", mend="use one kind of ids"
        )
    if not qrels.queries:
        return NOTHING
    number = {query: place for place, query in enumerate(qrels.queries)}
    query = np.fromiter((number.get(name, -1) for name in run.queries), np.int64, len(run.queries))
    parts = [_found_in_block(run, qrels, query, *block) for block in _blocks(run.begins)]
    if not parts:
        return NOTHING
    return Found.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _found_in_block(
    run: Retrieved, qrels: Judged, query: Ints, first: int, last: int
) -> tuple[Ints, Ints, Floats]:
    begins = run.begins[first : last + 1] - run.begins[first]
    rows = np.repeat(np.arange(last - first), np.diff(begins))
    wanted, wanted_rows = _relevant_rows(qrels.counts, query[first:last])
    codes, wanted_codes = _codes(
        run.documents, run.begins[first], run.begins[last], qrels.documents.take(wanted)
    )
    keys, wanted_keys, places = _joined(codes, rows, wanted_codes, wanted_rows)
    again = np.flatnonzero(keys[1:] == keys[:-1])
    if len(again):
        row = int(places[again[0]])
        name = run.documents.texts(np.array([row + run.begins[first]]))[0]
        what = f"the run has document {name!r} twice for query {run.queries[first + int(rows[row])]!r}"
        raise UsageError(what, mend="keep the best of them")
    at = np.minimum(np.searchsorted(keys, wanted_keys), len(keys) - 1)
    hit = keys[at] == wanted_keys
    hits = places[at[hit]]
    scores = in_single_precision(run.scores[run.begins[first] : run.begins[last]])

    def names(at: Ints) -> list[str]:
        return run.documents.texts(at + run.begins[first])

    ranks = ranks_of(
        scores, begins, rows[hits], scores[hits], lambda one: names(hits[one : one + 1])[0], names
    )
    return query[first + rows[hits]], ranks, qrels.grades[wanted[hit]]


def _codes(documents: Ids, begin: int, end: int, wanted: Ids) -> tuple[Ints, Ints]:
    """Code the documents of a block and the relevant ones alike; -1: not in the block."""
    if documents.numbers is not None and wanted.numbers is not None:
        return documents.numbers[begin:end], wanted.numbers
    import pandas as pd

    codes, texts = documents.coded(begin, end)
    of, wanted_texts = wanted.coded(0, len(wanted))
    return codes, pd.Index(texts).get_indexer(wanted_texts).astype(np.int64)[of]


def _joined(codes: Ints, rows: Ints, wanted: Ints, wanted_rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Give one number per (query, document), sorted, the same of those wanted, and where the first stood."""
    low, high = int(codes.min()), int(codes.max())
    span = high - low + 2
    if span * (int(rows[-1]) + 1) >= 1 << 62:  # numbers too far apart for one number of both
        every, packed = np.unique(np.concatenate([codes, wanted]), return_inverse=True)
        codes, wanted, low, high, span = (
            packed[: len(codes)],
            packed[len(codes) :],
            0,
            len(every),
            len(every) + 2,
        )
    keys = rows * span + (codes - low)
    inside = (wanted >= low) & (wanted <= high)
    wanted_keys = wanted_rows * span + np.where(inside, wanted - low, span - 1)
    places = np.argsort(keys)
    return keys[places], wanted_keys, places


def _relevant_rows(counts: Ints, query: Ints) -> tuple[Ints, Ints]:
    """Where the relevant documents of some queries (-1: not judged) stand, and the place of their query."""
    begins = np.cumsum(counts) - counts
    lengths = np.where(query >= 0, counts[query], 0)
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(begins[query] - before, lengths), np.repeat(
        np.arange(len(query)), lengths
    )


def _blocks(begins: Ints) -> Iterator[tuple[int, int]]:
    """Cut the queries into blocks of about ``ROWS_AT_ONCE`` documents, at least one query each."""
    first, n = 0, len(begins) - 1
    while first < n:
        last = int(np.searchsorted(begins, begins[first] + ROWS_AT_ONCE, "right")) - 1
        last = min(max(last, first + 1), n)
        yield first, last
        first = last


def _check_once(documents: Ids, rows: Ints, query: Ints, queries: list[Any]) -> None:
    codes = documents.numbers if documents.numbers is not None else documents.coded(0, len(documents))[0]
    if not len(codes):
        return
    keys, _, places = _joined(codes[rows], query, codes[:0], query[:0])
    again = np.flatnonzero(keys[1:] == keys[:-1])
    if len(again):
        row = int(places[again[0]])
        name = documents.texts(rows[row : row + 1])[0]
        raise UsageError(f"the qrels have document {name!r} twice for query {queries[int(query[row])]!r}")


def _check_lengths(what: str, *lengths: int) -> None:
    if len(set(lengths)) > 1:
        raise UsageError(f"the columns of the {what} have {', '.join(map(str, lengths))} rows")
