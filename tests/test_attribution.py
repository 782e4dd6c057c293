"""Retriever or generator: stages, causes and refusals that flipped, from small pairs of results."""

from __future__ import annotations

from typing import Any

import pytest
from world import Cell

from harness.attribution import attribute, cause_of, observed, refusal_matrix
from harness.types import BehaviorCount, Passage, Response, ResponseError, Result, Score, StageCount

METRICS = ("faithfulness", "recall@10", "hit_rate@5", "required_facts")


def result(
    case_id: str = "c",
    output: str = "answer",
    retrieved: tuple[str, ...] = (),
    error: str | None = None,
    **scores: Cell | tuple[str, str],
) -> Result:
    """A result with scores by stem; ``behavior=(expected, observed)`` is refusal correctness."""
    names = {"hit": "hit_rate@5", "facts": "required_facts"}
    made: dict[str, Score] = {}
    for name, cell in scores.items():
        if isinstance(cell, tuple):
            details: dict[str, Any] = {"expected": cell[0], "observed": cell[1]}
            made["refusal_correctness"] = Score(float(cell[0] == cell[1]), details=details)
        elif isinstance(cell, str):
            made[names[name]] = Score(status=cell)
        elif cell is not None:
            made[names[name]] = Score(cell)
    passages = tuple(Passage(doc, "text", rank) for rank, doc in enumerate(retrieved, start=1))
    if error is not None:
        failure = ResponseError("timeout" if error == "timeout" else "exception", error)
        return Result(case_id, 0, Response(error=failure), made)
    return Result(case_id, 0, Response(output=output, retrieved=passages), made)


def by_case(*results: Result) -> dict[str, Result]:
    return {f"{i}": found for i, found in enumerate(results)}


def test_stages_are_counted() -> None:
    """Each case counts once, by gold passage retrieved (above 0) and answer good (0.5 or more), in both."""
    before = by_case(result(hit=1.0, facts=1.0), result(hit=1.0, facts=0.5), result(hit=0.0, facts=0.25))
    after = by_case(result(hit=0.0, facts=0.25), result(hit=0.0, facts=0.0), result(hit=1.0, facts=1.0))
    found = attribute(before, after, METRICS)
    assert found.stages == (
        StageCount(True, False, True, False, 2),
        StageCount(False, True, False, True, 1),
    )


def test_plainest_metrics_decide() -> None:
    """Hit rate before recall and facts before faithfulness, in whatever order the suite names them."""
    found = attribute({}, {}, METRICS)
    assert (found.retrieval_metric, found.answer_metric) == ("hit_rate@5", "required_facts")
    none = attribute(by_case(result()), by_case(result()), ("latency_s",))
    assert (none.retrieval_metric, none.answer_metric, none.stages) == (None, None, ())


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (result(hit=1.0, facts=1.0), result(hit=1.0, facts="not_applicable"), True),
        (result(hit=1.0, facts="not_applicable"), result(hit=1.0, facts="not_applicable"), False),
        (result(hit="not_applicable", facts=1.0), result(hit="not_applicable", facts=1.0), False),
        (result(hit=1.0, facts=1.0), result(hit=1.0, facts="judge_error"), False),
        (result(hit=1.0, facts="timeout"), result(hit=1.0, facts=1.0), False),
        (result(hit=1.0, facts=1.0), result(hit=1.0), False),
    ],
    ids=["refusal", "both refuse", "no evidence", "judge error", "timeout", "never scored"],
)
def test_which_cases_have_a_stage(before: Result, after: Result, counted: bool) -> None:
    """A refusal is no good answer; a score that is missing is neither good nor bad."""
    found = attribute(by_case(before), by_case(after), METRICS)
    assert found.stages == ((StageCount(True, True, True, False, 1),) if counted else ())


def test_only_cases_of_both_runs_count() -> None:
    """A new case has no before."""
    found = attribute({}, by_case(result(hit=1.0, facts=1.0, behavior=("answer", "refuse"))), METRICS)
    assert (found.stages, found.now_refuses) == ((), ())


def test_refusals_that_flipped() -> None:
    """Cases that were answered and are refused now, and the other way round, are named."""
    before = by_case(
        *(result(behavior=("answer", seen)) for seen in ("answer", "refuse", "refuse", "clarify"))
    )
    after = by_case(*(result(behavior=("answer", seen)) for seen in ("refuse", "answer", "refuse", "refuse")))
    found = attribute(before, after, METRICS)
    assert (found.now_refuses, found.now_answers) == (("0",), ("1",))


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (result(), None, "not run"),
        (result(), result(error="timeout"), "timeout"),
        (result(), result(error="boom"), "system error"),
        (None, result(), ""),
        (result(error="boom"), result(), ""),
        (result(behavior=("answer", "answer")), result(behavior=("answer", "refuse")), "now refuses"),
        (result(behavior=("refuse", "refuse")), result(behavior=("refuse", "answer")), "now answers"),
        (result(behavior=("answer", "answer")), result(behavior=("answer", "clarify")), "now asks back"),
        (
            result(behavior=("answer", "answer")),
            result(behavior=("answer", "partial")),
            "now answers in part",
        ),
        (result(hit=1.0), result(output="other", hit=0.0), "gold passage lost"),
        (result(hit=0.0), result(output="other", hit=1.0), "answer changed"),
        (result(hit="judge_error"), result(output="other", hit=0.0), "answer changed"),
        (result(retrieved=("a", "b")), result(retrieved=("b", "a")), "other passages, same answer"),
        (result(retrieved=("a",)), result(retrieved=("a",)), ""),
    ],
)
def test_cause(before: Result | None, after: Result | None, cause: str) -> None:
    """The first thing that explains a change is named: no answer, a flip, the passage, the words."""
    assert cause_of(before, after, METRICS) == cause


@pytest.mark.parametrize(
    ("metric", "values", "cause"),
    [
        ("mrr@5", (1.0, 0.5), "gold passage ranked lower"),
        ("ndcg@5", (1.0, 0.63), "gold passage ranked lower"),
        ("map@5", (0.5, 0.25), "gold passage ranked lower"),
        ("mrr@5", (0.2, 0.0), "gold passage lost"),
        ("recall@5", (1.0, 0.5), "a gold passage lost"),
        ("recall@5", (0.5, 0.0), "gold passage lost"),
        ("evidence_recall@5", (1.0, 0.5), "part of the gold text lost"),
        ("mrr@5", (0.5, 1.0), "answer changed"),
    ],
)
def test_a_lower_rank_is_not_a_lost_passage(metric: str, values: tuple[float, float], cause: str) -> None:
    """Lost is what is at 0 now and was not; a smaller fall is named by what the metric measures."""
    before, after = (
        Result("c", 0, Response(output=f"at {value}"), {metric: Score(value)}) for value in values
    )
    assert cause_of(before, after, (metric,)) == cause


def test_retrieved_at_any_rank_is_retrieved() -> None:
    """Rank 3 gives a reciprocal rank of 1/3 and is retrieved all the same; answers are good from 0.5."""
    scores = {"mrr@5": Score(1 / 3), "token_f1": Score(1 / 3)}
    third = {"c": Result("c", 0, Response(output="x"), scores)}
    gone = {"c": Result("c", 0, Response(output="x"), {**scores, "mrr@5": Score(0.0)})}
    found = attribute(third, gone, ("mrr@5", "token_f1"))
    assert found.stages == (StageCount(True, False, False, False, 1),)


def test_observed_behaviour_needs_a_score() -> None:
    """Without a score of refusal correctness nothing was observed."""
    assert observed(result(behavior=("answer", "refuse"))) == "refuse"
    assert observed(result()) is None
    lost = Result("c", 0, Response(output="x"), {"refusal_correctness": Score(status="judge_error")})
    assert observed(lost) is None
    assert refusal_matrix([lost]) == ()


def test_refusal_matrix() -> None:
    """Every scored case is in one cell, cells in order of their names."""
    rows = [("refuse", "answer"), ("answer", "answer"), ("answer", "refuse"), ("answer", "answer")]
    assert refusal_matrix(result(behavior=row) for row in rows) == (
        BehaviorCount("answer", "answer", 2),
        BehaviorCount("answer", "refuse", 1),
        BehaviorCount("refuse", "answer", 1),
    )
