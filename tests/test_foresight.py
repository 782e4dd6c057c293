"""What a gate could see, foreseen from the baseline's runs, held against what it does see."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from world import HIGHER, SECONDS, cases_of, scores_of, suite_of

from harness.comparison import RunScores
from harness.foresight import GateForecast, Noise, Wish, foresee_gate, noise_of, share_asked, spent_on
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.gates.family import find_drops
from harness.pooling import pool
from harness.types import Gate, Response, ResponseError, Result, Timings, Usage

DROP = Gate(id="drop", metric="quality", max_drop=0.05)
NOTHING = Noise((), 1, 5)


def runs_of(n: int, k: int, seed: int = 0, flips: float = 0.05) -> list[RunScores]:
    """Runs of one system, pass or fail, two cases to a document; each flips so many of its cases."""
    rng = np.random.default_rng(seed)
    cases = cases_of(n, per_document=2)
    truth = rng.random(n) < 0.8
    found = []
    for index in range(k):
        values = np.where(rng.random(n) < flips, ~truth, truth).astype(float).tolist()
        found.append(scores_of(cases, {"quality": values}, f"r{index}"))
    return found


def foreseen(
    runs: Sequence[RunScores], gate: Gate = DROP, repeats: int = 1, drop: float | None = None
) -> GateForecast:
    suite = suite_of(gate)
    baseline = pool(list(runs)) if runs else None
    cases = runs[0].cases if runs else cases_of(400, per_document=2)
    return foresee_gate(gate, suite, cases, HIGHER, noise_of(baseline, suite), Wish(repeats, drop))


def test_what_is_foreseen_is_what_the_gate_reports() -> None:
    """Over many candidates the mean detectable drop is the one foreseen."""
    suite, said, planned = suite_of(DROP), [], []
    for seed in range(30):
        *before, after = runs_of(400, 6, seed)
        baseline = pool(before)
        test = find_drops(Evidence(suite, after, baseline)).tests["drop"][0]
        forecast = foreseen(before).tests[0]
        assert forecast.basis == "measured"
        if test.shift.variance == 0:
            said.append(test.comparison.detectable)
            planned.append(forecast.detectable)
    assert len(said) > 20
    assert np.mean(planned) == pytest.approx(np.mean(said), rel=0.03)


@pytest.mark.slow
def test_as_many_cases_as_it_says_pass_with_80_percent() -> None:
    """Held against the gate itself, where nothing changed; what moves whole runs is left out of it."""
    suite = suite_of(DROP)
    needed = [foreseen(runs_of(400, 5, seed)).tests[0].for_margin for seed in range(20)]
    cases = 2 * round(float(np.median([count for count in needed if count is not None])) / 2)
    passed = []
    for seed in range(150):
        *before, after = runs_of(cases, 6, 1000 + seed)
        baseline = pool(before)._replace(runs=())
        passed.append(decide_all(Evidence(suite, after, baseline), {})[0].outcome == "pass")
    assert np.mean(passed) == pytest.approx(0.8, abs=3 * math.sqrt(0.16 / 150))


def test_repeats_and_runs_scale_the_error() -> None:
    """The candidate's part shrinks with its repeats, the baseline's with its runs."""
    runs = runs_of(400, 5, seed=3)
    once, twice = (foreseen(runs, repeats=repeats).tests[0].error for repeats in (1, 2))
    assert once is not None
    assert twice is not None
    assert once / twice == pytest.approx(math.sqrt((1 / 5 + 1) / (1 / 5 + 1 / 2)))


def test_one_run_or_none_is_assumed_and_says_so() -> None:
    """Pass or fail has SD 0.32 of the difference of two runs, graded 0.13."""
    one, none = foreseen(runs_of(400, 1)).tests[0], foreseen([]).tests[0]
    assert (one.basis, none.basis) == ("assumed", "assumed")
    assert one.error == pytest.approx(0.32 / math.sqrt(400))
    assert none.error == pytest.approx(0.32 * math.sqrt((1 / 5 + 1) / 2 / 400))  # five runs are expected
    graded = scores_of(cases_of(400), {"quality": [i % 7 / 7 for i in range(400)]})
    assert foreseen([graded]).tests[0].error == pytest.approx(0.13 / math.sqrt(400))


def test_what_is_not_known_is_none() -> None:
    """Nobody knows how noisy seconds are before they were measured twice."""
    slow = Gate(id="slow", metric="latency_s", max_ratio=1.1)
    test = foresee_gate(slow, suite_of(slow), cases_of(100), SECONDS, NOTHING, Wish(1, 0.1)).tests[0]
    assert (test.detectable, test.for_margin, test.for_drop, test.basis) == (None, None, None, "unknown")


def test_so_many_cases_do() -> None:
    """The number of cases that is named for a drop detects just that drop."""
    need = foreseen(runs_of(400, 1), drop=0.07).tests[0].for_drop
    assert need is not None
    assert foreseen(runs_of(need, 1)).tests[0].detectable == pytest.approx(0.07, rel=0.02)
    assert foreseen(runs_of(400, 1), DROP, drop=0.001).tests[0].for_drop > 3000  # type: ignore[operator]


def test_an_identical_system_still_sees_no_less_than_three_cases() -> None:
    """Without any noise three cases in n are the least that is promised."""
    run = runs_of(300, 1)[0]
    test = foreseen([run, run, run]).tests[0]
    assert (test.basis, test.error, test.detectable) == ("measured", 0.0, 3 / 300)


def test_new_cases_are_taken_to_be_like_the_old_ones() -> None:
    """The goldens doubled since the baseline: the error is that of all cases."""
    runs, suite = runs_of(300, 4), suite_of(DROP)
    cases = cases_of(600, per_document=2)
    more = foresee_gate(DROP, suite, cases, HIGHER, noise_of(pool(runs), suite), Wish(1)).tests[0]
    assert more.cases == 600
    assert more.error == pytest.approx(foreseen(runs).tests[0].error / math.sqrt(2))  # type: ignore[operator]


def test_a_gate_that_can_never_pass_says_why() -> None:
    """As `validate` does, with the number of cases that would do."""
    tight = Gate(id="drop", metric="quality", max_drop=0.005)
    assert "it needs 600 cases" in foreseen(runs_of(400, 1), tight).hopeless
    assert foreseen(runs_of(400, 1)).hopeless == ""


def test_slices_share_a_quarter() -> None:
    """Each language is a test of its own, with its own cases."""
    sliced = Gate(id="sliced", metric="quality", slice="language", max_drop=0.2)
    suite = suite_of(DROP, sliced)
    cases = cases_of(300, language=lambda i: ("de", "en", "fr")[i % 3])
    found = foresee_gate(sliced, suite, cases, HIGHER, NOTHING, Wish(1))
    assert [test.scope for test in found.tests] == ["language=de", "language=en", "language=fr"]
    assert {test.cases for test in found.tests} == {100}
    assert found.share == pytest.approx(0.01 * 0.25 / 3)


def test_share_asked_is_unknown_where_a_gate_is() -> None:
    """And everything is asked where nothing can pass early."""
    known = foreseen(runs_of(400, 5))
    suite, spans = suite_of(DROP), {"quality": 1.0}
    early = share_asked(suite, [known], spans, (0.4, 0.6, 0.8, 1.0))
    assert early is not None
    assert 0.4 < early < 0.9
    assert share_asked(suite, [foreseen(runs_of(60, 1))], spans, (0.4, 0.6, 0.8, 1.0)) == pytest.approx(
        1, abs=0.01
    )
    tight = Gate(id="drop", metric="quality", max_drop=0.005)
    hopeless = foreseen(runs_of(400, 5), tight)
    assert share_asked(suite_of(tight), [hopeless], spans, (0.4, 0.6, 0.8, 1.0)) == 1.0
    slow = Gate(id="slow", metric="latency_s", max_ratio=1.1)
    blind = foresee_gate(slow, suite_of(slow), cases_of(100), SECONDS, NOTHING, Wish(1))
    assert share_asked(suite_of(slow), [blind], {"latency_s": None}, (0.4, 1.0)) is None


def test_cost_and_time_leave_out_what_was_not_asked() -> None:
    """A reply from a cache costs nothing now, an error says nothing; what no answer says is None."""
    paid = Response("a", usage=Usage(cost_usd=0.02), timings=Timings(total_s=2.0))
    free = Response("a", usage=Usage(cost_usd=0.0), timings=Timings(total_s=0.0), cached=True)
    failed = Response(error=ResponseError("timeout", "late"), timings=Timings(total_s=60.0))
    silent = Response("a", timings=Timings(total_s=4.0))
    found = spent_on([Result(f"c{i}", 0, one) for i, one in enumerate((paid, free, failed, silent))])
    assert (found.asked, found.with_cost, found.cost_usd) == (2, 1, 0.02)
    assert (found.with_time, found.time_s) == (2, 3.0)
    nothing = spent_on([Result("c", 0, free)])
    assert (nothing.asked, nothing.cost_usd, nothing.time_s) == (0, None, None)
