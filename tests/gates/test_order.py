"""The order in which things are listed never changes what is decided."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import Cell, cases_of, evidence_of, suite_of

from harness.comparison import RunScores
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.types import Gate, SliceRule, Suite

METRICS = ("quality", "flaws", "latency_s")
SUITE = suite_of(
    Gate(id="drop", metric="quality", max_drop=0.05),
    Gate(id="slow", metric="latency_s", max_drop=0.1),
    Gate(id="drop-by-language", metric="flaws", slice="language", max_drop=0.2),
    Gate(id="floor", metric="quality", min=0.8),
    Gate(id="p95", metric="latency_s", quantile=0.95, max=1.5),
    Gate(id="sum", metric="latency_s", total=True, max=500),
    Gate(id="gap", metric="quality", slice="language", max_gap=0.1),
    Gate(id="scored", min_scored=0.9),
    Gate(id="never", metric="quality", cases=("c003", "c007")),
    metrics=METRICS,
)


def evidence(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    n = 160
    cases = cases_of(n, 2, lambda i: ("en", "de", "fr", "ja")[i // 2 % 4])

    def columns(down: float) -> dict[str, list[Cell]]:
        quality = np.clip(rng.normal(0.85 - down, 0.2, n), 0, 1)
        row: list[Cell] = [value if rng.random() > 0.02 else "timeout" for value in quality.tolist()]
        flaws: list[Cell] = [1 - value for value in rng.random(n).tolist()]
        return {"quality": row, "flaws": flaws, "latency_s": rng.exponential(1, n).tolist()}

    return evidence_of(SUITE, cases, columns(0.04), columns(0.0))


def shuffled(found: Evidence, shuffler: random.Random) -> Evidence:
    """The same evidence with cases, tables and slices in another order."""

    def mix(run: RunScores) -> RunScores:
        cases = list(run.cases)
        shuffler.shuffle(cases)
        names = list(run.tables)
        shuffler.shuffle(names)
        tables = {name: dict(list(run.tables[name].items())[::-1]) for name in names}
        return RunScores(run.run, tuple(cases), tables)

    assert found.baseline is not None
    return found._replace(candidate=mix(found.candidate), baseline=mix(found.baseline))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.randoms(use_true_random=True))
def test_order_of_cases_never_changes_a_verdict(seed: int, shuffler: random.Random) -> None:
    """Shuffled cases give exactly the same verdicts, to the last digit and word."""
    found = evidence(seed)
    assert decide_all(found, {}) == decide_all(shuffled(found, shuffler), {})


def test_order_of_gates_never_changes_a_verdict() -> None:
    """Gates listed the other way round give the same verdicts the other way round."""
    found = evidence(5)
    turned = found._replace(suite=suite_of(*reversed(SUITE.gates), metrics=METRICS))
    assert decide_all(found, {}) == decide_all(turned, {})[::-1]


def test_order_of_slices_never_changes_a_verdict() -> None:
    """Declaring slices in another order changes nothing, and other slices cost a gate nothing."""
    rules = {"document": SliceRule(source="document_id"), "language": SUITE.slices["language"]}
    turned: Suite = suite_of(*SUITE.gates, metrics=METRICS, slices=rules)
    found = evidence(6)
    assert decide_all(found, {}) == decide_all(found._replace(suite=turned), {})


@pytest.mark.parametrize("seed", [0, 1])
def test_deciding_twice_is_deciding_once(seed: int) -> None:
    """The same evidence gives the same verdicts."""
    assert decide_all(evidence(seed), {}) == decide_all(evidence(seed), {})
