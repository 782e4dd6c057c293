"""Gates that stand alone, and what they decide of the cells of one metric."""

from __future__ import annotations

from world import Cell, cases_of, decide_one, evidence_of, suite_of

from harness.types import Gate, Verdict

FLOOR = Gate(id="floor", metric="quality", min=0.8)
GAP = Gate(id="gap", metric="quality", slice="language", max_gap=0.2)


def decided(gate: Gate, cells: list[Cell], per_document: int = 1) -> Verdict:
    metric = gate.metric or "quality"
    cases = cases_of(len(cells), per_document)
    return decide_one(gate, evidence_of(suite_of(gate, metrics=(metric,)), cases, {metric: cells}))


def rate(good: int, bad: int, lost: int = 0) -> list[Cell]:
    return [*[1.0] * good, *[0.0] * bad, *["timeout"] * lost]
