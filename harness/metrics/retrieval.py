"""Rank metrics by document, with trec_eval's definitions and its order among equal scores.

Every function on a ranking takes ``ranking`` (document ids, best first, each once) and ``grades``
(document id to relevance, 0 upwards; a document that is absent is not relevant). Relevant means grade 1 or
more. The values agree with trec_eval's per query to 1e-9; as there, a query without any relevant document
gives 0 (a case without one is ``not_applicable``). ``k`` is 1 or more.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence

from harness.registry import metric
from harness.types import Case, Passage, Response, Score

ValueAt = Callable[[Sequence[str], Mapping[str, int], int], float]


def ordered(passages: Sequence[Passage]) -> list[Passage]:
    """Put passages in the order that counts, best first.

    If every passage has a score: score descending, then document id descending, then rank. Scores are
    compared in single precision, as trec_eval holds them, so that the same scores are equal here and
    there; a system whose scores are distances has to leave them out or negate them. Otherwise: by rank.
    """
    if all(passage.score is not None and not math.isnan(passage.score) for passage in passages):
        by_rank = sorted(passages, key=lambda passage: passage.rank)
        return sorted(by_rank, key=lambda passage: (_single(passage.score), passage.doc_id), reverse=True)
    return sorted(passages, key=lambda passage: passage.rank)


def ranked(passages: Sequence[Passage]) -> list[str]:
    """Give the document ids, best first; several passages of one document count once, at the best place."""
    return list(dict.fromkeys(passage.doc_id for passage in ordered(passages)))


def recall_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give relevant documents among the first k / all relevant documents, 0..1 (trec_eval: recall.k)."""
    return _found(ranking, grades, k) / max(_relevant(grades), 1)


def precision_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give relevant documents among the first k / k, 0..1, also where fewer were retrieved (P.k)."""
    return _found(ranking, grades, k) / k


def hit_rate_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give 1 if any of the first k documents is relevant, else 0 (success.k)."""
    return float(_found(ranking, grades, k) > 0)


def reciprocal_rank_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give 1 / rank of the first relevant document if among the first k, else 0 (recip_rank of k results)."""
    return next((1 / rank for rank, doc_id in _first(ranking, k) if grades.get(doc_id, 0) >= 1), 0.0)


def average_precision_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give the sum of precision at each relevant rank up to k / all relevant documents, 0..1 (map_cut.k)."""
    found, total = 0, 0.0
    for rank, doc_id in _first(ranking, k):
        if grades.get(doc_id, 0) >= 1:
            found += 1
            total += found / rank
    return total / max(_relevant(grades), 1)


def ndcg_at(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Give discounted gain of the first k / that of the best ranking possible, 0..1 (ndcg_cut.k).

    The gain is the grade itself and the discount log2(rank + 1), trec_eval's choice, not 2**grade - 1.
    """
    best = sorted((grade for grade in grades.values() if grade >= 1), reverse=True)[:k]
    ideal = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(best, start=1))
    gained = sum(max(grades.get(doc_id, 0), 0) / math.log2(rank + 1) for rank, doc_id in _first(ranking, k))
    return gained / ideal if ideal else 0.0


def r_precision_of(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    """Give precision at rank R, where R is the number of relevant documents, 0..1 (Rprec)."""
    return precision_at(ranking, grades, max(_relevant(grades), 1))


@metric("recall", version=1, cutoff=True)
def recall(case: Case, response: Response, *, k: int) -> Score:
    """Share of the relevant documents that are among the first k.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, recall_at)


@metric("precision", version=1, cutoff=True)
def precision(case: Case, response: Response, *, k: int) -> Score:
    """Share of the first k places that hold a relevant document; missing places count as not relevant.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, precision_at)


@metric("hit_rate", version=1, cutoff=True)
def hit_rate(case: Case, response: Response, *, k: int) -> Score:
    """1 if a relevant document is among the first k, else 0.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, hit_rate_at)


@metric("mrr", version=1, cutoff=True)
def mrr(case: Case, response: Response, *, k: int) -> Score:
    """1 / rank of the first relevant document among the first k, else 0.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, reciprocal_rank_at)


@metric("map", version=1, cutoff=True)
def average_precision(case: Case, response: Response, *, k: int) -> Score:
    """Precision averaged over the relevant documents, those not among the first k counting 0.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, average_precision_at)


@metric("ndcg", version=1, cutoff=True)
def ndcg(case: Case, response: Response, *, k: int) -> Score:
    """Graded gain of the first k, discounted by log2(rank + 1), against the best possible order.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    return _score(case, response, k, ndcg_at)


@metric("r_precision", version=1)
def r_precision(case: Case, response: Response) -> Score:
    """Share of relevant documents among the first R, where R is how many there are.

    ``not_applicable`` where the case names no relevant document: no evidence of grade 1 or more.
    """
    first = max(_relevant(grades_of(case)), 1)
    return _score(case, response, first, lambda ranking, grades, _: r_precision_of(ranking, grades))


def grades_of(case: Case) -> dict[str, int]:
    """Give the grade of each document with evidence: the largest among its evidence.

    Evidence whose document is not known (a bare quote without a corpus) says nothing about documents.
    """
    grades: dict[str, int] = {}
    for evidence in case.evidence:
        if not evidence.doc_id:
            continue
        grades[evidence.doc_id] = max(evidence.grade, grades.get(evidence.doc_id, 0))
    return grades


def _score(case: Case, response: Response, k: int, value_at: ValueAt) -> Score:
    grades = grades_of(case)
    gold = [doc_id for doc_id, grade in grades.items() if grade >= 1]
    if not gold:
        return Score(status="not_applicable", reason="the case names no relevant document")
    ranking = ranked(response.retrieved)
    first = set(ranking[:k])
    details = {
        "found": [doc_id for doc_id in gold if doc_id in first],
        "missed": [doc_id for doc_id in gold if doc_id not in first],
    }
    return Score(value=value_at(ranking, grades, k), details=details)


def _single(score: float | None) -> float:
    return ctypes.c_float(score or 0.0).value


def _first(ranking: Sequence[str], k: int) -> enumerate[str]:
    return enumerate(ranking[:k], start=1)


def _found(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> int:
    return sum(grades.get(doc_id, 0) >= 1 for doc_id in ranking[:k])


def _relevant(grades: Mapping[str, int]) -> int:
    return sum(grade >= 1 for grade in grades.values())
