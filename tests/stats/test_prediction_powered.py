"""PPI++: identities with its published form, what it must do at its ends, and whether its limits cover."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.stats.paired import clustered_mean, positive_mean_test
from harness.stats.prediction_powered import Sample, corrected_mean, corrected_mean_ci

Array = np.ndarray[Any, Any]


def each(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def sample_of(
    judged: Array,
    labels: Array,
    drawn: Array,
    strata: list[str] | None = None,
    clusters: list[str] | None = None,
) -> Sample:
    n = len(judged)
    told = [float(y) if inside else None for y, inside in zip(labels, drawn, strict=True)]
    return Sample(judged.tolist(), told, judged.tolist(), strata or ["all"] * n, clusters or each(n))


def judge(rng: np.random.Generator, labels: Array, sensitivity: float, specificity: float) -> Array:
    chance = rng.random(labels.shape)
    return np.where(labels > 0.5, chance < sensitivity, chance > specificity).astype(float)


def test_it_is_the_published_estimate_and_error() -> None:
    """PPI++ from its paper's formulas, at its own lambda: the same mean; the same error, within 2 %."""
    rng = np.random.default_rng(1)
    labels = (rng.random(600) < 0.8).astype(float)
    judged = judge(rng, labels, 0.85, 0.7)
    for rate in (0.0, 0.3, 1.0):
        found = corrected_mean(sample_of(judged, labels, np.arange(600) < 100), rate)
        theirs = rate * 500 / 600
        y, f, others = labels[:100], judged[:100], judged[100:]
        assert found.mean == pytest.approx(theirs * others.mean() + (y - theirs * f).mean(), abs=1e-12)
        variance = theirs**2 * others.var(ddof=1) / 500 + (y - theirs * f).var(ddof=1) / 100
        assert found.se == pytest.approx(math.sqrt(variance), rel=0.02)


def test_lambda_is_the_slope_of_labels_on_scores() -> None:
    """Tuned, without strata or clusters: ``cov(y, f) / var(f)``, PPI++'s own times ``(n + N) / N``."""
    rng = np.random.default_rng(2)
    labels = (rng.random(20_000) < 0.7).astype(float)
    judged = judge(rng, labels, 0.8, 0.75)
    found = corrected_mean(sample_of(judged, labels, np.arange(20_000) < 5000))
    slope = np.cov(labels[:5000], judged[:5000])[0, 1] / judged.var(ddof=1)
    assert found.rate == pytest.approx(slope, abs=0.01)
    assert found.slope == pytest.approx(slope, abs=0.01)


def test_strata_of_the_judges_scores_do_what_lambda_does() -> None:
    """Drawn by score, the judge is used through the strata: the same gain, and the slope is told."""
    rng = np.random.default_rng(9)
    labels = (rng.random(4000) < 0.8).astype(float)
    judged = judge(rng, labels, 0.9, 0.85)
    strata, drawn = ["high" if score else "low" for score in judged], np.zeros(4000, dtype=bool)
    for level in (0.0, 1.0):
        inside = np.flatnonzero(judged == level)
        drawn[inside[: round(len(inside) / 8)]] = True
    plain = corrected_mean(sample_of(judged, labels, np.arange(4000) % 8 == 0))
    found = corrected_mean(sample_of(judged, labels, drawn, strata))
    assert found.se == pytest.approx(plain.se, rel=0.05)
    assert found.slope == pytest.approx(plain.slope, abs=0.05)
    assert found.effective_n == pytest.approx(plain.effective_n, rel=0.1)
    assert found.effective_n > 700


def test_the_judge_cannot_move_the_mean() -> None:
    """A judge that is of no use is not used; one that says the same of all is nothing but the labels."""
    rng = np.random.default_rng(3)
    labels = (rng.random(500) < 0.7).astype(float)
    drawn = np.arange(500) < 100
    constant = corrected_mean(sample_of(np.ones(500), labels, drawn))
    assert (constant.rate, constant.slope) == (0.0, 0.0)
    assert constant.effective_n == pytest.approx(100, rel=0.01)
    assert constant.mean == pytest.approx(labels[:100].mean(), abs=1e-12)
    assert constant.se == pytest.approx(labels[:100].std(ddof=1) / 10, rel=0.01)
    shifted = corrected_mean(sample_of(judge(rng, labels, 0.9, 0.9) - 0.4, labels, drawn))
    assert abs(shifted.mean - 0.7) < 4 * shifted.se


def test_every_item_labelled_is_the_mean_of_the_labels() -> None:
    """Then the judge has nothing to add, and the values are the labels."""
    rng = np.random.default_rng(4)
    labels = (rng.random(60) < 0.7).astype(float)
    found = corrected_mean(sample_of(judge(rng, labels, 0.8, 0.8), labels, np.ones(60, dtype=bool)))
    assert found.rate == 0.0
    assert found.values == pytest.approx(labels.tolist())
    assert corrected_mean_ci(found, 1.0)[1] < 1


def test_paired_values_are_differences_of_values() -> None:
    """Correcting both sides at one lambda and taking the difference is correcting the differences."""
    rng = np.random.default_rng(5)
    strata, drawn = ["a"] * 150 + ["b"] * 50, np.arange(200) % 4 == 0
    before, after = ((rng.random(200) < p).astype(float) for p in (0.8, 0.7))
    seen = [judge(rng, labels, 0.8, 0.7) for labels in (before, after)]
    whole = corrected_mean(sample_of(seen[1] - seen[0], after - before, drawn, strata))
    parts = [
        corrected_mean(sample_of(scores, labels, drawn, strata), whole.rate)
        for scores, labels in zip(seen, (before, after), strict=True)
    ]
    differences = [new - old for old, new in zip(parts[0].values, parts[1].values, strict=True)]
    assert differences == pytest.approx(whole.values)


def test_too_few_labels_are_refused() -> None:
    """A stratum with one label of several items has no known error; lengths must agree."""
    judged = np.ones(10)
    with pytest.raises(ValueError, match="1 labels of 5 items in stratum 'b'"):
        corrected_mean(sample_of(judged, judged, np.arange(10) < 6, ["a"] * 5 + ["b"] * 5))
    with pytest.raises(ValueError, match="columns of"):
        corrected_mean(Sample([1.0], [], [1.0], ["a"], ["c"]))
    one = corrected_mean(sample_of(judged, judged, np.arange(10) < 5, None, ["same"] * 10))
    assert corrected_mean_ci(one, 1.0) == (-math.inf, math.inf)


def coverage(
    rng: np.random.Generator, judged_by: tuple[float, float], rate: float, runs: int, shape: str = "plain"
) -> float:
    """How often the 95 % limits from 100 labels of 600 items hold the true rate."""
    covered, n = 0, 600
    clusters = [str(i // 4) for i in range(n)] if shape == "documents" else each(n)
    for _ in range(runs):
        if shape == "documents":
            apart = min(0.15, 1 - rate)
            easy = np.where(rng.random(n // 4) < 0.5, rate + apart, rate - apart).repeat(4)
        else:
            easy = np.full(n, rate)
        labels = (rng.random(n) < easy).astype(float)
        judged = judge(rng, labels, *judged_by)
        drawn, strata = np.zeros(n, dtype=bool), ["all"] * n
        if shape == "strata":
            strata = ["high" if score else "low" for score in judged]
            for level in (0.0, 1.0):
                drawn[rng.permutation(np.flatnonzero(judged == level))[:50]] = True
        else:
            drawn[rng.permutation(n)[:100]] = True
        low, high = corrected_mean_ci(corrected_mean(sample_of(judged, labels, drawn, strata, clusters)), 1.0)
        covered += low <= rate <= high
    return covered / runs


@pytest.mark.parametrize(
    ("judged_by", "rate"),
    [((0.8, 0.8), 0.8), ((0.9, 0.4), 0.8), ((0.78, 0.88), 0.8), ((0.92, 0.82), 0.8), ((0.95, 0.9), 0.97)],
)
@pytest.mark.parametrize("shape", ["plain", "strata", "documents"])
def test_limits_cover(judged_by: tuple[float, float], rate: float, shape: str) -> None:
    """100 labels and a judge that is right in 80 to 95 % of cases: at least 93.5 %, give or take chance."""
    runs = 800
    found = coverage(np.random.default_rng(6), judged_by, rate, runs, shape)
    assert found >= 0.935 - 2 * math.sqrt(0.05 * 0.95 / runs)


def test_naive_limits_do_not_cover() -> None:
    """The judge's own mean, with its own limits, hardly ever holds the true rate."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        labels = (rng.random(600) < 0.8).astype(float)
        result = clustered_mean(judge(rng, labels, 0.8, 0.8).tolist(), each(600))
        held += abs(result.mean - 0.8) <= 1.96 * result.se
    assert held <= 2


def test_paired_size_where_the_judge_treats_systems_differently() -> None:
    """No true change, 20 points of specificity lost on the new system: 5 % of tests reject, naively most."""
    rng = np.random.default_rng(8)
    runs, n, rejected, naive = 1500, 600, 0, 0
    for _ in range(runs):
        before = (rng.random(n) < 0.8).astype(float)
        after = np.where(rng.random(n) < np.where(before > 0.5, 0.05, 0.2), 1 - before, before)
        judged = judge(rng, after, 0.85, 0.4) - judge(rng, before, 0.85, 0.6)
        found = corrected_mean(sample_of(judged, after - before, np.arange(n) < 100))
        rejected += positive_mean_test(clustered_mean(found.values, each(n))) <= 0.05
        naive += positive_mean_test(clustered_mean(judged.tolist(), each(n))) <= 0.05
    assert rejected / runs <= 0.06 + 2 * math.sqrt(0.05 * 0.95 / runs)
    assert naive / runs > 0.4
