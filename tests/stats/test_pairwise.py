"""Intervals that hold together: identities, order, and coverage by simulation."""

import math
import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from harness.stats import pairwise
from harness.stats.paired import clustered_mean, student_quantile, two_sided_limits
from harness.stats.pairwise import Contrast, simultaneous_limits

LEVEL = 0.95


def scores(rng, kind, count, documents, cluster_effect=0.1):
    """Scores of systems that differ by case and by document, and not in the mean; shape (count, n)."""
    n = len(documents)
    by_document = rng.standard_normal((count + 1, documents.max() + 1))[:, documents]
    by_case = rng.standard_normal((count + 1, n))
    shared = math.sqrt(0.2) * by_document[0] + math.sqrt(0.6 - cluster_effect) * by_case[0]
    own = math.sqrt(cluster_effect) * by_document[1:] + math.sqrt(0.2) * by_case[1:]
    latent = shared + own
    if kind == "binary":
        return (latent > -0.84).astype(float)
    return np.clip(0.85 + 0.25 * latent, 0, 1)  # a third at 1


def contrasts_of(values, documents):
    names = [f"d{number:04}" for number in documents]
    pairs = combinations(range(len(values)), 2)
    return [Contrast(list(values[a] - values[b]), names) for a, b in pairs]


@pytest.mark.parametrize("kind", ["binary", "graded"])
@pytest.mark.parametrize("count", [4, 16])
def test_all_pairs_are_covered_at_once(kind, count):
    """6 and 120 pairs, 200 cases of 50 documents, 300 draws: the intervals hold together with 93 % or more.

    The bound leaves room for the error of the simulation: two standard errors below 95 % are 92.5 %.
    """
    rng = np.random.default_rng(20261125)
    documents = np.repeat(np.arange(50), 4)
    held, draws = 0, 300
    for seed in range(draws):
        family = contrasts_of(scores(rng, kind, count, documents), documents)
        limits = simultaneous_limits(family, LEVEL, seed=seed, draws=500)
        held += all(found.low <= 0 <= found.high for found in limits)
    assert 0.93 <= held / draws <= 0.99


def test_one_contrast_has_the_interval_of_the_paired_t():
    """Without another there is nothing to adjust for."""
    rng = np.random.default_rng(1)
    values, clusters = list(rng.normal(0.1, 1, 60)), [f"d{i // 3}" for i in range(60)]
    (found,) = simultaneous_limits([Contrast(values, clusters)], LEVEL)
    low, high = two_sided_limits(clustered_mean(values, clusters), LEVEL)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_width_is_between_one_test_and_bonferroni():
    """Never narrower than a single interval, never wider than Bonferroni's."""
    rng = np.random.default_rng(2)
    documents = np.repeat(np.arange(40), 3)
    family = contrasts_of(scores(rng, "graded", 6, documents), documents)
    for contrast, found in zip(family, simultaneous_limits(family, LEVEL), strict=True):
        mean = clustered_mean(contrast.values, contrast.clusters)
        single = student_quantile(mean.df, 0.975) * mean.se
        most = student_quantile(mean.df, 1 - 0.025 / len(family)) * mean.se
        assert single < (found.high - found.low) / 2 <= most + 1e-12


def test_independent_contrasts_cost_what_sidak_says():
    """Ten contrasts over different documents: the quantile is about that of 1 - 0.95 ** (1/10)."""
    rng = np.random.default_rng(3)
    family = [Contrast(list(rng.normal(size=300)), [f"{k}-{i}" for i in range(300)]) for k in range(10)]
    found = simultaneous_limits(family, LEVEL, draws=20_000)
    mean = clustered_mean(*family[0])
    quantile = (found[0].high - found[0].mean) / mean.se
    assert quantile == pytest.approx(student_quantile(299, (1 + LEVEL**0.1) / 2), rel=0.02)


def test_order_changes_nothing():
    """Neither of the contrasts nor of the cases in them."""
    rng = np.random.default_rng(4)
    documents = np.repeat(np.arange(30), 4)
    family = contrasts_of(scores(rng, "graded", 5, documents), documents)
    turned = []
    for values, clusters in reversed(family):
        order = rng.permutation(len(values))
        turned.append(Contrast([values[i] for i in order], [clusters[i] for i in order]))
    assert simultaneous_limits(turned)[::-1] == simultaneous_limits(family)


def test_contrasts_without_spread_have_no_width_and_disturb_nobody():
    """Two runs with the same answers differ by 0; the other intervals are as without them."""
    rng = np.random.default_rng(5)
    values, clusters = list(rng.normal(size=50)), [str(i) for i in range(50)]
    same, alone = Contrast([0.0] * 50, clusters), Contrast(values, clusters)
    found = simultaneous_limits([same, alone])
    assert found[0] == (0.0, 0.0, 0.0)
    assert found[1] == simultaneous_limits([alone])[0]
    (one,) = simultaneous_limits([Contrast([1.0, 2.0], ["d", "d"])])
    assert (one.low, one.high) == (-math.inf, math.inf)


def test_f38_signs_take_no_more_memory_with_more_clusters():
    """30,000 documents, three runs: 500 sets of signs at one go would take 120 MB, and as much a copy."""
    rng = np.random.default_rng(7)
    contrasts = contrasts_of(scores(rng, "graded", 3, np.arange(30_000)), np.arange(30_000))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        simultaneous_limits(contrasts, draws=600)
        peak_mb = (tracemalloc.get_traced_memory()[1] - before) / 1e6
    finally:
        tracemalloc.stop()
    assert peak_mb < 60


def test_how_many_signs_are_drawn_at_a_time_changes_nothing(monkeypatch):
    """One set at a time, seven, or all: the same signs in the same order, and the same limits to the bit."""
    rng = np.random.default_rng(8)
    contrasts = contrasts_of(scores(rng, "graded", 4, np.arange(90) // 3), np.arange(90) // 3)
    found = []
    for signs in (1, 7 * 30, 10**9):
        monkeypatch.setattr(pairwise, "_SIGNS", signs)
        found.append(simultaneous_limits(contrasts, draws=999))
    assert found[0] == found[1] == found[2]
