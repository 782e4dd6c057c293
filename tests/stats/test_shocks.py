"""Run-level shocks: found where run means lie too far apart, added to the error, and sized by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.limits import NO_SHIFT, Shift, shifted
from harness.stats.paired import ClusteredMean, clustered_mean
from harness.stats.shocks import MOST_CHANCE, RunShock, largest_shock, run_shock

NONE = RunShock(0.0, 0.0, 0.1, 0.1, 5, used=False)


def test_it_is_the_one_way_analysis_of_variance() -> None:
    """With one item per cluster, spread and expectation are the F of runs against items by runs."""
    values = np.random.default_rng(1).normal(size=(4, 30)) + np.array([[0.0], [1.0], [2.0], [3.0]])
    found = run_shock(values.tolist(), [str(i) for i in range(30)])
    middle = values.mean()
    runs = 30 * ((values.mean(1) - middle) ** 2).sum() / 3
    rest = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + middle
    within = (rest**2).sum() / (3 * 29)
    assert found.spread_sd**2 / found.expected_sd**2 == pytest.approx(runs / within)
    assert found.used
    assert found.variance == pytest.approx((runs - within) / 30)


def test_the_threshold_is_the_f_test() -> None:
    """Used exactly where the chance of such a spread by items alone is below the stated level."""
    rng = np.random.default_rng(2)
    seen = set()
    for _ in range(60):
        values = rng.normal(size=(4, 40)) + rng.normal(scale=0.15, size=(4, 1))
        found = run_shock(values.tolist(), [str(i) for i in range(40)])
        p = stats.f.sf((found.spread_sd / found.expected_sd) ** 2, 3, 3 * 39)
        assert found.used is bool(p < MOST_CHANCE)
        assert (found.variance > 0) is found.used
        seen.add(found.used)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("values", "clusters"),
    [([[0.1, 0.9, 0.4]], ["a", "b", "c"]), ([[0.1, 0.9], [0.9, 0.2]], ["a", "a"])],
)
def test_what_cannot_be_told_is_not_used(values: list, clusters: list) -> None:
    """One run, or one cluster: no expectation, and nothing is added."""
    found = run_shock(values, clusters)
    assert (found.variance, found.expected_sd, found.used) == (0.0, None, False)


def test_runs_that_are_the_same_have_no_shock() -> None:
    """A system without chance has no spread; 0 is 0."""
    found = run_shock([[0.1, 0.7, 0.3]] * 5, ["a", "b", "c"])
    assert (found.spread_sd, found.variance, found.used) == (0.0, 0.0, False)


def test_runs_that_only_differ_as_a_whole_are_all_shock() -> None:
    """Every item moved by the same: the items explain nothing of it."""
    rows = [[0.5 + shift] * 12 for shift in (0.0, 0.125, 0.25)]
    found = run_shock(rows, [str(i) for i in range(12)])
    assert found.used
    assert found.variance == pytest.approx(np.var([0.0, 0.125, 0.25], ddof=1))
    assert found.df == pytest.approx(2)


@settings(max_examples=60)
@given(st.integers(2, 5), st.integers(3, 12), st.integers(0, 2**32 - 1), st.randoms())
def test_order_changes_nothing(k: int, n: int, seed: int, random) -> None:
    """Neither that of the runs nor that of the items, to the last bit."""
    values = np.random.default_rng(seed).random((k, n)).tolist()
    clusters = [f"d{i % 3}" for i in range(n)]
    runs, items = random.sample(range(k), k), random.sample(range(n), n)
    turned = [[values[r][i] for i in items] for r in runs]
    assert run_shock(turned, [clusters[i] for i in items]) == run_shock(values, clusters)


def test_what_does_not_fit_is_a_fault_of_the_caller() -> None:
    """Rows of other lengths, or none."""
    for values, clusters in (([], ["a"]), ([[]], []), ([[1.0, 2.0], [1.0]], ["a", "b"])):
        with pytest.raises(ValueError, match="runs of"):
            run_shock(values, clusters)


def test_the_error_grows_by_one_shock_and_a_kth() -> None:
    """``se^2 + variance (1 + 1/k)``, with Satterthwaite's degrees of freedom, rounded down."""
    result = ClusteredMean(0.01, 0.03, 40, 200)
    assert Shift.against(NONE) == NO_SHIFT
    assert shifted(result, NO_SHIFT) == result
    shock = RunShock(0.0004, 3.0, 0.03, 0.02, 5, used=True)
    found = shifted(result, Shift.against(shock))
    added = 0.0004 * 1.2
    assert found.se == pytest.approx(math.sqrt(0.0009 + added))
    assert found.df == math.floor((0.0009 + added) ** 2 / (0.0009**2 / 40 + added**2 / 4))
    alone = ClusteredMean(0.0, math.inf, 0, 3)
    assert shifted(alone, Shift.against(shock)) == alone


def simulated(rng, n: int, k: int, shock: float, drop: float = 0.0):
    """A baseline of k runs and a candidate, binary, about 10 % of items flipping between two runs.

    A shock of 0.05 on the latent scale moves a run's mean by 1.4 points (standard deviation).
    """
    documents = np.arange(n) // 4
    shared = np.sqrt(0.2) * rng.normal(size=documents[-1] + 1)[documents] + np.sqrt(0.7) * rng.normal(size=n)
    latent = shared + shock * rng.normal(size=(k + 1, 1)) + np.sqrt(0.1) * rng.normal(size=(k + 1, n))
    cut = np.full((k + 1, 1), stats.norm.ppf(0.2))
    cut[k] = stats.norm.ppf(0.2 + drop)
    scores = (latent > cut).astype(float)
    return scores[:k].tolist(), scores[k], [str(d) for d in documents]


def alarms(rng, rounds: int, n: int, k: int, shock: float, drop: float = 0.0) -> tuple[float, float]:
    """How often the one-sided clustered t at 5 % calls the candidate worse, without and with the addition."""
    plain = added = 0
    for _ in range(rounds):
        runs, candidate, clusters = simulated(rng, n, k, shock, drop)
        result = clustered_mean((np.mean(runs, axis=0) - candidate).tolist(), clusters)
        moved = shifted(result, Shift.against(run_shock(runs, clusters)))
        plain += stats.t.sf(result.mean / result.se, result.df) < 0.05
        added += stats.t.sf(moved.mean / moved.se, moved.df) < 0.05
    return plain / rounds, added / rounds


def test_with_shocks_most_false_alarms_go() -> None:
    """Of 500 items, five runs, shocks of 1.4 points: about 15 % without the addition and 9.5 % with it."""
    plain, added = alarms(np.random.default_rng(11), 400, 500, 5, shock=0.05)
    assert 0.11 < plain < 0.23
    assert 0.05 < added < min(0.15, plain)


def test_without_shocks_the_level_is_kept() -> None:
    """Of 200 items, five runs, no shock: both stay at 5 % or below."""
    plain, added = alarms(np.random.default_rng(12), 400, 200, 5, shock=0.0)
    assert 0.02 < plain < 0.09
    assert added <= plain


def test_without_shocks_little_power_is_lost() -> None:
    """Of 500 items, five runs, a drop of 5 points: about 99 % without the addition and with it."""
    plain, added = alarms(np.random.default_rng(13), 300, 500, 5, shock=0.0, drop=0.05)
    assert plain > 0.95
    assert added > 0.92


def test_the_largest_shock_bounds_that_of_every_completion() -> None:
    """Whatever missing values are, no larger shock is found with them; and the bound is often above 0."""
    rng, above = np.random.default_rng(5), 0
    for _ in range(120):
        k, n = int(rng.integers(2, 5)), 40
        clusters = [str(int(part)) for part in rng.integers(0, 25, n)]
        whole = np.clip(rng.normal(0.5, 0.15, (k, n)) + rng.normal(0, rng.choice([0, 0.06]), (k, 1)), 0, 1)
        lost = rng.random((k, n)) < rng.choice([0.005, 0.03])
        known = [
            [None if gone else float(value) for value, gone in zip(*row, strict=True)]
            for row in zip(whole, lost, strict=True)
        ]
        most = largest_shock(known, clusters, 1.0)
        above += most > 0
        for _ in range(10):
            filled = np.where(lost, rng.integers(0, 2, (k, n)), whole)
            assert run_shock(filled.tolist(), clusters).variance <= most + 1e-12
    assert 20 < above < 120
    assert largest_shock([[0.1, None], [0.2, 0.3]], ["a", "b"], math.inf) == math.inf
    assert largest_shock([[0.1, 0.4], [0.2, 0.3]], ["a", "b"], math.inf) == 0.0
