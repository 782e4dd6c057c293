"""Sign flips and McNemar: slow definitions, SciPy, statsmodels, hostile values, and how often they reject."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import scipy.stats
import statsmodels.stats.contingency_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from latent import documents, draw

from harness.stats.exact import ARRANGEMENTS, mcnemar_test, sign_flip_test
from harness.stats.paired import clustered_mean, positive_mean_test

quick = settings(max_examples=60, deadline=None, derandomize=True)
scores = st.one_of(st.sampled_from([-1.0, -0.5, 0.0, 0.2, 0.5, 1.0]), st.floats(-1, 1))
items = st.lists(st.tuples(scores, st.integers(0, 6)), min_size=2, max_size=24)
alone = [f"d{index:04}" for index in range(2000)]


def split(pairs: list[tuple[float, int]]) -> tuple[list[float], list[str]]:
    return [value for value, _ in pairs], [f"d{cluster}" for _, cluster in pairs]


def t_of(values: list[float], clusters: list[str]) -> float:
    """The statistic as the paired module has it."""
    result = clustered_mean(values, clusters)
    if result.se == 0:
        return math.copysign(math.inf, result.mean) if result.mean else 0.0
    return result.mean / result.se


def slow_p(values: list[float], clusters: list[str]) -> float:
    """The definition: flip every cluster both ways, and compute mean and error again from the items."""
    names = sorted(set(clusters))
    observed, hits = t_of(values, clusters), 0
    for signs in itertools.product((1, -1), repeat=len(names)):
        sign = dict(zip(names, signs, strict=True))
        flipped = t_of([value * sign[name] for value, name in zip(values, clusters, strict=True)], clusters)
        hits += flipped >= observed - 1e-7 * max(1.0, abs(observed)) or flipped == observed
    return hits / 2 ** len(names)


@quick
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 6)), min_size=2, max_size=24))
def test_all_flips_are_counted(pairs: list[tuple[float, int]]) -> None:
    """The p-value is that of the definition, where clusters differ in size and many flips tie."""
    values, clusters = split(pairs)
    if len(set(clusters)) < 2 or not any(values):
        assert sign_flip_test(values, clusters) == 1.0
        return
    assert sign_flip_test(values, clusters) == pytest.approx(slow_p(values, clusters), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [5, 9, 12])
def test_items_alone_are_scipys_permutation_test(n: int, seed: int) -> None:
    """With one item per cluster, t and mean order flips alike: scipy's paired permutation test, exactly."""
    rng = np.random.default_rng(seed)
    before, after = rng.random(n), rng.random(n)
    known = scipy.stats.permutation_test(
        (before, after),
        lambda x, y, axis: (x - y).mean(axis),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=2**n,
    )
    found = sign_flip_test((before - after).tolist(), alone[:n])
    assert found == pytest.approx(known.pvalue, abs=1e-12)


def test_ranks_are_the_signed_rank_test() -> None:
    """Signed ranks give Wilcoxon's exact p-value: 17 of them in full, 60 within the error of chance."""
    rng = np.random.default_rng(3)
    for n in (17, 60):
        ranks = np.arange(1, n + 1) * np.where(rng.random(n) < 0.6, 1.0, -1.0)
        known = scipy.stats.wilcoxon(ranks, alternative="greater", method="exact").pvalue
        found = sign_flip_test(ranks.tolist(), alone[:n], flips=9999, seed=1)
        chance = 0.0 if 2**n <= ARRANGEMENTS else 4 * math.sqrt(known * (1 - known) / 9999)
        assert found == pytest.approx(known, abs=chance + 1e-9)


def test_few_grades_of_many_clusters_are_drawn_by_count() -> None:
    """1500 items of five sizes: random counts agree with the exact law, a convolution of binomials."""
    rng = np.random.default_rng(4)
    values = np.repeat(np.arange(1.0, 6.0), 300) * np.where(rng.random(1500) < 0.52, 1.0, -1.0)
    law = np.ones(1)
    for grade in range(1, 6):
        spread = np.zeros(2 * 300 * grade + 1)
        spread[:: 2 * grade] = scipy.stats.binom.pmf(np.arange(301), 300, 0.5)
        law = np.convolve(law, spread)
    middle = (len(law) - 1) // 2
    known = float(law[middle + int(values.sum()) :].sum())
    found = sign_flip_test(values.tolist(), alone[:1500], flips=9999)
    assert 0.001 < known < 0.5
    assert found == pytest.approx(known, abs=4 * math.sqrt(known * (1 - known) / 9999))


def test_random_flips_agree_with_all_of_them() -> None:
    """Uneven clusters: one more than can be counted in full changes the p-value by no more than chance."""
    rng = np.random.default_rng(5)
    clusters = documents(rng, 17, 60)
    values = rng.normal(0.12, 0.5, 60)
    every = sign_flip_test(values.tolist(), clusters)
    # A further cluster whose sum is next to nothing: too many to count, and the law all but the same.
    some = sign_flip_test([*values.tolist(), 1e-9, 1e-9], [*clusters, "z1", "z2"], flips=20_000)
    assert 0.005 < every < 0.5
    assert some == pytest.approx(every, abs=4 * math.sqrt(every * (1 - every) / 20_000) + 0.003)


@quick
@given(items, st.randoms(use_true_random=False), st.sampled_from([1e-6, 3.0, 1e300]))
def test_order_and_scale_change_nothing(
    pairs: list[tuple[float, int]], shuffler: random.Random, scale: float
) -> None:
    """Order of the items, names of the clusters and unit of the scores leave every digit as it is."""
    shuffled = pairs[:]
    shuffler.shuffle(shuffled)
    values, clusters = split(pairs)
    p = sign_flip_test(values, clusters, flips=99)
    assert sign_flip_test(*split(shuffled), flips=99) == p
    assert sign_flip_test(values, [f"x{9 - int(name[1:])}" for name in clusters], flips=99) == p
    largest = max(map(abs, values))
    if largest * scale > 1e-200:
        assert sign_flip_test([value * scale for value in values], clusters, flips=99) == pytest.approx(p)


def test_order_changes_nothing_in_a_random_sample() -> None:
    """Also where flips are drawn at random: same seed, same p-value, whatever the order."""
    rng = np.random.default_rng(6)
    clusters = documents(rng, 80, 200)
    values = rng.normal(0.05, 1, 200)
    order = rng.permutation(200)
    p = sign_flip_test(values.tolist(), clusters, flips=999)
    assert sign_flip_test(values[order].tolist(), [clusters[i] for i in order], flips=999) == p
    assert sign_flip_test(values.tolist(), clusters, flips=999, seed=1) != p


@quick
@given(items)
def test_a_gain_and_its_loss(pairs: list[tuple[float, int]]) -> None:
    """Both one-sided p-values are in (0, 1] and together at least 1: the observed flip is in both."""
    values, clusters = split(pairs)
    up, down = (sign_flip_test([way * value for value in values], clusters) for way in (1, -1))
    assert 0 < up <= 1
    assert 0 < down <= 1
    assert up + down >= 1 - 1e-9


def test_what_cannot_speak_is_one() -> None:
    """All zero, sums of zero, or one cluster: no evidence at all."""
    assert sign_flip_test([0.0, 0.0, 0.0], ["a", "b", "c"]) == 1.0
    assert sign_flip_test([0.5, -0.5, 0.2, -0.2], ["a", "a", "b", "b"]) == 1.0
    assert sign_flip_test([1.0, 1.0, 1.0], ["a", "a", "a"]) == 1.0
    assert sum([0.3, -0.1, -0.2]) != 0  # what rounding leaves is no evidence either
    assert sign_flip_test([0.3, -0.1, -0.2] * 8, [name for name in "abcdefgh" for _ in range(3)]) == 1.0


def test_all_the_same_is_as_sure_as_the_clusters_allow() -> None:
    """No spread: the p-value is one flip in 2^C, or the least that a sample can say."""
    assert sign_flip_test([0.2] * 5, alone[:5]) == 2**-5
    assert sign_flip_test([0.2, 0.3, 0.5], list("abc")) == 2**-3
    assert 0 < sign_flip_test([1.0] * 2000, alone) < 1e-300
    assert sign_flip_test([1.0] * 300, alone[:300]) == pytest.approx(2.0**-300, rel=1e-9)
    values = [1 + index / 1000 for index in range(60)]
    assert sign_flip_test(values, alone[:60], flips=99) == 1 / 100


@pytest.mark.parametrize(("losses", "wins"), [(0, 1), (1, 0), (3, 1), (9, 2), (40, 22), (11, 30)])
def test_cases_that_pass_or_fail_give_mcnemars_exact_test(losses: int, wins: int) -> None:
    """One case per cluster: flipping signs is McNemar's exact test, at any number of unchanged cases."""
    for unchanged in (1, 500):
        values = [1.0] * losses + [-1.0] * wins + [0.0] * unchanged
        found = sign_flip_test(values, alone[: len(values)])
        assert found == pytest.approx(mcnemar_test(losses, wins, mid=False), rel=1e-9)


@pytest.mark.parametrize(("losses", "wins"), [(0, 4), (4, 0), (7, 2), (15, 15), (60, 31), (5000, 4800)])
def test_mcnemar_is_scipys_and_statsmodels(losses: int, wins: int) -> None:
    """The exact p-value is scipy's sign test; twice the smaller side is statsmodels' two-sided one."""
    one = mcnemar_test(losses, wins, mid=False)
    known = scipy.stats.binomtest(losses, losses + wins, 0.5, alternative="greater").pvalue
    assert one == pytest.approx(known, rel=1e-9)
    table = [[10, losses], [wins, 10]]
    both = statsmodels.stats.contingency_tables.mcnemar(table, exact=True).pvalue
    least = min(one, mcnemar_test(wins, losses, mid=False))
    assert min(1.0, 2 * least) == pytest.approx(both, rel=1e-9)


def test_mid_p_counts_half_of_a_tie() -> None:
    """The mid-p-value is the exact one less half of the observed count's probability."""
    for losses, wins in ((3, 1), (0, 5), (6, 0), (8, 8)):
        half = scipy.stats.binom.pmf(losses, losses + wins, 0.5) / 2
        assert mcnemar_test(losses, wins) == pytest.approx(mcnemar_test(losses, wins, mid=False) - half)
    assert mcnemar_test(0, 0) == mcnemar_test(0, 0, mid=False) == 1.0


def test_what_does_not_fit_is_refused() -> None:
    """No values, other lengths, values that are no numbers, no flips, counts below 0 are refused."""
    for values, clusters in (([], []), ([1.0], []), ([1.0], ["a", "b"])):
        with pytest.raises(ValueError, match="clusters"):
            sign_flip_test(values, clusters)
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not finite"):
            sign_flip_test([value, 1.0], ["a", "b"])
    with pytest.raises(ValueError, match="0 flips"):
        sign_flip_test([1.0, 2.0], ["a", "b"], flips=0)
    with pytest.raises(ValueError, match="-1 losses"):
        mcnemar_test(-1, 2)


@pytest.mark.parametrize("kind", ["binary", "graded"])
@pytest.mark.parametrize("moved", [0.0, 0.1], ids=["rerun", "neutral change of documents"])
def test_sign_flips_never_exceed_their_level(kind: str, moved: float) -> None:
    """12 uneven documents: at 5 % at most 5 % of neutral changes are rejected, give or take chance."""
    runs, level = 1500, 0.05
    rng = np.random.default_rng(21)
    clusters = documents(rng, 12, 40)
    rejected = 0
    for _ in range(runs):
        pair = draw(rng, clusters, kind, moved=moved)
        rejected += sign_flip_test((pair.before - pair.after).tolist(), clusters) <= level
    assert rejected / runs <= level + 3 * math.sqrt(level * (1 - level) / runs)
    if kind == "graded":  # few ties: the level is used
        assert rejected / runs >= 0.03


def test_sign_flips_find_what_the_t_test_finds() -> None:
    """20 documents, a drop: the power is close to that of the t test, which has the same statistic."""
    rng = np.random.default_rng(22)
    clusters = documents(rng, 20, 80)
    flips, t = 0, 0
    for seed in range(400):
        pair = draw(rng, clusters, "graded")
        harms = (pair.before - pair.after + 0.035).tolist()
        flips += sign_flip_test(harms, clusters, flips=499, seed=seed) <= 0.05
        t += positive_mean_test(clustered_mean(harms, clusters)) <= 0.05
    assert 200 < t < 380
    assert abs(flips - t) <= 20


def mcnemar_size(n: int, changed: float, level: float, *, mid: bool) -> float:
    """Exactly how often a neutral change of n cases is rejected, each changed with a probability."""
    size = 0.0
    for m in range(1, n + 1):
        rejects = [losses for losses in range(m + 1) if mcnemar_test(losses, m - losses, mid=mid) <= level]
        size += scipy.stats.binom.pmf(m, n, changed) * scipy.stats.binom.pmf(rejects, m, 0.5).sum()
    return size


@pytest.mark.parametrize("changed", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_mcnemars_size_is_known_in_full(changed: float, level: float) -> None:
    """60 cases, no simulation: the exact test stays below its level, the mid-p-value within a tenth above."""
    exact = mcnemar_size(60, changed, level, mid=False)
    middle = mcnemar_size(60, changed, level, mid=True)
    assert exact <= level
    assert exact < middle <= 1.1 * level
