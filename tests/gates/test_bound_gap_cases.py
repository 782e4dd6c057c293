"""The gates on bounds, gaps, shares and named cases: three outcomes each, with reasons that can be read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from world import Cell, cases_of, decide_one, evidence_of, suite_of

from harness.errors import ExitCode
from harness.gates.decide import SCORED, all_gates, decide_all, overall
from harness.gates.evidence import rule_text
from harness.types import Gate, Outcome, SliceRule, Verdict

FLOOR = Gate(id="floor", metric="quality", min=0.8)
GAP = Gate(id="gap", metric="quality", slice="language", max_gap=0.2)


def decided(gate: Gate, cells: list[Cell], per_document: int = 1) -> Verdict:
    metric = gate.metric or "quality"
    cases = cases_of(len(cells), per_document)
    return decide_one(gate, evidence_of(suite_of(gate, metrics=(metric,)), cases, {metric: cells}))


def rate(good: int, bad: int, lost: int = 0) -> list[Cell]:
    return [*[1.0] * good, *[0.0] * bad, *["timeout"] * lost]


# -- bounds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (FLOOR, rate(95, 5), "pass", "between 0.888 and 0.978: within the bound"),
        (FLOOR, rate(60, 40), "fail", "0.691 at most, below 0.800"),
        (FLOOR, rate(85, 15), "inconclusive", "between 0.767 and 0.907: cannot tell"),
        (FLOOR, rate(3, 0), "inconclusive", "between 0.439 and 1.000: cannot tell"),
        (
            FLOOR,
            rate(92, 0, 8),
            "inconclusive",
            "between 0.721 and 1.000: cannot tell; 8 of 100 unscored count at their worst",
        ),
        (replace(FLOOR, bound="point"), rate(80, 20), "pass", "0.800: within the bound"),
        (replace(FLOOR, bound="point"), rate(79, 21), "fail", "0.790 at most, below 0.800"),
        (
            replace(FLOOR, bound="point"),
            rate(79, 11, 10),
            "inconclusive",
            "between 0.790 and 0.890: cannot tell; 10 of 100 unscored count at their worst",
        ),
        (
            replace(FLOOR, bound="point"),
            rate(80, 10, 10),
            "pass",
            "between 0.800 and 0.900: within the bound",
        ),
        (
            Gate(id="x", metric="flaws", max=0.1),
            rate(0, 60),
            "pass",
            "between 0.000 and 0.060: within the bound",
        ),
        (Gate(id="x", metric="flaws", max=0.1), rate(30, 30), "fail", "0.377 at least, above 0.100"),
        (
            Gate(id="x", metric="flaws", min=0.2, max=0.8),
            rate(50, 50),
            "pass",
            "between 0.404 and 0.596: within the bound",
        ),
        (FLOOR, ["not_applicable", "timeout"], "inconclusive", "no case has a value of quality"),
    ],
)
def test_bound_of_a_mean(gate: Gate, cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """PASS where all that is possible is within the bounds, FAIL where all that is known is outside."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (
            Gate(id="x", metric="latency_s", max=2.5),
            [1.0, 2.0, 1.5, 1.2, 1.8],
            "pass",
            "between 0.99 s and 2.01 s: within the bound",
        ),
        (
            Gate(id="x", metric="latency_s", max=2.5),
            [1.0, 2.0, 1.5, 1.2, "timeout"],
            "inconclusive",
            "between 0.00 s and no limit: cannot tell; 1 of 5 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=2),
            [1, 2, 1, 1, 9],
            "pass",
            "2.00 s: within the bound",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 2, 1, 1, 9],
            "fail",
            "2.00 s at least, above 1.50 s",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 1, 1, "timeout", "timeout"],
            "inconclusive",
            "between 1.00 s and no limit: cannot tell; 2 of 5 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="latency_s", quantile=0.8, max=1.5),
            [1, 1, 1, 1, "timeout"],
            "pass",
            "1.00 s: within the bound",
        ),
        (Gate(id="x", metric="latency_s", total=True, max=10), [1, 2, 3], "pass", "6.00 s: within the bound"),
        (
            Gate(id="x", metric="latency_s", total=True, max=5),
            [1, 2, 3, "timeout"],
            "fail",
            "6.00 s at least, above 5.00 s",
        ),
        (
            Gate(id="x", metric="latency_s", total=True, max=10),
            [1, 2, 3, None],
            "inconclusive",
            "between 6.00 s and no limit: cannot tell; 1 of 4 unscored count at their worst",
        ),
        (
            Gate(id="x", metric="quality", total=True, min=3),
            [1.0, 1.0, None],
            "inconclusive",
            "between 2.000 and 3.000: cannot tell; 1 of 3 unscored count at their worst",
        ),
    ],
)
def test_bound_of_seconds_quantiles_and_totals(
    gate: Gate, cells: list[Cell], outcome: Outcome, reason: str
) -> None:
    """Quantiles and totals are what they are, with the unscored at either end of the range."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("gate", "cells", "outcome", "reason"),
    [
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            [0.5, 0.5, "not_applicable", "not_applicable"],
            "inconclusive",
            "between $1.0000 and no limit: cannot tell; 2 of 4 without a value count at their worst",
        ),
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            [1.0, 1.0, "not_applicable"],
            "fail",
            "$2.0000 at least, above $1.5000",
        ),
        (
            Gate(id="x", metric="cost_usd", total=True, max=1.5),
            ["not_applicable", "not_applicable"],
            "inconclusive",
            "no case has a value of cost_usd",
        ),
        (
            Gate(id="x", metric="latency_s", total=True, max=5),
            [1.0, 2.0, "not_applicable"],
            "pass",
            "3.00 s: within the bound",
        ),
        (
            Gate(id="x", metric="flaws", total=True, max=1),
            [1.0, 0.0, "not_applicable"],
            "pass",
            "1.000: within the bound",
        ),
    ],
)
def test_a_total_of_what_is_not_told(gate: Gate, cells: list[Cell], outcome: Outcome, reason: str) -> None:
    """Costs that are not told are open; cached replies took no time, and rates apply or do not."""
    found = decided(gate, cells)
    assert (found.outcome, found.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("q", "value"), [(0.0, 1), (0.07, 7), (0.5, 50), (0.55, 55), (0.951, 96), (0.99, 99), (1.0, 100)]
)
def test_quantile_is_a_value_that_occurred(q: float, value: int) -> None:
    """The smallest value with at least a share q at or below it, rounding of q * n or not."""
    gate = Gate(id="x", metric="latency_s", quantile=q, max=1000)
    cells: list[Cell] = [float(i) for i in range(100, 0, -1)]
    assert decided(gate, cells).candidate == value


def test_one_document_of_seconds_has_no_interval() -> None:
    """An unbounded mean of one document cannot keep to a bound, but its point can."""
    gate = Gate(id="x", metric="latency_s", max=9)
    found = decided(gate, [1.0, 2.0], per_document=2)
    assert (found.outcome, found.candidate) == ("inconclusive", 1.5)
    assert found.reason == "values from one document (2) have no interval"
    assert decided(replace(gate, bound="point"), [1.0, 2.0], per_document=2).outcome == "pass"


# -- gaps --------------------------------------------------------------------------------------------------


def gap(rows: dict[str, list[Cell]], gate: Gate = GAP) -> Verdict:
    cells = [cell for row in rows.values() for cell in row]
    names = [name for name, row in rows.items() for _ in row]
    cases = cases_of(len(cells), 1, lambda i: names[i])
    return decide_one(gate, evidence_of(suite_of(gate), cases, {gate.metric or "": cells}))


@pytest.mark.parametrize(
    ("rows", "outcome", "reason"),
    [
        (
            {"en": rate(90, 10), "de": rate(90, 10)},
            "pass",
            "no group is worse than the rest by more than 0.085 (95 %)",
        ),
        (
            {"en": rate(95, 5), "de": rate(40, 60)},
            "fail",
            "de is worse than the rest by 0.550 (0.443 to 0.657)",
        ),
        (
            {"en": rate(90, 10), "de": rate(34, 16)},
            "inconclusive",
            "de may be worse than the rest by 0.220 (0.073 to 0.367)",
        ),
        (
            {"en": rate(90, 10), "de": rate(5, 0)},
            "inconclusive",
            "no group has 20 scored cases from enough documents",
        ),
        ({"en": rate(90, 10)}, "inconclusive", "there is only one group of language: nothing to compare"),
        (
            {"en": rate(90, 10), "de": rate(15, 0, 85)},
            "inconclusive",
            "no group has 20 scored cases from enough documents",
        ),
        (
            {"en": rate(90, 10), "de": rate(90, 10), "fr": rate(18, 0, 2)},
            "inconclusive",
            "too few scored cases to judge: fr",
        ),
    ],
)
def test_gap_between_groups(rows: dict[str, list[Cell]], outcome: Outcome, reason: str) -> None:
    """FAIL where a group is surely worse by more, PASS where none can be, else it cannot be told."""
    found = gap(rows)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert found.rule == "worse by ≤ 0.200 in each language than in the rest"
    assert found.gap is not None
    judged = {row.deficit: row.interval for row in found.gap.groups if row.deficit is not None}
    assert (found.candidate, found.interval) in [*judged.items(), (None, None)]
    assert (found.candidate is None) == (not judged or len(found.gap.groups) < 2)


def test_a_gap_shows_the_number_that_decides() -> None:
    """The group against the rest, with its interval; not best minus worst, which of three groups is more."""
    found = gap({"en": rate(95, 5), "fr": rate(70, 30), "de": rate(40, 60)})
    assert found.gap is not None
    worst = next(row for row in found.gap.groups if row.group == "de")
    assert found.outcome == "fail"
    assert (found.candidate, found.interval) == (worst.deficit, worst.interval)
    assert worst.deficit == pytest.approx(0.425)
    assert found.gap.difference == pytest.approx(0.55)
    assert found.reason.startswith("de is worse than the rest by 0.425 (")


@pytest.mark.parametrize(
    ("insufficient", "outcome", "reason"),
    [
        ("inconclusive", "inconclusive", "too few scored cases to judge: fr"),
        ("fail", "fail", "too few cases to judge: fr"),
        ("warn", "pass", "no group is worse than the rest by more than 0.088 (95 %); not judged: fr"),
    ],
)
def test_gap_with_a_small_group(insufficient: str, outcome: Outcome, reason: str) -> None:
    """What a group too small to judge means is the suite's choice; it is always named."""
    rows = {"en": rate(90, 10), "de": rate(90, 10), "fr": rate(5, 0)}
    found = gap(rows, replace(GAP, insufficient=insufficient))
    assert (found.outcome, found.reason) == (outcome, reason)


def test_warn_does_not_excuse_lost_scores() -> None:
    """A group that is small only because its scores were lost is missing, not small."""
    rows = {"en": rate(90, 10), "de": rate(90, 10), "fr": rate(5, 0, 95)}
    found = gap(rows, replace(GAP, insufficient="warn", max_gap=1.0))
    assert (found.outcome, found.reason) == ("inconclusive", "too few scored cases to judge: fr")


def test_a_group_whose_rest_was_lost_is_missing() -> None:
    """Groups may overlap: one that cannot be judged because the others lost their scores is no pass."""
    cases = tuple(
        replace(case, tags=("most",) * (i < 80) + ("some",) * (i >= 40))
        for i, case in enumerate(cases_of(100))
    )
    gate = replace(GAP, slice="tags", insufficient="warn", max_gap=1.0)
    suite = suite_of(gate, slices={"tags": SliceRule(source="tags")})
    found = decide_one(gate, evidence_of(suite, cases, {"quality": [*[1.0] * 80, *["timeout"] * 20]}))
    assert (found.outcome, found.reason) == ("inconclusive", "too few scored cases to judge: most")
    assert decide_one(gate, evidence_of(suite, cases, {"quality": [1.0] * 100})).outcome == "pass"


def test_gap_of_seconds_with_lost_scores() -> None:
    """An unbounded metric with a lost score leaves no limit, in words and not as infinity."""
    rows: dict[str, list[Cell]] = {"en": [1.0, 2.0] * 20, "de": [1.0, 2.0] * 19 + ["timeout", 1.0]}
    found = gap(rows, replace(GAP, metric="latency_s", max_gap=5.0))
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "en may be worse than the rest by any amount: unscored cases have no limit",
    )


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
