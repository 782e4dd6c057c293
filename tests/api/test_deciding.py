"""A recorded run against a baseline: what may be compared, and what a partial baseline is worth."""

import pytest
from msgspec.structs import replace
from world import cases_of, run_of

from harness.api.deciding import gate
from harness.baselines import Baseline
from harness.errors import RecordingError
from harness.types import Recorded, Response, Result, Score

CASES = cases_of(80)
SUITE = {
    "version": 1,
    "suite": "world",
    "goldens": [{"path": "cases.jsonl"}],
    "system": {"adapter": "reference"},
    "metrics": ["quality"],
    "gates": [{"id": "drop", "metric": "quality", "max_drop": 0.1}],
}


def recorded(name, values, cases=CASES, **fields):
    results = tuple(
        Result(case.id, 0, Response(output="x"), {"quality": Score(value)})
        for case, value in zip(cases, values, strict=True)
    )
    run = run_of(name, ["quality"], suite=SUITE, n_cases=len(cases), **fields)
    digests = {case.id: f"digest of {case.id}" for case in cases}
    return Recorded(run, tuple(cases), digests, results, complete=True)


def verdict(candidate, baseline, **options):
    report = gate(candidate, Baseline((baseline,)), **options)
    return report.verdicts[0].outcome, report


def test_what_a_partial_baseline_never_ran_is_not_new():
    """Cases of the same goldens without a baseline score are unscored pairs: they cannot let a drop pass."""
    part = recorded("part", [1.0] * 60, CASES[:60])
    fell = recorded("fell", [1.0] * 60 + [0.0] * 20)
    outcome, report = verdict(fell, part)
    assert outcome == "inconclusive"
    assert report.verdicts[0].n_total == 80
    assert "the baseline ran 60 of these 80 cases only" in report.notices


def test_cases_that_really_are_new_are_left_out_when_told_to():
    """With other goldens and --intersect, new cases are named and not compared."""
    before = recorded("before", [1.0] * 60, CASES[:60], dataset_digest="older")
    after = recorded("after", [1.0] * 80)
    assert verdict(after, before)[0] == "inconclusive"
    outcome, report = verdict(after, before, intersect=True)
    assert outcome == "pass"
    assert "20 cases are new since the baseline and not compared" in report.notices


def test_a_suite_of_another_version_is_a_fault():
    """A recording whose suite cannot be read says how to decide it all the same."""
    odd = recorded("odd", [1.0] * 80)
    odd = replace(odd, run=replace(odd.run, suite={**SUITE, "gates": [{"id": "x", "unheard_of": 1}]}))
    with pytest.raises(RecordingError, match="harness gate RUN --suite FILE"):
        gate(odd, None)
