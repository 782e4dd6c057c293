"""NoMIRACL's own rule on an answer, held against what people said of the passages, as a metric."""

from __future__ import annotations

from harness.registry import metric
from harness.types import Case, Response, Score


def simple_rule(output: str) -> str:
    """The data set's own rule: what its published figures are computed with."""
    answers, abstains = "Yes, answer is present" in output, "I don't know" in output
    return "answer" if answers else "refuse" if abstains else "invalid"


@metric("right", version=1)
def right(case: Case, response: Response) -> Score:
    """Share of questions answered, or refused, as their human label asks; an invalid answer is wrong."""
    return Score(float(simple_rule(response.output or "") == case.expected_behavior))
