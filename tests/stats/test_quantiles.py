"""The bootstrap of a quantile: SciPy digit for digit, whole clusters, hostile values, and its coverage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from latent import documents, draw

from harness.stats.quantiles import quantile_change, quantile_ci

Array = np.ndarray[Any, np.dtype[np.float64]]

alone = [f"d{index:04}" for index in range(400)]


def seconds(seed: int, n: int) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)
    before = rng.lognormal(0, 0.5, n)
    return before.tolist(), (before * rng.lognormal(0.1, 0.3, n)).tolist()


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("n", [9, 120])
def test_items_alone_are_scipys_bootstrap(n: int, quantile: float) -> None:
    """With one item per cluster and the same generator: scipy's paired percentile limits, to a digit."""
    before, after = seconds(n, n)

    def difference(x: Array, y: Array, axis: int) -> Array:
        return np.quantile(y, quantile, axis=axis) - np.quantile(x, quantile, axis=axis)

    def ratio(x: Array, y: Array, axis: int) -> Array:
        return np.quantile(y, quantile, axis=axis) / np.quantile(x, quantile, axis=axis)

    found = quantile_change(before, after, alone[:n], quantile, level=0.9, resamples=600, seed=5)
    assert found.before == pytest.approx(np.quantile(before, quantile), rel=1e-12)
    assert found.after == pytest.approx(np.quantile(after, quantile), rel=1e-12)
    for limits, statistic in ((found.difference_limits, difference), (found.ratio_limits, ratio)):
        known = scipy.stats.bootstrap(
            (before, after),
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=600,
            confidence_level=0.9,
            method="percentile",
            rng=np.random.default_rng(5),
        ).confidence_interval
        assert limits == pytest.approx(tuple(known), rel=1e-9)


@pytest.mark.parametrize(("n", "quantile"), [(120, 0.05), (400, 0.95), (73, 0.95), (9, 0.5)])
def test_limits_of_one_quantile_are_two_order_statistics(n: int, quantile: float) -> None:
    """Of items alone, at the ranks that SciPy's binomial distribution gives."""
    values, _ = seconds(7, n)
    low, high = (scipy.stats.binom.ppf(end, n, quantile) for end in (0.025, 0.975))
    ordered = sorted(values)
    assert quantile_ci(values, alone[:n], quantile) == (ordered[int(low) - 1], ordered[int(high)])


def test_limits_of_one_quantile_know_no_more_than_the_items() -> None:
    """Too few have no upper limit, copies in one document add nothing, nor does the order of items."""
    values, _ = seconds(8, 200)
    assert quantile_ci(values[:60], alone[:60], 0.95)[1] == math.inf
    assert quantile_ci([3.0, 1.0], ["a", "b"], 0.95) == (1.0, math.inf)
    assert quantile_ci([1.0, 2.0], ["a", "a"], 0.95)[1] == math.inf
    found = quantile_ci(values, alone[:200], 0.95)
    assert quantile_ci(values * 3, alone[:200] * 3, 0.95) == pytest.approx(found, rel=0.05)
    assert quantile_ci(values[::-1], alone[:200][::-1], 0.95) == found
    slowest = max(values)
    lost = [math.inf if value == slowest else value for value in values]
    assert quantile_ci(lost, alone[:200], 0.95) == found


def test_a_quantile_that_is_none_is_refused() -> None:
    """No values, other lengths, a quantile at an end."""
    for values, clusters, quantile in (([], [], 0.5), ([1.0], ["a", "b"], 0.5), ([1.0], ["a"], 1.0)):
        with pytest.raises(ValueError, match=r"values|quantile"):
            quantile_ci(values, clusters, quantile)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20),
    st.sampled_from([0.0, 0.3, 0.5, 0.95, 1.0]),
    st.randoms(use_true_random=False),
)
def test_limits_are_those_of_plain_resamples(
    items: list[tuple[int, int, int]], quantile: float, shuffler: Any
) -> None:
    """Whole clusters are drawn, with all items and both sides of each; the order of items is not seen."""
    clusters = [f"d{cluster}" for cluster, _, _ in items]
    names = sorted(set(clusters))
    shuffled = items[:]
    shuffler.shuffle(shuffled)
    found = quantile_change(
        [x for _, x, _ in shuffled],
        [y for _, _, y in shuffled],
        [f"d{cluster}" for cluster, _, _ in shuffled],
        quantile,
        resamples=50,
    )
    if len(names) == 1:
        assert found.difference_limits == (-math.inf, math.inf)
        return
    rng = np.random.default_rng(0)
    changes = []
    for _ in range(50):
        drawn = [names[index] for index in rng.integers(0, len(names), len(names))]
        sample = [item for name in drawn for item in items if f"d{item[0]}" == name]
        changes.append(
            np.quantile([y for _, _, y in sample], quantile)
            - np.quantile([x for _, x, _ in sample], quantile)
        )
    assert found.difference_limits == pytest.approx(tuple(np.quantile(changes, [0.025, 0.975])), abs=1e-9)


def test_nothing_changed_is_nothing() -> None:
    """A system against itself: the change is 0 and the ratio 1, without any width."""
    before, _ = seconds(3, 50)
    found = quantile_change(before, before, alone[:50], 0.95, resamples=99)
    assert found.before == found.after
    assert found.difference_limits == (0.0, 0.0)
    assert found.ratio_limits == (1.0, 1.0)


def test_seeds_and_scale() -> None:
    """The same seed gives the same limits, another seed others; milliseconds are a thousand times seconds."""
    before, after = seconds(4, 80)
    found = quantile_change(before, after, alone[:80], 0.95, resamples=299)
    assert quantile_change(before, after, alone[:80], 0.95, resamples=299) == found
    assert quantile_change(before, after, alone[:80], 0.95, resamples=299, seed=1) != found
    scaled = quantile_change(
        [1000 * x for x in before], [1000 * y for y in after], alone[:80], 0.95, resamples=299
    )
    low, high = found.difference_limits
    assert scaled.difference_limits == pytest.approx((1000 * low, 1000 * high))
    assert scaled.ratio_limits == pytest.approx(found.ratio_limits)


def test_zeros_have_differences_and_no_ratio() -> None:
    """A value of 0 anywhere leaves the ratio absent, never infinite or computed without it."""
    for before, after in (([0.0, 1.0, 2.0], [1.0, 1.0, 2.0]), ([1.0, 1.0, 2.0], [0.0, 1.0, 2.0])):
        found = quantile_change(before, after, list("abc"), 0.5, resamples=99)
        assert found.ratio_limits is None
        assert found.difference_limits[0] <= found.after - found.before <= found.difference_limits[1]


def test_one_cluster_knows_nothing() -> None:
    """One document cannot be resampled: the quantiles stand, their limits are infinite."""
    found = quantile_change([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], ["a"] * 3, 0.5)
    assert (found.before, found.after) == (2.0, 3.0)
    assert found.difference_limits == (-math.inf, math.inf)
    assert found.ratio_limits == (0.0, math.inf)


def test_what_does_not_fit_is_refused() -> None:
    """No values, other lengths, values that are no numbers, a quantile beyond 1, no resamples."""
    for before, after, clusters in (([], [], []), ([1.0], [1.0, 2.0], ["a"]), ([1.0], [1.0], ["a", "b"])):
        with pytest.raises(ValueError, match="clusters"):
            quantile_change(before, after, clusters, 0.5)
    for quantile, resamples in ((1.1, 9), (-0.1, 9), (0.5, 0)):
        with pytest.raises(ValueError, match="resamples"):
            quantile_change([1.0, 2.0], [1.0, 2.0], ["a", "b"], quantile, resamples=resamples)
    with pytest.raises(ValueError, match="not finite"):
        quantile_change([1.0, math.nan], [1.0, 2.0], ["a", "b"], 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "cases"), [(60, 60), (50, 200)], ids=["cases alone", "documents"])
def test_limits_of_a_95th_percentile_cover(count: int, cases: int) -> None:
    """Seconds that rise by 10 %: 95 % limits hold the true change and ratio at least as often, not always."""
    runs, quantile = 500, 0.95
    rng = np.random.default_rng(51)
    clusters = documents(rng, count, cases)
    truth = math.exp(scipy.stats.norm.ppf(quantile) / 2)
    differences, ratios = 0, 0
    for seed in range(runs):
        pair = draw(rng, clusters, "seconds")
        found = quantile_change(
            pair.before.tolist(), (1.1 * pair.after).tolist(), clusters, quantile, resamples=999, seed=seed
        )
        low, high = found.difference_limits
        differences += low <= 0.1 * truth <= high
        assert found.ratio_limits is not None
        ratios += found.ratio_limits[0] <= 1.1 <= found.ratio_limits[1]
    error = 3 * math.sqrt(0.05 * 0.95 / runs)
    for covered in (differences, ratios):
        assert 0.95 - error <= covered / runs < 1


@pytest.mark.parametrize(("count", "cases"), [(100, 100), (50, 200), (100, 400)])
def test_limits_of_one_95th_percentile_cover(count: int, cases: int) -> None:
    """Seconds of one run: 95 % limits hold the true percentile as often, of cases alone and in documents."""
    runs = 1000
    rng = np.random.default_rng(52)
    clusters = documents(rng, count, cases)
    truth = math.exp(scipy.stats.norm.ppf(0.95) / 2)
    covered = 0
    for _ in range(runs):
        low, high = quantile_ci(draw(rng, clusters, "seconds").before.tolist(), clusters, 0.95)
        covered += low <= truth <= high
    assert covered / runs >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / runs), covered / runs
