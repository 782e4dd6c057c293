"""Measures over twins: flips, consistency and worst case, and that what is missing never helps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import HIGHER, LOWER, Cell, run_of, table_of

from harness.comparison import CaseValue, RunScores, differing_metrics, over_twins, run_scores
from harness.errors import SuiteError, UsageError
from harness.fairness.twins import twin_pairs
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.registry import find_metric
from harness.robustness import robustness
from harness.suites.suite import load_suite
from harness.types import (
    Case,
    Gate,
    GoldenSource,
    MetricIdentity,
    Query,
    Recorded,
    Response,
    Result,
    Score,
    Suite,
    twin_measure,
)

MEASURES = ("flip_rate", "consistency", "worst_case")


def family(twins: int = 1, original: str = "o", kind: str = "") -> tuple[Case, ...]:
    """An original and its twins ``o.0``, ``o.1``, ..."""
    metadata = {"variant": kind} if kind else {}
    return (
        Case(Query(original, "?")),
        *(Case(Query(f"{original}.{i}", "?"), twin_of=original, metadata=metadata) for i in range(twins)),
    )


def measured(measure: str, *cells: Cell, metric: MetricIdentity = HIGHER) -> dict[str, float | str]:
    """A measure by case over one family whose metric has these values, the original's first."""
    cases = family(len(cells) - 1)
    found = over_twins(measure, table_of(cases, cells), cases, metric)
    return {case_id: one.status if one.value is None else one.value for case_id, one in found.items()}


@pytest.mark.parametrize(
    ("cells", "flips", "consistency", "worst"),
    [
        ((1.0, 1.0), 0.0, 1.0, 1.0),
        ((1.0, 0.0), 1.0, 0.0, 0.0),
        ((0.5, 0.75), 1.0, 0.75, 0.5),
        ((0.3, 0.1 + 0.2), 0.0, 1.0, 0.3),
        (("not_applicable", 1.0), 1.0, 0.0, 1.0),
        ((1.0, "not_applicable"), 1.0, 0.0, 1.0),
        (("not_applicable", "not_applicable"), "not_applicable", "not_applicable", "not_applicable"),
        (("timeout", 1.0), "timeout", "timeout", "timeout"),
        ((1.0, "judge_error"), "judge_error", "judge_error", "judge_error"),
        ((1.0, None), "system_error", "system_error", "system_error"),
        (("not_applicable", "timeout"), "timeout", "timeout", "timeout"),
    ],
)
def test_a_pair(cells: tuple[Cell, Cell], flips: Cell, consistency: Cell, worst: Cell) -> None:
    """At the twin flip and consistency, at the original the worst; a lost score leaves the pair unscored."""
    assert measured("flip_rate", *cells) == {"o": "not_applicable", "o.0": flips}
    assert measured("consistency", *cells) == {"o": "not_applicable", "o.0": consistency}
    assert measured("worst_case", *cells) == {"o": worst, "o.0": "not_applicable"}


def test_the_worst_is_of_the_whole_family_and_of_the_metrics_direction() -> None:
    """Of three twins the lowest counts, or the highest where lower is better."""
    assert measured("worst_case", 0.5, 0.9, 0.2, "not_applicable")["o"] == 0.2
    assert measured("worst_case", 0.5, 0.9, 0.2, metric=LOWER)["o"] == 0.9
    assert measured("worst_case", 0.5, 0.9, "timeout")["o"] == "timeout"


def test_consistency_is_by_the_range_of_the_metric() -> None:
    """Half of a range from 1 to 5 apart is half consistent."""
    wide = MetricIdentity(1, True, 1.0, 5.0)
    assert measured("consistency", 5.0, 3.0, metric=wide)["o.0"] == 0.5


def test_a_twin_whose_original_was_not_run_says_nothing() -> None:
    """``--where`` may leave the original out: there is no pair, and no consistency either."""
    twin = family()[1]
    for measure in MEASURES:
        found = over_twins(measure, table_of([twin], [1.0]), [twin], HIGHER)
        assert found == {"o.0": CaseValue(None, "not_applicable")}


CELLS = st.lists(st.sampled_from([0.0, 0.25, 1.0, "not_applicable", "timeout", None]), min_size=2, max_size=5)


@given(CELLS, st.data())
def test_losing_a_score_never_helps(cells: list[Cell], data: st.DataObject) -> None:
    """Where a score is taken away, whatever rests on it is unscored or as it was."""
    at = data.draw(st.integers(0, len(cells) - 1))
    fewer: list[Cell] = [*cells[:at], "system_error", *cells[at + 1 :]]
    for measure in MEASURES:
        before, after = measured(measure, *cells), measured(measure, *fewer)
        for case_id, value in after.items():
            touched = case_id == "o" or at == 0 or case_id == f"o.{at - 1}"
            same = value == before[case_id]
            assert same or (touched and isinstance(value, str) and value != "not_applicable")


@given(
    st.permutations(range(4)), st.lists(st.sampled_from([0.0, 0.5, 1.0, "timeout"]), min_size=4, max_size=4)
)
def test_the_order_of_cases_changes_nothing(order: list[int], cells: list[Cell]) -> None:
    """Twins may stand before their original."""
    cases = family(3)
    table = table_of(cases, cells)
    for measure in MEASURES:
        shuffled = over_twins(measure, table, [cases[i] for i in order], HIGHER)
        assert shuffled == over_twins(measure, table, cases, HIGHER)


# -- as metrics --------------------------------------------------------------------------------------------


def recorded_of(cells: Mapping[str, float | None], cases: tuple[Case, ...], *names: str) -> Recorded:
    """A recording of one metric ``quality`` on cases, and measures over its twins."""
    metrics = {"quality": HIGHER, **dict.fromkeys(names, HIGHER)}
    run = replace(run_of("r", []), metrics=metrics, n_cases=len(cases), repeats=1)
    results = tuple(
        Result(case.id, 0, Response("-"), {"quality": Score(cells[case.id])})
        for case in cases
        if cells[case.id] is not None
    )
    return Recorded(run, cases, {case.id: "d" for case in cases}, results, complete=True)


def test_a_recording_has_its_measures_without_scoring_them() -> None:
    """Values come from those of the metric, also in recordings that were made without the measure."""
    cases = family(2)
    recorded = recorded_of({"o": 1.0, "o.0": 0.0, "o.1": None}, cases, "flip_rate:quality")
    table = run_scores(recorded).tables["flip_rate:quality"]
    assert (table["o.0"].value, table["o.1"].status) == (1.0, "system_error")


def test_a_gate_on_flips_cannot_pass_on_what_is_missing() -> None:
    """Forty consistent pairs pass; with every sibling's score gone the gate cannot tell."""
    cases = tuple(itertools.chain.from_iterable(family(1, f"c{i}") for i in range(40)))
    gate = Gate("flips", metric="flip_rate:quality", max=0.2)
    suite = Suite(1, "s", (GoldenSource("c"),), {}, ("quality", "flip_rate:quality"), (gate,))

    def outcome(cells: dict[str, float | None]) -> str:
        recorded = recorded_of(cells, cases, "flip_rate:quality")
        run = replace(recorded.run, metrics={"quality": HIGHER, "flip_rate:quality": LOWER})
        verdicts = decide_all(Evidence(suite, run_scores(replace(recorded, run=run)), None), {})
        return next(one.outcome for one in verdicts if one.gate == "flips")

    steady: dict[str, float | None] = {case.id: 1.0 for case in cases}
    assert outcome(steady) == "pass"
    assert (
        outcome({name: None if name.endswith(".0") else value for name, value in steady.items()})
        == "inconclusive"
    )
    assert outcome({name: 0.0 if name.endswith(".0") else value for name, value in steady.items()}) == "fail"


@pytest.mark.parametrize(
    ("name", "low", "high", "better"),
    [
        ("flip_rate:recall@5", 0.0, 1.0, False),
        ("consistency:over_refusal_rate", 0.0, 1.0, True),
        ("worst_case:recall@5", 0.0, 1.0, True),
        ("worst_case:over_refusal_rate", 0.0, 1.0, False),
    ],
)
def test_a_measure_has_range_and_direction(name: str, low: float, high: float, better: bool) -> None:
    """A worst case is in the units of its metric, the others are rates."""
    found = find_metric(name)
    assert (found.name, found.low, found.high, found.higher_is_better) == (name, low, high, better)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flip_rate", "needs a metric"),
        ("flip_rate:latency_s", "no upper end"),
        ("worst_case:flip_rate:recall@5", "flip_rate:recall@5"),
        ("flip_rate:recall", "needs a cut-off"),
        ("flip_rate:recal@5", "unknown metric"),
    ],
)
def test_a_measure_of_nothing_is_refused(name: str, words: str) -> None:
    """Told before anything is run."""
    with pytest.raises(UsageError, match=words):
        find_metric(name)


def test_other_names_are_no_measures() -> None:
    """A metric of the user's own keeps its colon."""
    assert twin_measure("my_rag.metrics:tone") is None
    assert twin_measure("flip_rate:my_rag.metrics:tone") == ("flip_rate", "my_rag.metrics:tone")
    assert twin_measure("flip_rate") is None


def test_a_new_version_of_the_metric_is_not_compared_over_twins() -> None:
    """Flips of one definition say nothing of flips of another."""
    cases = family()
    before = recorded_of({"o": 1.0, "o.0": 1.0}, cases, "flip_rate:quality").run
    after = replace(before, metrics={**before.metrics, "quality": MetricIdentity(2, True, 0.0, 1.0)})
    assert differing_metrics(before, after) == ("flip_rate:quality", "quality")


def test_a_suite_measures_what_its_measures_are_about(tmp_path: Path) -> None:
    """A measure of a metric that the suite lacks is a fault with its place; with it the suite is whole."""
    lines = [
        "version: 1", "suite: s",
        "goldens: [{ path: cases.jsonl }]", "system: { adapter: python, target: 'a:b' }",
        "metrics: [recall@5, flip_rate:required_facts]",
        "gates: [{ id: f, metric: 'flip_rate:required_facts', max: 2 }]",
    ]  # fmt: skip
    path = tmp_path / "s.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    faults = [(fault.place and fault.place.line, fault.what) for fault in caught.value.faults]
    assert faults == [
        (5, "'flip_rate:required_facts' is about 'required_facts', which the suite does not measure"),
        (6, "max is 2, outside of flip_rate:required_facts"),
    ]
    path.write_text("\n".join(lines).replace("recall@5", "required_facts").replace("max: 2", "max: 0.2"))
    assert load_suite(path).suite.metrics == ("required_facts", "flip_rate:required_facts")


# -- in reports --------------------------------------------------------------------------------------------


def test_rows_are_by_kind() -> None:
    """Each kind by itself, its worst case without the twins of other kinds."""
    typos, plain = family(2, "a", "typos"), family(1, "b")
    cases = (*typos, replace(typos[1], query=Query("a.x", "?"), metadata={"variant": "casing"}), *plain)
    cells = {"a": 1.0, "a.0": 0.0, "a.1": 1.0, "a.x": 1.0, "b": 0.5, "b.0": 0.5}
    recorded = recorded_of(cells, cases, "flip_rate:quality", "worst_case:quality")
    rows = {row.variant: row for row in robustness(run_scores(recorded))}
    assert list(rows) == ["", "casing", "typos"]
    shown = {
        kind: (
            row.flip_rate.value,
            row.flip_rate.n,
            row.original.value,
            row.twins.value,
            row.worst_case.value,
        )
        for kind, row in rows.items()
    }
    assert shown == {
        "": (0.0, 1, 0.5, 0.5, 0.5),
        "casing": (0.0, 1, 1.0, 1.0, 1.0),
        "typos": (0.5, 2, 1.0, 0.5, 0.0),
    }


def test_without_a_measure_there_is_no_row() -> None:
    """Twins alone ask for nothing."""
    cases = family()
    assert robustness(run_scores(recorded_of({"o": 1.0, "o.0": 1.0}, cases))) == ()
    assert robustness(RunScores(run_of("r", []), (), {})) == ()


def test_variants_do_not_blur_the_swaps_of_an_audit() -> None:
    """A mistyped question is no counterfactual; one with another name is."""
    original = Case(Query("o", "?"), groups={"name_group": "irish_male"})
    other = Case(Query("t", "?"), groups={"name_group": "polish_male"}, twin_of="o")
    typo = replace(original, query=Query("v", "?"), twin_of="o", metadata={"variant": "typos"})
    swap = replace(other, query=Query("n", "?"), metadata={"variant": "name_swap"})
    pairs = {(pair.first.id, pair.second.id) for pair in twin_pairs([original, other, typo, swap])}
    assert pairs == {("o", "t"), ("o", "n")}
