"""citation_valid: the share of citations that name a retrieved document."""

from __future__ import annotations

from harness.registry import find_metric
from harness.types import Case, Citation, Passage, Query, Response, Score

CASE = Case(Query("q", "question"))
RETRIEVED = (Passage("a", "text", 1), Passage("文書", "本文", 2), Passage("a", "more", 3))


def scored(*cited: str, retrieved: tuple[Passage, ...] = RETRIEVED) -> Score:
    response = Response("answer", retrieved, citations=tuple(Citation(doc_id) for doc_id in cited))
    return find_metric("citation_valid").score(CASE, response)


def test_share_of_citations_that_were_retrieved() -> None:
    """One of four citations names a document that was not retrieved: 0.75, and it is named."""
    result = scored("a", "文書", "a", "made-up")
    assert result.value == 0.75
    assert result.details == {"cited": 4, "invalid": ["made-up"]}


def test_a_repeated_made_up_citation_counts_every_time() -> None:
    """Two wrong of three is a third, and the document is listed once."""
    result = scored("made-up", "made-up", "a")
    assert result.value is not None
    assert abs(result.value - 1 / 3) < 1e-12
    assert result.details["invalid"] == ["made-up"]


def test_no_citation_is_not_applicable() -> None:
    """An answer that cites nothing has no value; it is neither right nor wrong."""
    assert scored().status == "not_applicable"


def test_citing_where_nothing_was_retrieved_is_zero() -> None:
    """Without retrieved passages every citation is made up."""
    assert scored("a", retrieved=()).value == 0.0
