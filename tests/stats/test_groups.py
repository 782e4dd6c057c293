"""Contrasts of groups with the rest: equal to what is known, independent of order, kept within bounds."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.groups import (
    Sample,
    cases_needed,
    cell_variance,
    detectable_gap,
    make_sample,
    omnibus_test,
    rest_contrasts,
    shrunken_means,
)
from harness.stats.paired import clustered_difference
from harness.stats.simultaneous import Contrasts, hold_by_bonferroni, hold_together


def sample_of(values: list[float], clusters: list[int], groups: list[int]) -> Sample:
    count = max(groups) + 1
    members = [[group == at for at in range(count)] for group in groups]
    return make_sample(values, [f"d{cluster:03}" for cluster in clusters], members)


def random_sample(
    seed: int, n: int = 120, groups: int = 3, per: int = 3
) -> tuple[list[float], list[int], list[int]]:
    rng = np.random.default_rng(seed)
    return rng.random(n).tolist(), [i // per for i in range(n)], rng.integers(0, groups, n).tolist()


def test_contrast_is_the_clustered_difference() -> None:
    """Means and influence are those of ``clustered_difference``; the error is never below its own."""
    values, clusters, groups = random_sample(1)
    found = rest_contrasts(sample_of(values, clusters, groups))
    for at in range(3):
        inside = [i for i, group in enumerate(groups) if group == at]
        outside = [i for i, group in enumerate(groups) if group != at]
        known = clustered_difference(
            [values[i] for i in inside],
            [str(clusters[i]) for i in inside],
            [values[i] for i in outside],
            [str(clusters[i]) for i in outside],
        )
        assert found.means[at] == pytest.approx(known.mean)
        assert found.se[at] >= known.se - 1e-12
        assert found.df[at] == known.df + 20
        assert found.influence[:, at].sum() == pytest.approx(0)


def test_a_group_without_spread_has_the_spread_of_all() -> None:
    """Thirty cases that are all right say no more than their number does."""
    rng = np.random.default_rng(2)
    values = [1.0] * 30 + (rng.random(300) < 0.9).astype(float).tolist()
    found = rest_contrasts(sample_of(values, list(range(330)), [0] * 30 + [1] * 300))
    rest = np.array(values[30:])
    variance = rest.var() * 300 / 328
    assert found.se[0] == pytest.approx(math.sqrt(variance * (1 / 30 + 1 / 300)))


def test_strata_give_mantel_and_haenszels_risk_difference() -> None:
    """Of rates in 2 x 2 tables: sum of (a n_rest - c n_group) / N over sum of n_group n_rest / N."""
    cells = {("x", 1): (30, 40), ("x", 0): (50, 80), ("y", 1): (10, 40), ("y", 0): (5, 20), ("z", 1): (3, 9)}
    values, members, strata = [], [], []
    for (stratum, inside), (good, n) in cells.items():
        values += [1.0] * good + [0.0] * (n - good)
        members += [[bool(inside)]] * n
        strata += [stratum] * n
    found = rest_contrasts(make_sample(values, [str(i) for i in range(len(values))], members, strata))
    over = under = 0.0
    for stratum in ("x", "y"):
        (a, n), (c, m) = cells[stratum, 1], cells[stratum, 0]
        over += (a * m - c * n) / (n + m)
        under += n * m / (n + m)
    assert found.means[0] == pytest.approx(over / under)


def test_one_stratum_is_none() -> None:
    """Strata that do not divide change nothing."""
    values, clusters, groups = random_sample(3)
    names = [str(cluster) for cluster in clusters]
    members = [[group == 0] for group in groups]
    plain = rest_contrasts(make_sample(values, names, members))
    same = rest_contrasts(make_sample(values, names, members, ["one"] * len(values)))
    assert plain.means == pytest.approx(same.means)
    assert plain.se == pytest.approx(same.se)


@pytest.mark.parametrize("per", [1, 4])
def test_level_lies_between_bonferroni_and_none(per: int) -> None:
    """The level shared by all is between 5 % / K and 5 %; adjusted p-values between p and K p."""
    found = rest_contrasts(sample_of(*random_sample(4, per=per)))
    together, apart = hold_together(found, 0.95), hold_by_bonferroni(found, 0.95, 3)
    assert 0.05 / 3 <= together.alpha <= 0.05
    assert 0.05 / 3 <= together.alpha_worse <= 0.05
    assert (apart.low <= together.low + 1e-12).all()
    assert (apart.high >= together.high - 1e-12).all()
    assert (apart.p_worse >= together.p_worse - 1e-12).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), groups=st.integers(2, 6), level=st.sampled_from([0.8, 0.9, 0.95]))
def test_the_one_sided_limit_is_above_0_exactly_where_the_test_finds(
    seed: int, groups: int, level: float
) -> None:
    """Test and limit agree in direction and level; the limit that looks to both sides lies below."""
    contrasts = rest_contrasts(sample_of(*random_sample(seed, groups=groups)))
    for held in (hold_together(contrasts, level), hold_by_bonferroni(contrasts, level, groups)):
        assert ((held.at_least > 0) == (held.p_worse <= 1 - level)).all()
        assert (held.at_least >= held.low - 1e-12).all()


def test_two_groups_are_one_comparison() -> None:
    """What is worse for one is better for the other: no correction of the interval, half for each side."""
    together = hold_together(rest_contrasts(sample_of(*random_sample(5, groups=2))), 0.95)
    assert together.alpha == pytest.approx(0.05)
    assert together.alpha_worse == pytest.approx(0.025, abs=0.005)


def test_many_independent_groups_need_bonferroni() -> None:
    """With nothing in common the level is that of Sidak, give or take the flips."""
    contrasts = Contrasts(np.zeros(40), np.ones(40), np.full(40, 1e6), np.kron(np.eye(40), np.ones((50, 1))))
    assert hold_together(contrasts, 0.95).alpha == pytest.approx(1 - 0.95 ** (1 / 40), abs=6e-4)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_order_of_items_changes_no_bit(seed: int, shuffle: object) -> None:
    """Not of a mean, an interval, a p-value or a shrunken mean."""
    values, clusters, groups = random_sample(seed, n=60)
    order = list(range(60))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    ours = sample_of(values, clusters, groups)
    theirs = sample_of(*([row[i] for i in order] for row in (values, clusters, groups)))
    assert omnibus_test(ours) == omnibus_test(theirs)
    assert (shrunken_means(ours) == shrunken_means(theirs)).all()
    for one, other in zip(
        hold_together(rest_contrasts(ours), 0.95), hold_together(rest_contrasts(theirs), 0.95), strict=True
    ):
        assert np.array_equal(one, other)


def test_omnibus_agrees_with_the_f_test() -> None:
    """Of independent normal values it is the one-way analysis of variance, give or take the flips."""
    rng = np.random.default_rng(6)
    for gap in (0.0, 0.3, 0.6):
        values = rng.normal(0, 1, 200)
        groups = [i % 4 for i in range(200)]
        values[::4] += gap
        known = stats.f_oneway(*(values[at::4] for at in range(4))).pvalue
        assert omnibus_test(sample_of(values.tolist(), list(range(200)), groups)) == pytest.approx(
            known, abs=0.06
        )


def test_shrunken_means_lie_between_mean_and_centre() -> None:
    """Small groups are drawn further; without spread beyond noise all come to the centre."""
    rng = np.random.default_rng(7)
    sizes = (20, 400, 400)
    values = np.concatenate([rng.normal(mean, 1, n) for mean, n in zip((3, 0, 1), sizes, strict=True)])
    groups = np.repeat(range(3), sizes).tolist()
    sample = sample_of(values.tolist(), list(range(820)), groups)
    means = sample.values @ sample.members / sample.members.sum(axis=0)
    shrunken = shrunken_means(sample)
    moved = np.abs(shrunken - means)
    assert moved[0] > max(moved[1:])
    assert shrunken.max() < means.max()
    same = sample_of(rng.normal(0, 1, 100).tolist(), list(range(100)), [i % 5 for i in range(100)])
    spread = np.ptp(shrunken_means(same))
    assert spread < np.ptp(same.values @ same.members / same.members.sum(axis=0)) / 2


def test_cells_know_what_documents_share() -> None:
    """One item a cell: the pooled variance; two groups of one document: their covariance."""
    rng = np.random.default_rng(8)
    shared = rng.normal(0, 1, 4000)
    values = np.concatenate([shared + rng.normal(0, 1, 4000), shared + rng.normal(0, 1, 4000)])
    sample = sample_of(values.tolist(), list(range(4000)) * 2, [0] * 4000 + [1] * 4000)
    variance, covariance = cell_variance(sample)
    assert variance == pytest.approx(2, abs=0.1)
    assert covariance == pytest.approx(1, abs=0.1)
    alone = cell_variance(sample_of(values.tolist(), list(range(8000)), [0] * 4000 + [1] * 4000))
    assert alone == (pytest.approx(2, abs=0.1), 0.0)


@pytest.mark.parametrize(("alpha", "gap"), list(product((0.05, 0.01), (0.05, 0.1))))
def test_cases_needed_make_the_gap_detectable(alpha: float, gap: float) -> None:
    """With so many cases the smallest gap found with 80 % power is the one asked for."""
    n = cases_needed(0.16, alpha, gap)
    assert detectable_gap(math.sqrt(0.16 / n), alpha) <= gap
    assert detectable_gap(math.sqrt(0.16 / (n - 1)), alpha) > gap
