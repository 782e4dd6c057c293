"""Usage metrics: what the system says, and no value where it says nothing."""

from __future__ import annotations

import pytest

from harness.registry import find_metric
from harness.types import Case, Query, Response, ResponseError, Score, Timings, Usage

CASE = Case(Query("q", "question"))
SPENT = Usage(input_tokens=120, output_tokens=0, cost_usd=0.0)


def scored(name: str, response: Response) -> Score:
    return find_metric(name).score(CASE, response)


def test_values_are_those_the_response_carries() -> None:
    """Seconds, tokens and dollars are reported as they are; 0 is a value."""
    response = Response("answer", usage=SPENT, timings=Timings(total_s=0.25))
    assert scored("latency_s", response).value == 0.25
    assert scored("input_tokens", response).value == 120.0
    assert scored("output_tokens", response).value == 0.0
    assert scored("cost_usd", response).value == 0.0


@pytest.mark.parametrize("name", ["latency_s", "input_tokens", "output_tokens", "cost_usd"])
def test_what_the_system_does_not_say_is_not_applicable(name: str) -> None:
    """Absence is no value with a reason, never 0."""
    result = scored(name, Response("answer"))
    assert (result.value, result.status) == (None, "not_applicable")
    assert result.reason


def test_a_cached_response_has_no_latency() -> None:
    """The time of a reply from the cache says nothing of the system; its tokens still do."""
    response = Response("answer", usage=SPENT, timings=Timings(total_s=0.001), cached=True)
    assert scored("latency_s", response).status == "not_applicable"
    assert scored("input_tokens", response).value == 120.0


def test_error_rate_counts_errors_and_is_asked_of_them() -> None:
    """An error is 1 and any answer 0, also an empty one."""
    failed = Response(error=ResponseError("timeout", "60 s passed"))
    assert find_metric("error_rate").on_error
    assert scored("error_rate", failed).value == 1.0
    assert "60 s" in scored("error_rate", failed).reason
    assert scored("error_rate", Response("")).value == 0.0


@pytest.mark.parametrize("name", ["latency_s", "input_tokens", "output_tokens", "cost_usd", "error_rate"])
def test_less_is_better(name: str) -> None:
    """Every usage metric is better when lower; only error_rate has an upper end."""
    metric = find_metric(name)
    assert not metric.higher_is_better
    assert (metric.high == 1.0) == (name == "error_rate")
