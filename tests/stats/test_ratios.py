"""Ratios of seconds and costs: the paired t test on logs, what has no ratio, and how often limits cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from latent import documents, draw

from harness.stats.paired import ClusteredMean, positive_mean_test
from harness.stats.ratios import geometric_ratio, ratio_limits, ratio_of, ratio_upper_limit

alone = [f"d{index:04}" for index in range(400)]


def test_ratio_is_the_paired_t_test_on_logs() -> None:
    """With one item per cluster, ratio, limits and test are scipy's, on the log scale."""
    rng = np.random.default_rng(41)
    before = rng.lognormal(0, 0.6, 40)
    after = before * rng.lognormal(0.1, 0.2, 40)
    result = ratio_of(before.tolist(), after.tolist(), alone[:40])
    known = scipy.stats.ttest_rel(np.log(after), np.log(before), alternative="greater")
    both = scipy.stats.ttest_rel(np.log(after), np.log(before)).confidence_interval(0.9)
    assert geometric_ratio(result) == pytest.approx(scipy.stats.gmean(after / before), rel=1e-12)
    assert positive_mean_test(result) == pytest.approx(known.pvalue, rel=1e-9)
    assert ratio_limits(result, 0.9) == pytest.approx((math.exp(both.low), math.exp(both.high)), rel=1e-9)
    assert ratio_upper_limit(result, 0.95) == pytest.approx(math.exp(both.high), rel=1e-9)


def test_twice_and_half_is_no_change() -> None:
    """One item doubles, one halves: the ratio is 1; before and after can be exchanged."""
    before, after = [1.0, 8.0, 3.0], [2.0, 4.0, 3.0]
    result = ratio_of(before, after, list("abc"))
    assert geometric_ratio(result) == pytest.approx(1.0)
    low, high = ratio_limits(result, 0.95)
    turned = ratio_limits(ratio_of(after, before, list("abc")), 0.95)
    assert turned == pytest.approx((1 / high, 1 / low))


def test_copies_of_an_item_add_nothing() -> None:
    """Each item three times in its document has the limits of the items alone."""
    before, after = [1.0, 2.0, 4.0, 3.0], [1.5, 2.0, 5.0, 4.0]
    one = ratio_of(before, after, list("abcd"))
    three = ratio_of(before * 3, after * 3, list("abcd") * 3)
    assert ratio_limits(three, 0.95) == pytest.approx(ratio_limits(one, 0.95))


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf])
def test_what_has_no_ratio_is_refused(bad: float) -> None:
    """A cost of nothing on either side is an error that counts them, never a case that is left out."""
    for before, after in (([1.0, bad], [1.0, 2.0]), ([1.0, 2.0], [bad, 1.0])):
        with pytest.raises(ValueError, match="1 of 4 values are not above 0"):
            ratio_of(before, after, ["a", "b"])
    with pytest.raises(ValueError, match="2 of 4"):
        ratio_of([0.0, 1.0], [0.0, 1.0], ["a", "b"])


def test_what_does_not_fit_is_refused() -> None:
    """Sides of different length, no items, another number of clusters."""
    with pytest.raises(ValueError, match="1 values before and 2 after"):
        ratio_of([1.0], [1.0, 2.0], ["a"])
    for before, clusters in (([], []), ([1.0], [])):
        with pytest.raises(ValueError, match="clusters"):
            ratio_of(before, before, clusters)


def test_limits_at_the_ends() -> None:
    """One cluster knows nothing; what is too large for a float is infinite, not an error."""
    single = ratio_of([1.0, 1.0], [2.0, 2.0], ["a", "a"])
    assert geometric_ratio(single) == pytest.approx(2.0)
    assert ratio_limits(single, 0.95) == (0.0, math.inf)
    assert ratio_upper_limit(single, 0.95) == math.inf
    assert ratio_limits(ClusteredMean(900.0, 1.0, 9, 10), 0.95)[1] == math.inf
    extreme = ratio_of([5e-324, 5e-324], [1.7e308, 1.7e308], ["a", "b"])
    assert geometric_ratio(extreme) == math.inf


def test_limits_cover_a_true_ratio() -> None:
    """15 documents, seconds that rise by 10 %: 95 % limits hold 1.1 in 95 % of runs, give or take chance."""
    runs = 2000
    rng = np.random.default_rng(42)
    clusters = documents(rng, 15, 60)
    covered, above = 0, 0
    for _ in range(runs):
        pair = draw(rng, clusters, "seconds", moved=0.1)
        result = ratio_of(pair.before.tolist(), (1.1 * pair.after).tolist(), clusters)
        low, high = ratio_limits(result, 0.95)
        covered += low <= 1.1 <= high
        above += positive_mean_test(result._replace(mean=result.mean - math.log(1.1))) <= 0.05
    error = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert covered / runs == pytest.approx(0.95, abs=error + 0.01)
    assert above / runs == pytest.approx(0.05, abs=error + 0.01)
