"""The three lines that say it all, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from world import Cell, cases_of, evidence_of_runs, recorded_of, suite_of

from harness.findings import make_report
from harness.gates.decide import decide_all
from harness.headline import hardest_hit, headline_of, worst_verdict
from harness.regressions import Runs
from harness.report import markdown
from harness.report.views import metric_plots
from harness.report.wording import gate_rows
from harness.types import Comparison, Estimate, Gate, Report, Slice, SliceRule, Verdict

CASES = cases_of(300, 2, lambda i: ("en", "de", "fr")[i // 2 % 3])
GOOD: list[Cell] = [1.0] * 300
DROP = Gate(id="facts", metric="quality", max_drop=0.05)


def report_of(
    cells: Mapping[str, Sequence[Cell]],
    baseline: Mapping[str, Sequence[Cell]] | None,
    *gates: Gate,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Report:
    suite = suite_of(
        *gates,
        metrics=tuple(cells),
        slices={"language": SliceRule(source="groups.language"), "id": SliceRule(source="id")},
    )
    candidate = recorded_of(CASES, cells, config=dict(after or {}))
    base = None if baseline is None else recorded_of(CASES, baseline, "base", config=dict(before or {}))
    evidence = evidence_of_runs(suite, candidate, base)
    return make_report(Runs(candidate, base, evidence), decide_all(evidence, {}), (), "")


def german_fell(every: int) -> list[Cell]:
    """Every so many German answers are wrong."""
    return [
        float(not (case.groups["language"] == "de" and i // 6 % every == 0)) for i, case in enumerate(CASES)
    ]


def test_failed() -> None:
    """FAILED: how many gates; the finding with interval and margin; where, and what was changed."""
    found = report_of(
        {"quality": german_fell(2)}, {"quality": GOOD}, DROP, before={"top_k": 5}, after={"top_k": 1}
    )
    assert found.headline == (
        "FAILED — 1 of 2 gates. Do not merge.",
        (
            "quality fell 1.000 → 0.833 (−0.167, 95 % CI [−0.227, −0.106]; allowed 0.050;"
            " paired n = 300/300): 50 worse, 0 better, 250 same."
        ),
        (
            "Hardest hit: language=de (1.000 → 0.500, n = 100). 50 of the 50 worse cases are language=de."
            " Changed: top_k 5 → 1."
        ),
    )


def test_passed() -> None:
    """PASSED: all gates; the largest loss that remains possible; what was changed."""
    found = report_of({"quality": GOOD}, {"quality": GOOD}, DROP, after={"model": "m" * 60})
    assert found.headline == (
        "PASSED — all 2 gates.",
        "No drop beyond its margin is proven; quality fell by at most 0.010 (95 %, allowed 0.050).",
        "Changed: model — → mmmmmmmmmmmmmmmmmmm…mmmmmmmm.",
    )


def test_passed_where_lower_is_better() -> None:
    """A metric that may rise is said to have risen by at most; a gate by slice says where."""
    each = Gate(id="each", metric="flaws", max_drop=0.2, slice="language")
    found = report_of({"flaws": [0.0] * 300}, {"flaws": [0.0] * 300}, each)
    assert found.headline[1] == (
        "No drop beyond its margin is proven; flaws in language=de rose by at most 0.030"
        " (95 %, allowed 0.200)."
    )
    assert found.headline[2] == "Changed: nothing in the configuration."


def test_passed_without_comparisons() -> None:
    """With bounds only there is nothing to compare, and the line says so."""
    found = report_of({"quality": GOOD}, None, Gate(id="floor", metric="quality", min=0.9))
    assert found.headline == ("PASSED — all 2 gates.", "No gate compares with a baseline.", "")


def test_inconclusive() -> None:
    """INCONCLUSIVE: how many gates could not decide, and why the first could not."""
    cells: list[Cell] = [0.0 if i in (1, 8, 21, 40) else 1.0 for i in range(300)]
    found = report_of({"quality": cells}, {"quality": GOOD}, replace(DROP, max_drop=0.02))
    assert found.headline[0] == (
        "INCONCLUSIVE — 1 of 2 gates could not decide. facts: may be up to 0.030 worse (allowed 0.020;"
        " a margin of 0.030 would pass now); this run detects 0.022; about 876 cases would tell."
    )
    assert found.headline[1].startswith("quality fell 1.000 → 0.987 (−0.013, 95 % CI [")
    assert found.headline[2] == "Changed: nothing in the configuration."


def test_no_baseline() -> None:
    """Without a baseline the first line says why; there is nothing that changed."""
    found = report_of({"quality": GOOD}, None, DROP)
    assert found.headline == (
        "INCONCLUSIVE — 1 of 2 gates could not decide. facts: there is no baseline yet.",
        "quality: worse by ≤ 0.050: there is no baseline yet.",
        "",
    )


def test_failed_bound_in_a_part() -> None:
    """A finding without a comparison gives the gate's rule and reason, and where it holds."""
    gate = Gate(id="floor", metric="quality", min=0.9, where={"language": "de"})
    found = report_of({"quality": german_fell(2)}, None, gate)
    assert found.headline[:2] == (
        "FAILED — 1 of 2 gates. Do not merge.",
        "quality in language=de: ≥ 0.9: 0.634 at most, below 0.900.",
    )


def test_values_are_those_of_the_cases_that_both_have() -> None:
    """Means over other cases may have moved the other way: both are over the pairs, and that is said."""
    before: list[Cell] = ["timeout" if i < 14 else float(i % 2) for i in range(300)]
    after: list[Cell] = [1.0 if i < 14 else float(i % 2 and i > 26) for i in range(300)]
    found = report_of({"quality": after}, {"quality": before}, replace(DROP, max_drop=0.01))
    worst = worst_verdict(found.verdicts)
    assert worst is not None
    assert worst.comparison is not None
    assert (worst.comparison.candidate.value or 0) > (worst.comparison.baseline.value or 1) - 0.001
    told = "quality fell 0.500 → 0.479 over the 286 cases that both have (−0.021, "
    assert found.headline[1].startswith(told)


def test_a_run_that_was_cut_short_is_compared_on_what_it_has() -> None:
    """What is missing were the hard cases: no rendering shows the mean of the baseline over them."""
    hard: list[Cell] = [1.0] * 150 + [0.0] * 150
    short: list[Cell] = [float(i % 3 > 0) if i < 150 else None for i in range(300)]
    found = report_of({"quality": short}, {"quality": hard}, DROP)
    assert found.headline[1].startswith(
        "quality fell 1.000 → 0.667 over the 150 cases that both have (−0.333, "
    )
    gate = next(row for row in gate_rows(found) if row.gate == "facts")
    assert (gate.baseline, gate.candidate, gate.n) == ("1.000", "0.667", "150/300")
    row = metric_plots(found)[0].rows[0]
    assert (row.before, row.after) == ("1.000", "0.667")
    assert "| `quality` | 1.000 | −0.333" in markdown.render(found)


def test_a_mean_ratio_that_contradicts_the_means_stands_alone() -> None:
    """Most answers are slower, few long ones much faster: the ratio rose, the mean fell."""
    slower = Gate(id="slower", metric="latency_s", max_ratio=1.01)
    before = [100.0 if i % 50 == 0 else 1.0 for i in range(300)]
    after = [50.0 if i % 50 == 0 else 1.2 for i in range(300)]
    found = report_of({"latency_s": list(after)}, {"latency_s": list(before)}, slower)
    assert found.headline[1].startswith("latency_s rose (+1")


def test_shares_of_a_cut_list_are_not_told() -> None:
    """Where more cases got worse than are listed, nothing is said of how many of them lie in the slice."""
    found = report_of({"quality": [0.0] * 250 + [1.0] * 50}, {"quality": GOOD}, DROP)
    assert found.headline[1].endswith("250 worse, 0 better, 50 same.")
    assert "of the 2" not in found.headline[2]


def test_cause_of_most_cases_is_told() -> None:
    """The commonest cause in the hardest hit slice is named with its count."""
    found = report_of({"quality": german_fell(2)}, {"quality": GOOD}, DROP)
    caused = tuple(
        replace(item, cause="gold passage lost" if i % 5 else "now refuses")
        for i, item in enumerate(found.regressions)
    )
    line = headline_of(replace(found, regressions=caused))[2]
    assert "50 of the 50 worse cases are language=de; in 40 of them: gold passage lost." in line


def test_a_slice_value_may_hold_an_ampersand() -> None:
    """The share is that of the slice, whatever its value is spelled like."""
    found = report_of({"quality": german_fell(2)}, {"quality": GOOD}, DROP)
    hit = hardest_hit(found.slices, "quality")
    assert hit is not None
    named = replace(hit, slice=Slice((("subject", "R & D"),)))
    hurt = tuple(replace(item, slices=("subject=R & D",)) for item in found.regressions)
    line = headline_of(replace(found, slices=(named,), regressions=hurt))[2]
    assert "50 of the 50 worse cases are subject=R & D." in line


def test_many_changes_are_cut() -> None:
    """Four changed keys are shown and the rest counted."""
    found = report_of({"quality": GOOD}, {"quality": GOOD}, DROP, after={f"k{i}": i for i in range(6)})
    assert found.headline[2] == "Changed: k0 — → 0, k1 — → 1, k2 — → 2, k3 — → 3 and 2 more."


def comparison(name: str, harm: float, p: float = 0.001, n: int = 20) -> Comparison:
    nothing = Estimate(None, 0, 0)
    where = Slice((("language", name),))
    return Comparison("quality", where, nothing, nothing, harm=harm, p_worse=p, n_pairs=n)


def test_hardest_hit_is_large_enough_and_sure() -> None:
    """The largest drop among slices of 20 pairs or more with p up to 0.01, on the same metric."""
    rows = [
        comparison("small", 0.9, n=19),
        comparison("chance", 0.8, p=0.011),
        comparison("better", -0.7),
        comparison("second", 0.1),
        comparison("first", 0.2, p=0.01),
    ]
    found = hardest_hit(rows, "quality")
    assert found is not None
    assert found.slice.label == "language=first"
    assert hardest_hit(rows, "other") is None


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ([("pass", 0.5, 0.1)], None),
        ([("pass", 0.5, 0.1), ("inconclusive", 0.01, 0.1)], 1),
        ([("inconclusive", 0.9, 0.1), ("fail", 0.06, 0.05)], 1),
        ([("fail", 0.08, 0.10), ("fail", 0.06, 0.05)], 1),
        ([("fail", None, 0.1), ("fail", 0.06, 0.05)], 1),
        ([("fail", 0.01, 0.0), ("fail", 0.06, 0.05)], 1),
    ],
)
def test_worst_verdict(verdicts: list[tuple[Any, float | None, float]], worst: int | None) -> None:
    """Fails before undecided ones; then the largest harm against what is allowed; comparisons first."""
    made = [
        Verdict(
            f"g{i}", "", outcome, "", limit=limit, comparison=None if harm is None else comparison("x", harm)
        )
        for i, (outcome, harm, limit) in enumerate(verdicts)
    ]
    found = worst_verdict(made)
    assert (None if found is None else made.index(found)) == worst


def test_no_slice_is_named_where_all_fell_alike() -> None:
    """The largest of several like drops is chance: it is not given as the place to look."""
    after: list[Cell] = [float(i // 6 % 3 != 0) for i in range(300)]
    found = report_of({"quality": after}, {"quality": GOOD}, DROP)
    assert found.headline[2].startswith("No slice is hit much harder than the rest.")


def test_a_drop_since_the_anchor_is_told_as_one() -> None:
    """Its numbers are not those of the baseline, so the hardest slice and what changed are kept apart."""
    found = report_of(
        {"quality": german_fell(2)}, {"quality": GOOD}, DROP, before={"top_k": 5}, after={"top_k": 1}
    )
    assert {verdict.against for verdict in found.verdicts if verdict.comparison} == {"baseline"}
    moved = tuple(replace(v, against="anchor" if v.comparison else None) for v in found.verdicts)
    _, finding, where = headline_of(replace(found, verdicts=moved))
    assert finding.startswith("quality fell since the anchor 1.000 → 0.833 (")
    assert where == "Changed since the baseline: top_k 5 → 1."
