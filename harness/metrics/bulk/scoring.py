"""Score the rankings of a whole run: from columns, or from dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.errors import UsageError, did_you_mean
from harness.metrics.bulk import nested, tables
from harness.metrics.bulk.values import VALUES, Floats, Found, Ints, Relevant
from harness.registry import find_metric


class RankingScores(NamedTuple):
    """What a run scored on each of the n queries of the qrels, in their order.

    Attributes:
        query_ids: the queries, n of them.
        values: by metric, (n,): 0 where nothing relevant was retrieved, or nothing at all.
        relevant: how many relevant documents each query has, (n,). As for the metrics of a suite, a query
            without one says nothing: its values are trec_eval's 0, and ``means`` leaves it out.
        retrieved: how many documents the run has for each query, (n,).
        ignored: queries of the run that are not in the qrels.
    """

    query_ids: list[Any]
    values: dict[str, Floats]
    relevant: Ints
    retrieved: Ints
    ignored: int

    def means(self) -> dict[str, float | None]:
        """Average each metric over the queries with a relevant document; None without one."""
        applies = self.relevant > 0
        if not applies.any():
            return dict.fromkeys(self.values)
        return {name: float(values[applies].mean()) for name, values in self.values.items()}


def score_rankings(run: Any, qrels: Any, metrics: Sequence[str]) -> RankingScores:
    """Score the rankings of many queries at once, as the rank metrics of a suite score one.

    The values are trec_eval's to 1e-9, equal scores included: documents are ranked by score in single
    precision, then by id as text, both descending. What is needed beyond the input is bounded: queries are
    ranked in blocks of some 100,000 documents. Rows that do not stand together by query are sorted first.

    Args:
        run: what was retrieved. Either columns ``query_id``, ``doc_id`` and ``score`` (or ``rank``, from 1)
            of a pandas DataFrame, an Arrow table or a mapping of names to arrays; or a mapping of query to
            document to score.
        qrels: what is relevant: columns ``query_id``, ``doc_id`` and ``grade``, or a mapping of query to
            document to grade. Relevant means grade 1 or more. Ids are whole numbers or text.
        metrics: names as in a suite: ``recall@10``, ``precision@k``, ``hit_rate@k``, ``mrr@k``, ``map@k``,
            ``ndcg@k``, ``r_precision``. A cut-off beyond every ranking takes it whole.

    Raises:
        UsageError: another metric, a column that is missing or of the wrong kind, a document twice for one
            query, a score that is not a number, or no query that is in both.
    """
    wanted = {name: _value_of(name) for name in metrics}
    if _is_nested(run) != _is_nested(qrels):
        raise UsageError("run and qrels: one is columns, the other dictionaries", mend="give both alike")
    if _is_nested(run):
        query_ids = list(qrels)
        relevant, found = nested.relevant_of(qrels), nested.found_in(run, qrels)
        counts = {query: len(documents) for query, documents in run.items()}
    else:
        judged, retrieved = tables.judged(qrels), tables.retrieved(run)
        query_ids = judged.queries
        relevant, found = judged.relevant, tables.found_in(retrieved, judged)
        counts = dict(zip(retrieved.queries, np.diff(retrieved.begins).tolist(), strict=True))
    known = counts.keys() & set(query_ids)
    if counts and query_ids and not known:
        example = f"for example {next(iter(counts))!r} and {query_ids[0]!r}"
        raise UsageError(f"no query of the run is in the qrels: {example}", mend="use the same ids in both")
    return RankingScores(
        query_ids=query_ids,
        values={name: value(found, relevant) for name, value in wanted.items()},
        relevant=relevant.counts,
        retrieved=np.fromiter((counts.get(query, 0) for query in query_ids), np.int64, len(query_ids)),
        ignored=len(counts) - len(known),
    )


def _value_of(name: str) -> Callable[[Found, Relevant], Floats]:
    """Give what computes a metric of a suite from what was found."""
    stem, _, cut = find_metric(name).name.partition("@")
    if stem not in VALUES:
        what = f"metric {name!r} is not one of rankings"
        raise UsageError(what, mend=did_you_mean(stem, VALUES))
    value, k = VALUES[stem], int(cut or 1)
    return lambda found, relevant: value(found, relevant, k)


def _is_nested(of: Any) -> bool:
    return isinstance(of, Mapping) and all(isinstance(one, Mapping) for one in of.values())
