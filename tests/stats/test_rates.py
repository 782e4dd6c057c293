"""Intervals of rates: SciPy, statsmodels and published examples; coverage added up, not simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import statsmodels.stats.proportion

from harness.stats.rates import clopper_pearson_ci, clopper_pearson_upper, newcombe_paired_ci, wilson_ci


@pytest.mark.parametrize("n", [1, 2, 7, 60, 1000])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_one_rate_is_scipys_and_statsmodels(n: int, level: float) -> None:
    """Wilson's and Clopper and Pearson's intervals at every number of successes, from two libraries."""
    for k in {0, 1, n // 2, n - 1, n}:
        trial = scipy.stats.binomtest(k, n)
        for found, theirs, name in (
            (wilson_ci(k, n, level), "wilson", "wilson"),
            (clopper_pearson_ci(k, n, level), "exact", "beta"),
        ):
            assert found == pytest.approx(tuple(trial.proportion_ci(level, method=theirs)), abs=1e-12)
            known = statsmodels.stats.proportion.proportion_confint(k, n, 1 - level, method=name)
            assert found == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 60), (2, 60), (60, 60), (59, 60), (0, 100_000)])
def test_upper_limit_is_scipys(k: int, n: int) -> None:
    """The one-sided limit is scipy's of the alternative "less", and the rule of three at no success."""
    known = scipy.stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact")
    assert clopper_pearson_upper(k, n) == pytest.approx(known.high, rel=1e-9)
    if k == 0 and n > 30:
        assert 0.95 * 3 / n < clopper_pearson_upper(k, n) < 3 / n


def test_no_trial_says_nothing() -> None:
    """Without a trial the rate may be anything."""
    assert clopper_pearson_ci(0, 0) == (0.0, 1.0)
    assert clopper_pearson_upper(0, 0) == 1.0


def covered(n: int, rate: float, limits: list[tuple[float, float]]) -> float:
    """Probability that the interval of the observed count holds the true rate."""
    law = scipy.stats.binom.pmf(np.arange(n + 1), n, rate)
    return float(sum(p for p, (low, high) in zip(law, limits, strict=True) if low <= rate <= high))


@pytest.mark.parametrize("n", [10, 60, 200])
def test_exact_intervals_never_cover_less(n: int) -> None:
    """At every true rate Clopper and Pearson's limits cover as often as they say; Wilson's on average."""
    rates = np.linspace(0.005, 0.995, 100)
    exact = [clopper_pearson_ci(k, n) for k in range(n + 1)]
    upper = [(0.0, clopper_pearson_upper(k, n)) for k in range(n + 1)]
    wilson = [wilson_ci(k, n) for k in range(n + 1)]
    assert min(covered(n, rate, exact) for rate in rates) >= 0.95
    assert min(covered(n, rate, upper) for rate in rates) >= 0.95
    assert np.mean([covered(n, rate, wilson) for rate in rates]) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(
    ("table", "published"),
    [((59, 6, 16, 80), (-0.1186, -0.0046)), ((1, 1, 7, 12), (-0.507, -0.026))],
    ids=["complete response", "airway hyper-responsiveness"],
)
def test_paired_interval_is_the_published_one(
    table: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    """Both examples of Fagerland, Lydersen and Laake 2017, chapter 8, to the digits that are printed."""
    digits = len(str(published[1]).partition(".")[2])
    assert tuple(round(limit, digits) for limit in newcombe_paired_ci(*table)) == published


def test_without_correlation_the_errors_add_up() -> None:
    """Where the table shows none beyond n/2, the limits are those of two independent rates."""
    found = newcombe_paired_ci(20, 20, 20, 20)
    (low, high) = wilson_ci(40, 80)
    half = math.hypot(0.5 - low, high - 0.5)
    assert found == pytest.approx((-half, half), abs=1e-12)
    known = statsmodels.stats.proportion.confint_proportions_2indep(40, 80, 40, 80, method="newcomb")
    assert found == pytest.approx(known, abs=1e-12)


def test_paired_interval_mirrors() -> None:
    """Losses and wins exchanged turn the interval around, and it stays in order within -1 to 1."""
    for table in ((30, 5, 2, 3), (0, 8, 0, 0), (0, 0, 0, 9), (9, 0, 0, 0), (1, 0, 0, 0), (0, 3, 4, 0)):
        both, losses, wins, neither = table
        low, high = newcombe_paired_ci(*table)
        assert -1 <= low <= (losses - wins) / sum(table) <= high <= 1
        assert low < high
        turned = newcombe_paired_ci(both, wins, losses, neither)
        assert turned == pytest.approx((-high, -low), abs=1e-12)


@pytest.mark.parametrize(("changed", "drop"), [(0.1, 0.0), (0.1, 0.05), (0.3, 0.1)])
def test_paired_interval_covers(changed: float, drop: float) -> None:
    """80 cases: the 95 % interval holds the true drop in 93 to 99 % of runs, give or take chance."""
    runs, n = 4000, 80
    rng = np.random.default_rng(31)
    rates = [0.9 - changed, (changed + drop) / 2, (changed - drop) / 2, 0.1]
    inside = 0
    for table in rng.multinomial(n, rates, runs).tolist():
        low, high = newcombe_paired_ci(*table)
        inside += low <= drop <= high
    error = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert 0.93 + error / 2 < inside / runs < 0.99


def test_what_does_not_fit_is_refused() -> None:
    """More successes than trials, counts below 0 and empty tables are mistakes of the caller."""
    for k, n in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="successes"):
            clopper_pearson_upper(k, n)
        with pytest.raises(ValueError, match="successes"):
            clopper_pearson_ci(k, n)
    for table in ((0, 0, 0, 0), (3, -1, 0, 0)):
        with pytest.raises(ValueError, match="fourfold"):
            newcombe_paired_ci(*table)
