"""Citations: that they name what was there, that it supports the claims, and that the claims have one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.cited import read_citations, without_marks
from harness.registry import find_metric
from harness.types import Case, Citation, Passage, Query, Response, Score

CASE = Case(Query("q", "What applies?"))
RETRIEVED = (
    Passage("refunds/days", "Returns are free within 30 days of delivery.", 1),
    Passage("文書", "The battery of the Ridge lasts 14 hours.", 2),
    Passage("cash", "The shop in Cork takes no cash.", 3),
)


def scored(name: str, output: str, *cited: Citation | str, case: Case = CASE) -> Score:
    citations = tuple(Citation(item) if isinstance(item, str) else item for item in cited)
    response = Response(output, RETRIEVED, citations=citations)
    return find_metric(name).score(case, response)


def value_of(name: str, output: str, *cited: Citation | str, case: Case = CASE) -> float | str:
    score = scored(name, output, *cited, case=case)
    return score.status if score.value is None else score.value


def cites(output: str, *cited: str) -> list[str | None]:
    response = Response(output, RETRIEVED, citations=tuple(Citation(item) for item in cited))
    return [item.doc_id for item in read_citations(response, RETRIEVED)]


# -- validity ----------------------------------------------------------------------------------------------


def test_share_of_citations_that_were_there() -> None:
    """One of four citations names a document that was not retrieved: 0.75, and it is named."""
    result = scored("citation_valid", "answer", "cash", "文書", "cash", "made-up")
    assert result.value == 0.75
    assert result.details == {"cited": 4, "invalid": ["made-up"]}


def test_a_repeated_made_up_citation_counts_every_time() -> None:
    """Two wrong of three is a third, and the document is listed once."""
    result = scored("citation_valid", "answer", "made-up", "made-up", "cash")
    assert result.value == pytest.approx(1 / 3)
    assert result.details["invalid"] == ["made-up"]


def test_no_citation_is_not_applicable() -> None:
    """An answer that cites nothing has no value; it is neither right nor wrong."""
    assert value_of("citation_valid", "answer") == "not_applicable"


def test_citing_where_nothing_was_retrieved_is_zero() -> None:
    """Without passages every citation is made up."""
    response = Response("answer", citations=(Citation("cash"),))
    assert find_metric("citation_valid").score(CASE, response).value == 0.0


def test_passages_given_with_the_question_can_be_cited() -> None:
    """A system without a retriever cites what stands in ``contexts``."""
    case = Case(Query("q", "?", contexts=(Passage("given", "text", 1),)))
    assert find_metric("citation_valid").score(case, Response("It says so [given].")).value == 1.0


def test_a_number_without_a_passage_is_made_up() -> None:
    """Mark 7 of three passages: named as it was written."""
    result = scored("citation_valid", "Returns are free [1][7].")
    assert (result.value, result.details["invalid"]) == (0.5, ["7"])


# -- reading marks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("Free [1].", ["refunds/days"]),
        ("Free [^2].", ["文書"]),
        ("Free [1, 3].", ["refunds/days", "cash"]),
        ("Free [1-3].", ["refunds/days", "文書", "cash"]),
        ("Free [Doc 3].", ["cash"]),
        ("無料です【2†source】。", ["文書"]),
        ("Free [refunds/days].", ["refunds/days"]),
        ("Free [cash; refunds/days].", ["cash", "refunds/days"]),
        ("Free [source: cash].", ["cash"]),
        ("Free [refunds/7].", ["refunds/7"]),
        ("It said [sic] so [see above].", []),
        ("See [the page](https://example.org) and [x].", []),
        ("[1]: https://example.org", []),
        ("Within [0, 1] of it, in [2024].", []),
        ("A list [1-300] of things.", []),
    ],
)
def test_marks_are_read(output: str, found: list[str]) -> None:
    """Numbers count passages by rank; ids stand as they are; other brackets are no citations."""
    assert cites(output) == found


def test_numbers_count_the_list_given_beside_the_answer() -> None:
    """``[2]`` is the second of a list beside the answer; the first backs the whole answer."""
    found = read_citations(Response("So [2].", citations=(Citation("cash"), Citation("文書"))), RETRIEVED)
    assert [(item.doc_id, item.at) for item in found] == [("cash", None), ("文書", (3, 6))]


def test_citations_with_offsets_stand_for_the_marks() -> None:
    """An answer that says it both ways cites once."""
    found = read_citations(Response("So [1].", citations=(Citation("cash", 0, 2),)), RETRIEVED)
    assert [(item.doc_id, item.span) for item in found] == [("cash", (0, 2))]


@given(st.text(alphabet="ab1[],-;:/ .\n【】†^", max_size=80))
def test_blanking_marks_keeps_offsets(output: str) -> None:
    """Whatever the text, only marks go, and what is around them stays in its place."""
    citations = read_citations(Response(output), RETRIEVED)
    blanked = without_marks(output, citations)
    assert len(blanked) == len(output)
    inside = {i for item in citations if item.at for i in range(*item.at)}
    assert all(blanked[i] == output[i] for i in range(len(output)) if i not in inside)


# -- by claim ----------------------------------------------------------------------------------------------

RIGHT = "Returns are free within 30 days [1]. The battery of the Ridge lasts 14 hours [2]."
SWAPPED = "Returns are free within 30 days [2]. The battery of the Ridge lasts 14 hours [1]."
HALF = "Returns are free within 30 days [1]. The battery of the Ridge lasts 14 hours."


@pytest.mark.parametrize(
    ("output", "precision", "recall"),
    [
        (RIGHT, 1.0, 1.0),
        (SWAPPED, 0.0, 0.0),
        (HALF, 1.0, 0.5),
        ("Returns are free within 90 days [1].", 0.0, 0.0),
        ("Returns are free within 30 days [9].", 0.0, 0.0),
        ("Returns are free within 30 days. [1]\nThe shop in Cork takes no cash. [3]", 1.0, 1.0),
        ("[1] Returns are free within 30 days.\n[3] The shop in Cork takes no cash.", 1.0, 1.0),
        ("Returns are free within 30 days [3][1].", 1.0, 1.0),
    ],
)
def test_claims_are_held_against_what_they_cite(output: str, precision: float, recall: float) -> None:
    """Passages that were retrieved and not cited for a claim do not help it."""
    assert value_of("citation_precision", output) == precision
    assert value_of("citation_recall", output) == recall


def test_a_citation_without_a_place_backs_every_claim() -> None:
    """A list of sources beside the answer: one claim is in it, the other is not."""
    output = "Returns are free within 30 days. The battery of the Ridge lasts 14 hours."
    assert value_of("citation_precision", output, "refunds/days") == 0.5
    assert value_of("citation_recall", output, "refunds/days", "文書") == 1.0


def test_offsets_say_which_claim_is_backed() -> None:
    """The second claim cites, and cites the wrong passage."""
    output = "Returns are free within 30 days. The battery of the Ridge lasts 14 hours."
    score = scored("citation_precision", output, Citation("refunds/days", 33, len(output)))
    first, second = score.details["claims"]
    assert (score.value, first["cites"], second["cites"]) == (0.0, [], ["refunds/days"])


def test_details_name_the_claim_and_the_passage() -> None:
    """What is wrong can be found: offsets in the output, what was cited, where it was looked for, why."""
    claims: list[dict[str, Any]] = scored("citation_precision", SWAPPED).details["claims"]
    assert [SWAPPED[c["start"] : c["end"]] for c in claims] == [c["text"] for c in claims]
    assert [(c["cites"], c["verdict"]) for c in claims] == [(["2"], "unsupported"), (["1"], "unsupported")]
    assert all(c["why"] for c in claims)
    supported = scored("citation_precision", RIGHT).details["claims"][0]
    assert (supported["doc_id"], supported["rank"]) == ("refunds/days", 1)


def test_nothing_cited_and_nothing_asked_has_no_value() -> None:
    """Only a case that asks for citations holds their absence against the answer."""
    output = "Returns are free within 30 days."
    assert value_of("citation_precision", output) == "not_applicable"
    assert value_of("citation_recall", output) == "not_applicable"
    asking = Case(Query("q", "?"), metadata={"cite": True})
    assert value_of("citation_recall", output, case=asking) == 0.0


def test_what_claims_nothing_has_no_value() -> None:
    """A refusal and a greeting need no source, cited or not."""
    for output in ("I'm sorry, I cannot help with that [1].", "Hello! [1]", ""):
        assert value_of("citation_recall", output) == "not_applicable"


def test_other_languages_are_not_compared() -> None:
    """A German answer from English passages: words differ, so nothing is said."""
    output = "Die Rücksendung ist innerhalb von 30 Tagen und auch nach der Lieferung für Sie kostenlos [1]."
    passage = Passage(
        "en", "You can return what you have bought at any of our shops and it is free for you.", 1
    )
    response = Response(output, (passage,))
    assert find_metric("citation_precision").score(CASE, response).status == "not_applicable"


def test_f5_hostile_answers_are_read_in_time() -> None:
    """Brackets without end, huge numbers, control characters: no error, and no second lost."""
    hostile = [
        "[" * 50_000,
        "[1" * 20_000,
        "[1]" * 5_000,
        "[1-999999999]",
        "[\x00\u202e1]",
        "【" * 50_000 + "1】",
    ]
    for output in hostile:
        started = time.process_time()
        for name in ("citation_valid", "citation_precision", "citation_recall"):
            scored(name, f"Returns are free {output}.")
        assert time.process_time() - started < 10


@given(st.permutations(range(3)), st.sampled_from([RIGHT, SWAPPED, HALF]))
def test_the_order_of_passages_changes_nothing(order: list[int], output: str) -> None:
    """Ranks say which passage a number names, not the place in the list."""
    response = Response(output, tuple(RETRIEVED[i] for i in order))
    for name in ("citation_valid", "citation_precision", "citation_recall"):
        assert find_metric(name).score(CASE, response) == scored(name, output)
