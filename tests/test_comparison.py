"""Two tables to a Comparison: identities, directions, ties, and what missing scores may mean."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from world import HIGHER, LOWER, SECONDS, Cell, cases_of, run_of, table_of

from harness.comparison import (
    CaseValue,
    check_comparable,
    differing_metrics,
    estimate,
    fold,
    hardest_first,
)
from harness.errors import NotComparable
from harness.limits import harm_limit
from harness.measurement import compare
from harness.pairing import pair
from harness.types import Comparison, MetricIdentity, Response, Result, Score, Slice

quick = settings(max_examples=60, deadline=None, derandomize=True)


def compared(
    before: Sequence[Cell], after: Sequence[Cell], metric: MetricIdentity = HIGHER, per_document: int = 1
) -> Comparison:
    cases = cases_of(len(before), per_document)
    tables = table_of(cases, before), table_of(cases, after)
    return compare("m", tables, cases, Slice(), metric, 0.01)


def uniform(seed: int, n: int = 60) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).random(n)]


# -- identities --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [HIGHER, LOWER, SECONDS], ids=["higher", "lower", "unbounded"])
def test_a_run_compared_with_itself_is_zero(metric: MetricIdentity) -> None:
    """compare(a, a): no change, no harm, p one half, all the same, and no minus zero."""
    found = compared(uniform(1), uniform(1), metric)
    assert (found.change, found.harm, found.p_worse) == (0.0, 0.0, 0.5)
    assert (found.worse, found.better, found.same, found.n_pairs) == (0, 0, 60, 60)
    assert found.interval is not None
    assert [math.copysign(1, end) for end in (found.interval.low, found.interval.high)] == [1, 1]
    assert found.harm_limit == (0.0 if metric is SECONDS else pytest.approx(3 / 60))


def test_the_test_is_the_paired_t_test() -> None:
    """Unclustered: change, interval and p-value are those of scipy's ttest_rel."""
    before, after = uniform(2), uniform(3)
    found = compared(before, after)
    known = scipy.stats.ttest_rel(after, before)
    ends = known.confidence_interval(0.95)
    assert found.change == pytest.approx(np.mean(after) - np.mean(before), abs=1e-12)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(ends), abs=1e-12)
    less = scipy.stats.ttest_rel(after, before, alternative="less")
    assert found.p_worse == pytest.approx(less.pvalue, rel=1e-12)


def test_swapping_the_runs_turns_the_signs() -> None:
    """compare(a, b) and compare(b, a) have opposite changes and p-values that add up to one."""
    one, other = compared(uniform(2), uniform(3)), compared(uniform(3), uniform(2))
    assert one.change == pytest.approx(-(other.change or 0))
    assert (one.p_worse or 0) + (other.p_worse or 0) == pytest.approx(1.0)
    assert (one.worse, one.better) == (other.better, other.worse)


@pytest.mark.parametrize(("metric", "worse"), [(HIGHER, -0.1), (LOWER, 0.1), (SECONDS, 0.1)])
def test_direction(metric: MetricIdentity, worse: float) -> None:
    """Harm is positive and p small where the candidate is worse, whichever way the metric points."""
    rng = np.random.default_rng(4)
    before = 0.3 + 0.4 * rng.random(60)
    after = before + worse + rng.normal(0, 0.02, 60)
    found = compared(before.tolist(), after.tolist(), metric)
    assert found.harm == pytest.approx(0.1, abs=0.02)
    assert found.change == pytest.approx(worse, abs=0.02)
    assert (found.p_worse or 1) < 1e-6
    assert (found.harm_limit or 0) > (found.harm or 0)
    assert found.worse == 60
    turned = compared(after.tolist(), before.tolist(), metric)
    assert (turned.p_worse or 0) > 1 - 1e-6


def test_slices_partition() -> None:
    """Pairs, wins and summed harms of the slices of one attribute add up to those of all cases."""
    cases = cases_of(90, 3, lambda i: ("en", "de", "fr")[i // 3 % 3])
    tables = table_of(cases, uniform(5, 90)), table_of(cases, uniform(6, 90))
    whole = compare("m", tables, cases, Slice(), HIGHER, 0.01)
    parts = [
        compare("m", tables, [c for c in cases if c.groups["language"] == name], Slice(), HIGHER, 0.01)
        for name in ("en", "de", "fr")
    ]
    for count in ("n_pairs", "worse", "better", "same", "n_clusters"):
        assert getattr(whole, count) == sum(getattr(part, count) for part in parts)
    assert whole.harm == pytest.approx(sum((part.harm or 0) * part.n_pairs for part in parts) / 90)


def test_rounding_is_a_tie() -> None:
    """Sums in another order are the same answer: noise in the last bits is no drop, however regular."""
    before: list[Cell] = [0.1 + 0.2] * 60
    after: list[Cell] = [0.3] * 60
    found = compared(before, after)
    assert (found.harm, found.p_worse, found.same) == (0.0, 0.5, 60)


@quick
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=40), st.floats(0, 0.5))
def test_more_harm_is_never_less_significant(rows: list[tuple[float, float]], extra: float) -> None:
    """When every case gets worse by the same amount, the p-value does not rise nor the limit fall."""
    before: list[Cell] = [row[0] + 1 for row in rows]
    after: list[Cell] = [row[1] + 1 for row in rows]
    worse: list[Cell] = [row[1] + 1 - extra for row in rows]
    metric = replace(HIGHER, high=2.0)
    first, second = compared(before, after, metric, 2), compared(before, worse, metric, 2)
    assert (second.p_worse or 0.0) <= (first.p_worse or 0.0) + 1e-9
    if first.harm_limit is not None and second.harm_limit is not None:
        assert second.harm_limit >= first.harm_limit - 1e-9


# -- pairs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "harms", "worst", "unpaired"),
    [
        (0.75, 0.5, [0.25], [], 0),
        (0.75, "timeout", [], [0.75], 0),
        ("judge_error", 0.5, [], [0.5], 0),
        (None, "system_error", [], [1.0], 0),
        (0.75, None, [], [0.75], 0),
        (0.75, "not_applicable", [], [], 1),
        ("not_applicable", 0.5, [], [], 0),
        ("not_applicable", "timeout", [], [], 1),
        (None, "not_applicable", [], [], 1),
        ("not_applicable", "not_applicable", [], [], 0),
    ],
)
def test_every_pair_is_accounted_for(
    before: Cell, after: Cell, harms: list[float], worst: list[float], unpaired: int
) -> None:
    """A pair is known, or at its worst, or unpaired; left out where the baseline has nothing to lose."""
    cases = cases_of(1)
    found = pair(table_of(cases, [before]), table_of(cases, [after]), cases, HIGHER)
    assert (found.harms, found.worst, found.unpaired) == (harms, worst, unpaired)


def test_a_case_with_a_value_now_only_is_gained() -> None:
    """It could not have fallen from anything: counted, and no reason to leave a gate undecided."""
    cases = cases_of(3)
    before: list[Cell] = [1.0, "not_applicable", "not_applicable"]
    found = pair(table_of(cases, before), table_of(cases, [1.0, 0.5, "timeout"]), cases, HIGHER)
    assert (found.harms, found.gained, found.unpaired) == ([0.0], 1, 1)


def test_worst_harm_follows_the_direction() -> None:
    """Where lower is better, a lost candidate counts as the upper end, a lost baseline as the lower."""
    cases = cases_of(2)
    found = pair(table_of(cases, [0.25, None]), table_of(cases, ["timeout", 0.25]), cases, LOWER)
    assert (found.worst, found.widths) == ([0.75, 0.25], [1.0, 1.0])


def test_width_is_what_is_possible() -> None:
    """One side lost leaves the range open, both sides lost twice the range: from best to worst and back."""
    cases = cases_of(3)
    found = pair(
        table_of(cases, [0.5, "timeout", None]), table_of(cases, ["timeout", 0.5, "timeout"]), cases, HIGHER
    )
    assert found.widths == [1.0, 1.0, 2.0]


def test_without_an_upper_end_a_lost_score_has_no_limit() -> None:
    """One lost latency leaves the harm unbounded, which is None and never infinity."""
    found = compared([1.0] * 60, [1.0] * 59 + ["timeout"], SECONDS)
    assert found.harm_limit is None
    assert (found.n_pairs, found.n_unpaired, found.harm) == (59, 1, 0.0)


def test_nothing_to_compare() -> None:
    """Without a pair every number is None and the counts say why."""
    found = compared([0.5, None, "not_applicable"], ["timeout", 0.5, "not_applicable"])
    assert (found.n_pairs, found.n_unpaired) == (0, 2)
    assert (found.change, found.harm, found.p_worse, found.harm_limit, found.interval) == (None,) * 5
    assert (found.baseline.n, found.baseline.n_unscored) == (1, 1)


def test_one_document_decides_nothing() -> None:
    """All pairs from one document: a change is shown, but no interval, no limit, and p is one."""
    found = compared([0.9, 0.8, 0.7], [0.1, 0.2, 0.3], per_document=3)
    assert found.change == pytest.approx(-0.6)
    assert (found.interval, found.harm_limit, found.detectable, found.p_worse) == (None, None, None, 1.0)


@pytest.mark.parametrize(("n", "limit"), [(59, 3 / 59), (60, 0.05), (300, 0.01)])
def test_rule_of_three(n: int, limit: float) -> None:
    """So many pairs without a change leave a harm of 3 / n open, and no smaller one can be detected."""
    found = compared([1.0] * n, [1.0] * n)
    assert found.harm_limit == pytest.approx(limit)
    assert found.detectable is not None
    assert limit * (1 - 1e-12) <= found.detectable < 1.1 * limit


@st.composite
def incomplete(draw: st.DrawFn) -> tuple[list[Cell], list[Cell], list[tuple[float, float]], int, bool]:
    """Two rows with some scores lost, and a completion of them: random, extreme, or each at its end."""
    n = draw(st.integers(4, 40))
    rng: random.Random = draw(st.randoms(use_true_random=True))
    ends = draw(st.sampled_from([(0.0, 1.0), (0.0,), (1.0,), ()]))

    def value() -> float:
        return rng.choice(ends) if ends else rng.random()

    rows: tuple[list[Cell], list[Cell]] = (
        [rng.choice([rng.random(), 1.0]) for _ in range(n)],
        [rng.choice([rng.random(), 1.0]) for _ in range(n)],
    )
    whole = [(float(a or 0), float(b or 0)) for a, b in zip(*rows, strict=True)]
    for i in rng.sample(range(n), draw(st.integers(1, n))):
        lost = rng.choice([(0,), (1,), (0, 1)])
        for side in lost:
            rows[side][i] = rng.choice(["timeout", "judge_error", None])
        whole[i] = (value() if 0 in lost else whole[i][0], value() if 1 in lost else whole[i][1])
    return rows[0], rows[1], whole, draw(st.integers(1, 4)), draw(st.booleans())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(incomplete())
def test_limit_holds_for_every_completion(
    found: tuple[list[Cell], list[Cell], list[tuple[float, float]], int, bool],
) -> None:
    """The limit with scores lost is at least the limit that any values in their place would give."""
    before, after, whole, per_document, higher = found
    metric = HIGHER if higher else LOWER
    cases = cases_of(len(before), per_document)
    partial = harm_limit(pair(table_of(cases, before), table_of(cases, after), cases, metric))
    tables = table_of(cases, [row[0] for row in whole]), table_of(cases, [row[1] for row in whole])
    assert partial >= harm_limit(pair(*tables, cases, metric)) - 1e-12


# -- one run -----------------------------------------------------------------------------------------------


def results(*scores: tuple[str, int, Score | None]) -> list[Result]:
    return [
        Result(case_id, repeat, Response(output="x"), {} if score is None else {"m": score})
        for case_id, repeat, score in scores
    ]


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ([Score(1.0), Score(0.0)], CaseValue(0.5, "scored")),
        ([Score(1.0), Score(status="timeout")], CaseValue(None, "timeout")),
        ([Score(1.0), Score(status="not_applicable")], CaseValue(1.0, "scored")),
        ([Score(status="not_applicable")] * 2, CaseValue(None, "not_applicable")),
        ([Score(status="not_applicable"), Score(status="judge_error")], CaseValue(None, "judge_error")),
        ([Score(1.0), None], CaseValue(None, "system_error")),
        ([Score(1.0)], CaseValue(None, "system_error")),
    ],
    ids=["mean", "error", "n/a left out", "n/a", "n/a and error", "not scored", "repeat missing"],
)
def test_repeats_are_averaged_within_the_case(scores: list[Score | None], found: CaseValue) -> None:
    """The case is the unit: two repeats give one value, and one lost repeat loses the case."""
    rows = results(*(("c", repeat, score) for repeat, score in enumerate(scores)))
    assert fold(rows, ["m"], 2) == {"m": {"c": found}}


def test_estimate_counts_what_is_missing() -> None:
    """Statuses that should have had a value are counted, and so are cases without any result."""
    cases = cases_of(6)
    row: list[Cell] = [1.0, 0.5, "timeout", "judge_error", None, "not_applicable"]
    found = estimate(table_of(cases, row), cases, HIGHER)
    assert (found.value, found.n, found.n_unscored) == (0.75, 2, 3)
    assert found.interval is not None


def test_empty_estimate_is_none() -> None:
    """A mean of nothing is None, not 0."""
    cases = cases_of(2)
    found = estimate(table_of(cases, ["timeout", "not_applicable"]), cases, HIGHER)
    assert (found.value, found.n, found.n_unscored, found.interval) == (None, 0, 1, None)


def test_unbounded_mean_of_one_document_has_no_interval() -> None:
    """One document of latencies: a mean, and no interval that would look like knowledge."""
    cases = cases_of(3, 3)
    found = estimate(table_of(cases, [1.0, 2.0, 3.0]), cases, SECONDS)
    assert (found.value, found.interval) == (2.0, None)


# -- what may be compared ----------------------------------------------------------------------------------


def test_same_goldens_and_metrics_are_comparable() -> None:
    """Two runs of the same goldens and metrics are compared without a word."""
    assert check_comparable(run_of("a", ["m"]), run_of("b", ["m"]), intersect=False) == ()


def test_other_goldens_need_intersect() -> None:
    """Changed goldens are refused, or compared where they are the same, with a notice."""
    before, after = run_of("a", ["m"]), run_of("b", ["m"], dataset_digest="other")
    with pytest.raises(NotComparable, match="goldens of baseline 'a' and run 'b' differ"):
        check_comparable(before, after, intersect=False)
    (notice,) = check_comparable(before, after, intersect=True)
    assert "only cases that are the same" in notice


def test_another_corpus_is_said() -> None:
    """Another corpus is a notice: that may be the change under test."""
    (notice,) = check_comparable(run_of("a", ["m"]), run_of("b", ["m"], corpus_digest="new"), intersect=False)
    assert notice == "the corpus changed between baseline and candidate"


def test_another_version_or_judge_is_another_metric() -> None:
    """Another version, range or judge: the metric is named, not compared; without a common one, refused."""
    before = run_of("a", ["m", "judged", "same"], judges={"judged": "1"})
    after = run_of("b", ["m", "judged", "same"], judges={"judged": "2"})
    after = replace(after, metrics={**after.metrics, "m": replace(HIGHER, version=2)})
    assert differing_metrics(before, after) == ("judged", "m")
    notices = check_comparable(before, after, intersect=False)
    assert [notice.split()[0] for notice in notices] == ["'judged'", "'m'"]
    with pytest.raises(NotComparable, match="no metric of the same version"):
        check_comparable(
            run_of("a", ["m"]), replace(after, metrics={"m": after.metrics["m"]}), intersect=False
        )


def test_hardest_first() -> None:
    """The surest harm comes first, then the largest, then names; what has no p-value comes last."""
    base = compared(uniform(1), uniform(1))
    rows = [
        replace(base, metric="none", p_worse=None, harm=None),
        replace(base, metric="small", p_worse=0.01, harm=0.1),
        replace(base, metric="large", p_worse=0.01, harm=0.2),
        replace(base, metric="sure", p_worse=0.001, harm=0.05),
    ]
    assert [row.metric for row in sorted(rows, key=hardest_first)] == ["sure", "large", "small", "none"]
