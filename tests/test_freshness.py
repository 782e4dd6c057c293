"""Does a baseline still hold? The sample, the size and power of the test, and what missing scores do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy import stats
from world import Cell, cases_of, recorded_of, scores_of, suite_of

from harness.comparison import RunScores
from harness.freshness import (
    Compared,
    Freshness,
    drops_compared,
    fresh_cases,
    fresh_notices,
    judge_fresh,
    withhold,
)
from harness.numbers import number
from harness.pooling import pool
from harness.types import Case, Gate, MetricIdentity, Verdict

Cells = Mapping[str, Sequence[Cell]]
DROPS = tuple(Gate(name, metric=name, max_drop=0.05) for name in ("quality", "flaws"))
SUITE = suite_of(*DROPS, metrics=("quality", "flaws"))


def judged(cases: Sequence[Case], baseline: Sequence[Cells], fresh: Cells, suite: Any = SUITE) -> Freshness:
    """What a fresh sample of all cases says."""
    runs = [scores_of(cases, cells, f"b{number}") for number, cells in enumerate(baseline)]
    return judge_fresh(recorded_of(cases, fresh, "fresh"), pool(runs), suite)


def draw(rng: np.random.Generator, means: np.ndarray[Any, Any], shift: float = 0.0) -> Cells:
    """One run: pass or fail by each case's own probability, and a graded score around it."""
    truth = np.clip(means + shift, 0, 1)
    passed = (rng.random(len(truth)) < truth).astype(float)
    graded = np.clip(truth + rng.normal(0, 0.09, len(truth)), 0, 1)
    return {"quality": graded.tolist(), "flaws": (1 - passed).tolist()}


def simulate(times: int, shift: float, seed: int, n_runs: int = 5) -> list[Freshness]:
    """Samples of 100 cases, four to a document, of a system that moved by so much since its runs."""
    rng, cases, found = np.random.default_rng(seed), cases_of(100, 4), []
    for _ in range(times):
        means = np.clip(rng.beta(2.5, 0.5, 100) + np.repeat(rng.normal(0, 0.05, 25), 4), 0, 1)
        runs = [draw(rng, means) for _ in range(n_runs)]
        found.append(judged(cases, runs, draw(rng, means, shift)))
    return found


@pytest.mark.parametrize(("n_runs", "seed"), [(1, 1), (5, 2)])
def test_nothing_moved_is_told_to_have_moved_in_one_percent_at_most(n_runs: int, seed: int) -> None:
    """Of 400 samples 4 are expected at most; 10 or more would be seen in 1 % of such tests."""
    found = simulate(400, 0.0, seed, n_runs)
    assert sum(one.state == "moved" for one in found) < 10
    assert all(one.state in ("moved", "holds") for one in found)


@pytest.mark.parametrize(("shift", "least"), [(-0.05, 0.85), (0.05, 0.5)])
def test_a_shock_of_five_points_is_found_in_both_directions(shift: float, least: float) -> None:
    """With the sign it has; upwards the scores have less room, so that less of it arrives."""
    found = simulate(100, shift, 3)
    moved = [one.moves[0] for one in found if one.moves[0].state == "moved"]
    assert len(moved) >= least * len(found)
    assert all((move.comparison.change or 0) * shift > 0 for move in moved)


def test_the_interval_says_what_the_test_says() -> None:
    """Zero is left out exactly where the metric moved: one level for both, for all metrics together."""
    moves = [move for one in simulate(60, -0.03, 4) for move in one.moves]
    assert {move.state for move in moves} == {"moved", "holds"}
    for move in moves:
        interval = move.comparison.interval
        assert interval is not None
        assert (not interval.low <= 0 <= interval.high) == (move.state == "moved")
        assert ((move.comparison.p_adjusted or 0) <= 0.01) == (move.state == "moved")


def test_the_p_value_is_that_of_scipy() -> None:
    """One case a document and one run: the paired t test, twice its p-value for two metrics."""
    rng, cases = np.random.default_rng(5), cases_of(60)
    before, after = rng.random(60), rng.random(60)
    zeros = [0.0] * 60
    found = judged(
        cases,
        [{"quality": before.tolist(), "flaws": zeros}],
        {"quality": after.tolist(), "flaws": zeros},
    )
    expected = stats.ttest_rel(after, before)
    quality, flaws = found.moves
    assert quality.comparison.p_adjusted == pytest.approx(min(1, 2 * expected.pvalue))
    assert quality.comparison.change == pytest.approx((after - before).mean())
    low, high = expected.confidence_interval(0.995)
    assert quality.comparison.interval is not None
    assert (quality.comparison.interval.low, quality.comparison.interval.high) == pytest.approx((low, high))
    assert flaws.comparison.p_adjusted == 1.0


def test_a_system_that_answers_the_same_holds() -> None:
    """No difference at all is no move; the notice says what would have been seen."""
    cells: Cells = {"quality": [0.5, 1.0] * 30, "flaws": [0.0] * 60}
    found = judged(cases_of(60, 3), [cells] * 2, cells)
    assert found.state == "holds"
    assert "60 of the baseline's cases asked again" in fresh_notices(found, "")[0]
    sees = number(found.moves[0].comparison.detectable)
    assert f"80 % of moves are seen from quality {sees}, flaws {sees}" in fresh_notices(found, "")[0]


def test_lower_is_better_turns_the_harm_and_not_the_change() -> None:
    """More flaws are a change upwards."""
    rng = np.random.default_rng(6)
    few, many = (rng.random(80) < 0.1).astype(float), (rng.random(80) < 0.6).astype(float)
    quality = [1.0] * 80
    found = judged(
        cases_of(80, 2),
        [{"quality": quality, "flaws": few.tolist()}],
        {"quality": quality, "flaws": many.tolist()},
    )
    assert [move.state for move in found.moves] == ["holds", "moved"]
    change = found.moves[1].comparison.change
    assert change is not None
    assert change > 0.3
    assert found.state == "moved"
    assert "flaws +0." in "; ".join(found.reasons)
    assert "quality" not in "; ".join(found.reasons)


LOST = st.lists(
    st.tuples(st.integers(0, 59), st.booleans(), st.sampled_from(["system_error", "timeout", "judge_error"])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-1, 1]), st.floats(1.0001, 1.1), LOST)
def test_no_loss_of_scores_makes_a_baseline_hold(seed: int, sign: int, beyond: float, lost: Any) -> None:
    """A move that is just beyond doubt: whatever is lost, in the sample or in the runs, it never holds."""
    rng, cases = np.random.default_rng(seed), cases_of(60, 3)
    before, noise = rng.uniform(0.45, 0.55, 60), rng.normal(0, 0.03, 60)
    sums = (noise - noise.mean()).reshape(20, 3).sum(axis=1)
    error = np.sqrt(20 / 19 * (sums**2).sum()) / 60
    least = stats.t.ppf(1 - 0.01 / 4, 19) * error
    after = before + noise - noise.mean() + sign * beyond * least
    zeros: list[Cell] = [0.0] * 60
    runs: list[dict[str, list[Cell]]] = [{"quality": [*before], "flaws": zeros} for _ in range(2)]
    fresh: dict[str, list[Cell]] = {"quality": [*after], "flaws": zeros}
    assert judged(cases, runs, fresh).state == "moved"
    for place, in_baseline, status in lost:
        (runs[0] if in_baseline else fresh)["quality"][place] = status
    assert judged(cases, runs, fresh).state != "holds"


def test_what_could_hide_a_move_is_computed_not_guessed() -> None:
    """A few lost scores leave a baseline that is far from moving to hold, and a near one undecided."""
    rng, cases = np.random.default_rng(7), cases_of(100, 2)
    before = rng.uniform(0.4, 0.6, 100)
    noise = rng.normal(0, 0.1, 100)
    for shift, state in ((0.0, "holds"), (0.025, "undecided")):
        after: list[Cell] = [*(before - shift + noise - noise.mean())]
        after[:3] = ["timeout"] * 3
        found = judged(
            cases,
            [{"quality": before.tolist(), "flaws": [0.0] * 100}],
            {"quality": after, "flaws": [0.0] * 100},
        )
        assert (found.moves[0].state, found.state) == (state, state)
    assert found.moves[0].reason == "could have moved: 3 of 100 cases are unscored"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["system_error"] * 6 + [1.0] * 54, "could not be paired in 6 of 60 cases (at most 5 %)"),
        ([None] * 6 + [1.0] * 54, "could not be paired in 6 of 60 cases (at most 5 %)"),
        (["judge_error"] * 2 + [1.0] * 58, "has no score from its judge in 2 of 60 cases (at most 2 %)"),
        (["timeout"] * 60, "has 0 pairs from 0 documents, too few to say (need 20 from 10)"),
    ],
)
def test_too_much_missing_leaves_it_undecided(cells: list[Cell], said: str) -> None:
    """By the limits that gates on a drop have; the reason says what is missing."""
    same: Cells = {"quality": [1.0] * 60, "flaws": [0.0] * 60}
    found = judged(cases_of(60), [same], {**same, "quality": cells})
    assert (found.state, "; ".join(found.reasons)) == ("undecided", f"quality {said}")


def test_times_are_compared_as_ratios() -> None:
    """A latency that doubled moved by 100 %; one answer without a time leaves it undecided."""
    rng, cases = np.random.default_rng(8), cases_of(60)
    suite = suite_of(Gate("slow", metric="latency_s", max_ratio=1.1), metrics=("latency_s",))
    before = rng.lognormal(0, 0.4, 60)
    double = [*(before * 2 * rng.lognormal(0, 0.1, 60))]
    found = judged(cases, [{"latency_s": before.tolist()}], {"latency_s": double}, suite)
    assert found.state == "moved"
    assert found.moves[0].comparison.change == pytest.approx(1.0, abs=0.1)
    same: list[Cell] = ["timeout", *before[1:]]
    found = judged(cases, [{"latency_s": before.tolist()}], {"latency_s": same}, suite)
    assert (found.state, "; ".join(found.reasons)) == (
        "undecided",
        "latency_s could have moved: 1 of 60 cases are unscored",
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"system_fingerprint": "g", "config": {"system.top_k": 3}}, "system (system.top_k)"),
        ({"dataset_digest": "other"}, "goldens goldens and other"),
        ({"judges": {"quality": "another"}}, "judge of quality"),
        ({"metrics": {"quality": MetricIdentity(2, True, 0.0, 1.0)}}, "metric flaws"),
        ({"repeats": 2}, "repeats 1 and 2"),
    ],
)
def test_a_sample_of_something_else_says_nothing(fields: dict[str, Any], said: str) -> None:
    """Another system, other goldens, another judge or version: undecided, with what differs."""
    same: Cells = {"quality": [1.0] * 60, "flaws": [0.0] * 60}
    cases = cases_of(60)
    fresh = recorded_of(cases, same)
    found = judge_fresh(replace(fresh, run=replace(fresh.run, **fields)), scores_of(cases, same), SUITE)
    assert found.state == "undecided"
    assert said in "; ".join(found.reasons)
    assert judge_fresh(None, scores_of(cases, same), SUITE).state == "undecided"


def test_only_what_a_gate_could_be_decided_on_is_tested() -> None:
    """Gates on a drop from the baseline alone; a metric with 19 values, or from 9 documents, is left out."""
    cases = cases_of(60, 2)
    gates = (
        *DROPS,
        Gate("again", metric="quality", max_drop=0.1),
        Gate("release", metric="old", max_drop=0.1, against="anchor"),
        Gate("least", metric="least", min=0.5),
    )
    cells: dict[str, list[Cell]] = {name: [1.0] * 60 for name in ("quality", "old", "least")}
    cells["flaws"] = [0.0] * 19 + [None] * 41
    assert drops_compared(suite_of(*gates), scores_of(cases, cells), cases) == (
        Compared("quality", "difference"),
    )
    cells["flaws"] = [0.0] * 20 + [None] * 40
    assert len(drops_compared(suite_of(*gates), scores_of(cases, cells), cases)) == 2


def sampled(cases: Sequence[Case], baseline: RunScores, share: float, seed: int = 0) -> list[str]:
    return [case.id for case in fresh_cases(cases, baseline, ["quality"], share, seed)]


def test_the_sample_is_of_whole_documents_and_the_same_for_the_same_seed() -> None:
    """As many cases as the share says; the order of the goldens changes nothing."""
    cases = cases_of(400, 4)
    baseline = scores_of(cases, {"quality": [1.0] * 400})
    drawn = sampled(cases, baseline, 0.2)
    assert len(drawn) == 80
    chosen = {case.document_id for case in cases if case.id in drawn}
    assert drawn == [case.id for case in cases if case.document_id in chosen]
    assert sorted(drawn) == sorted(sampled(cases[::-1], baseline, 0.2))
    assert drawn != sampled(cases, baseline, 0.2, seed=1)
    assert set(drawn) < set(sampled(cases, baseline, 0.4))


def test_a_sample_that_would_say_too_little_grows() -> None:
    """To 50 cases from 15 documents, and until a metric that rarely applies has 25 values from 13."""
    cases = cases_of(400, 4)
    baseline = scores_of(cases, {"quality": [1.0] * 400})
    assert len(sampled(cases, baseline, 0.01)) == 60
    rare = scores_of(cases, {"quality": [1.0 if i % 8 == 0 else None for i in range(400)]})
    drawn = sampled(cases, rare, 0.01)
    assert sum(int(name[1:]) % 8 == 0 for name in drawn) == 25
    assert len(sampled(cases_of(30), baseline, 0.2)) == 30


def test_the_order_of_cases_changes_no_bit() -> None:
    """Neither in the sample nor in the baseline."""
    rng, cases = np.random.default_rng(9), cases_of(60, 3)
    means = rng.beta(2.5, 0.5, 60)
    runs, fresh = [draw(rng, means) for _ in range(2)], draw(rng, means, -0.05)
    turned = [{name: row[::-1] for name, row in run.items()} for run in (*runs, fresh)]
    assert judged(cases, runs, fresh) == judged(cases[::-1], turned[:2], turned[2])


def test_drops_are_left_undecided_unless_the_baseline_holds() -> None:
    """Guards hold back then, and a drop from the anchor too; what other gates say stands."""
    gates = (
        Gate("drop", metric="quality", max_drop=0.1),
        Gate("release", metric="quality", max_drop=0.1, against="anchor"),
        Gate("least", metric="quality", min=0.5),
    )
    verdicts = (
        Verdict("drop", "", "pass", "fine", role="guard", holds=False),
        Verdict("release", "", "fail", "fell"),
        Verdict("least", "", "fail", "low"),
    )
    holds = Freshness("holds", 60, 20)
    assert withhold(verdicts, holds, suite_of(*gates)) == verdicts
    for state in ("moved", "undecided"):
        found = withhold(verdicts, replace(holds, state=state), suite_of(*gates))
        assert [(one.outcome, one.holds) for one in found[:2]] == [("inconclusive", True)] * 2
        assert found[2] == verdicts[2]


def test_a_sample_is_judged_on_its_own_cases() -> None:
    """Cases that the baseline ran and the sample did not are no part of the comparison."""
    cases = cases_of(120, 2)
    values = [float(i % 2) for i in range(120)]
    baseline = scores_of(cases, {"quality": values, "flaws": values})
    fresh = recorded_of(cases[:60], {"quality": values[:60], "flaws": values[:60]})
    found = judge_fresh(fresh, baseline, SUITE)
    assert (found.state, found.cases, found.documents) == ("holds", 60, 30)
    assert [move.comparison.n_pairs for move in found.moves] == [60, 60]
