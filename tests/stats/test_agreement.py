"""Kappa and alpha against scikit-learn, statsmodels and published examples; do their limits cover?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from harness.stats.agreement import Scheme, cohen_kappa, krippendorff_alpha, weighted_rate
from harness.stats.rates import wilson_ci

N = None
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
"""Four observers, twelve units: the example of Krippendorff 2011, section C."""


def each(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def two_raters(rng: np.random.Generator, n: int, levels: int = 2) -> tuple[list[int], list[int]]:
    """A rater, and one who says the same of two items in three."""
    first = rng.integers(0, levels, n)
    second = np.where(rng.random(n) < 2 / 3, first, rng.integers(0, levels, n))
    return first.tolist(), second.tolist()


@pytest.mark.parametrize("scheme", ["nominal", "linear", "quadratic"])
def test_kappa_is_scikit_learns(scheme: Scheme) -> None:
    """The same coefficient for two and for five levels, with and without weights of items."""
    rng = np.random.default_rng(1)
    name = None if scheme == "nominal" else scheme
    for levels in (2, 5):
        first, second = two_raters(rng, 80, levels)
        weights = rng.uniform(0.5, 4, 80).tolist()
        for given in (None, weights):
            ours = cohen_kappa(first, second, each(80), weights=given, scheme=scheme).value
            theirs = cohen_kappa_score(first, second, weights=name, sample_weight=given)
            assert ours == pytest.approx(theirs, abs=1e-12)


def test_kappa_has_the_published_error() -> None:
    """Without clusters the error is Fleiss, Cohen and Everitt's, as statsmodels has it."""
    first, second = two_raters(np.random.default_rng(2), 120, 3)
    table = np.zeros((3, 3))
    np.add.at(table, (first, second), 1)
    theirs = cohens_kappa(table)
    ours = cohen_kappa(first, second, each(120))
    assert ours.value is not None
    assert ours.high is not None
    half = (ours.high - ours.value) / 1.980099876  # t, 119 degrees of freedom
    assert half == pytest.approx(math.sqrt(theirs.var_kappa * 120 / 119), rel=1e-6)


def test_kappa_where_there_is_little_to_say() -> None:
    """Labels all alike have no kappa; one cluster has no limits; perfect agreement is not proven perfect."""
    assert cohen_kappa([1, 1, 1], [1, 1, 1], each(3)) == (None, None, None, 3)
    assert cohen_kappa([0, 1, 1], [0, 1, 0], ["a"] * 3)[1:3] == (None, None)
    assert cohen_kappa([1] * 40, [0, 1] * 20, each(40)) == (0.0, None, None, 40)
    assert cohen_kappa([0, 1] * 20, [1] * 40, each(40)) == (0.0, None, None, 40)
    perfect = cohen_kappa([0, 1] * 50, [0, 1] * 50, each(100))
    assert perfect == (1.0, pytest.approx(1 - 3 / (100 * 0.5)), 1.0, 100)
    with pytest.raises(ValueError, match="2 and 1 labels"):
        cohen_kappa([0, 1], [0], each(2))


def test_labels_repeated_within_documents_say_no_more() -> None:
    """Ten copies of every item, in its document, have the limits of the items alone."""
    first, second = two_raters(np.random.default_rng(3), 60)
    once = cohen_kappa(first, second, each(60))
    copies = cohen_kappa(first * 10, second * 10, each(60) * 10)
    assert copies[:3] == pytest.approx(once[:3])


@pytest.mark.parametrize(("scheme", "published"), [("nominal", 0.743), ("quadratic", 0.849)])
def test_alpha_is_as_published(scheme: Scheme, published: float) -> None:
    """Krippendorff's own example with missing labels: nominal, and interval data (squared distances)."""
    units = [list(column) for column in zip(*OBSERVERS, strict=True)]
    found = krippendorff_alpha(units, each(12), scheme=scheme)
    assert found.value == pytest.approx(published, abs=0.0005)
    assert found.n == 11  # one unit has one label only


def test_alpha_is_fleiss_kappa_but_for_a_small_term() -> None:
    """With every rater on every item: ``1 - alpha = (1 - kappa) (nN - 1) / nN``; statsmodels has kappa."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 50)
    ratings = np.where(rng.random((50, 4)) < 0.7, truth[:, None], rng.integers(0, 3, (50, 4)))
    table = np.stack([(ratings == level).sum(axis=1) for level in range(3)], axis=1)
    alpha = krippendorff_alpha(ratings.astype(float).tolist(), each(50)).value
    assert alpha is not None
    assert 1 - alpha == pytest.approx((1 - fleiss_kappa(table)) * 199 / 200, abs=1e-12)


def test_alpha_without_two_labels_of_an_item() -> None:
    """One rater agrees with nobody: there is no alpha; nor where all labels are alike."""
    assert krippendorff_alpha([[1.0, None], [None, 0.0]], each(2)) == (None, None, None, 0)
    assert krippendorff_alpha([[1.0, 1.0], [1.0, 1.0]], each(2)).value is None


def test_weighted_rate_with_equal_weights_is_wilsons() -> None:
    """Weights that are alike, one item per cluster: Wilson's interval."""
    hits = [True] * 41 + [False] * 9
    found = weighted_rate(hits, [3.0] * 50, each(50))
    assert found == (pytest.approx(0.82), *(pytest.approx(end) for end in wilson_ci(41, 50)), 50)
    assert weighted_rate([], [], []) == (None, None, None, 0)


def test_kappa_covers() -> None:
    """The 95 % limits hold the true kappa in 93.5 to 97 % of samples of 150, half of them oversampled."""
    rng = np.random.default_rng(5)
    runs, covered = 2000, 0
    rate, sensitivity, specificity = 0.8, 0.85, 0.8
    both, neither = rate * sensitivity, (1 - rate) * specificity
    judged = both + (1 - rate) * (1 - specificity)
    chance = rate * judged + (1 - rate) * (1 - judged)
    truth = (both + neither - chance) / (1 - chance)
    for _ in range(runs):
        label = rng.random(1000) < rate
        judge = np.where(label, rng.random(1000) < sensitivity, rng.random(1000) > specificity)
        low, high = np.flatnonzero(~judge)[:75], np.flatnonzero(judge)[:75]
        drawn = np.concatenate([low, high])
        weights = np.repeat([(~judge).sum() / 75, judge.sum() / 75], 75).tolist()
        found = cohen_kappa(
            label[drawn].astype(int).tolist(), judge[drawn].astype(int).tolist(), each(150), weights=weights
        )
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.935 <= covered / runs <= 0.97


def test_alpha_covers() -> None:
    """The jackknife limits hold the true alpha of three raters in 92 to 97.5 % of samples of 80 items."""
    rng = np.random.default_rng(6)
    runs, covered, right = 500, 0, 0.85
    alike = right**2 + (1 - right) ** 2
    mixed = 0.7 * right + 0.3 * (1 - right)
    truth = 1 - (1 - alike) / (2 * mixed * (1 - mixed))
    for _ in range(runs):
        label = rng.random(80) < 0.7
        ratings = np.where(rng.random((80, 3)) < right, label[:, None], ~label[:, None]).astype(float)
        found = krippendorff_alpha(ratings.tolist(), each(80))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / runs <= 0.975


def test_weighted_rate_covers() -> None:
    """Wilson's limits at the effective size cover at least 93 % with weights that differ threefold."""
    rng = np.random.default_rng(7)
    runs, covered = 2000, 0
    for _ in range(runs):
        heavy = rng.random(80) < 0.5
        hits = rng.random(80) < 0.85
        found = weighted_rate(hits.tolist(), np.where(heavy, 3.0, 1.0).tolist(), each(80))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.85 <= found.high
    assert 0.93 <= covered / runs <= 0.98
