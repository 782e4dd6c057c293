"""The gates on shares and named cases, and what holds for the gates of a suite together."""

from __future__ import annotations

import pytest
from cells import FLOOR, GAP, decided, rate
from msgspec.structs import replace
from world import Cell, cases_of, decide_one, evidence_of, suite_of

from harness.errors import ExitCode
from harness.gates.decide import SCORED, all_gates, decide_all, overall
from harness.gates.evidence import rule_text
from harness.types import Gate, Outcome, Verdict

# -- shares and named cases --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "outcome", "reason"),
    [
        (rate(99, 0, 1), "pass", "99 of 100 cases were scored"),
        (rate(98, 0, 2), "inconclusive", "98 of 100 cases were scored"),
        ([*["not_applicable"] * 50, *[1.0] * 50], "pass", "100 of 100 cases were scored"),
        ([*[1.0] * 98, None, None], "inconclusive", "98 of 100 cases were scored"),
    ],
)
def test_scored(cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """Too few scored cases are inconclusive, never a fail; what does not apply is not missing."""
    found = decided(SCORED, cells)
    assert (found.outcome, found.reason, found.rule) == (outcome, reason, "scored ≥ 99 %")


def test_a_case_is_scored_when_every_metric_is() -> None:
    """Without a metric the gate asks for all of them, and names the cases that lack one."""
    cases = cases_of(4)
    cells: dict[str, list[Cell]] = {"quality": [1.0, None, 1.0, 1.0], "flaws": [0.0, 0.0, "timeout", 0.0]}
    suite = suite_of(Gate(id="all", min_scored=0.9), Gate(id="one", min_scored=0.7, metric="flaws"))
    found = decide_all(evidence_of(suite, cases, cells), {})
    assert [(row.outcome, row.candidate, row.cases) for row in found] == [
        ("inconclusive", 0.5, ("c001", "c002")),
        ("pass", 0.75, ("c002",)),
    ]


NAMED = Gate(id="never", metric="quality", cases=("c000", "c001"))


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (NAMED, [1.0, 1.0, 0.0], "pass", "all 2 are ≥ 1.000"),
        (NAMED, [1.0, 0.75, 0.0], "fail", "1 of 2 are not ≥ 1.000: c001"),
        (NAMED, [0.5, "timeout", 0.0], "fail", "1 of 2 are not ≥ 1.000: c000"),
        (NAMED, [1.0, "timeout", 0.0], "inconclusive", "no value for c001"),
        (NAMED, [None, 1.0, 0.0], "inconclusive", "no value for c000"),
        (NAMED, [1.0, "not_applicable", 0.0], "inconclusive", "no value for c001"),
        (replace(NAMED, min=0.5), [0.5, 0.75, 0.0], "pass", "all 2 are ≥ 0.500"),
        (replace(NAMED, max=0.0), [0.0, 0.75, 0.0], "fail", "1 of 2 are not ≤ 0.000: c001"),
        (replace(NAMED, cases=("c000", "gone")), [1.0, 1.0, 1.0], "inconclusive", "no value for gone"),
    ],
)
def test_named_cases(gate: Gate, cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """Every named case must be within the limits; one that has none leaves the gate undecided."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason, found.n_total) == (outcome, reason, 2)


# -- all gates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gate",
    [FLOOR, GAP, SCORED, NAMED, Gate(id="drop", metric="quality", max_drop=0.1)],
    ids=lambda gate: gate.id,
)
def test_a_gate_that_selects_nothing_cannot_pass(gate: Gate) -> None:
    """In a partial run a gate about other cases is inconclusive, and says so."""
    nowhere = replace(gate, where={"language": "xx"})
    cases = cases_of(100, 1, lambda i: "en")
    evidence = evidence_of(suite_of(nowhere), cases, {"quality": [1.0] * 100}, {"quality": [1.0] * 100})
    found = decide_one(nowhere, evidence)
    assert (found.outcome, found.reason) == ("inconclusive", "no case is selected")
    assert found.scope == "language=xx"


def test_a_metric_that_was_not_scored_cannot_pass() -> None:
    """A suite that gained a metric since the run is told so, gate by gate."""
    for gate in (
        FLOOR,
        GAP,
        NAMED,
        Gate(id="drop", metric="quality", max_drop=0.1),
        replace(SCORED, metric="quality"),
    ):
        found = decide_one(gate, evidence_of(suite_of(gate), cases_of(60), {"flaws": [0.0] * 60}))
        assert (found.outcome, found.reason) == ("inconclusive", "the run did not score quality")


def test_conditions_choose_the_cases() -> None:
    """A gate with a condition is decided on those cases alone and names them."""
    gate = replace(FLOOR, where={"language": "de"})
    cases = cases_of(120, 1, lambda i: ("en", "de")[i % 2])
    found = decide_one(
        gate, evidence_of(suite_of(gate), cases, {"quality": [float(i % 2) for i in range(120)]})
    )
    assert (found.outcome, found.scope, found.n) == ("pass", "language=de", 60)


def test_every_suite_asks_for_scores() -> None:
    """A suite without a gate on the share of scored cases has the default one; with one it has its own."""
    assert all_gates(suite_of(FLOOR)) == (FLOOR, SCORED)
    own = Gate(id="own", min_scored=0.5)
    assert all_gates(suite_of(own, FLOOR)) == (own, FLOOR)


def test_lines_and_order_are_the_suites() -> None:
    """Verdicts come in suite order, each with its line."""
    suite = suite_of(NAMED, FLOOR)
    found = decide_all(evidence_of(suite, cases_of(3), {"quality": [1.0] * 3}), {"floor": 7})
    assert [(row.gate, row.line) for row in found] == [("never", None), ("floor", 7), ("scored", None)]


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        (["pass", "pass"], ("pass", ExitCode.PASSED)),
        (["pass", "inconclusive"], ("inconclusive", ExitCode.INCONCLUSIVE)),
        (["inconclusive", "fail", "pass"], ("fail", ExitCode.FAILED)),
    ],
)
def test_overall(outcomes: list[Outcome], found: tuple[Outcome, ExitCode]) -> None:
    """One fail fails, else one inconclusive is inconclusive."""
    assert overall([Verdict("g", "r", outcome, "") for outcome in outcomes]) == found


@pytest.mark.parametrize(
    ("gate", "text"),
    [
        (Gate(id="g", metric="m", quantile=0.95, max=2.5), "p95 ≤ 2.5"),
        (Gate(id="g", metric="m", total=True, max=3), "total ≤ 3"),
        (Gate(id="g", metric="m", min=0.2, max=0.9), "≥ 0.2 and ≤ 0.9"),
        (Gate(id="g", metric="m", cases=("a", "b"), min=0.5), "2 named cases ≥ 0.500"),
    ],
)
def test_rule_text(gate: Gate, text: str) -> None:
    """A rule is written in a few signs."""
    assert rule_text(gate) == text
