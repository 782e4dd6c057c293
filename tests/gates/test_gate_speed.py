"""What deciding costs: seconds of CPU, as little as it can be of three times."""

from __future__ import annotations

import time

import numpy as np
from world import Cell, cases_of, evidence_of, suite_of

from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.types import Gate

METRICS = tuple(f"metric{i:02}" for i in range(12))


def evidence(n: int) -> Evidence:
    """12 metrics, half of them rates, each with a gate over all cases and one in each of 8 languages."""
    rng = np.random.default_rng(1)
    cases = cases_of(n, 4, lambda i: f"language{i // 4 % 8}")
    before: dict[str, list[Cell]] = {}
    after: dict[str, list[Cell]] = {}
    for i, name in enumerate(METRICS):
        values = (rng.random(n) < 0.8).astype(float) if i % 2 else np.clip(rng.normal(0.8, 0.1, n), 0, 1)
        moved = np.where(rng.random(n) < 0.05, 1 - values, values)
        before[name], after[name] = values.tolist(), moved.tolist()
    gates = [
        gate
        for i, name in enumerate(METRICS)
        for gate in (
            Gate(id=f"all-{name}", metric=name, max_drop=0.05, primary=i < 3),
            Gate(id=f"each-{name}", metric=name, max_drop=0.1, slice="language"),
        )
    ]
    return evidence_of(suite_of(*gates, metrics=METRICS), cases, after, before)


def test_a_thousand_cases_are_decided_in_a_second() -> None:
    """1,000 cases, 12 metrics, 8 slices: 108 tests as one family in at most 1 s of CPU."""
    found = evidence(1000)
    took = []
    for _ in range(3):
        began = time.process_time()
        verdicts = decide_all(found, {})
        took.append(time.process_time() - began)
    assert len(verdicts) == 25
    assert min(took) <= 1.0
