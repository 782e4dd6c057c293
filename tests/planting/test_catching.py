"""What counts as a catch, and the rates of it."""

from __future__ import annotations

import pytest

from harness.planting.catching import count_caught, count_flagged, is_caught, is_flagged
from harness.planting.faults import FAULTS
from harness.registry import CATCHES, METRICS, declared
from harness.types import Case, Metric, Query, Score


def a_metric(*, higher: bool = True, high: float | None = 1.0) -> Metric:
    return Metric("m", lambda: Score(0.0), 1, "", higher_is_better=higher, high=high)


NONE = Score(status="not_applicable")


@pytest.mark.parametrize(
    ("before", "after", "caught"),
    [
        (1.0, 0.9999, True),  # it was the best
        (1.0, 1.0, False),
        (0.5, 0.41, False),  # flagged already, and fallen by less than a tenth
        (0.5, 0.4, True),
        (0.5, 0.9, False),
        (None, 0.9, True),  # the clean answer was not flagged
        (None, 1.0, False),
        (1.0, None, False),  # a value that is gone alarms nobody
        (None, None, False),
    ],
)
def test_what_is_caught(before: float | None, after: float | None, caught: bool) -> None:
    """For a metric of which more is better, and mirrored for one of which less is."""
    clean, planted = (NONE if value is None else Score(value) for value in (before, after))
    assert is_caught(a_metric(), clean, planted) is caught
    clean, planted = (NONE if value is None else Score(1 - value) for value in (before, after))
    assert is_caught(a_metric(higher=False), clean, planted) is caught


def test_a_metric_without_a_best_value_flags_nothing() -> None:
    """Times and costs are not about answers."""
    endless = a_metric(higher=False, high=None)
    assert not is_flagged(endless, Score(7.0))
    assert not is_caught(endless, Score(1.0), Score(7.0))


def test_rates_count_what_was_planted() -> None:
    """Cases where the metric is silent are not caught; clean ones without a value are not counted."""
    cases = [Case(Query(f"c{n}", "?"), document_id=f"d{n // 2}") for n in range(6)]
    clean = {case.id: Score(1.0) for case in cases} | {"c5": NONE, "c0": Score(0.5)}
    planted = {"c1": Score(0.0), "c2": Score(1.0), "c5": NONE}
    caught, silent = count_caught(a_metric(), cases, clean, planted)
    assert caught is not None
    assert (caught.count, caught.times, silent) == (1, 3, 1)
    assert 0 < caught.low < 1 / 3 < caught.high < 1
    flagged = count_flagged(a_metric(), cases, clean)
    assert flagged is not None
    assert (flagged.count, flagged.times) == (1, 5)
    assert count_caught(a_metric(), cases, clean, {}) == (None, 0)


def test_metrics_answer_for_faults_that_there_are() -> None:
    """The table names metrics of ours, bounded ones, and faults."""
    assert set(CATCHES) <= set(METRICS)
    assert {fault for faults in CATCHES.values() for fault in faults} <= set(FAULTS)
    assert all(declared(stem).high is not None for stem in CATCHES)
