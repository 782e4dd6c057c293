"""The gate rehearsed on a system's own runs tells what it does on new runs of that system."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from world import cases_of, scores_of, suite_of

from harness.comparison import RunScores
from harness.gates.evidence import Evidence
from harness.pooling import pool
from harness.rehearsal import Drop, hold_gate, leave_one_out, plantable, resample
from harness.types import Gate, RunSettings, Slice

DROP = Gate(id="drop", metric="quality", max_drop=0.05)
ONE_LOOK = RunSettings(looks=(1.0,))


def runs_of(rng: np.random.Generator, n: int, k: int, shock: float = 0.0) -> list[RunScores]:
    """Graded scores, two cases to a document; documents, cases and runs differ, and runs as a whole."""
    cases = cases_of(n, per_document=2)
    level = 0.5 + 0.1 * np.repeat(rng.standard_normal(n // 2), 2) + 0.1 * rng.standard_normal(n)
    found = []
    for index in range(k):
        drawn = level + 0.1 * np.repeat(rng.standard_normal(n // 2), 2) + 0.1 * rng.standard_normal(n)
        values = np.clip(drawn + shock * rng.standard_normal(), 0, 1)
        found.append(scores_of(cases, {"quality": values.tolist()}, f"r{index}"))
    return found


def test_nothing_changed_is_exactly_nothing_on_average() -> None:
    """Which run is the candidate is drawn in every document: the mean change is 0, whatever the runs are."""
    runs = runs_of(np.random.default_rng(1), 100, 3, shock=0.05)
    suite = suite_of(DROP, run=ONE_LOOK)
    changes = []
    for seed in range(300):
        comparison = resample(suite, runs, seed).verdicts[0].comparison
        assert comparison is not None
        changes.append(comparison.change)
    error = float(np.std(changes)) / math.sqrt(len(changes))
    assert abs(float(np.mean(changes))) < 3 * error


def test_the_error_is_that_of_new_runs() -> None:
    """The spread of rehearsed changes is the one between a new run and the mean of two others."""
    rng = np.random.default_rng(2)
    suite, fresh, again = suite_of(DROP, run=ONE_LOOK), [], []
    for index in range(60):
        runs = runs_of(rng, 100, 3)
        held = hold_gate(Evidence(suite, runs[0], pool(runs[1:])), [runs[0].cases])
        fresh.append(held.verdicts[0].comparison)
        again += [resample(suite, runs, 10 * index + seed).verdicts[0].comparison for seed in range(4)]
    spreads = [np.std([one.change for one in found if one is not None]) for found in (fresh, again)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.2)


def test_a_planted_drop_has_its_size() -> None:
    """On average, in a metric with ends by broken answers, without an upper end by a shift of all."""
    runs, suite = runs_of(np.random.default_rng(3), 200, 3), suite_of(DROP, run=ONE_LOOK)
    planted = [resample(suite, runs, seed, Drop(DROP, 0.08)).verdicts[0].change for seed in range(60)]
    whole = [resample(suite, runs, seed).verdicts[0].change for seed in range(60)]
    harms = [a - b for a, b in zip(whole, planted, strict=True) if a is not None and b is not None]
    assert float(np.mean(harms)) == pytest.approx(0.08, abs=0.002)

    slow = Gate(id="slow", metric="latency_s", max_ratio=1.1)
    cases = cases_of(60)
    seconds = [scores_of(cases, {"latency_s": [1.0 + i % 3 for i in range(60)]}, f"r{k}") for k in range(2)]
    held = resample(suite_of(slow, run=ONE_LOOK), seconds, 0, Drop(slow, 0.25))
    assert held.verdicts[0].change == pytest.approx(0.25)


def test_what_cannot_be_planted_is_said() -> None:
    """Where nearly everything is wrong already, or a metric that rises has no end."""
    cases = cases_of(60)
    low = [scores_of(cases, {"quality": [0.02] * 60}) for _ in range(2)]
    assert "only 0.020 from the worst" in plantable(DROP, low, suite_of(DROP), 0.05)
    none = [scores_of(cases, {"latency_s": [1.0] * 60}) for _ in range(2)]
    assert plantable(DROP, none, suite_of(DROP), 0.05) == "the runs did not score quality"
    slow = Gate(id="slow", metric="latency_s", max_drop=1.0)
    assert plantable(slow, none, suite_of(slow), 0.05) == ""


def test_a_shock_shows_in_whole_runs_only() -> None:
    """Drawn documents mix the runs, so what moves a whole run is gone; each run against the others has it."""
    runs = runs_of(np.random.default_rng(4), 400, 3, shock=0.2)
    suite = suite_of(DROP, run=ONE_LOOK)
    whole = max(abs(held.verdicts[0].change or 0.0) for held in leave_one_out(suite, runs, 0))
    mixed = max(abs(resample(suite, runs, seed).verdicts[0].change or 0.0) for seed in range(10))
    assert whole > 2 * mixed


def test_looks_stop_where_the_verdict_stands() -> None:
    """A disaster is seen at the first look, and what a look does not ask is not seen."""
    runs = runs_of(np.random.default_rng(5), 400, 3)
    suite = suite_of(DROP)
    held = resample(suite, runs, 1, Drop(DROP, 0.2))
    assert held.outcome == "fail"
    assert held.asked < 0.5
    assert held.alarms
    assert held.verdicts[0].n == pytest.approx(held.asked * len(stage_cases(runs)), abs=20)


def stage_cases(runs: Sequence[RunScores]) -> Sequence[object]:
    return runs[0].cases


def test_copies_of_a_document_are_documents_of_their_own() -> None:
    """And slices and conditions hold for them as for the originals."""
    cases = cases_of(120, per_document=2, language=lambda i: "de" if i % 4 < 2 else "en")
    runs = [scores_of(cases, {"quality": [1.0] * 120}, f"r{k}") for k in range(2)]
    gate = Gate(id="drop", metric="quality", max_drop=0.2, where={"language": "de"})
    verdict = resample(suite_of(gate, run=ONE_LOOK), runs, 0).verdicts[0]
    assert verdict.comparison is not None
    assert verdict.comparison.slice == Slice((("language", "de"),))
    assert verdict.comparison.n_clusters * 2 == verdict.n
    assert 30 < verdict.n < 90
