"""Where the parts of a chart stand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample import comparison, gaps, mean

from harness.report import charts
from harness.types import Comparison, Estimate, Gap, GroupGap, Interval, Slice


def test_left_is_worse_whatever_the_direction() -> None:
    """A metric that fell and a latency that rose both stand left of the line."""
    fell = comparison("faithfulness", 0.9, 0.8, (-0.15, -0.05), 100)
    slower = comparison("latency_s", 1.0, 1.1, (0.05, 0.15), 100)
    for row in (fell, slower):
        forest = charts.changes([row], [None])
        bar = forest.bars[0]
        assert bar.low is not None
        assert bar.dot is not None
        assert bar.high is not None
        assert forest.line is not None
        assert bar.low < bar.dot < bar.high < forest.line


def test_the_limit_of_a_gate_stands_left_of_the_line() -> None:
    """What a gate allows is a band from its limit to zero, inside the drawing."""
    forest = charts.changes([comparison("faithfulness", 0.9, 0.9, (-0.01, 0.01), 100)], [0.05])
    assert forest.bars[0].limit is not None
    assert forest.line is not None
    assert 0 < forest.bars[0].limit < forest.line < 100


def test_what_is_unknown_is_not_drawn() -> None:
    """No change, no interval: no dot and no line, but the row stands."""
    empty = Comparison("faithfulness", Slice(), Estimate(None, 0, 3), Estimate(None, 0, 3))
    assert charts.changes([empty], [None]).bars == (charts.Bar(None, None, None),)


def test_groups_stand_on_their_own_scale() -> None:
    """The line is the overall mean; a group without a value has no dot."""
    forest = charts.groups(gaps()[0])
    assert [bar.dot is None for bar in forest.bars] == [False] * 6 + [True]
    assert forest.line is not None
    assert forest.bars[0].dot is not None
    assert forest.bars[0].dot < forest.line


def test_ticks_are_round_numbers() -> None:
    """Marks are written with the decimals they need, without sign on an axis of harm."""
    rows = [comparison("faithfulness", 0.9, 0.87, (-0.062, -0.021), 100)]
    assert [tick.label for tick in charts.changes(rows, [0.02]).ticks] == ["0.06", "0.04", "0.02", "0.00"]


@given(
    st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 1), st.booleans()
)  # fmt: skip
def test_everything_lies_inside(
    change: float, below: float, above: float, limit: float | None, higher: bool
) -> None:
    """Whatever the numbers, every place is within 0 and 100 percent, and the order of values is kept."""
    row = msgspec.structs.replace(
        comparison("faithfulness", 0.5, 0.5, (0, 0), 10),
        change=change,
        interval=Interval(change - below, change + above, 0.95, "t"),
        higher_is_better=higher,
    )
    forest = charts.changes([row], [limit])
    bar = forest.bars[0]
    places = [bar.low, bar.dot, bar.high, bar.limit, forest.line, *(tick.x for tick in forest.ticks)]
    assert all(0 <= place <= 100 for place in places if place is not None)
    assert bar.low is not None
    assert bar.dot is not None
    assert bar.high is not None
    assert bar.low <= bar.dot <= bar.high


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 812.0])
def test_one_group_alone_can_be_drawn(value: float) -> None:
    """A scale needs no spread: a single value stands in the middle."""
    alone = Estimate(value, 5, 0)
    gap = Gap("m", "language", (GroupGap("de", alone, 1, enough=False),), alone, 30)
    assert charts.groups(gap).bars[0].dot == pytest.approx(50)
    assert mean(0.5, 0.1, 5).interval is not None
