"""Evidence by character span: what is covered, how chunks are found, and that cutting does not matter."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import find_metric
from harness.types import Case, Corpus, Document, Evidence, Passage, Query, Response, Score

TEXT = (
    "The shop opens at nine.\n\nReturns are free within 30 days of delivery.  "
    "Shipping to islands takes a week longer. Gift cards never expire."
)
GOLD = "Returns are free within 30 days of delivery."
ISLANDS = "Shipping to islands takes a week longer."
NAMES = ("evidence_recall", "evidence_precision", "evidence_iou")


def corpus_of(**texts: str) -> Corpus:
    return Corpus({doc_id: Document(doc_id, text) for doc_id, text in texts.items()}, "digest")


def case_of(*evidence: Evidence) -> Case:
    return Case(Query("q", "Are returns free?"), evidence=evidence)


def retrieved(*texts: str, doc_id: str = "a") -> Response:
    return Response("answer", tuple(Passage(doc_id, text, rank) for rank, text in enumerate(texts, 1)))


def scored(name: str, case: Case, response: Response, corpus: Corpus | None = None, k: int = 10) -> Score:
    found = corpus if corpus is not None else corpus_of(a=TEXT)
    return find_metric(f"{name}@{k}").score(case, response, corpus=found)


def value(name: str, case: Case, response: Response, corpus: Corpus | None = None, k: int = 10) -> float:
    result = scored(name, case, response, corpus, k)
    assert result.value is not None, result.reason
    return result.value


def letters(text: str) -> int:
    return len("".join(text.split()))


def test_values_of_a_passage_that_holds_the_quote_and_more() -> None:
    """Recall counts gold characters, precision retrieved ones, iou both; white space is not counted."""
    case, response = case_of(Evidence("a", GOLD)), retrieved(f"{GOLD} {ISLANDS}")
    share = letters(GOLD) / letters(GOLD + ISLANDS)
    assert value("evidence_recall", case, response) == 1.0
    assert value("evidence_precision", case, response) == pytest.approx(share)
    assert value("evidence_iou", case, response) == pytest.approx(share)


def test_half_of_the_quote_is_half_the_recall() -> None:
    """A passage with part of the gold text covers that part."""
    assert value("evidence_recall", case_of(Evidence("a", GOLD)), retrieved(GOLD[:20])) == pytest.approx(
        letters(GOLD[:20]) / letters(GOLD)
    )


def test_offsets_and_quote_say_the_same() -> None:
    """Evidence given by offsets has the value of the same evidence given by quote."""
    start = TEXT.index(GOLD)
    by_offset = case_of(Evidence("a", start=start, end=start + len(GOLD)))
    response = retrieved(TEXT[10:60], TEXT[50:90])
    for name in NAMES:
        assert value(name, by_offset, response) == value(name, case_of(Evidence("a", GOLD)), response)


@pytest.mark.parametrize("seed", range(20))
def test_cutting_the_same_region_elsewhere_gives_the_same_value(seed: int) -> None:
    """However a region is cut, trimmed, or overlapped, every value is that of the one piece."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    case = case_of(Evidence("a", GOLD), Evidence("a", "cards never expire", grade=2))
    start, end = sorted(rng.sample(range(len(TEXT) + 1), 2))
    cuts = sorted({start, end, *(rng.randint(start, end) for _ in range(rng.randint(0, 6)))})
    parts = list(itertools.pairwise(cuts))
    cut = tuple(
        Passage("a", TEXT[a : min(b + rng.choice([0, 3]), end)], rank, start=a)
        for rank, (a, b) in enumerate(parts, 1)
    )
    whole = Response("x", (Passage("a", TEXT[start:end], 1, start=start),))
    for name in NAMES:
        assert value(name, case, Response("x", cut)) == value(name, case, whole)


def test_a_passage_without_start_is_found_through_white_space() -> None:
    """A re-flowed passage lies where its characters stand in the document."""
    response = retrieved("Returns are\nfree within  30 days\tof delivery. Shipping to")
    assert value("evidence_recall", case_of(Evidence("a", GOLD)), response) == 1.0


def test_of_several_places_the_one_with_gold_counts() -> None:
    """Text that occurs twice and has no start is credited where the gold is."""
    text = "Call us. Terms apply. Call us."
    start = text.rindex("Call us.")
    case = case_of(Evidence("a", start=start, end=start + 8))
    assert value("evidence_recall", case, retrieved("Call us."), corpus_of(a=text)) == 1.0
    at_first = Response("x", (Passage("a", "Call us.", 1, start=0),))
    assert value("evidence_recall", case, at_first, corpus_of(a=text)) == 0.0


def test_a_wrong_start_gives_way_to_the_text() -> None:
    """A start at which the text does not stand is corrected to the nearest place where it does."""
    response = Response("x", (Passage("a", GOLD, 1, start=3),))
    assert value("evidence_recall", case_of(Evidence("a", GOLD)), response) == 1.0


def test_a_rewritten_passage_counts_by_shared_runs() -> None:
    """A passage that stands nowhere covers gold text that it repeats, and nothing by chance words."""
    case = case_of(Evidence("a", GOLD))
    kept = retrieved("[Returns] Returns are free within 30 days of delivery (see terms)")
    assert value("evidence_recall", case, kept) > 0.9
    assert 0 < value("evidence_precision", case, kept) < 1
    assert value("evidence_recall", case, retrieved("Returning goods within the month costs nothing.")) == 0.0


def test_a_quote_that_is_not_in_the_document_still_counts() -> None:
    """Gold that the corpus no longer holds is searched in the passages' own text."""
    case = case_of(Evidence("a", "Refunds are paid to the card that was used."))
    assert (
        value("evidence_recall", case, retrieved("Note: Refunds are paid to the card that was used.")) == 1.0
    )
    assert value("evidence_recall", case, retrieved(GOLD)) == 0.0


def test_only_the_same_document_counts() -> None:
    """The same words in another document are retrieved text, not gold."""
    case = case_of(Evidence("a", GOLD))
    response = retrieved(GOLD, doc_id="b")
    corpus = corpus_of(a=TEXT, b=TEXT)
    assert [value(name, case, response, corpus) for name in NAMES] == [0.0, 0.0, 0.0]


def test_japanese_text_is_measured_by_character() -> None:
    """Unspaced scripts need no words: the share is of characters."""
    text = "送料は無料です。返品は三十日以内に限ります。"
    case = case_of(Evidence("a", "返品は三十日以内に限ります。"))
    corpus = corpus_of(a=text)
    assert value("evidence_recall", case, retrieved("返品は三十日以"), corpus) == pytest.approx(7 / 14)
    assert value("evidence_precision", case, retrieved(text), corpus) == pytest.approx(14 / 22)


def test_nothing_retrieved_is_zero() -> None:
    """Where gold exists and nothing came, every value is 0."""
    case = case_of(Evidence("a", GOLD))
    assert [value(name, case, Response("x")) for name in NAMES] == [0.0, 0.0, 0.0]
    assert [value(name, case, retrieved("")) for name in NAMES] == [0.0, 0.0, 0.0]


def test_a_duplicate_passage_never_raises_a_value() -> None:
    """The same passage twice is the same text once."""
    case = case_of(Evidence("a", GOLD))
    for name in NAMES:
        assert value(name, case, retrieved(GOLD, GOLD)) == value(name, case, retrieved(GOLD))


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_measured_is_not_applicable(name: str) -> None:
    """No corpus, no evidence, grade 0 only, no quote, or offsets of a document that is gone: no value."""
    metric = find_metric(f"{name}@3")
    response = retrieved(GOLD)
    without = [
        (case_of(Evidence("a", GOLD)), None),
        (case_of(), corpus_of(a=TEXT)),
        (case_of(Evidence("a", GOLD, grade=0)), corpus_of(a=TEXT)),
        (case_of(Evidence("a")), corpus_of(a=TEXT)),
        (case_of(Evidence("a", " ")), corpus_of(a=TEXT)),
        (case_of(Evidence("gone", start=0, end=9)), corpus_of(a=TEXT)),
    ]
    for case, corpus in without:
        result = metric.score(case, response, corpus=corpus)
        assert (result.value, result.status) == (None, "not_applicable")
        assert result.reason


@given(st.lists(st.tuples(st.integers(0, 130), st.integers(0, 60)), max_size=6), st.integers(1, 6))
def test_values_stay_in_range_and_recall_grows_with_k(cuts: list[tuple[int, int]], k: int) -> None:
    """Every value lies in 0..1 and more passages never cover less gold."""
    passages = tuple(Passage("a", TEXT[a : a + n], rank, start=a) for rank, (a, n) in enumerate(cuts, 1))
    case, response = case_of(Evidence("a", GOLD)), Response("x", passages)
    for name in NAMES:
        assert 0.0 <= value(name, case, response, k=k) <= 1.0
    assert value("evidence_recall", case, response, k=k) <= value("evidence_recall", case, response, k=k + 1)
