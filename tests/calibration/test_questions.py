"""Raters are asked what they can answer from the packet, in words that say nothing of judges and scores."""

from __future__ import annotations

import pytest

from harness.calibration.questions import WITH_REFERENCES, question_of
from harness.types import Rubric

RUBRICS = {"tone": Rubric("5: polite. 1: rude.", poor="No.", fine="Gladly.")}


@pytest.mark.parametrize(
    "metric",
    ["judged_faithfulness", "ragas:faithfulness", "context_recall", "answer_correctness", "rubric:tone"],
)
def test_a_question_is_one(metric: str) -> None:
    """It can be answered with yes or no, and gives the judge away in no word."""
    found = question_of(metric, RUBRICS)
    assert found.endswith("?")
    assert "judge" not in found
    assert "0..1" not in found
    assert (found in WITH_REFERENCES) == (metric in ("context_recall", "answer_correctness"))


def test_what_a_packet_does_not_show_is_not_asked() -> None:
    """The order of passages, the expected behaviour, a rubric that is none: somebody has to write it."""
    for metric in ("context_precision", "judged_refusal", "rubric:other", "latency_s"):
        assert question_of(metric, RUBRICS) == ""
