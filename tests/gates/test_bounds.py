"""The gates on bounds: three outcomes, with reasons that can be read."""

from __future__ import annotations

import pytest
from cells import FLOOR, decided, rate
from msgspec.structs import replace
from world import Cell

from harness.types import Gate, Outcome


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (FLOOR, rate(95, 5), "pass", "between 0.888 and 0.978: within the bound"),
        (FLOOR, rate(60, 40), "fail", "0.691 at most, below 0.800"),
        (FLOOR, rate(85, 15), "inconclusive", "between 0.767 and 0.907: cannot tell"),
        (FLOOR, rate(3, 0), "inconclusive", "between 0.439 and 1.000: cannot tell"),
        (
            FLOOR,
            rate(92, 0, 8),
            "inconclusive",
            "between 0.721 and 1.000: cannot tell; 8 of 100 unscored count at their worst",
        ),
        (replace(FLOOR, bound="point"), rate(80, 20), "pass", "0.800: within the bound"),
        (replace(FLOOR, bound="point"), rate(79, 21), "fail", "0.790 at most, below 0.800"),
        (
            replace(FLOOR, bound="point"),
            rate(79, 11, 10),
            "inconclusive",
            "between 0.790 and 0.890: cannot tell; 10 of 100 unscored count at their worst",
        ),
        (
            replace(FLOOR, bound="point"),
            rate(80, 10, 10),
            "pass",
            "between 0.800 and 0.900: within the bound",
        ),
        (
            Gate(id="x", metric="flaws", max=0.1),
            rate(0, 60),
            "pass",
            "between 0.000 and 0.060: within the bound",
        ),
        (Gate(id="x", metric="flaws", max=0.1), rate(30, 30), "fail", "0.377 at least, above 0.100"),
        (
            Gate(id="x", metric="flaws", min=0.2, max=0.8),
            rate(50, 50),
            "pass",
            "between 0.404 and 0.596: within the bound",
        ),
        (FLOOR, ["not_applicable", "timeout"], "inconclusive", "no case has a value of quality"),
    ],
)
def test_bound_of_a_mean(gate: Gate, cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """PASS where all that is possible is within the bounds, FAIL where all that is known is outside."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (
            Gate(id="x", metric="latency_s", max=2.5),
            [1.0, 2.0, 1.5, 1.2, 1.8],
            "pass",
            "between 0.99 s and 2.01 s: within the bound",
        ),
        (
            Gate(id="x", metric="latency_s", max=2.5),
            [1.0, 2.0, 1.5, 1.2, "timeout"],
            "inconclusive",
            "between 0.00 s and no limit: cannot tell; 1 of 5 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=2),
            [1, 2, 1, 1, 9],
            "pass",
            "2.00 s: within the bound",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 2, 1, 1, 9],
            "fail",
            "2.00 s at least, above 1.50 s",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 1, 1, "timeout", "timeout"],
            "inconclusive",
            "between 1.00 s and no limit: cannot tell; 2 of 5 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 1, 1, 1, "timeout"],
            "pass",
            "1.00 s: within the bound",
        ),
        (Gate(id="x", metric="latency_s", total=True, max=10), [1, 2, 3], "pass", "6.00 s: within the bound"),
        (
            Gate(id="x", metric="latency_s", total=True, max=5),
            [1, 2, 3, "timeout"],
            "fail",
            "6.00 s at least, above 5.00 s",
        ),
        (
            Gate(id="x", metric="latency_s", total=True, max=10),
            [1, 2, 3, None],
            "inconclusive",
            "between 6.00 s and no limit: cannot tell; 1 of 4 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="quality", total=True, min=3),
            [1.0, 1.0, None],
            "inconclusive",
            "between 2.000 and 3.000: cannot tell; 1 of 3 unscored count at their worst",
        ),
    ],
)
def test_bound_of_seconds_quantiles_and_totals(
    gate: Gate, cells: list[Cell], outcome: Outcome, reason: str
) -> None:
    """Quantiles and totals are what they are, with the unscored at either end of the range."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            [0.5, 0.5, "not_applicable", "not_applicable"],
            "inconclusive",
            "between $1.0000 and no limit: cannot tell; 2 of 4 without a value count at their worst",
        ),
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            [1.0, 1.0, "not_applicable"],
            "fail",
            "$2.0000 at least, above $1.5000",
        ),
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            ["not_applicable", "not_applicable"],
            "inconclusive",
            "no case has a value of cost_usd",
        ),
        (
            Gate(id="x", metric="latency_s", total=True, max=5),
            [1.0, 2.0, "not_applicable"],
            "pass",
            "3.00 s: within the bound",
        ),
        (
            Gate(id="x", metric="flaws", total=True, max=1),
            [1.0, 0.0, "not_applicable"],
            "pass",
            "1.000: within the bound",
        ),
    ],
)
def test_a_total_of_what_is_not_told(gate: Gate, cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """Costs that are not told are open; cached replies took no time, and rates apply or do not."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("q", "value"), [(0.0, 1), (0.07, 7), (0.5, 50), (0.55, 55), (0.951, 96), (0.99, 99), (1.0, 100)]
)
def test_quantile_is_a_value_that_occurred(q: float, value: int) -> None:
    """The smallest value with at least a share q at or below it, rounding of q * n or not."""
    gate = Gate(id="x", metric="latency_s", quantile=q, max=1000)
    cells: list[Cell] = [float(i) for i in range(100, 0, -1)]
    assert decided(gate, cells).candidate == value


def test_one_document_of_seconds_has_no_interval() -> None:
    """An unbounded mean of one document cannot keep to a bound, but its point can."""
    gate = Gate(id="x", metric="latency_s", max=9)
    found = decided(gate, [1.0, 2.0], per_document=2)
    assert (found.outcome, found.candidate) == ("inconclusive", 1.5)
    assert found.reason == "values from one document (2) have no interval"
    assert decided(replace(gate, bound="point"), [1.0, 2.0], per_document=2).outcome == "pass"
