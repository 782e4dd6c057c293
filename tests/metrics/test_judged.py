"""Judged metrics: what is asked, what verdicts make of the answer, where there is nothing to judge."""

from __future__ import annotations

import msgspec
import pytest

from harness.metrics.judged import (
    answer_correctness,
    answer_relevancy,
    context_precision,
    context_recall,
    judged_faithfulness,
    judged_refusal,
)
from harness.registry import METRICS, find_metric, load_object
from harness.types import Case, Message, Opinion, Passage, Query, Question, Response, Rubric, Score

CASE = Case(query=Query("c", "How long is the notice?"), expected_output=("The notice is 14 days.",))
PASSAGES = (Passage("b", "Second text.", 2), Passage("a", "First text.", 1))
ANSWER = Response(output="The notice is 14 days. It costs 3 euros.", retrieved=PASSAGES)
REFUSAL = Response(output="I'm sorry, I can't help with that.", retrieved=PASSAGES)
EMPTY = Response(output="", retrieved=PASSAGES)
BLANK = Response(output=" \n", retrieved=PASSAGES)


class Scripted:
    """A judge that says labels, or shares, in turn, and keeps what it was asked."""

    def __init__(self, *rows: str | tuple[float, ...]) -> None:
        self.rows = list(rows)
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> Opinion:
        self.asked.append(question)
        taken, self.rows = self.rows[: len(question.items)], self.rows[len(question.items) :]
        assert len(taken) == len(question.items)
        shares = [
            tuple(float(row == label) for label in question.labels) if isinstance(row, str) else row
            for row in taken
        ]
        return Opinion(question.labels, tuple(shares))


def _score(metric, judge, case=CASE, response=ANSWER, **needs) -> Score:
    return metric.score(case, response, judge=judge, **needs)


def test_faithfulness_is_the_share_of_supported_claims() -> None:
    """Passages by rank, then the question, then the claims; each claim has its verdict and offsets."""
    judge = Scripted("supported", "contradicted")
    found = _score(judged_faithfulness, judge)
    (question,) = judge.asked
    assert question.sections == (
        ("text 1", "First text."),
        ("text 2", "Second text."),
        ("question", CASE.query.input),
    )
    assert question.items == ("The notice is 14 days.", "It costs 3 euros.")
    assert found.value == 0.5
    first, second = found.details["claims"]
    assert (first["verdict"], second["verdict"]) == ("supported", "contradicted")
    assert ANSWER.output[second["start"] : second["end"]] == second["text"]
    assert [found.details[name] for name in ("supported", "unsupported", "contradicted")] == [1, 0, 1]


def test_probabilities_count_as_they_are() -> None:
    """A claim that is supported with 0.8 counts 0.8."""
    judge = Scripted((0.8, 0.2, 0.0), (0.1, 0.3, 0.6))
    assert _score(judged_faithfulness, judge).value == pytest.approx(0.45)


def test_claims_without_any_passage_are_unsupported_and_nobody_is_asked() -> None:
    """There is nothing to judge them by."""
    judge = Scripted()
    found = _score(judged_faithfulness, judge, response=msgspec.structs.replace(ANSWER, retrieved=()))
    assert (found.value, judge.asked) == (0.0, [])


def test_earlier_turns_are_shown() -> None:
    """A question within a dialogue is judged with what was said before."""
    query = Query("c", "And then?", history=(Message("user", "Hello"), Message("assistant", "Hi")))
    judge = Scripted("supported", "supported")
    _score(judged_faithfulness, judge, case=Case(query=query))
    assert ("earlier turns", "user: Hello\nassistant: Hi") in judge.asked[0].sections


def test_recall_is_of_the_reference_in_the_passages() -> None:
    """The claims of the reference are the items; the answer is not looked at."""
    case = Case(query=CASE.query, expected_output=("The notice is 14 days. It ends on a Friday.",))
    for response in (ANSWER, REFUSAL, EMPTY):
        judge = Scripted("supported", "unsupported")
        assert _score(context_recall, judge, case, response).value == 0.5
        assert judge.asked[0].items == ("The notice is 14 days.", "It ends on a Friday.")


def test_of_several_references_the_best_counts() -> None:
    """A list means any of them."""
    case = Case(query=CASE.query, expected_output=("The notice is 14 days.", "Two weeks is the notice."))
    assert _score(context_recall, Scripted("unsupported", "supported"), case).value == 1.0
    judge = Scripted("unsupported", "unsupported", "unsupported", "supported", "unsupported", "supported")
    assert _score(answer_correctness, judge, case).value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (("relevant", "relevant", "relevant"), 1.0),
        (("relevant", "irrelevant", "irrelevant"), 1.0),
        (("irrelevant", "relevant", "irrelevant"), 0.5),
        (("irrelevant", "irrelevant", "relevant"), 1 / 3),
        (("relevant", "irrelevant", "relevant"), (1 + 2 / 3) / 2),
        (("irrelevant", "irrelevant", "irrelevant"), 0.0),
        (((0.5, 0.5), (0.5, 0.5), (0.5, 0.5)), 0.5),
    ],
)
def test_precision_is_the_mean_precision_at_the_relevant_ranks(said: tuple, value: float) -> None:
    """As ragas defines it, also with probabilities."""
    passages = tuple(Passage(f"d{rank}", f"Text {rank}.", rank) for rank in (1, 2, 3))
    found = _score(context_precision, Scripted(*said), response=Response(output="x", retrieved=passages))
    assert found.value == pytest.approx(value)


def test_nothing_retrieved_is_0_and_nobody_is_asked() -> None:
    """Retrieving nothing is no way around a bad value."""
    for metric in (context_recall, context_precision):
        judge = Scripted()
        found = _score(metric, judge, response=Response(output="The notice is 14 days."))
        assert (found.value, judge.asked) == (0.0, [])


@pytest.mark.parametrize(("said", "value"), [("fully", 1.0), ("in part", 0.5), ("not at all", 0.0)])
def test_relevancy(said: str, value: float) -> None:
    """The whole answer is one item."""
    judge = Scripted(said)
    assert _score(answer_relevancy, judge).value == value
    assert judge.asked[0].items == (ANSWER.output,)


def test_correctness_is_the_f1_of_shared_claims() -> None:
    """One right and one wrong claim of two, and one claim of the reference found: 1 / (1 + (1 + 0) / 2)."""
    judge = Scripted("supported", "unsupported", "supported")
    found = _score(answer_correctness, judge)
    assert found.value == pytest.approx(2 / 3)
    assert [question.sections[0] for question in judge.asked] == [
        ("text 1", "The notice is 14 days."),
        ("text 1", ANSWER.output),
    ]
    assert _score(answer_correctness, Scripted("unsupported", "unsupported", "supported")).value == 0.0
    assert _score(answer_correctness, Scripted("supported", "supported", "supported")).value == 1.0


def test_an_answer_too_short_for_a_claim_is_judged_as_it_stands() -> None:
    """A bare "Yes" is right or wrong, too."""
    case = Case(query=CASE.query, expected_output=("Yes.",))
    judge = Scripted("supported", "supported")
    assert _score(answer_correctness, judge, case, Response(output="Yes.")).value == 1.0
    assert judge.asked[0].items == ("Yes.",)


@pytest.mark.parametrize(
    ("expected", "said", "value"),
    [
        ("answer", "answer", 1.0),
        ("answer", "partial", 1.0),
        ("answer", "refuse", 0.0),
        ("refuse", "refuse", 1.0),
        ("refuse", "partial", 0.0),
        ("partial", "answer", 0.0),
        ("clarify", "clarify", 1.0),
        ("answer", (0.5, 0.25, 0.0, 0.25), 0.75),
    ],
)
def test_refusal_is_what_the_case_expects(expected, said, value) -> None:
    """With the one leniency of refusal_correctness: a partial answer is an answer."""
    case = Case(query=CASE.query, expected_behavior=expected)
    found = _score(judged_refusal, Scripted(said), case)
    assert found.value == pytest.approx(value)
    assert found.details["expected"] == expected


def test_a_rubric_gives_its_grade_between_0_and_1() -> None:
    """The mean grade by the judge's probabilities, from the lowest to the highest."""
    metric, rubrics = find_metric("rubric:tone"), {"tone": Rubric("Kind.", "Go away.", "Hello.", 1, 5)}
    judge = Scripted("4")
    found = _score(metric, judge, rubrics=rubrics)
    assert (found.value, found.details) == (0.75, {"grade": 4.0})
    assert (judge.asked[0].rubric, judge.asked[0].labels) == ("Kind.", ("5", "4", "3", "2", "1"))
    shares = (0.5, 0.5, 0.0, 0.0, 0.0)
    assert _score(metric, Scripted(shares), rubrics=rubrics).value == pytest.approx(0.875)
    assert metric.doc.startswith("The judge's grade")


JUDGED = sorted(name for name, path in METRICS.items() if "judge" in load_object(path, "metric").needs)


@pytest.mark.parametrize("name", [*JUDGED, "rubric:tone"])
@pytest.mark.parametrize("response", [EMPTY, BLANK, Response(output=None)], ids=["empty", "blank", "none"])
def test_an_empty_answer_never_gets_1(name: str, response: Response) -> None:
    """No value, or the lowest; a judge that loves everything is not asked."""
    if name in ("context_recall", "context_precision"):
        response = msgspec.structs.replace(response, retrieved=())
    metric, judge = find_metric(name), Scripted()
    needs = {"rubrics": {"tone": Rubric("Kind.", "Go away.", "Hello.")}} if "rubrics" in metric.needs else {}
    for expected in ("answer", "refuse"):
        case = msgspec.structs.replace(CASE, expected_behavior=expected)
        found = _score(metric, judge, case, response, **needs)
        assert found.value in (None, 0.0)
    assert judge.asked == []


@pytest.mark.parametrize(
    ("metric", "case", "response"),
    [
        (judged_faithfulness, CASE, REFUSAL),
        (judged_faithfulness, CASE, Response(output="Hello!", retrieved=PASSAGES)),
        (answer_relevancy, CASE, REFUSAL),
        (answer_correctness, CASE, REFUSAL),
        (answer_correctness, Case(query=CASE.query), ANSWER),
        (answer_correctness, msgspec.structs.replace(CASE, expected_behavior="refuse"), ANSWER),
        (context_recall, Case(query=CASE.query), ANSWER),
        (context_recall, msgspec.structs.replace(CASE, expected_output=("  ",)), ANSWER),
        (context_precision, Case(query=CASE.query), ANSWER),
        (context_precision, msgspec.structs.replace(CASE, expected_behavior="refuse"), ANSWER),
    ],
)
def test_where_there_is_nothing_to_judge_nobody_is_asked(metric, case: Case, response: Response) -> None:
    """A correct "I don't know" is not punished, and a greeting claims nothing."""
    judge = Scripted()
    found = _score(metric, judge, case, response)
    assert (found.status, found.value, judge.asked) == ("not_applicable", None, [])
    assert found.reason
