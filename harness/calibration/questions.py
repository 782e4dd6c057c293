"""What raters are asked where nobody wrote it down: a plain question for each metric."""

from __future__ import annotations

from collections.abc import Mapping

from harness.types import Rubric

_SUPPORT = "Do the passages support everything that the answer claims?"
_RECALL = "Do the passages hold everything that the reference answer says?"
_RELEVANCY = "Does the answer address the question, whether it is right or not?"
_CORRECTNESS = "Does the answer say what the reference answer says, and nothing against it?"
_QUESTIONS = {
    "faithfulness": _SUPPORT,
    "judged_faithfulness": _SUPPORT,
    "ragas:faithfulness": _SUPPORT,
    "context_recall": _RECALL,
    "ragas:context_recall": _RECALL,
    "answer_relevancy": _RELEVANCY,
    "ragas:answer_relevancy": _RELEVANCY,
    "answer_correctness": _CORRECTNESS,
    "ragas:answer_correctness": _CORRECTNESS,
}
WITH_REFERENCES = frozenset({_RECALL, _CORRECTNESS})
"""Questions that nobody can answer who does not see the reference answers."""


def question_of(metric: str, rubrics: Mapping[str, Rubric]) -> str:
    """Give the question to raters that a metric answers, good answers with yes; empty where there is none.

    There is none where raters do not see what it is about: the order of passages, the expected behaviour.
    """
    family, _, name = metric.partition(":")
    if family == "rubric" and name in rubrics:
        return f"{rubrics[name].text.strip()}\n\nIs the answer good by this?"
    return _QUESTIONS.get(metric, "")
