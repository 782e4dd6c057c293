"""The cluster-robust mean and difference: SciPy where nothing is clustered, a slow sandwich where it is."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import scipy.stats
import statsmodels.api
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.paired import (
    ClusteredMean,
    Jumps,
    clustered_difference,
    clustered_mean,
    detectable_mean,
    positive_mean_test,
    student_quantile,
    two_sided_limits,
    unit_error,
    upper_limit,
)

quick = settings(max_examples=60, deadline=None, derandomize=True)
items = st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 7)), min_size=2, max_size=40)


def split(pairs: list[tuple[float, int]]) -> tuple[list[float], list[str]]:
    return [value for value, _ in pairs], [f"d{cluster}" for _, cluster in pairs]


def slow_error(influence: list[float], clusters: list[str], factor: float) -> float:
    """The sandwich as its definition says: every pair of items that share a cluster."""
    total = 0.0
    for x, g in zip(influence, clusters, strict=True):
        for y, h in zip(influence, clusters, strict=True):
            total += x * y if g == h else 0.0
    return math.sqrt(max(0.0, total) * factor)


@pytest.mark.parametrize("seed", range(5))
def test_one_item_per_cluster_is_the_one_sample_t_test(seed: int) -> None:
    """With one item per cluster, mean, error, p-value and limits are those of scipy's ttest_1samp."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.1, 1, 23).tolist()
    result = clustered_mean(values, [f"d{i}" for i in range(23)])
    known = scipy.stats.ttest_1samp(values, 0, alternative="greater")
    assert result.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert result.se == pytest.approx(scipy.stats.sem(values), rel=1e-12)
    assert positive_mean_test(result) == pytest.approx(known.pvalue, rel=1e-12)
    ends = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert two_sided_limits(result, 0.95) == pytest.approx(tuple(ends), rel=1e-12)
    below = scipy.stats.ttest_1samp(values, 0, alternative="less").confidence_interval(0.95)
    assert upper_limit(result, 0.95) == pytest.approx(below.high, rel=1e-12)


def test_paired_differences_are_the_paired_t_test() -> None:
    """The test on differences is scipy's ttest_rel when nothing is clustered."""
    rng = np.random.default_rng(7)
    before, after = rng.random(40), rng.random(40)
    result = clustered_mean((before - after).tolist(), [str(i) for i in range(40)])
    known = scipy.stats.ttest_rel(before, after, alternative="greater")
    assert positive_mean_test(result) == pytest.approx(known.pvalue, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_are_statsmodels_cluster_covariance(seed: int) -> None:
    """Uneven clusters: mean, error, p-value and limits are those of OLS on a constant, cov_type="cluster"."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 9, 50)
    values = 0.3 + rng.normal(0, 1, 9)[codes] + rng.normal(0, 1, 50)
    fit = statsmodels.api.OLS(values, np.ones(50)).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": True}, use_t=True
    )
    result = clustered_mean(values.tolist(), [f"d{code}" for code in codes])
    assert (result.mean, result.se) == pytest.approx((fit.params[0], fit.bse[0]), rel=1e-9)
    two_sided = 2 * min(positive_mean_test(result), 1 - positive_mean_test(result))
    assert two_sided == pytest.approx(fit.pvalues[0], rel=1e-6)
    assert two_sided_limits(result, 0.9) == pytest.approx(tuple(fit.conf_int(0.1)[0]), rel=1e-6)


def test_clustered_error_by_hand() -> None:
    """Values 1, 1, 0, 0, 0 in clusters a, a, a, b, c: cluster sums of deviations 0.8, -0.4, -0.4."""
    result = clustered_mean([1, 1, 0, 0, 0], ["a", "a", "a", "b", "c"])
    assert (result.mean, result.df, result.n) == (0.4, 2, 5)
    assert result.se == pytest.approx(math.sqrt(1.5 * 0.96) / 5, rel=1e-12)
    assert result.clusters == 3


@quick
@given(items)
def test_clustered_error_is_the_slow_sandwich(pairs: list[tuple[float, int]]) -> None:
    """The standard error equals the sum over every two items of one cluster."""
    values, clusters = split(pairs)
    result = clustered_mean(values, clusters)
    count = len(set(clusters))
    if count == 1:
        assert result.se == math.inf
        assert result.df == 0
        return
    centre = math.fsum(values) / len(values)
    known = slow_error([(x - centre) / len(values) for x in values], clusters, count / (count - 1))
    assert result.se == pytest.approx(known, abs=1e-8)


@quick
@given(items, items)
def test_difference_error_is_the_slow_sandwich(
    first: list[tuple[float, int]], second: list[tuple[float, int]]
) -> None:
    """Two sets that share clusters: influences are summed over both sets, factor of the smaller set."""
    a, ga = split(first)
    b, gb = split(second)
    result = clustered_difference(a, ga, b, gb)
    fewer = min(len(set(ga)), len(set(gb)))
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    assert result.mean == pytest.approx(mean_a - mean_b, abs=1e-12)
    if fewer == 1:
        assert (result.se, result.df) == (math.inf, 0)
        return
    influence = [(x - mean_a) / len(a) for x in a] + [(mean_b - x) / len(b) for x in b]
    assert result.se == pytest.approx(slow_error(influence, ga + gb, fewer / (fewer - 1)), abs=1e-8)
    assert result.df == fewer - 1


def test_difference_of_shared_clusters_is_the_paired_test() -> None:
    """The same documents in both sets, one item each: the paired t test, not the unpaired one."""
    rng = np.random.default_rng(3)
    a, b = rng.random(30), rng.random(30)
    names = [str(i) for i in range(30)]
    result = clustered_difference(a.tolist(), names, b.tolist(), names)
    assert positive_mean_test(result) == pytest.approx(
        scipy.stats.ttest_rel(a, b, alternative="greater").pvalue, rel=1e-12
    )


def test_difference_of_separate_sets_of_one_size_is_welch() -> None:
    """Separate sets of one size have Welch's standard error."""
    rng = np.random.default_rng(4)
    a, b = rng.random(20).tolist(), rng.random(20).tolist()
    result = clustered_difference(a, [f"a{i}" for i in range(20)], b, [f"b{i}" for i in range(20)])
    assert result.se == pytest.approx(math.hypot(scipy.stats.sem(a), scipy.stats.sem(b)), rel=1e-12)
    assert result.df == 19


@quick
@given(items, st.randoms(use_true_random=False))
def test_order_does_not_change_the_last_bit(pairs: list[tuple[float, int]], shuffler: random.Random) -> None:
    """The same items in another order give exactly the same mean, error and test."""
    shuffled = pairs[:]
    shuffler.shuffle(shuffled)
    assert clustered_mean(*split(pairs)) == clustered_mean(*split(shuffled))
    half = max(1, len(pairs) // 2)
    other = pairs[half:] or pairs
    moved = other[::-1]
    assert clustered_difference(*split(pairs[:half]), *split(other)) == clustered_difference(
        *split(pairs[:half][::-1]), *split(moved)
    )


@pytest.mark.parametrize(
    ("values", "p"),
    [([0.0, 0.0, 0.0], 0.5), ([0.2, 0.2, 0.2], 0.0), ([-0.2, -0.2, -0.2], 1.0)],
    ids=["all the same", "all worse", "all better"],
)
def test_no_spread_at_all(values: list[float], p: float) -> None:
    """Without spread the p-value is decided by the sign alone, and the limits are the mean."""
    result = clustered_mean(values, ["a", "b", "c"])
    assert result.se == pytest.approx(0.0, abs=1e-15)
    assert positive_mean_test(result) == pytest.approx(p, abs=1e-12)
    assert upper_limit(result, 0.95) == pytest.approx(values[0], abs=1e-12)


def test_one_cluster_knows_nothing() -> None:
    """One cluster: no test can reject, and no limit is finite."""
    result = clustered_mean([1.0, 1.0, 1.0], ["a", "a", "a"])
    assert positive_mean_test(result) == 1.0
    assert upper_limit(result, 0.95) == math.inf
    assert two_sided_limits(result, 0.95) == (-math.inf, math.inf)
    assert detectable_mean(result, 0.05) == math.inf
    assert unit_error(["a", "a", "a"]) == math.inf
    assert unit_error(["a", "b", "c"], 1) == math.inf
    assert student_quantile(0, 0.95) == math.inf


def test_detectable_is_found_with_its_power() -> None:
    """A true mean at the detectable size is found by the z test with 80 % power."""
    result = ClusteredMean(0.0, 0.02, 10_000, 10_001)
    size = detectable_mean(result, 0.01)
    bar = scipy.stats.norm.isf(0.01) * 0.02
    assert scipy.stats.norm.sf(bar, loc=size, scale=0.02) == pytest.approx(0.8, abs=1e-8)


@pytest.mark.parametrize(("share", "noise"), [(0.5, 0.1), (1.0, 0.2), (0.25, 0.1)])
def test_a_mean_that_rises_by_jumps_is_found_with_its_power(share: float, noise: float) -> None:
    """Items that jump add to the error and to its skew: simulated, the drop is found in 80 %."""
    rng, n, size, alpha = np.random.default_rng(5), 300, 1.0, 0.002
    unchanged = ClusteredMean(0.0, noise / math.sqrt(n), n - 1, n)
    drop = detectable_mean(unchanged, alpha, jumps=Jumps(share, size))
    assert drop > 1.2 * detectable_mean(unchanged, alpha)
    values = rng.normal((1 - share) * drop, noise, (4000, n))
    values += size * (rng.random((4000, n)) < share * drop / size)
    t = values.mean(axis=1) / (values.std(axis=1, ddof=1) / math.sqrt(n))
    assert (scipy.stats.t.sf(t, n - 1) <= alpha).mean() == pytest.approx(0.8, abs=0.05)


def test_what_was_seen_adds_nothing_again() -> None:
    """The error at a drop is reported the same from an unchanged run and from one that fell so far."""
    unchanged, jumps = ClusteredMean(0.0, 0.01, 200, 500), Jumps(0.5, 1.0)
    drop = detectable_mean(unchanged, 0.01, jumps=jumps)
    fell = ClusteredMean(drop, math.sqrt(0.01**2 + drop * 0.5 / 500), 200, 500)
    assert detectable_mean(fell, 0.01, jumps=jumps) == pytest.approx(drop)


def test_unit_error_is_the_same_in_any_order() -> None:
    """Clusters listed in another order change no bit of it, so neither a limit nor a verdict."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        clusters = [f"d{int(30 * part**2)}" for part in rng.random(rng.integers(5, 200))]
        assert unit_error(clusters) == unit_error(rng.permutation(clusters).tolist())


@quick
@given(items, st.integers(0, 39), st.floats(-1, 1))
def test_unit_error_bounds_what_one_item_adds(
    pairs: list[tuple[float, int]], index: int, shift: float
) -> None:
    """Moving one item by w raises the standard error by at most |w| times the unit error."""
    values, clusters = split(pairs)
    before = clustered_mean(values, clusters)
    if before.df == 0:
        return
    values[index % len(values)] += shift
    after = clustered_mean(values, clusters)
    assert after.se <= before.se + abs(shift) * unit_error(clusters) + 1e-12


@quick
@given(items)
def test_unit_error_is_reached(pairs: list[tuple[float, int]]) -> None:
    """The bound is tight: one item of the smallest cluster, alone at 1, has exactly that standard error."""
    _, clusters = split(pairs)
    smallest = min(clusters, key=clusters.count)
    values = [0.0] * len(clusters)
    values[clusters.index(smallest)] = 1.0
    assert clustered_mean(values, clusters).se == pytest.approx(unit_error(clusters), abs=1e-12)


def test_unit_error_of_a_difference_rests_on_the_smaller_set() -> None:
    """With C given, the factor is C / (C - 1) of that number of clusters."""
    names = [str(i) for i in range(40)]
    assert unit_error(names, 10) == pytest.approx(unit_error(names) * math.sqrt((10 / 9) / (40 / 39)))


@pytest.mark.parametrize(
    ("first", "groups"), [([], []), ([1.0], []), ([1.0], ["a", "b"])], ids=["empty", "short", "long"]
)
def test_what_does_not_fit_is_refused(first: list[float], groups: list[str]) -> None:
    """No values, or another number of clusters than of values, is an error of the caller."""
    with pytest.raises(ValueError, match="clusters"):
        clustered_mean(first, groups)
    with pytest.raises(ValueError, match="clusters"):
        clustered_difference(first, groups, [1.0, 2.0], ["a", "b"])
    with pytest.raises(ValueError, match="clusters"):
        clustered_difference([1.0, 2.0], ["a", "b"], first, groups)
