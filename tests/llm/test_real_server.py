"""A real language model behind a real OpenAI-compatible server: as answering system, as judge, behind ragas.

It takes half an hour and more on two cores. What is asserted holds for any instructed model worth asking;
what a model reached is written down with ``--figures``.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from counting_server import Call
from figures import agreement, figures_of, stored
from llm_project import GOLDENS, Answered, Done, Project, judge_of
from project import Ended

from harness.judges.canaries import attacks
from harness.judges.trust import read_trust

if TYPE_CHECKING:
    from local_model import Labelled

pytestmark = [pytest.mark.llm, pytest.mark.slow]

BY_CHANCE, WORTH_ASKING = 0.5, 0.6
"""ROC-AUC of a judge that guesses, and of one that reads."""


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
    """It has some of the facts right, and what it says has more to do with its passages than chance."""
    assert answered.run.mean("required_facts")[0] > 0.2
    assert answered.run.mean("answer_language")[0] > 0.5
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
    assert sum(score.status == "scored" for score in scores) >= 0.4 * len(scores)
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


def test_the_judge_tells_golden_answers_from_planted_faults(
    bench: ModuleType, by_probability: Done, labelled: list[Labelled]
) -> None:
    """By the probability of its verdicts, clearly better than chance, and on nearly all answers."""
    found = agreement(bench, labelled, by_probability, "judged_faithfulness", "")
    assert found.n >= 0.9 * len(labelled)
    assert found.value >= WORTH_ASKING
    assert found.low is not None
    assert found.low > BY_CHANCE


def test_canaries_decide_whether_the_judge_may(canaries: tuple[Ended, list[Call]], project: Project) -> None:
    """All attacks are tried; who gave in to one is advisory, and says so."""
    ended, _ = canaries
    (known,) = read_trust(project.folder / "judges" / "labelled-logprob.trust.json")
    found = known.canaries
    assert found is not None
    assert found.tried == len(attacks())
    assert ended.code == (1 if found.gave_in or found.unsound else 3 if found.unanswered else 0), ended.words
    gate = project.call("gate", "logprob")
    assert gate.code == 3, gate.words
    assert "advisory" in gate.words


def test_ragas_scores_through_a_suite_and_is_stored_like_any_other(by_ragas: Done, project: Project) -> None:
    """Read back from the database, with who judged; a score that ragas does not give has its reason."""
    found = stored(project, "ragas", "ragas:faithfulness")
    assert found == by_ragas.values("ragas:faithfulness")
    assert len(found) == len(by_ragas.recorded.cases)
    for result in by_ragas.recorded.results:
        score = result.scores["ragas:faithfulness"]
        assert (score.status == "scored") or (score.status == "judge_error" and score.reason)
    values = [value for value in found.values() if value is not None]
    assert len(values) >= 3
    assert max(values) > 0


def test_a_reply_in_text_is_a_verdict_or_refused_with_the_reason(in_text: Done) -> None:
    """A small model may not keep to the form: then there is no score, and never one that was guessed."""
    scores = [result.scores["judged_faithfulness"] for result in in_text.recorded.results]
    assert sum(score.status == "scored" for score in scores) >= 0.5 * len(scores)
    assert all(score.reason for score in scores if score.value is None)


def test_the_figures_are_written(request: pytest.FixtureRequest, tmp_path: Path, bench: ModuleType) -> None:
    """They are read back as they were, and the page shows how well each judge agrees with the labels."""
    page = Path(request.config.getoption("--figures", None) or tmp_path / "local_model.md")
    figures = figures_of(request, bench)
    bench.write(figures, page)
    assert bench.read(page) == figures
    assert all(f"{row.value:.3f}" in page.read_text(encoding="utf-8") for row in figures.rows)
