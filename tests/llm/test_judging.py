"""A real language model as judge: against labels that are known, under attack, and behind ragas.

What is asserted holds for any instructed model worth asking; what one reached is written with ``--figures``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from counting_server import Call
from llm_project import Done, Project, name_of, stored
from project import Ended

from harness.judges.canaries import attacks
from harness.judges.trust import read_trust

if TYPE_CHECKING:
    from local_model import Labelled, Row

pytestmark = [pytest.mark.llm, pytest.mark.slow]

BY_CHANCE, WORTH_ASKING = 0.5, 0.6
"""ROC-AUC of a judge that guesses, and of one that reads."""
Record = Callable[..., None]


def test_the_judge_tells_golden_answers_from_planted_faults(
    bench: ModuleType, by_probability: Done, labelled: list[Labelled], record: Record
) -> None:
    """By the probability of its verdicts, clearly better than chance, and on nearly all answers."""
    found = agreement(bench, labelled, by_probability, "judged_faithfulness", "`output: logprob`")
    beside = agreement(bench, labelled, by_probability, "faithfulness", "no model")
    counts = _counted(by_probability)
    record("judging by probability", by_probability.calls, counts=counts, rows=(found, beside))
    assert found.n >= 0.9 * len(labelled)
    assert found.value >= WORTH_ASKING
    assert found.low is not None
    assert found.low > BY_CHANCE


def test_canaries_decide_whether_the_judge_may(
    canaries: tuple[Ended, list[Call]], project: Project, record: Record
) -> None:
    """All attacks are tried; who gave in to one is advisory, and says so."""
    ended, calls = canaries
    (known,) = read_trust(project.folder / "judges" / "attacked.trust.json")
    found = known.canaries
    assert found is not None
    counts = {"attacks": found.tried, "gave in": len(found.gave_in), "unsound": len(found.unsound)}
    record("canaries", calls, counts={**counts, "without a verdict": found.unanswered})
    assert found.tried == len(attacks())
    assert ended.code == (1 if found.gave_in or found.unsound else 3 if found.unanswered else 0), ended.words
    gate = project.call("gate", "attacked")
    assert gate.code == 3, gate.words
    assert "advisory" in gate.words


def test_ragas_scores_through_a_suite_and_is_stored_like_any_other(
    by_ragas: Done, project: Project, record: Record
) -> None:
    """Read back from the database, with who judged; a score that ragas does not give has its reason."""
    found = stored(project, "ragas", "ragas:faithfulness")
    assert found == by_ragas.values("ragas:faithfulness")
    assert len(found) == len(by_ragas.recorded.cases)
    for result in by_ragas.recorded.results:
        score = result.scores["ragas:faithfulness"]
        assert (score.status == "scored") or (score.status == "judge_error" and score.reason)
    counts = _counted(by_ragas, "ragas:faithfulness")
    record(
        "ragas",
        by_ragas.calls,
        counts=counts,
        means={"ragas:faithfulness": by_ragas.mean("ragas:faithfulness")},
    )
    values = [value for value in found.values() if value is not None]
    assert len(values) >= 3
    assert max(values) > 0


def test_a_reply_in_text_is_a_verdict_or_refused_with_the_reason(
    bench: ModuleType, in_text: Done, labelled: list[Labelled], record: Record
) -> None:
    """A small model may not keep to the form: then there is no score, and never one that was guessed."""
    found = agreement(bench, labelled, in_text, "judged_faithfulness", "`output: text`")
    record("judging in text", in_text.calls, counts=_counted(in_text), rows=(found,))
    scores = [result.scores["judged_faithfulness"] for result in in_text.recorded.results]
    assert sum(score.status == "scored" for score in scores) >= 0.5 * len(scores)
    assert all(score.reason for score in scores if score.value is None)


def _counted(run: Done, metric: str = "judged_faithfulness") -> dict[str, int]:
    """The answers of a run, and how many of them have each status that is there."""
    statuses = Counter(result.scores[metric].status for result in run.recorded.results)
    return {"answers": len(run.recorded.results), **statuses}


def agreement(bench: ModuleType, labelled: Sequence[Labelled], run: Done, metric: str, judged_by: str) -> Row:
    """How well the scores of a run tell golden answers from those with a planted fault."""
    values = run.values(metric)
    found: Row = bench.agreement(metric, judged_by, labelled, [values[name_of(one)] for one in labelled])
    return found
