"""A real language model as answering system: an interrupted run, answers, scores, tokens, and the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from llm_project import GOLDENS, Answered, Project, judge_of, stored

pytestmark = [pytest.mark.llm, pytest.mark.slow]

MEANS = (
    *("recall@2", "required_facts", "answer_language", "refusal_correctness"),
    *("faithfulness", "judged_faithfulness"),
)


def test_a_run_that_was_cut_short_goes_on(answered: Answered) -> None:
    """What was recorded stands as it was, and only what is missing is asked."""
    assert answered.cut.code == 130, answered.cut.words
    assert answered.resumed.code == 0, answered.resumed.words
    kept = {result.case_id: result for result in answered.run.recorded.results}
    assert 0 < len(answered.before) < len(kept)
    assert all(kept[result.case_id] == result for result in answered.before)
    in_flight = 1
    assert len(kept) <= len(answered.run.answers) <= len(kept) + in_flight


def test_every_case_has_an_answer_or_an_error_that_is_explained(answered: Answered) -> None:
    """Nearly all have an answer, as nothing but the server's load stands in the way."""
    results = answered.run.recorded.results
    assert len(results) == answered.run.recorded.run.n_cases
    for result in results:
        assert result.response.output or (result.response.error and result.response.error.message)
    assert sum(bool(result.response.output) for result in results) >= 0.9 * len(results)


def test_the_model_answers_from_what_it_is_given(answered: Answered) -> None:
    """It has some of the facts right, and words of its answers stand in the passages."""
    assert answered.run.mean("required_facts")[0] > 0.1
    assert answered.run.mean("faithfulness")[0] > 0.2


def test_tokens_and_cost_are_those_that_the_server_tells(answered: Answered) -> None:
    """Of each answer, as the suite prices them; and of each verdict, in the score's details."""
    results = [result for result in answered.run.recorded.results if result.response.output]
    for result in results:
        usage, scores = result.response.usage, result.scores
        assert usage.input_tokens
        assert usage.output_tokens
        assert scores["cost_usd"].value == pytest.approx((usage.input_tokens + 2 * usage.output_tokens) / 1e6)
        assert scores["latency_s"].value
    told = [judge_of(result.scores["judged_faithfulness"]) for result in results]
    assert sum(judge["input_tokens"] for judge in told if judge) > 0


def test_scores_are_stored_with_who_judged(answered: Answered, project: Project) -> None:
    """In the recording and in the database; where there is none, the reason stands there."""
    run, results = answered.run.recorded.run, answered.run.recorded.results
    scores = [result.scores["judged_faithfulness"] for result in results]
    for score in scores:
        judge = judge_of(score)
        assert score.value is not None or score.reason
        assert judge is None or judge["fingerprint"] == run.judges["judged_faithfulness"]
        assert judge is None or judge["served"]
    assert sum(score.status == "judge_error" for score in scores) <= 2
    assert sum(score.status == "scored" for score in scores) >= 0.2 * len(scores)
    assert stored(project, "answers", "judged_faithfulness") == answered.run.values("judged_faithfulness")


def test_the_same_answers_cost_no_verdict_again(answered: Answered, project: Project) -> None:
    """Another run over the recorded answers has the same scores, and the server is not asked at all."""
    project.suite(
        "again",
        goldens=[{"path": str(GOLDENS / "cases.jsonl")}],
        system={"adapter": "replay", "path": "reports/runs/answers/recording.jsonl"},
        metrics=["judged_faithfulness"],
        judges=project.judge("logprob"),
    )
    again = project.run("again", "again", "--limit", str(len(answered.run.recorded.cases)))
    assert again.calls == []
    scored = {name: value for name, value in answered.run.values("judged_faithfulness").items() if value}
    assert scored.items() <= again.values("judged_faithfulness").items()


def test_what_became_of_the_cases_is_recorded(answered: Answered, record: Callable[..., None]) -> None:
    """By what is expected of the model."""
    right, results = answered.run.values("refusal_correctness"), answered.run.recorded.results
    errors = sum(result.response.error is not None for result in results)
    counts = Counter({"cases": len(results), "errors": errors})
    for case in answered.run.recorded.cases:
        counts[f"expected: {case.expected_behavior}"] += 1
        counts[f"done: {case.expected_behavior}"] += right[case.id] == 1
    means = {name: answered.run.mean(name) for name in MEANS}
    record("answering", answered.run.answers, counts=counts, means=means)
    assert counts["cases"] == sum(count for name, count in counts.items() if name.startswith("expected"))
