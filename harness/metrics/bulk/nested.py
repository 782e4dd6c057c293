"""Runs and judgements as dictionaries, in pytrec_eval's form: which relevant documents were retrieved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.metrics.bulk.columns import ROWS_AT_ONCE
from harness.metrics.bulk.ranks import in_single_precision, ranks_of
from harness.metrics.bulk.values import NOTHING, Found, Ints, Relevant

Qrels = Mapping[Any, Mapping[str, int]]
Run = Mapping[Any, Mapping[str, float]]


def relevant_of(qrels: Qrels) -> Relevant:
    """Give the relevant documents of every query, in the order of the queries."""
    grades = [
        sorted((grade for grade in judged.values() if grade >= 1), reverse=True) for judged in qrels.values()
    ]
    counts = np.fromiter(map(len, grades), np.int64, len(grades))
    return Relevant(counts, np.fromiter(chain.from_iterable(grades), np.float64, int(counts.sum())))


def found_in(run: Run, qrels: Qrels) -> Found:
    """Find the relevant documents in a run and rank them, a block of queries at a time.

    Raises:
        UsageError: a score that is not a number.
    """
    parts = [
        _found_in_block(numbers, [run[query] for query in queries], [qrels[query] for query in queries])
        for numbers, queries in _blocks(run, qrels)
    ]
    if not parts:
        return NOTHING
    return Found.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _found_in_block(
    numbers: Ints, runs: Sequence[Mapping[str, float]], judged: Sequence[Mapping[str, int]]
) -> tuple[Ints, Ints, Any]:
    begins = np.concatenate([[0], np.cumsum(np.fromiter(map(len, runs), np.int64, len(runs)))])
    try:
        scores = np.fromiter(chain.from_iterable(one.values() for one in runs), float, int(begins[-1]))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a score of the run is no number: {error}") from error
    hits = [
        (row, name, one[name], grades[name])
        for row, (one, grades) in enumerate(zip(runs, judged, strict=True))
        for name in one.keys() & grades.keys()
        if grades[name] >= 1
    ]
    rows = np.fromiter((hit[0] for hit in hits), np.int64, len(hits))

    def names(at: Ints) -> list[str]:
        row = int(np.searchsorted(begins, at[0], "right")) - 1  # all are of one query
        known = list(runs[row])
        return [known[place] for place in (at - begins[row]).tolist()]

    hit_scores = np.fromiter((hit[2] for hit in hits), float, len(hits))
    ranks = ranks_of(
        in_single_precision(scores),
        begins,
        rows,
        in_single_precision(hit_scores),
        lambda one: hits[one][1],
        names,
    )
    return numbers[rows], ranks, np.fromiter((hit[3] for hit in hits), np.float64, len(hits))


def _blocks(run: Run, qrels: Qrels) -> Iterator[tuple[Ints, list[Any]]]:
    """Give the judged queries that the run has, and their numbers, ``ROWS_AT_ONCE`` documents at a time."""
    numbered = ((number, query) for number, query in enumerate(qrels) if run.get(query))
    while True:
        numbers, queries, rows = [], [], 0
        for number, query in numbered:
            numbers.append(number)
            queries.append(query)
            rows += len(run[query])
            if rows >= ROWS_AT_ONCE:
                break
        if not queries:
            return
        yield np.array(numbers, np.int64), queries
