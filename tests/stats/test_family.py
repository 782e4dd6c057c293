"""Many tests as one: its p-value, its error rate over looks, who is named, and that order is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from harness.stats import family as stats_family
from harness.stats.exact import sign_flip_test
from harness.stats.family import Family, family_test, z_of_t
from harness.stats.paired import cluster_sums, clustered_mean
from harness.stats.sequential import spent

Array = np.ndarray[Any, Any]


def family_of(columns: list[list[float]], clusters: list[str], weights: list[float]) -> tuple[Family, Array]:
    """The tests of so many columns of values on the same items, and what was observed, as z."""
    names = sorted(set(clusters))
    laid = [cluster_sums(names, clusters, column) for column in columns]
    found = [clustered_mean(column, clusters) for column in columns]
    t = np.array([one.mean / one.se for one in found])
    observed = z_of_t(t, np.full(len(t), len(names) - 1.0))
    sums, counts = np.column_stack([one for one, _ in laid]), np.column_stack([n for _, n in laid])
    stages, least = np.zeros(len(names), dtype=int), np.zeros((2, len(weights)))
    return Family(sums, counts, np.array(weights), stages, least), observed


def noise(
    seed: int, items: int, tests: int, per: int = 3, mean: float = 0.0
) -> tuple[list[list[float]], list[str]]:
    rng = np.random.default_rng(seed)
    clusters = [f"d{i // per:03}" for i in range(items)]
    shared = np.repeat(rng.normal(0, 0.5, -(-items // per)), per)[:items]
    return [(rng.normal(mean, 1, items) + shared).tolist() for _ in range(tests)], clusters


@pytest.mark.parametrize(("seed", "mean"), [(1, 0.0), (2, 0.2), (3, 0.4)])
def test_one_test_is_the_sign_flip_test(seed: int, mean: float) -> None:
    """A family of one is the studentised sign-flip test, up to its random flips."""
    columns, clusters = noise(seed, 90, 1, mean=mean)
    family, observed = family_of(columns, clusters, [1.0])
    p = float(family_test(family, observed, [0.05], seed=4, flips=20_000).adjusted[0])
    known = sign_flip_test(columns[0], clusters, flips=20_000, seed=9)
    assert p == pytest.approx(known, abs=4 * np.sqrt(known * (1 - known) / 10_000) + 1e-4)


def test_turning_t_into_z_keeps_the_tail() -> None:
    """The normal deviate has the tail of t, within 0.022 from five degrees of freedom."""
    t = np.linspace(-6, 6, 61)
    for df in (5.0, 15.0, 120.0):
        exact = scipy.stats.norm.isf(scipy.stats.t.sf(t, df))
        assert z_of_t(t, np.full(len(t), df)) == pytest.approx(exact, abs=0.022)


def test_the_same_test_many_times_costs_nothing() -> None:
    """Twelve copies of one metric are one test: nothing is paid for tests that say the same."""
    (column,), clusters = noise(5, 90, 1, mean=0.3)
    one, seen = family_of([column], clusters, [1.0])
    twelve, again = family_of([column] * 12, clusters, [1 / 12] * 12)
    alone = family_test(one, seen, [0.05], seed=1).adjusted[0]
    assert family_test(twelve, again, [0.05], seed=1).adjusted == pytest.approx([alone] * 12)


def test_stepping_down_names_what_fell() -> None:
    """Tests that fell are named, the others not; the surest decides whether anything did."""
    columns, clusters = noise(6, 240, 10)
    for index in (2, 7):
        columns[index] = [value + 0.8 for value in columns[index]]
    family, observed = family_of(columns, clusters, [0.1] * 10)
    adjusted = family_test(family, observed, [0.01], seed=1).adjusted
    assert set(np.flatnonzero(adjusted <= 0.01)) == {2, 7}
    assert adjusted[np.argsort(-observed)] == pytest.approx(np.sort(adjusted))


def test_weight_is_power() -> None:
    """A test with more of the error rate gets a smaller adjusted p-value from the same values."""
    columns, clusters = noise(7, 120, 6)
    columns[0] = [value + 0.35 for value in columns[0]]
    even, observed = family_of(columns, clusters, [1 / 6] * 6)
    first = even._replace(weights=np.array([0.75, *[0.05] * 5]))
    assert (
        family_test(first, observed, [0.05], seed=1).adjusted[0]
        < family_test(even, observed, [0.05], seed=1).adjusted[0]
    )


def test_order_of_tests_is_nothing() -> None:
    """The same tests in another order get the same p-values."""
    columns, clusters = noise(8, 90, 5, mean=0.15)
    weights = [0.4, 0.3, 0.15, 0.1, 0.05]
    family, observed = family_of(columns, clusters, weights)
    turned, back = family_of(columns[::-1], clusters, weights[::-1])
    first, second = family_test(family, observed, [0.05], seed=1), family_test(turned, back, [0.05], seed=1)
    assert first.adjusted == pytest.approx(second.adjusted[::-1], abs=0)
    assert first.critical == pytest.approx(second.critical)


def test_nothing_moved_is_nothing_found() -> None:
    """Without any difference every p-value is 1."""
    columns, clusters = [[0.0] * 60] * 3, [f"d{i // 2:02}" for i in range(60)]
    names = sorted(set(clusters))
    sums, counts = cluster_sums(names, clusters, columns[0])
    three = np.column_stack([sums] * 3), np.column_stack([counts] * 3)
    family = Family(*three, np.full(3, 1 / 3), np.zeros(30), np.zeros((2, 3)))
    assert family_test(family, np.zeros(3), [0.01], seed=1).adjusted == pytest.approx([1.0] * 3)


@pytest.mark.slow
def test_looks_together_keep_the_error_rate() -> None:
    """Eight correlated tests at four looks: found under no change in alpha of runs, and not far below it.

    400 runs at 10 %; the bounds are where a rate of 10 % would lie in 998 of 1,000 such simulations.
    """
    alpha, fractions, runs = 0.1, (0.4, 0.6, 0.8, 1.0), 400
    rates = [spent(alpha, fraction, "power") for fraction in fractions]
    stages = np.repeat([0, 1, 2, 3], [24, 12, 12, 12])
    rng = np.random.default_rng(12)
    hits = 0
    for _ in range(runs):
        counts = np.repeat(rng.integers(1, 6, (60, 1)), 8, axis=1).astype(float)
        sums = (rng.normal(size=(60, 1)) + rng.normal(size=(60, 8))) * np.sqrt(counts)
        for look in range(4):
            rows = stages <= look
            t, df = student(sums[rows], counts[rows])
            family = Family(sums[rows], counts[rows], np.full(8, 1 / 8), stages[rows], np.zeros((2, 8)))
            found = family_test(family, z_of_t(t, df), rates[: look + 1], seed=3, flips=999)
            if found.adjusted.min() <= rates[look]:
                hits += 1
                break
    low, high = scipy.stats.binom.interval(0.998, runs, alpha)
    assert low <= hits <= high


def test_a_test_that_is_too_small_at_a_look_spends_nothing_there() -> None:
    """Where only the last look has enough clusters, its bound is that of one look with the whole rate."""
    (column,), clusters = noise(9, 90, 1, mean=0.25)
    family, observed = family_of([column], clusters, [1.0])
    looks = family._replace(stages=np.repeat([0, 1], [12, 18]))
    small = looks._replace(least=np.array([[0], [20]]))
    rates, flips = [0.02, 0.05], 20_000
    at_last = family_test(small, observed, rates, seed=1, flips=flips).critical
    at_both = family_test(looks, observed, rates, seed=1, flips=flips).critical
    assert at_last == pytest.approx(0.05, abs=0.005)
    assert at_both < 0.045


def student(sums: Array, counts: Array) -> tuple[Array, Array]:
    n, clusters = counts.sum(axis=0), len(sums)
    mean = sums.sum(axis=0) / n
    error = np.sqrt(clusters / (clusters - 1) * ((sums - counts * mean) ** 2).sum(axis=0)) / n
    return mean / error, np.full(sums.shape[1], clusters - 1.0)


def test_critical_is_the_alpha_that_a_test_gets() -> None:
    """Independent tests get about Bonferroni's share, copies of one get the whole rate each."""
    columns, clusters = noise(9, 300, 10)
    family, observed = family_of(columns, clusters, [0.1] * 10)
    apart = family_test(family, observed, [0.05], seed=2, flips=19_999).critical
    copies, same = family_of([columns[0]] * 10, clusters, [0.1] * 10)
    alike = family_test(copies, same, [0.05], seed=2, flips=19_999).critical
    assert 0.04 < apart < 0.08
    assert alike == pytest.approx(0.5, rel=0.1)


def test_blocks_of_clusters_draw_what_one_draw_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many signs are held at a time is nothing: memory is bounded, and no p-value moves."""
    rng = np.random.default_rng(8)
    family = Family(
        sums=rng.normal(0.1, 1, (103, 2)),
        counts=np.ones((103, 2)),
        weights=np.array([0.5, 0.5]),
        stages=np.zeros(103, dtype=int),
        least=np.zeros((2, 2)),
    )
    found = []
    for at_once in (4, 40, 1000):
        monkeypatch.setattr(stats_family, "CLUSTERS_AT_ONCE", at_once)
        found.append(family_test(family, np.array([1.5, 2.5]), (0.05,), seed=3, flips=999))
    for one in found[1:]:
        assert one.adjusted.tolist() == found[0].adjusted.tolist()
        assert one.critical == pytest.approx(found[0].critical, rel=1e-12)
