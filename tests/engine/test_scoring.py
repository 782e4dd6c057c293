"""One response to its scores: errors become statuses, ranges are kept."""

import msgspec
import numpy as np
import pytest

from harness.engine.scoring import score
from harness.errors import MetricFault
from harness.registry import find_metric, metric
from harness.types import Case, Query, Response, ResponseError, Score

CASE = Case(query=Query(id="q", input="Where?"))
GOOD = Response(output="Here.")


@metric("half", version=1)
def half(case, response):
    """Always a half."""
    return Score(0.5)


@metric("wild", version=1)
def wild(case, response):
    """Out of its range."""
    return Score(1.5)


@metric("torn", version=1)
def torn(case, response):
    """Looks for what is not there."""
    return Score({}["value"])


@metric("needy", version=1, needs=("corpus",))
def needy(case, response, *, corpus):
    """Says what it was given."""
    return Score(1.0, details={"corpus": corpus})


@pytest.mark.parametrize(("kind", "status"), [("timeout", "timeout"), ("exception", "system_error")])
def test_an_error_is_the_status_of_every_metric(kind, status):
    """No metric sees a response that is an error, but for those that score errors."""
    broken = Response(error=ResponseError(kind, "why"))
    found = score(CASE, broken, {"half": half, "error_rate": find_metric("error_rate")}, {})
    assert (found["half"].status, found["half"].value, found["half"].reason) == (status, None, "why")
    assert found["error_rate"].value == 1.0


def test_a_value_outside_the_range_is_a_fault_of_the_metric():
    """The message names metric, value and case."""
    with pytest.raises(MetricFault, match=r"'wild' gave 1.5 on case 'q'"):
        score(CASE, GOOD, {"wild": wild}, {})


def test_a_metric_that_raises_is_named_with_its_place():
    """The message has metric, exception, case, file and line; the run can be gone on with."""
    with pytest.raises(MetricFault, match=r"'torn' raised KeyError on case 'q'") as caught:
        score(CASE, GOOD, {"torn": torn}, {})
    assert caught.value.faults[0].place.file == __file__


def test_metrics_get_what_they_need_and_nothing_else():
    """Needs are passed by keyword."""
    found = score(CASE, GOOD, {"needy": needy, "half": half}, {"corpus": "the corpus", "judge": "no"})
    assert found["needy"].details == {"corpus": "the corpus"}


def test_scores_stand_under_the_names_of_the_suite():
    """The name with its cut-off is the identity."""
    named = msgspec.structs.replace(half, name="half@5")
    assert list(score(CASE, GOOD, {"half@5": named}, {})) == ["half@5"]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (0.5, "it gave float, not a Score"),
        (Score(True), "a bool, not a number"),
        (Score(0.5, details=["x"]), "ValidationError"),
        (Score(0.5, reason=None), "ValidationError"),
        (Score(status="lost"), "ValidationError"),
    ],
)
def test_what_a_metric_of_the_users_gives_is_checked(given, what):
    """Nothing gets into a recording that could not be read back."""
    own = msgspec.structs.replace(half, name="own", score=lambda case, response: given)
    with pytest.raises(MetricFault, match=what):
        score(CASE, GOOD, {"own": own}, {})


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (float("nan"), "score nan is not finite"),
        (float("-inf"), "score -inf is not finite"),
        (1.5e100, r"score 1\.5e\+100 is beyond 1e\+100 in magnitude"),
        (-1e154, r"score -1e\+154 is beyond 1e\+100 in magnitude"),
    ],
)
def test_a_value_that_cannot_be_computed_with_is_a_fault_of_the_metric(value, what):
    """Not finite, or so large that its square leaves a float: metric and case are named."""
    own = msgspec.structs.replace(
        half, name="own", low=-1e300, high=None, score=lambda case, response: Score(value)
    )
    with pytest.raises(MetricFault, match=f"'own' raised ValueError on case 'q': {what}"):
        score(CASE, GOOD, {"own": own}, {})


def test_the_largest_value_is_taken():
    """1e100 itself is a score, of either sign, and its square is a number."""
    for value in (1e100, -1e100):
        assert (
            score(
                CASE,
                GOOD,
                {
                    "own": msgspec.structs.replace(
                        half,
                        name="own",
                        low=-1e300,
                        high=None,
                        score=lambda case, response, value=value: Score(value),
                    )
                },
                {},
            )["own"].value
            == value
        )
        assert value**2 * 1e6 < float("inf")


def test_numbers_of_numpy_become_plain_numbers():
    """A value computed with NumPy is taken for what it is."""
    own = msgspec.structs.replace(half, name="own", score=lambda case, response: Score(np.float64(0.25)))
    assert type(score(CASE, GOOD, {"own": own}, {})["own"].value) is float
