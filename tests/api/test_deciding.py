"""A recorded run against a baseline: what may be compared, and what a partial baseline is worth."""

from pathlib import Path

import pytest
from baseline_runs import SUITE as PROJECT_SUITE
from baseline_runs import Project, losing
from msgspec.structs import replace
from world import cases_of, run_of

from harness.api.deciding import gate, repeat_report
from harness.api.rendering import FORMATS, render
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


def days(n):
    """A baseline of one run, so many days before the candidates of this file."""
    at = f"2025-12-{31 - n + 1:02}T00:00:00Z"
    return Baseline((recorded("base", [1.0] * 80, started_at=at),))


def notices(against, settings=SUITE):
    candidate = recorded("cand", [1.0] * 80, started_at="2026-01-01T00:00:00Z")
    suite = {**SUITE, **settings}
    return gate(replace(candidate, run=replace(candidate.run, suite=suite)), against).notices


@pytest.mark.parametrize(
    ("age", "settings", "said"),
    [
        (14, {}, False),
        (15, {}, True),
        (15, {"baseline": {"stale_after_days": 20}}, False),
        (3, {"baseline": {"stale_after_days": 2.5}}, True),
        (25, {"baseline": {"stale_after_days": None}}, False),
    ],
)
def test_a_stale_baseline_is_told(age, settings, said):
    """By what lies between the two runs, not by the day of the report."""
    found = [notice for notice in notices(days(age), settings) if "stale" in notice]
    assert bool(found) is said
    if said:
        assert found[0].startswith(f"the baseline is {age} days older than this run, stale after ")


def test_few_runs_are_told_once():
    """One line, and the last, until there are as many as the suite wants: five by default."""
    runs = [recorded(f"b{i}", [1.0] * 80) for i in range(6)]
    told = {count: notices(Baseline(tuple(runs[:count])))[-1:] for count in (1, 4, 5, 6)}
    assert told == {
        1: ("the baseline has 1 of 5 runs: further ones cost no call per gate and find more",),
        4: ("the baseline has 4 of 5 runs: further ones cost no call per gate and find more",),
        5: (),
        6: (),
    }
    assert notices(Baseline((runs[0],)), {"baseline": {"runs": 1}}) == ()


def test_several_runs_are_compared_with_by_their_mean():
    """The pairs are of the cases' means; the report names every run and shows the first that has texts."""
    first = recorded("b0", [1.0] * 40 + [0.0] * 40)
    bare = tuple(replace(case, query=replace(case.query, input="")) for case in first.cases)
    second = recorded("b1", [1.0] * 80)
    report = gate(recorded("cand", [0.75] * 80), Baseline((replace(first, cases=bare), second)))
    (found,) = report.comparisons
    assert found.baseline.value == pytest.approx(0.75)
    assert found.change == pytest.approx(0.0)
    assert (found.worse, found.better) == (40, 40)
    assert [run.id for run in report.baseline_runs] == ["b0", "b1"]
    assert report.baseline.id == "b1"
    assert report.cases[0].baseline.scores["quality"].value == 1.0


def test_a_case_that_one_run_lost_is_unscored_in_the_baseline():
    """The other runs do not stand in for it: it counts at its worst."""
    whole = recorded("b0", [1.0] * 80)
    lost = recorded("b1", [1.0] * 80)
    lost = replace(lost, results=lost.results[:60])
    outcome = gate(recorded("cand", [1.0] * 80), Baseline((whole, whole))).verdicts[0]
    assert (outcome.outcome, outcome.n) == ("pass", 80)
    short = gate(recorded("cand", [1.0] * 80), Baseline((whole, lost))).verdicts[0]
    assert (short.outcome, short.n, short.n_total) == ("inconclusive", 60, 80)


def test_the_same_runs_give_the_same_bytes():
    """In whatever order the runs of the baseline are given but for which is named first."""
    runs = tuple(recorded(f"b{i}", [1.0, 0.5][i % 2 :] + [0.1 * i] * (78 + i % 2)) for i in range(3))
    candidate = recorded("cand", [0.7] * 80)
    texts = [render(gate(candidate, Baseline(order)), FORMATS) for order in (runs, runs)]
    assert texts[0] == texts[1]
    turned = gate(candidate, Baseline((runs[0], runs[2], runs[1])))
    assert turned.comparisons == gate(candidate, Baseline(runs)).comparisons
    assert "2026-01-01" not in texts[0]["json"]


ANCHORED = {
    **PROJECT_SUITE,
    "gates": [
        {"id": "drop", "metric": "quality", "max_drop": 0.2},
        {"id": "release", "metric": "quality", "max_drop": 0.2, "against": "anchor"},
    ],
}


def test_the_anchor_is_named_where_it_is_compared_with(tmp_path: Path):
    """Found beside the baseline; a gate against it that has none says how to make one."""
    project = Project(tmp_path, ANCHORED)
    project.record("base")
    project.promote("base")
    candidate = project.record("cand")
    report = project.judge(candidate)
    assert report.anchor is None
    assert any("harness baseline promote RUN --anchor" in notice for notice in report.notices)
    project.promote("base", anchor=True)
    report = project.judge(candidate)
    assert report.anchor.id == "base"
    assert not any("release" in notice for notice in report.notices)


def test_an_anchor_that_no_gate_uses_is_told_once(tmp_path: Path):
    """It guards nothing then."""
    project = Project(tmp_path)
    project.record("base")
    project.promote("base")
    project.promote("base", anchor=True)
    said = [notice for notice in project.judge(project.record("cand")).notices if "release" in notice]
    assert said == ["a baseline of the last release is kept, and no gate is `against: anchor`"]


def test_an_anchor_of_other_goldens_is_not_compared_with(tmp_path: Path):
    """Whatever the baseline is; --intersect compares the cases that are the same."""
    project = Project(tmp_path, ANCHORED)
    project.record("old", dataset_digest="older")
    project.promote("old", anchor=True)
    project.record("base")
    project.promote("base", force=True)
    candidate = project.record("cand")
    assert project.judge(candidate).anchor is None
    assert project.judge(candidate, intersect=True).anchor.id == "old"


@pytest.mark.parametrize("lost", [(), ("lock",), ("lock", "b1")])
def test_a_report_is_made_again(tmp_path: Path, lost: tuple):
    """From the lock, or else from the runs that it named; without these it is not."""
    project = Project(tmp_path)
    for name in ("b0", "b1"):
        project.record(name)
    project.promote("b0", "b1", keep_text=True)
    candidate = project.record("cand", losing(1, 2, 3))
    told = project.judge(candidate)
    if "lock" in lost:
        (project.baselines / "world.lock.json").unlink()
    if "b1" in lost:
        project.places.recording("b1").unlink()
    again = repeat_report(candidate, project.places)
    assert again == (None if "b1" in lost else told)
