"""The gates on gaps between groups: three outcomes, with reasons that can be read."""

from __future__ import annotations

import pytest
from cells import GAP, rate
from msgspec.structs import replace
from world import Cell, cases_of, decide_one, evidence_of, suite_of

from harness.types import Gate, Outcome, SliceRule, Verdict


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
