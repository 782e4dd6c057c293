"""The audit of a run: verdicts that keep apart what is shown and what is not found, and what it left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from world import LOWER, Cell, cases_of, recorded_of

from harness.api.auditing import Asked, audit
from harness.baselines import Baseline
from harness.errors import UsageError
from harness.fairness.verdicts import gap_verdict, group_verdict
from harness.numbers import number
from harness.types import Audit, EarlyStop, Estimate, Gate, GroupGap, Interval, MetricIdentity, Recorded

SLICES = {
    "language": {"from": "groups.language", "audit": True},
    "register": {"from": "groups.register"},
    "topic": {"from": "metadata.topic"},
}


def recorded(cells: dict[str, list[Cell]], gates: tuple[Gate, ...] = (), **suite: Any) -> Recorded:
    """Cases in two languages and two registers, two to a document."""
    n = len(next(iter(cells.values())))
    cases = tuple(
        replace(
            case,
            groups={"language": ("en", "de")[i // 2 % 2], "register": ("plain", "formal")[i // 4 % 2]},
            metadata={"topic": ("x", "y")[i // 8 % 2]},
        )
        for i, case in enumerate(cases_of(n, 2))
    )
    facts = {
        "version": 1,
        "suite": "world",
        "goldens": [{"path": "cases.jsonl"}],
        "system": {"adapter": "reference"},
        "metrics": list(cells),
        "gates": [
            {"id": gate.id, "metric": gate.metric, "slice": gate.slice, "max_gap": gate.max_gap}
            for gate in gates
        ],
        "slices": SLICES,
        **suite,
    }
    metrics = {
        name: LOWER
        if name.endswith("_rate")
        else MetricIdentity(1, True, 0.0, None if name == "cost" else 1.0)
        for name in cells
    }
    return recorded_of(cases, cells, suite=facts, metrics=metrics)


def scores(german: float, n: int = 400, seed: int = 0) -> list[Cell]:
    rng = np.random.default_rng(seed)
    return [float(np.clip((german if i // 2 % 2 else 0.8) + rng.normal(0, 0.05), 0, 1)) for i in range(n)]


def verdicts(found: Audit) -> dict[tuple[str, str], str | None]:
    return {(item.gap.metric, item.gap.attribute): item.gap.verdict for item in found.gaps}


@pytest.mark.parametrize(
    ("low", "high", "tolerance", "word"),
    [
        (0.06, 0.10, 0.05, "worse beyond tolerance"),
        (0.01, 0.10, 0.05, "difference found"),
        (0.01, 0.04, 0.05, "parity shown"),
        (-0.04, 0.04, 0.05, "parity shown"),
        (-0.04, 0.06, 0.05, "no difference found"),
        (-0.10, -0.06, 0.05, "better than the rest"),
        (0.06, 0.10, None, "difference found"),
        (-0.01, 0.01, None, "no difference found"),
    ],
)
def test_words_of_a_group(low: float, high: float, tolerance: float | None, word: str) -> None:
    """Parity needs the whole interval within the tolerance; an interval that holds 0 shows nothing."""
    row = GroupGap("de", Estimate(0.5, 60, 0), 60, True, (low + high) / 2, Interval(low, high, 0.95, ""))
    assert group_verdict(row, tolerance) == word
    assert group_verdict(replace(row, enough=False), tolerance) == "too few cases"


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("parity shown", "parity shown"), "parity shown"),
        (("parity shown", "no difference found"), "no difference found"),
        (("parity shown", "too few cases"), "too few cases"),
        (("better than the rest", "too few cases"), "difference found"),
        (("worse beyond tolerance", "better than the rest"), "worse beyond tolerance"),
        ((), "too few cases"),
    ],
)
def test_words_of_a_gap(words: tuple[Any, ...], word: str) -> None:
    """The gravest of its groups; parity only where every group has it."""
    rows = [GroupGap(str(at), Estimate(0.5, 60, 0), 60, True, verdict=each) for at, each in enumerate(words)]
    assert gap_verdict(rows) == word


def test_parity_is_told_apart_from_nothing_found() -> None:
    """Many quiet cases show parity within 5 points; a few noisy ones only fail to find a difference."""
    quiet = audit(recorded({"quality": scores(0.8)}), None, Asked())
    assert verdicts(quiet) == {("quality", "language"): "parity shown"}
    noisy = audit(recorded({"quality": [float(i % 3 > 0) for i in range(120)]}), None, Asked())
    assert verdicts(noisy) == {("quality", "language"): "no difference found"}
    row = noisy.gaps[0].gap.groups[0]
    assert row.detectable is not None
    assert row.detectable > 0.15
    assert row.needed is not None
    assert row.needed > 300
    assert "is not excluded" in noisy.headline[-1]


def test_the_headline_names_who_is_worse_and_who_is_better() -> None:
    """Each with how much at least and at most; of very many that are better the surest, and how many more."""
    found = audit(recorded({"quality": scores(0.65)}), None, Asked())
    assert len(found.headline) == 3
    worse, better = found.headline[1:]
    assert worse.startswith("language=de is worse served than the rest on quality: by +0.1")
    assert better.startswith("better served than the rest: language=en on quality by 0.1")
    assert "(95 %: at least 0.1" in better
    cells = {f"quality@{k}": scores(0.65, seed=k) for k in range(5)}
    many = audit(recorded(cells), None, Asked()).headline[2]
    assert many.count("language=en on quality@") == 3
    assert many.endswith("; and 2 more")
    assert not any(
        "better served" in line for line in audit(recorded({"q": scores(0.8)}), None, Asked()).headline
    )


def test_a_gap_found_by_one_side_is_told_by_one_side() -> None:
    """Where the interval to both sides holds 0, the headline gives what the test found: at least so much."""
    told = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        cells = [float(rng.random() < (0.72 if i // 2 % 2 else 0.85)) for i in range(200)]
        found = audit(recorded({"quality": list(cells)}), None, Asked())
        row = next(row for row in found.gaps[0].gap.groups if row.group == "de")
        if row.verdict == "difference found" and row.interval is not None and row.interval.low <= 0:
            told.append((found.headline[1], row.at_least))
    assert told
    for line, at_least in told:
        assert at_least > 0
        assert f"(95 %: at least {number(at_least)}, at most " in line


def test_the_margin_decides_what_is_beyond() -> None:
    """The same 15 points are beyond 5 and within 30."""
    run = recorded({"quality": scores(0.65)})
    assert verdicts(audit(run, None, Asked())) == {("quality", "language"): "worse beyond tolerance"}
    assert verdicts(audit(run, None, Asked(tolerance=0.3))) == {("quality", "language"): "parity shown"}


def test_a_gate_rules_and_gives_the_exit_code() -> None:
    """Its limit is the tolerance, its gap the one that is shown, its verdict the exit code; without one 0."""
    run = recorded({"quality": scores(0.65)}, (Gate("gap", metric="quality", slice="language", max_gap=0.1),))
    failed = audit(run, None, Asked(tolerance=0.5))
    assert (failed.outcome, failed.exit_code) == ("fail", 1)
    assert failed.gaps[0].gap == failed.verdicts[0].gap
    assert failed.gaps[0].gap.tolerance == 0.1
    free = audit(recorded({"quality": scores(0.65)}), None, Asked())
    assert (free.outcome, free.exit_code, free.verdicts) == (None, 0, ())


def test_refusals_are_audited_in_both_directions_or_said_not_to_be() -> None:
    """A run that scored one direction only is told to lack the other."""
    cells: dict[str, list[Cell]] = {"over_refusal_rate": [0.0] * 80}
    found = audit(recorded(cells), None, Asked())
    assert [line for line in found.not_audited if line.startswith("missing refusals")]
    assert not [line for line in found.not_audited if line.startswith("needless refusals")]
    nobody = audit(recorded({**cells, "under_refusal_rate": ["not_applicable"] * 80}), None, Asked())
    assert [line for line in nobody.not_audited if line.endswith("no case asks for it")]
    assert set(verdicts(nobody)) == {("over_refusal_rate", "language")}


def test_what_was_not_audited_is_listed() -> None:
    """Unbounded metrics, other slices, labels without a slice, crosses, strata, twins, baseline."""
    found = audit(recorded({"quality": scores(0.8), "cost": [1.0] * 400}), None, Asked())
    said = " ".join(found.not_audited)
    for part in (
        "cost:",
        "slice register",
        "slice topic",
        "crosses none",
        "--by-topic",
        "twins",
        "no baseline",
    ):
        assert part in said
    full = recorded({"quality": scores(0.8)}, crosses=[["language", "register"]])
    audited = audit(full, Baseline((full,)), Asked(("language", "register"), ("topic",)))
    assert [line for line in audited.not_audited if not line.startswith(("needless", "missing"))] == [
        "counterfactual twins: no case is a twin_of another in other groups"
    ]


def test_intersections_are_groups_of_their_own() -> None:
    """Each combination stands against all other cases, with its n."""
    run = recorded({"quality": scores(0.8)}, crosses=[["language", "register"]])
    (crossed,) = audit(run, None, Asked()).intersections
    assert crossed.crossed == ("language", "register")
    assert sorted((row.group, row.estimate.n) for row in crossed.gap.groups) == [
        ("de & formal", 100),
        ("de & plain", 100),
        ("en & formal", 100),
        ("en & plain", 100),
    ]


def test_changes_against_a_baseline() -> None:
    """The gap of each group then and now; goldens that differ are compared only when asked to."""
    old, new = recorded({"quality": scores(0.8)}), recorded({"quality": scores(0.65)})
    german = audit(new, Baseline((old,)), Asked()).gaps[0].changes[0]
    assert german.group == "de"
    assert german.change == pytest.approx(0.15, abs=0.01)
    other = replace(old, run=replace(old.run, dataset_digest="other"))
    refused = audit(new, Baseline((other,)), Asked())
    assert refused.baseline is None
    assert any(line.startswith("gaps are not compared") for line in refused.notices)
    assert audit(new, Baseline((other,)), Asked(intersect=True)).gaps[0].changes


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(("langauge",)), "did you mean 'language'?"),
        (Asked(by_topic=("topics",)), "did you mean 'topic'?"),
        (Asked(tolerance=0.0), "above 0"),
        (Asked(tolerance=float("nan")), "above 0"),
        (Asked(tolerance=1.5), "at most 1"),
    ],
)
def test_wrong_questions_are_told_with_what_is_right(asked: Asked, words: str) -> None:
    """A slice that is not declared has a nearest name; a margin is in points."""
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        audit(recorded({"quality": [1.0] * 80}), None, asked)


def test_a_suite_that_audits_nothing_says_what_to_do() -> None:
    """Unless a slice is named."""
    run = recorded({"quality": [1.0] * 80}, slices={"language": {"from": "groups.language"}})
    with pytest.raises(UsageError, match="audit: true"):
        audit(run, None, Asked())
    assert audit(run, None, Asked(("language",))).gaps


def test_a_run_that_stopped_early_is_told() -> None:
    """The gates had seen enough; an audit may not have."""
    run = replace(recorded({"quality": scores(0.8)}), stop=EarlyStop(2, 4, 400, 600, "pass"))
    assert any("400 of 600 cases" in line for line in audit(run, None, Asked()).notices)


def test_order_of_cases_changes_nothing() -> None:
    """The same audit, to the last bit."""
    run = recorded({"quality": scores(0.7)}, crosses=[["language", "register"]])
    turned = replace(run, cases=run.cases[::-1], results=run.results[::-1])
    assert audit(turned, None, Asked(by_topic=("topic",))) == audit(run, None, Asked(by_topic=("topic",)))
