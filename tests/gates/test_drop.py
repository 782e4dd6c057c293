"""The gate on a drop: its three outcomes with their reasons, its minimum sizes, its share of alpha."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from world import Cell, cases_of, decide_one, evidence_of, scores_of, suite_of

from harness.gates import drop_tests
from harness.gates.drop import cannot_pass
from harness.gates.evidence import Evidence
from harness.gates.hierarchy import weights_of
from harness.types import Gate, MetricIdentity, SliceRule, Verdict

GATE = Gate(id="drop", metric="quality", max_drop=0.05)
N = 300


def rate(n: int, bad: int) -> list[Cell]:
    """So many cases of which the first ``bad`` of every 20 are wrong."""
    return [float(i % 20 >= bad) for i in range(n)]


def decided(
    before: list[Cell], after: list[Cell], gate: Gate = GATE, per_document: int = 1, **suite: object
) -> Verdict:
    metric = gate.metric or ""
    cases = cases_of(len(before), per_document, lambda i: ("en", "de")[i // per_document % 2])
    built = suite_of(gate, metrics=(metric,), **suite)  # type: ignore[arg-type]
    return decide_one(gate, evidence_of(built, cases, {metric: after}, {metric: before}))


@pytest.mark.parametrize(
    ("before", "after", "outcome", "reason"),
    [
        (rate(N, 1), rate(N, 1), "pass", "at most 0.010 worse (95 %), within 0.050"),
        (rate(N, 1), rate(N, 0), "pass", "at most 0.010 worse (95 %), within 0.050"),
        (
            rate(N, 1),
            rate(N, 4),
            "fail",
            "fell by 0.150 over 300 pairs (adjusted p < 0.001, needs 0.01; allowed 0.050)",
        ),
        (
            rate(N, 1),
            rate(N, 2),
            "fail",
            "fell by 0.050 over 300 pairs (adjusted p < 0.001, needs 0.01; allowed 0.050)",
        ),
        (
            rate(100, 1),
            [0.0, *rate(100, 1)[1:41], 0.0, *rate(100, 1)[42:]],
            "pass",
            "at most 0.033 worse (95 %), within 0.050",
        ),
    ],
    ids=["unchanged", "better", "fell", "fell to the margin", "one worse"],
)
def test_outcomes(before: list[Cell], after: list[Cell], outcome: str, reason: str) -> None:
    """FAIL on a drop that is sure and may exceed the margin, PASS on one shown to be within it."""
    found = decided(before, after)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert (found.rule, found.limit) == ("worse by ≤ 0.050", 0.05)
    assert (found.scope, found.metric) == ("all", "quality")


def test_a_drop_that_may_be_chance_is_inconclusive() -> None:
    """What cannot be told is said with what may be, what the run detects, and how many cases would tell."""
    before, after = rate(80, 1), rate(80, 1)
    after[1] = after[2] = 0.0
    found = decided(before, after)
    assert found.outcome == "inconclusive"
    assert found.reason.startswith(
        "may be up to 0.061 worse (allowed 0.050; a margin of 0.061 would pass now)"
    )
    assert found.reason.endswith("cases would tell")
    assert int(found.reason.split("about ")[1].split()[0]) > 80


def test_a_small_real_drop_passes_and_is_said() -> None:
    """A drop that is sure and within the margin passes, with the note that it is real."""
    before: list[Cell] = [0.9] * N
    after: list[Cell] = [0.88 + 0.005 * (i % 3) for i in range(N)]
    found = decided(before, after)
    assert found.outcome == "pass"
    assert found.reason == "small but real: 0.015 worse, at most 0.023 (99 %): within 0.050"


def test_lower_is_better() -> None:
    """Where lower is better a rise fails, and the reason says that it rose."""
    gate = Gate(id="flaws", metric="flaws", max_drop=0.05)
    assert decided(rate(N, 16), rate(N, 10), gate).reason.startswith("rose by 0.300 over 300 pairs")
    assert decided(rate(N, 10), rate(N, 16), gate).outcome == "pass"


def test_unbounded_metric_in_its_unit() -> None:
    """Seconds are judged in seconds; without any change even a margin of 0 is kept."""
    gate = Gate(id="slow", metric="latency_s", max_drop=0.1)
    before: list[Cell] = [1 + i % 7 / 10 for i in range(60)]
    slower: list[Cell] = [1.3 + i % 5 / 10 for i in range(60)]
    assert decided(before, before, gate).reason == "at most 0.00 s worse (95 %), within 0.10 s"
    assert decided(before, before, replace(gate, max_drop=0.0)).outcome == "pass"
    assert decided(before, slower, gate).reason.startswith("rose by 0.21 s over 60 pairs")
    lost = decided(before, [*before[:-1], "timeout"], gate)
    assert (lost.outcome, lost.reason) == ("inconclusive", "unscored cases leave the change without a limit")


@pytest.mark.parametrize(
    ("n", "per_document", "outcome", "reason"),
    [
        (49, 1, "inconclusive", "49 pairs from 49 documents are too few to judge (need 50 from 15)"),
        (56, 4, "inconclusive", "56 pairs from 14 documents are too few to judge (need 50 from 15)"),
        (
            59,
            1,
            "inconclusive",
            "may be up to 0.051 worse (allowed 0.050; a margin of 0.051 would pass now);",
        ),
        (60, 4, "pass", "at most 0.050 worse (95 %), within 0.050"),
    ],
)
def test_minimum_sizes(n: int, per_document: int, outcome: str, reason: str) -> None:
    """Below 50 pairs or 15 documents nothing is judged; identical runs pass from 3 / margin cases on."""
    found = decided([1.0] * n, [1.0] * n, per_document=per_document)
    assert found.outcome == outcome
    assert found.reason.startswith(reason)
    awful = decided([1.0] * n, [0.0] * n, per_document=per_document)
    assert awful.outcome == ("inconclusive" if "too few" in reason else "fail")


@pytest.mark.parametrize(
    ("lost", "outcome", "reason"),
    [
        (3, "pass", "at most 0.027 worse (95 %), within 0.050"),
        (9, "inconclusive", "may be up to 0.095 worse (allowed 0.050; a margin of"),
        (16, "inconclusive", "16 of 300 cases could not be paired (at most 5 %)"),
    ],
)
@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_lost_scores_count_at_their_worst(lost: int, outcome: str, reason: str, side: str) -> None:
    """Lost scores of either side count at their worst; above 5 % unpaired cases nothing passes."""
    good = side == "candidate"
    whole: list[Cell] = [float((i % 20 != 0) if good else (i % 20 == 0)) for i in range(N)]
    part: list[Cell] = ["timeout" if i % 20 and i < lost + 1 + i // 20 else whole[i] for i in range(N)]
    found = decided(whole, part) if good else decided(part, whole)
    assert (found.outcome, found.n, found.n_total) == (outcome, N - lost, N)
    assert found.reason.startswith(reason)
    assert ("unscored cases count at their worst" in found.reason) == (lost == 9)


def test_a_judge_that_fails_often_decides_nothing() -> None:
    """More than 2 % of judge errors leave a drop undecided, however small the rest could be."""
    few: list[Cell] = ["judge_error" if i < 6 else cell for i, cell in enumerate(rate(N, 0))]
    more: list[Cell] = ["judge_error" if i < 7 else cell for i, cell in enumerate(rate(N, 0))]
    assert decided(rate(N, 0), few).reason.startswith("may be up to")
    assert decided(rate(N, 0), more).reason == "the judge failed on 7 of 300 cases (at most 2 %)"


def test_an_answer_that_no_longer_counts_is_unpaired() -> None:
    """A metric that stops applying to 6 % of the cases cannot pass, though no score is missing."""
    after: list[Cell] = [
        "not_applicable" if i % 20 == 5 or i < 4 else cell for i, cell in enumerate(rate(N, 1))
    ]
    assert decided(rate(N, 1), after).reason == "19 of 300 cases could not be paired (at most 5 %)"


# -- slices ------------------------------------------------------------------------------------------------


def test_the_worst_slice_decides() -> None:
    """One slice that fell fails the gate by name, though all cases together may not show it."""
    gate = Gate(id="each", metric="quality", max_drop=0.1, slice="language")
    after = [0.0 if i % 6 == 1 else cell for i, cell in enumerate(rate(N, 0))]
    found = decided(rate(N, 0), after, gate)
    assert (found.outcome, found.scope) == ("fail", "language=de")
    assert found.reason.startswith("fell by 0.333 over 150 pairs (adjusted p < 0.001, needs 0.01;")
    assert found.rule == "worse by ≤ 0.100 in each language"
    assert decided(rate(N, 0), rate(N, 0), gate).reason.startswith("at most 0.020 worse")


def test_small_slices_are_named() -> None:
    """Slices below 20 cases, 10 documents or their own minimum are named, not judged."""
    gate = Gate(id="each", metric="quality", max_drop=0.2, slice="language")
    cases = cases_of(80, 1, lambda i: "en" if i < 61 else "de")
    evidence = evidence_of(suite_of(gate), cases, {"quality": [1.0] * 80}, {"quality": [1.0] * 80})
    assert decide_one(gate, evidence).reason == (
        "at most 0.049 worse (95 %), within 0.200; too small to judge: language=de"
    )
    coarse = evidence._replace(
        suite=suite_of(gate, slices={"language": SliceRule(source="groups.language", min_n=70)})
    )
    found = decide_one(gate, coarse)
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "every slice is too small: language=de, language=en",
    )
    few = cases_of(80, 10, lambda i: "en")
    assert drop_tests.tested_slices(gate, suite_of(gate), few) == ()
    none = evidence_of(suite_of(gate), cases_of(80), {"quality": [1.0] * 80}, {"quality": [1.0] * 80})
    assert decide_one(gate, none).reason == "no case has a language"


def test_condition_and_slice_are_both_named() -> None:
    """A gate by slice on a part of the cases says both."""
    gate = Gate(id="each", metric="quality", max_drop=0.2, slice="language", where={"tags": "new"})
    cases = tuple(replace(case, tags=("new",)) for case in cases_of(60, 1, lambda i: "en"))
    found = decide_one(
        gate, evidence_of(suite_of(gate), cases, {"quality": [1.0] * 60}, {"quality": [1.0] * 60})
    )
    assert found.scope == "tags=new & language=en"


def test_shares_of_alpha_add_up() -> None:
    """Half to primary drops, a quarter to others over all cases, a quarter by slice; the rest is shared."""
    first = [Gate(id=f"p{i}", metric="quality", max_drop=0.1, primary=True) for i in range(2)]
    broad = [Gate(id=f"b{i}", metric="quality", max_drop=0.1) for i in range(3)]
    sliced = [Gate(id=f"s{i}", metric="quality", max_drop=0.1, slice="language") for i in range(2)]
    other = Gate(id="floor", metric="quality", min=0.5)
    counts = {"p0": 1, "p1": 1, "b0": 1, "b1": 1, "b2": 1, "s0": 4, "s1": 6}
    whole = weights_of([*first, *broad, *sliced, other], counts)
    assert (whole["p0"], whole["b0"], whole["s0"]) == pytest.approx((1 / 4, 1 / 12, 1 / 40))
    assert sum(whole[name] * count for name, count in counts.items()) == pytest.approx(1.0)
    equals = weights_of([*broad, *sliced], counts)
    assert (equals["b0"], equals["s0"]) == pytest.approx((0.25, 0.025))
    without_slices = weights_of([*first, *broad], counts)
    assert (without_slices["p0"], without_slices["b0"]) == pytest.approx((1 / 3, 1 / 9))
    assert weights_of(sliced, counts)["s0"] == pytest.approx(0.1)
    assert weights_of([*broad, *sliced], {"b0": 1}) == {"b0": 1.0}


# -- without a baseline ------------------------------------------------------------------------------------


def test_no_baseline_is_inconclusive() -> None:
    """Without a baseline the gate says why, and what the candidate has."""
    cases = cases_of(60)
    evidence = Evidence(suite_of(GATE), scores_of(cases, {"quality": rate(60, 1)}), None, "none was promoted")
    found = decide_one(GATE, evidence)
    assert (found.outcome, found.reason, found.n) == ("inconclusive", "none was promoted", 60)
    assert found.candidate == pytest.approx(0.95)


def test_metric_that_the_baseline_lacks() -> None:
    """A metric that is new since the baseline has nothing to be compared with."""
    found = decide_one(
        GATE, evidence_of(suite_of(GATE), cases_of(60), {"quality": [1.0] * 60}, {"flaws": [0.0] * 60})
    )
    assert (found.outcome, found.reason) == ("inconclusive", "the baseline has no quality")


def test_metric_of_another_version() -> None:
    """A metric whose version changed is not compared: its numbers mean something else."""
    cases = cases_of(60)
    old = scores_of(cases, {"quality": [1.0] * 60}, metrics={"quality": MetricIdentity(0, True, 0.0, 1.0)})
    evidence = Evidence(suite_of(GATE), scores_of(cases, {"quality": [0.0] * 60}), old)
    found = decide_one(GATE, evidence)
    assert found.outcome == "inconclusive"
    assert found.reason == "quality changed its version or judge: score the baseline again"


def test_only_unchanged_cases_are_compared() -> None:
    """Cases that changed since the baseline take no part, however they went."""
    cases = cases_of(100)
    evidence = evidence_of(
        suite_of(GATE), cases, {"quality": [1.0] * 60 + [0.0] * 40}, {"quality": [1.0] * 100}
    )
    assert decide_one(GATE, evidence).outcome == "fail"
    part = evidence._replace(unchanged=frozenset(case.id for case in cases[:60]))
    found = decide_one(GATE, part)
    assert (found.outcome, found.n, found.n_total) == ("pass", 60, 60)
    none = decide_one(GATE, evidence._replace(unchanged=frozenset()))
    assert none.reason == "0 pairs from 0 documents are too few to judge (need 50 from 15)"


def test_a_slice_that_the_metric_says_nothing_of_is_too_small() -> None:
    """Cases to which the metric does not apply do not keep the other slices from passing."""
    gate = Gate(id="each", metric="quality", max_drop=0.2, slice="language")
    cases = cases_of(120, 1, lambda i: "en" if i < 60 else "de")
    cells: list[Cell] = [1.0] * 60 + ["not_applicable"] * 60
    found = decide_one(gate, evidence_of(suite_of(gate), cases, {"quality": cells}, {"quality": cells}))
    assert (found.outcome, found.reason.partition("; ")[2]) == ("pass", "too small to judge: language=de")


@pytest.mark.parametrize(
    ("n", "gate", "why"),
    [
        (300, GATE, ""),
        (40, GATE, "40 cases from 40 documents, and it needs 50 from 15: it will always be inconclusive"),
        (54, GATE, "54 cases can show 0.056 at best, not 0.050: it needs 60 cases"),
        (60, GATE, ""),
        (
            300,
            replace(GATE, max_drop=0.0),
            "300 cases can show 0.010 at best, not 0.000: it needs a margin above 0",
        ),
        (
            30,
            replace(GATE, slice="language"),
            "no language has 20 cases from 10 documents: it will always be inconclusive",
        ),
    ],
)
def test_a_gate_that_can_never_pass_is_known_beforehand(n: int, gate: Gate, why: str) -> None:
    """Too few cases or documents, or a margin finer than the cases can show, are told before any call."""
    cases = cases_of(n, 1, lambda i: ("en", "de")[i % 2])
    assert cannot_pass(gate, suite_of(gate), cases, 1.0) == why


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_too_large_to_square_leave_no_interval() -> None:
    """A change whose error is beyond floating point has no interval; infinity never reaches a report."""
    gate = Gate(id="slow", metric="latency_s", max_drop=5)
    found = decided([1.0] * 60, [1e200 * (i % 2 + 1) for i in range(60)], gate)
    assert found.outcome == "inconclusive"
    assert found.interval is None
