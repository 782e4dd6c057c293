"""What a test could say if missing values were known: never less than any completion of them says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.completions import mean_could_exceed
from harness.stats.paired import cluster_sums, clustered_mean


@st.composite
def boxes(draw: st.DrawFn) -> tuple[list[float], list[str], list[float], list[float], list[str], float]:
    """Known values with their clusters, the ends of missing ones with theirs, and a quantile."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    clusters = draw(st.integers(2, 12))
    known, lost = draw(st.integers(2, 60)), draw(st.integers(1, 12))
    shift = draw(st.sampled_from([0.0, 0.05, 0.15]))
    values = np.clip(rng.normal(shift, 0.2, known), -1, 1).round(2).tolist()
    highs = rng.random(lost).tolist()
    lows = [high - width for high, width in zip(highs, rng.choice([1.0, 2.0], lost).tolist(), strict=True)]
    names = [f"d{i}" for i in rng.integers(0, clusters, known + lost)]
    names[:2] = ["d0", "d1"]
    return values, names[:known], lows, highs, names[known:], draw(st.sampled_from([1.0, 2.0, 3.0]))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(boxes(), st.integers(0, 1000))
def test_no_completion_exceeds_what_was_excluded(
    box: tuple[list[float], list[str], list[float], list[float], list[str], float], seed: int
) -> None:
    """Where it says no, no completion is beyond the quantile; where it says yes, one nearly is."""
    values, clusters, lows, highs, lost, quantile = box
    names = sorted({*clusters, *lost})
    sums, counts = cluster_sums(names, clusters, values)
    high, more = cluster_sums(names, lost, highs)
    low, _ = cluster_sums(names, lost, lows)
    could = mean_could_exceed(sums, counts + more, low, high, quantile)
    rng = np.random.default_rng(seed)
    best = -np.inf
    tries = [np.array(highs), np.array(lows), *(rng.uniform(lows, highs) for _ in range(60))]
    tries += [np.where(rng.random(len(lost)) < 0.5, highs, lows) for _ in range(60)]
    for filled in tries:
        found = clustered_mean([*values, *filled.tolist()], [*clusters, *lost])
        best = max(best, found.mean - quantile * found.se)
    assert could or best <= 1e-9


def test_a_tight_drop_can_be_hidden_by_few() -> None:
    """Losing one pair of a clear drop leaves it possible; of no drop at all it does not make one."""
    counts = np.ones(200)
    rng = np.random.default_rng(3)
    fell, same = rng.normal(0.05, 0.1, 200), rng.normal(0.0, 0.1, 200)
    same -= same.mean()
    low, high = np.zeros(200), np.zeros(200)
    high[0], low[0] = 0.8, -0.2
    fell[0] = same[0] = 0.0
    assert mean_could_exceed(fell, counts, low, high, 3.0)
    assert not mean_could_exceed(same, counts, low, high, 3.0)


@pytest.mark.parametrize("variance", [0.0, 0.01])
def test_what_moves_all_together_widens(variance: float) -> None:
    """A run that may move as a whole makes the same values less sure."""
    sums = np.full(40, 0.1) + np.random.default_rng(1).normal(0, 0.05, 40)
    found = mean_could_exceed(sums, np.ones(40), np.zeros(40), np.zeros(40), 3.0, variance)
    assert found == (variance == 0.0)


def test_one_cluster_says_nothing() -> None:
    """With one cluster there is no error to hold the mean against."""
    assert not mean_could_exceed(np.array([5.0]), np.array([3.0]), np.zeros(1), np.ones(1), 1.0)
