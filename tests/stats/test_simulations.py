"""Do tests reject and intervals cover as often as they say? Fixed seeds; bounds allow for chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace
from world import HIGHER, cases_of, table_of

from harness.fairness.gaps import gap_between_groups
from harness.limits import harm_limit
from harness.pairing import pair
from harness.stats.intervals import mean_ci
from harness.stats.paired import clustered_mean, positive_mean_test

Array = np.ndarray[tuple[int], np.dtype[np.float64]]


def chance(rate: float, runs: int) -> float:
    """Three standard errors of a simulated rate: what chance explains in 999 of 1000 simulations."""
    return 3 * math.sqrt(rate * (1 - rate) / runs)


def binary_pair(rng: np.random.Generator, n: int, drop: float = 0.0, repeats: int = 1) -> tuple[Array, Array]:
    """A baseline of so many repeats, a candidate worse by ``drop``; reruns disagree on a tenth of cases."""
    easy = rng.random(n) < 0.8
    noise = rng.random((repeats + 1, n)) < 0.0528
    before = (easy ^ noise[1:]).mean(axis=0)
    after = (easy ^ noise[0]) & (rng.random(n) >= drop / 0.768)
    return before, after.astype(float)


@pytest.mark.parametrize("by_document", [False, True], ids=["rerun", "neutral change of documents"])
def test_one_sided_test_keeps_its_size(by_document: bool) -> None:
    """At 5 % the test rejects about 5 % of neutral changes, also when a change moves whole documents."""
    runs, n = 4000, 200
    rng = np.random.default_rng(11)
    clusters = [str(i // 4) for i in range(n)]
    rejected = 0
    for _ in range(runs):
        before, after = binary_pair(rng, n)
        harms = before - after
        if by_document:
            harms = harms + np.repeat(rng.choice([-0.25, 0.25], n // 4), 4)
        rejected += positive_mean_test(clustered_mean(harms.tolist(), clusters)) <= 0.05
    assert abs(rejected / runs - 0.05) <= chance(0.05, runs) + 0.005


def test_items_alone_would_not_keep_it() -> None:
    """The same neutral change, tested as if items were independent, rejects far too often."""
    runs, n = 500, 200
    rng = np.random.default_rng(12)
    rejected = 0
    for _ in range(runs):
        before, after = binary_pair(rng, n)
        harms = before - after + np.repeat(rng.choice([-0.25, 0.25], n // 4), 4)
        rejected += positive_mean_test(clustered_mean(harms.tolist(), [str(i) for i in range(n)])) <= 0.05
    assert rejected / runs > 0.05 + chance(0.05, runs)


@pytest.mark.parametrize("kind", ["rate", "clustered rate", "graded", "clustered graded"])
def test_interval_of_a_mean_covers(kind: str) -> None:
    """The 95 % interval of a mean holds the true mean in 94 to 96 % of runs, give or take chance."""
    runs, n = 2000, 160
    rng = np.random.default_rng(13)
    clusters = [str(i // 4 if "clustered" in kind else i) for i in range(n)]
    covered = 0
    for _ in range(runs):
        shared = rng.random(n // 4).repeat(4) if "clustered" in kind else rng.random(n)
        own = np.where(rng.random(n) < 0.5, shared, rng.random(n))
        if "rate" in kind:
            values, truth = (own < 0.8).astype(float), 0.8
        else:
            values, truth = own * own, 1 / 3
        found = mean_ci(values.tolist(), clusters, 0.0, 1.0)
        covered += found is not None and found.low <= truth <= found.high
    assert abs(covered / runs - 0.95) <= chance(0.95, runs) + 0.01


@pytest.mark.parametrize("shared", [False, True], ids=["own documents", "translated documents"])
def test_group_intervals_cover_together(shared: bool) -> None:
    """All intervals of a gap hold at once in at least 95 % of runs, small groups among large ones too."""
    runs = 400
    sizes = [60] * 5 if shared else [24, 40, 60, 100, 160]
    rng = np.random.default_rng(14)
    documents = [i // 2 + (0 if shared else 1000 * g) for g, size in enumerate(sizes) for i in range(size)]
    owner = [g for g, size in enumerate(sizes) for _ in range(size)]
    cases = [
        replace(case, document_id=str(document))
        for case, document in zip(cases_of(len(owner)), documents, strict=True)
    ]
    groups = {str(g): [case for case, name in zip(cases, owner, strict=True) if name == g] for g in range(5)}
    covered = 0
    for _ in range(runs):
        effect = rng.normal(0, 0.12, 5000)
        values = np.clip(0.5 + effect[documents] + rng.normal(0, 0.15, len(owner)), 0, 1)
        table = table_of(cases, values.tolist())
        gap = gap_between_groups("quality", "language", table, groups, HIGHER, 20)
        assert all(row.enough and row.interval is not None for row in gap.groups)
        covered += all(row.interval.low <= 0 <= row.interval.high for row in gap.groups if row.interval)
    assert covered / runs >= 0.95 - chance(0.95, runs)


def limits(rng: np.random.Generator, n: int, drop: float, runs: int) -> Array:
    """Upper limits of the harm over simulated comparisons with a true drop."""
    cases = cases_of(n, 4)
    found = []
    for _ in range(runs):
        before, after = binary_pair(rng, n, drop)
        tables = table_of(cases, before.tolist()), table_of(cases, after.tolist())
        found.append(harm_limit(pair(*tables, cases, HIGHER)))
    return np.array(found)


def test_false_pass_at_the_margin() -> None:
    """A drop as large as the margin is shown to be within it in at most 7 % of runs."""
    runs = 2000
    share = float((limits(np.random.default_rng(15), 300, 0.05, runs) <= 0.05).mean())
    assert share <= 0.05 + chance(0.05, runs) < 0.07


def test_an_unchanged_system_passes() -> None:
    """With 500 cases an unchanged system is shown to be within a margin of 5 points in most runs."""
    runs = 300
    share = float((limits(np.random.default_rng(16), 500, 0.0, runs) <= 0.05).mean())
    assert share >= 0.9


def test_drop_of_ten_points_is_found() -> None:
    """300 cases, five cached repeats: a drop of 10 points passes the bar of one of 12 metrics at 1 %."""
    runs, n = 1000, 300
    rng = np.random.default_rng(17)
    clusters = [str(i // 4) for i in range(n)]
    found = 0
    for _ in range(runs):
        before, after = binary_pair(rng, n, drop=0.1, repeats=5)
        found += positive_mean_test(clustered_mean((before - after).tolist(), clusters)) <= 0.01 / 12
    assert found / runs >= 0.95 - chance(0.95, runs)
