"""Intervals of one run: Wilson at the effective sample size, clusters cost certainty, ranges are kept."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.intervals import mean_ci
from harness.stats.rates import wilson_ci
from harness.types import Interval


def interval_of(
    values: list[float], clusters: list[str], low: float = 0.0, high: float | None = 1.0, level: float = 0.95
) -> Interval:
    found = mean_ci(values, clusters, low, high, level)
    assert found is not None
    return found


@pytest.mark.parametrize(("k", "n"), [(0, 30), (3, 30), (30, 30), (1, 2), (97, 200)])
def test_rate_without_clusters_is_wilson_at_n(k: int, n: int) -> None:
    """A rate with one item per cluster gets Wilson's interval at n, at every rate."""
    found = interval_of([1.0] * k + [0.0] * (n - k), [str(i) for i in range(n)])
    known = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert found.method == "wilson, clustered"


def test_copies_of_a_case_add_nothing() -> None:
    """Every case four times in its document: the interval is that of the documents."""
    values = [1.0] * 16 + [0.0] * 4
    alone = interval_of(values, [str(i) for i in range(20)])
    copied = interval_of([value for value in values for _ in range(4)], [str(i // 4) for i in range(80)])
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), abs=0.005)
    assert copied.high - copied.low >= (alone.high - alone.low) - 1e-9


def test_all_the_same_counts_documents() -> None:
    """80 of 80 from 20 documents says what 20 of 20 says: nothing shows that answers of a document differ."""
    found = interval_of([1.0] * 80, [str(i // 4) for i in range(80)])
    assert (found.low, found.high) == pytest.approx(wilson_ci(20, 20), abs=1e-12)


def test_rates_on_another_range() -> None:
    """A score of 1 or 5 is a rate on that range."""
    plain = interval_of([0.0, 1.0, 1.0, 1.0], list("abcd"))
    scaled = interval_of([1.0, 5.0, 5.0, 5.0], list("abcd"), 1.0, 5.0)
    assert (scaled.low, scaled.high) == pytest.approx((1 + 4 * plain.low, 1 + 4 * plain.high))


def test_graded_means_are_students_t() -> None:
    """Graded scores with one item per cluster get scipy's t interval."""
    values = np.random.default_rng(2).uniform(0.3, 0.7, 25).tolist()
    found = interval_of(values, [str(i) for i in range(25)], level=0.9)
    known = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx(tuple(known), rel=1e-12)
    assert (found.level, found.method) == (0.9, "t, clustered")


def test_interval_keeps_to_the_range() -> None:
    """Limits are cut to the range of the metric, and to its lower end where there is no upper one."""
    found = interval_of([0.99, 0.5, 1.0], list("abc"))
    assert found.high == 1.0
    seconds = interval_of([0.1, 9.0, 0.2], list("abc"), 0.0, None)
    assert seconds.low == 0.0
    assert seconds.high > 9.0


def test_one_document_gives_the_whole_range() -> None:
    """One cluster: the whole range where there is one, nothing where there is not."""
    found = interval_of([0.4, 0.6], ["a", "a"])
    assert (found.low, found.high) == (0.0, 1.0)
    assert mean_ci([0.4, 0.6], ["a", "a"], 0.0, None) is None
    assert mean_ci([0.4], ["a"], 0.0, None) is None
    single = interval_of([1.0], ["a"])
    assert (single.low, single.high) == pytest.approx(wilson_ci(1, 1))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.integers(0, 5)), min_size=1, max_size=30),
    st.sampled_from([1.0, None]),
)
def test_interval_holds_its_mean(pairs: list[tuple[float, int]], high: float | None) -> None:
    """Every interval is within the range, in order, and holds the mean it is of."""
    values, clusters = [value for value, _ in pairs], [str(cluster) for _, cluster in pairs]
    found = mean_ci(values, clusters, 0.0, high)
    if found is None:
        assert high is None
        assert len(set(clusters)) == 1
        return
    mean = sum(values) / len(values)
    assert 0.0 <= found.low <= mean + 1e-12
    assert mean - 1e-12 <= found.high <= (1.0 if high is not None else 1e9)
