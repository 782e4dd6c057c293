"""The Pareto front: nobody on it is worse in everything than another, and nothing not known is a virtue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.candidates.front import dominated_by

POINTS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=2),
    st.tuples(*[st.none() | st.integers(0, 3).map(float)] * 3),
    min_size=1,
    max_size=7,
)


def test_known_fronts() -> None:
    """Better in one is on the front; equal in all does not dominate; better nowhere is off it."""
    found = dominated_by({"good": (-0.9, 5.0), "cheap": (-0.7, 1.0), "bad": (-0.6, 5.0), "same": (-0.9, 5.0)})
    assert found == {"good": (), "cheap": (), "bad": ("good", "cheap", "same"), "same": ()}


def test_what_is_not_known_is_the_worst() -> None:
    """A system that reports no cost is never the cheapest, and not kept on the front by its silence."""
    found = dominated_by({"told": (-0.9, 100.0), "silent": (-0.9, None), "worse": (-0.8, None)})
    assert found == {"told": (), "silent": ("told",), "worse": ("told", "silent")}


@given(POINTS)
def test_somebody_is_always_on_the_front(points: dict[str, tuple[float | None, ...]]) -> None:
    """And whoever is off it is dominated by somebody on it."""
    found = dominated_by(points)
    front = {name for name, above in found.items() if not above}
    assert front
    assert all(set(above) & front for name, above in found.items() if name not in front)


@given(POINTS, st.data())
def test_losing_a_figure_brings_nobody_onto_the_front(
    points: dict[str, tuple[float | None, ...]], data: st.DataObject
) -> None:
    """Nor takes it away from anybody else."""
    name = data.draw(st.sampled_from(sorted(points)))
    at = data.draw(st.integers(0, 2))
    lost = {**points, name: tuple(None if k == at else x for k, x in enumerate(points[name]))}
    before, after = dominated_by(points), dominated_by(lost)
    if before[name]:
        assert after[name]
    assert all(set(after[other]) <= set(before[other]) for other in points if other != name)
