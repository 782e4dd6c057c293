"""Ratios of seconds and costs: the paired t test on logs, what has no ratio, and how often limits cover."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from latent import documents, draw
from world import HIGHER, SECONDS, Cell, table_of

from harness.limits import harm_limit
from harness.measurement import measure
from harness.pairing import Pairs, pair
from harness.types import Case, Comparison, Estimate, MetricIdentity, Query, Slice

NOTHING = Estimate(None, 0, 0)


def cases_in(clusters: Sequence[str]) -> tuple[Case, ...]:
    return tuple(Case(query=Query(f"c{i}", ""), document_id=name) for i, name in enumerate(clusters))


def paired(
    before: Sequence[Cell], after: Sequence[Cell], clusters: Sequence[str], metric: MetricIdentity = SECONDS
) -> Pairs:
    cases = cases_in(clusters)
    return pair(table_of(cases, before), table_of(cases, after), cases, metric, "ratio")


def measured(pairs: Pairs, metric: MetricIdentity = SECONDS) -> Comparison:
    found = Comparison("m", Slice(), NOTHING, NOTHING, higher_is_better=metric.higher_is_better)
    return measure(pairs, found, 0.05, scale="ratio")


def test_ratio_is_the_paired_t_test_on_logs() -> None:
    """With one case per document, ratio, limits and test are scipy's on logs, as relative changes."""
    rng = np.random.default_rng(41)
    before = rng.lognormal(0, 0.6, 40)
    after = before * rng.lognormal(0.1, 0.2, 40)
    pairs = paired(before.tolist(), after.tolist(), [f"d{i:02}" for i in range(40)])
    found = measured(pairs)
    known = scipy.stats.ttest_rel(np.log(after), np.log(before), alternative="greater")
    both = scipy.stats.ttest_rel(np.log(after), np.log(before))
    interval, limit = both.confidence_interval(0.95), both.confidence_interval(0.9).high
    assert found.change == pytest.approx(scipy.stats.gmean(after / before) - 1, rel=1e-9)
    assert found.p_worse == pytest.approx(known.pvalue, rel=1e-9)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(math.expm1(interval.low), rel=1e-9)
    assert found.interval.high == pytest.approx(math.expm1(interval.high), rel=1e-9)
    assert harm_limit(pairs) == pytest.approx(limit, rel=1e-9)


def test_twice_and_half_is_no_change() -> None:
    """One case doubles, one halves: nothing changed; before and after can be exchanged."""
    before, after = [1.0, 8.0, 3.0], [2.0, 4.0, 3.0]
    found, turned = measured(paired(before, after, "abc")), measured(paired(after, before, "abc"))
    assert found.change == pytest.approx(0.0, abs=1e-12)
    assert found.interval is not None
    assert turned.interval is not None
    assert 1 + turned.interval.low == pytest.approx(1 / (1 + found.interval.high))


def test_copies_of_a_case_add_nothing() -> None:
    """Each case three times in its document has the limits of the cases alone."""
    before, after = [1.0, 2.0, 4.0, 3.0], [1.5, 2.0, 5.0, 4.0]
    one, three = measured(paired(before, after, "abcd")), measured(paired(before * 3, after * 3, "abcd" * 3))
    assert one.interval is not None
    assert three.interval is not None
    assert three.interval.high == pytest.approx(one.interval.high)


def test_what_has_no_ratio_is_as_good_as_lost() -> None:
    """A cost of nothing on one side could be any ratio; on both sides nothing changed; none is left out."""
    for before, after in (([1.0, 0.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, -0.1], [1.0, 1.0])):
        found = paired(before, after, "ab")
        assert (found.harms, found.worst, found.total) == ([0.0], [math.inf], 2)
        assert math.isinf(harm_limit(found))
    both = paired([0.0, 1.0], [0.0, 1.0], "ab")
    assert (both.harms, both.worst) == ([0.0, 0.0], [])


def test_a_ratio_worsens_in_the_metrics_direction() -> None:
    """Half of what should be high is a harm, half of what should be low none."""
    assert paired([2.0], [1.0], "a").harms == pytest.approx([-math.log(2)])
    assert paired([1.0], [0.5], "a", HIGHER).harms == pytest.approx([math.log(2)])


def test_limits_at_the_ends() -> None:
    """One document knows nothing; what is too large for a float has no limit, and no error."""
    single = measured(paired([1.0, 1.0], [2.0, 2.0], "aa"))
    assert single.change == pytest.approx(1.0)
    assert (single.interval, single.harm_limit) == (None, None)
    extreme = measured(paired([5e-324, 5e-324], [1e100, 1e99], "ab"))
    assert extreme.change is not None
    assert math.isfinite(extreme.change)


def test_means_are_those_of_the_pairs() -> None:
    """What one side lacks is part of neither mean."""
    found = paired([1.0, 3.0, "timeout", 9.0], [2.0, 4.0, 7.0, None], "abcd")
    assert found.means == (2.0, 3.0)
    assert paired(["timeout"], [1.0], "a").means is None


def test_limits_cover_a_true_ratio() -> None:
    """15 documents, seconds that rise by 10 %: 95 % limits hold 1.1 in 95 % of runs, give or take chance."""
    runs = 2000
    rng = np.random.default_rng(42)
    clusters = documents(rng, 15, 60)
    covered = above = 0
    for _ in range(runs):
        drawn = draw(rng, clusters, "seconds", moved=0.1)
        pairs = paired(drawn.before.tolist(), (1.1 * drawn.after).tolist(), clusters)
        interval = measured(pairs).interval
        assert interval is not None
        covered += interval.low <= 0.1 <= interval.high
        above += harm_limit(pairs) < math.log(1.1)
    error = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert covered / runs == pytest.approx(0.95, abs=error + 0.01)
    assert above / runs == pytest.approx(0.05, abs=error + 0.01)
