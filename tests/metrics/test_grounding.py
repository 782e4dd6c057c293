"""numbers_grounded: the numbers of an answer are those of its sources."""

from __future__ import annotations

import pytest

from harness.metrics.grounding import numbers_grounded
from harness.types import Case, Message, Passage, Query, Response, Score


def score(output: str, *passages: str, question: str = "?", behavior: str = "answer") -> Score:
    retrieved = tuple(Passage(f"d{n}", text, n) for n, text in enumerate(passages, 1))
    case = Case(Query("c", question), behavior)  # type: ignore[arg-type]
    return numbers_grounded.score(case, Response(output, retrieved))


@pytest.mark.parametrize(
    ("output", "source", "value"),
    [
        ("It costs 1,000 EUR.", "Der Preis: 1.000 Euro", 1.0),
        ("14,5 %", "14.5 percent", 1.0),
        ("Within 3 days.", "within three days", 1.0),
        ("Within 3 days.", "within 30 days", 0.0),
        ("From 10:00 to 15:00, for 7 EUR.", "10:00-15:00", 2 / 3),
        ("60日以内です。", "30日以内", 0.0),  # a number that begins a sentence is no mark of a list
        ("1. Call us.\n2. Pay 5 EUR.", "pay 5 EUR", 1.0),
        ("It is 5 EUR [1], see [2, 3].", "5 EUR", 1.0),
        ("12 and again 12, but not 13.", "12", 0.5),
    ],
)
def test_numbers_are_looked_for_by_value(output: str, source: str, value: float) -> None:
    """However they are written; list and citation marks are none."""
    assert score(output, source).value == pytest.approx(value)


def test_what_is_computed_in_the_sentence_is_grounded() -> None:
    """Sums, differences and products of two grounded numbers, within the sentence only."""
    source = "a Lane is 19 EUR, a Ridge 54 EUR"
    assert score("Together 73 EUR: 19 and 54.", source).value == 1.0
    assert score("The Ridge at 54 EUR is 35 EUR dearer than the Lane at 19 EUR.", source).value == 1.0
    found = score("It is 73 EUR. A Lane is 19 EUR, a Ridge 54 EUR.", source)
    assert found.value == pytest.approx(2 / 3)
    assert found.details == {"stated": 3, "ungrounded": ["73"]}


def test_the_question_its_history_and_given_passages_count() -> None:
    """What the user said may be repeated."""
    query = Query("c", "Is 7 enough?", (Message("user", "I have 8."),), (Passage("g", "9 are.", 1),))
    assert numbers_grounded.score(Case(query), Response("7, 8 or 9.")).value == 1.0


def test_where_it_says_nothing() -> None:
    """No number, or no answer wanted."""
    assert score("Three of them.", "two").status == "not_applicable"
    assert score("Call 112.", behavior="refuse").status == "not_applicable"
    assert numbers_grounded.score(Case(Query("c", "?")), Response(None)).status == "not_applicable"


def test_a_hostile_answer_takes_no_time() -> None:
    """Tens of thousands of numbers are looked at within bounds."""
    assert score(" ".join(map(str, range(20_000))), "1 2 3").value is not None
