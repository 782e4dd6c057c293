"""Groups against the rest: who is judged, how sure it is, and what missing scores may hide."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import HIGHER, LOWER, SECONDS, Cell, cases_of, table_of

from harness.fairness.gaps import gap_between_groups
from harness.stats.groups import PRIOR_DF, detectable_gap
from harness.stats.paired import clustered_difference, student_quantile
from harness.types import Case, Gap, GroupGap, MetricIdentity


def gap_of(
    rows: dict[str, list[Cell]], metric: MetricIdentity = HIGHER, per_document: int = 1, min_n: int = 20
) -> Gap:
    """A gap between languages that share no document."""
    cells = [cell for row in rows.values() for cell in row]
    names = [name for name, row in rows.items() for _ in row]
    cases = cases_of(len(cells), per_document, lambda i: names[i])
    return gap_between_groups("m", "language", table_of(cases, cells), by_language(cases), metric, min_n)


def by_language(cases: tuple[Case, ...]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.groups["language"], []).append(case)
    return groups


def row_of(gap: Gap, group: str) -> GroupGap:
    return next(row for row in gap.groups if row.group == group)


def noisy(mean: float, n: int, seed: int = 0) -> list[Cell]:
    return list(np.clip(np.random.default_rng(seed).normal(mean, 0.05, n), 0, 1).tolist())


@pytest.mark.parametrize(
    ("metric", "low", "high"), [(HIGHER, 0.6, 0.8), (LOWER, 0.4, 0.2), (SECONDS, 0.4, 0.2)]
)
def test_deficit_points_to_the_worse_group(metric: MetricIdentity, low: float, high: float) -> None:
    """The worse group stands first with a positive deficit, whichever way the metric points."""
    gap = gap_of({"en": noisy(high, 60), "de": noisy(low, 60, 1)}, metric)
    assert [row.group for row in gap.groups] == ["de", "en"]
    worst, best = gap.groups
    assert worst.deficit == pytest.approx(0.2, abs=0.03)
    assert best.deficit == pytest.approx(-(worst.deficit or 0))
    assert worst.interval is not None
    assert worst.interval.low > 0.15
    assert gap.difference == pytest.approx(worst.deficit)
    assert gap.ratio == pytest.approx(min(low, high) / max(low, high), abs=0.08)


def test_interval_is_the_clustered_difference_at_the_level_that_holds_for_all() -> None:
    """A group that varies more than others has the plain formula's, between Bonferroni's level and 5 %."""
    rows = {"en": noisy(0.7, 60), "de": [0.2, 0.2, 0.9, 0.9] * 10, "fr": noisy(0.7, 30, 2)}
    gap = gap_of(rows, per_document=2)
    found = row_of(gap, "de")
    rest = [float(cell or 0) for cell in (*rows["en"], *rows["fr"])]
    names = [f"rest{i // 2}" for i in range(90)]
    ours = [float(cell or 0) for cell in rows["de"]]
    known = clustered_difference(rest, names, ours, [f"de{i // 2}" for i in range(40)])
    assert gap.alpha is not None
    assert found.interval is not None
    assert gap.comparisons == 3
    assert 0.05 / 3 <= gap.alpha <= 0.05
    half = student_quantile(known.df + PRIOR_DF, 1 - gap.alpha / 2) * known.se
    assert found.deficit == pytest.approx(known.mean)
    assert found.interval.level == 0.95
    assert found.interval.low == pytest.approx(known.mean - half)
    assert found.interval.high == pytest.approx(known.mean + half)
    assert found.detectable == pytest.approx(detectable_gap(known.se, gap.alpha_worse or 0))


def test_two_groups_share_one_comparison() -> None:
    """Two groups are each other's rest: intervals at 5 %, not at half, and one can be worse."""
    gap = gap_of({"en": noisy(0.7, 60), "de": noisy(0.65, 60, 1)})
    assert (gap.comparisons, gap.alpha) == (2, pytest.approx(0.05))
    assert gap.alpha_worse == pytest.approx(0.025, abs=0.005)
    first, second = gap.groups
    assert (first.group, first.verdict, second.verdict) == ("de", "difference found", "better than the rest")
    assert first.interval is not None
    assert first.interval.low > 0
    assert (first.p_worse or 1) <= 0.05
    assert (second.p_worse or 0) > 0.95


def test_what_is_found_worse_is_worse_by_more_than_nothing() -> None:
    """The limit shown is that of the test that found it, also where the interval to both sides holds 0."""
    between = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = {
            name: [float(x) for x in rng.random(80) < rate]
            for name, rate in (("en", 0.9), ("fr", 0.9), ("de", 0.77))
        }
        for row in gap_of(rows).groups:
            assert row.at_least is not None
            assert row.interval is not None
            assert row.p_worse is not None
            assert (row.at_least > 0) == (row.p_worse <= 0.05)
            assert (row.verdict == "difference found") == (row.at_least > 0)
            between += row.interval.low <= 0 < row.at_least
    assert between > 0
    lost = gap_of({"en": noisy(0.8, 60), "de": ["timeout", *noisy(0.5, 59, 1)]})
    assert [row.at_least for row in lost.groups] == [None, None]


def test_small_groups_are_listed_and_not_judged() -> None:
    """Too few cases or too few documents: an estimate, no deficit; and the rest is judged among fewer."""
    gap = gap_of({"en": noisy(0.7, 60), "de": noisy(0.7, 60, 1), "fr": noisy(0.1, 19, 2)})
    assert [row.group for row in gap.groups if not row.enough] == ["fr"]
    assert row_of(gap, "fr").deficit is None
    assert row_of(gap, "fr").estimate.n == 19
    assert row_of(gap, "fr").needed == 20
    assert gap.comparisons == 2
    assert gap.difference is not None
    assert gap.difference < 0.1
    few = gap_of({"en": noisy(0.7, 63), "de": noisy(0.7, 63, 1)}, per_document=7)
    assert [(row.n_clusters, row.enough) for row in few.groups] == [(9, False)] * 2


def test_one_group_has_no_rest() -> None:
    """A single group has nobody to be compared with."""
    gap = gap_of({"en": noisy(0.7, 60)})
    assert [(row.enough, row.deficit) for row in gap.groups] == [(True, None)]
    assert (gap.difference, gap.ratio) == (None, None)


def test_groups_without_scores() -> None:
    """A group all of whose cases are lost is listed last, without a value."""
    gap = gap_of({"en": noisy(0.7, 30), "de": ["timeout"] * 30})
    assert [(row.group, row.estimate.value, row.enough) for row in gap.groups] == [
        ("en", pytest.approx(0.7, abs=0.05), True),
        ("de", None, False),
    ]
    assert [row.deficit for row in gap.groups] == [None, None]
    assert gap.overall.n_unscored == 30


def test_perfect_groups_keep_a_doubt() -> None:
    """Twenty cases without a fault do not prove that a group is as good: 3 / 20 stays open."""
    gap = gap_of({"en": [1.0] * 200, "de": [1.0] * 20})
    found = row_of(gap, "de").interval
    assert found is not None
    assert found.low == 0.0
    assert found.high == pytest.approx(0.15)


def test_lost_scores_widen_both_ends() -> None:
    """Lost scores of a group or of the rest widen the interval; an unbounded metric then has none."""
    whole = gap_of({"en": noisy(0.7, 60), "de": noisy(0.6, 60, 1)})
    for lost in (
        {"en": [*noisy(0.7, 60)[:-3], *["timeout"] * 3]},
        {"de": [*noisy(0.6, 60, 1)[:-3], None, None, None]},
    ):
        gap = gap_of({"en": noisy(0.7, 60), "de": noisy(0.6, 60, 1), **lost})
        ours, full = row_of(gap, "de").interval, row_of(whole, "de").interval
        assert ours is not None
        assert full is not None
        assert ours.low < full.low < full.high < ours.high
    unbounded = gap_of({"en": [*noisy(0.7, 60), "timeout"], "de": noisy(0.6, 60, 1)}, SECONDS)
    assert [row.enough for row in unbounded.groups] == [True, True]
    assert [row.interval for row in unbounded.groups] == [None, None]


def test_too_few_others_judge_nobody() -> None:
    """Five perfect cases are no standard for a hundred; small groups are one together."""
    gap = gap_of({"en": [float(i % 2) for i in range(100)], "de": [1.0] * 5})
    assert [(row.group, row.enough, row.deficit) for row in gap.groups] == [
        ("en", True, None),
        ("de", False, None),
    ]
    many = gap_of({"en": noisy(0.5, 100), **{f"small{i}": noisy(0.7, 5, i) for i in range(4)}})
    assert row_of(many, "en").deficit == pytest.approx(0.2, abs=0.03)


def test_an_interval_keeps_to_what_is_possible() -> None:
    """However many scores are lost, a deficit is no larger than the range."""
    gap = gap_of({"en": [*[1.0] * 30, *["timeout"] * 70], "de": [*[1.0] * 30, *["timeout"] * 70]})
    assert [(row.interval.low, row.interval.high) for row in gap.groups if row.interval] == [(-1, 1)] * 2


def test_a_case_in_two_groups_counts_in_both() -> None:
    """Groups may overlap; the rest of a group is every case outside it, once."""
    cases = cases_of(60)
    groups = {"a": list(cases[:40]), "b": list(cases[20:])}
    table = table_of(cases, noisy(0.7, 60))
    gap = gap_between_groups("m", "tags", table, groups, HIGHER, 20)
    assert gap.overall.n == 60
    values = [table[case.id].value or 0 for case in cases]
    assert row_of(gap, "a").deficit == pytest.approx(np.mean(values[40:]) - np.mean(values[:40]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=True), st.sampled_from([(0.0,), (1.0,), (0.0, 1.0)]), st.integers(1, 30))
def test_interval_holds_for_every_completion(rng: random.Random, ends: tuple[float, ...], lost: int) -> None:
    """With scores lost, the interval holds the interval that values in their place would give."""
    whole: dict[str, list[Cell]] = {
        name: [rng.choice([rng.random(), 1.0]) for _ in range(n)] for name, n in {"en": 80, "de": 50}.items()
    }
    partial = {name: list(row) for name, row in whole.items()}
    for name, row in whole.items():
        for i in rng.sample(range(50), lost // 2 if name == "en" else lost):
            partial[name][i] = rng.choice(["timeout", None])
            row[i] = rng.choice(ends)
    ours, full = row_of(gap_of(partial, per_document=2), "de"), row_of(gap_of(whole, per_document=2), "de")
    if not ours.enough:
        return
    assert ours.interval is not None
    assert full.interval is not None
    assert ours.interval.low <= full.interval.low + 1e-12
    assert full.interval.high <= ours.interval.high + 1e-12
