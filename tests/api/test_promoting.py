"""Runs become a baseline or an anchor: several of one system, none for its score, nothing by accident."""

import json
from pathlib import Path

import pytest
from baseline_runs import SUITE, Project, losing
from msgspec.structs import replace

from harness.api.promoting import Wish, add
from harness.baselines import NotPromotable, read_baseline, read_lock
from harness.errors import RecordingError, UsageError
from harness.recordings import read


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def established(project: Project) -> Project:
    """A project with the baseline ``base``: 78 of 80 cases right."""
    project.record("base", losing(1, 2))
    project.promote("base")
    return project


def test_the_first_baseline_needs_no_ceremony(project: Project) -> None:
    """A run that was checked without a baseline is judged by nothing, and is promoted as it is."""
    project.judge(project.record("first"))
    promoted = project.promote("first")
    assert promoted.before == ()
    assert promoted.lock.forced == ()
    assert project.baseline_ids() == ("first",)


def test_several_runs_are_one_baseline(project: Project) -> None:
    """The earliest first, each with its recording, and the means are of the cases' means."""
    for day, lost in ((3, (1,)), (1, (1, 2)), (2, (1, 2, 3))):
        project.record(f"day-{day}", losing(*lost), started_at=f"2026-01-0{day}T00:00:00Z")
    lock = project.promote("day-3", "day-1", "day-2").lock
    assert [run.id for run in lock.runs] == ["day-1", "day-2", "day-3"]
    assert [run.started_at for run in lock.runs] == [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    assert lock.metrics["quality"].value == pytest.approx(1 - (1 + 2 / 3 + 1 / 3) / 80)
    assert lock.metrics["quality"].n == 80


def test_texts_are_kept_only_where_that_is_wanted(project: Project) -> None:
    """In every recording of the baseline."""
    for name in ("a", "b"):
        project.record(name)
    for keep_text in (False, True):
        path = project.promote("a", "b", keep_text=keep_text, force=True).path
        assert [bool(item.cases[0].query.input) for item in read_baseline(path).runs] == [keep_text] * 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system_fingerprint": "g", "config": {"system.top_k": 8}}, r"system \(system.top_k\)"),
        ({"dataset_digest": "other"}, "goldens goldens and other"),
        ({"repeats": 2}, "repeats 1 and 2"),
    ],
)
def test_runs_of_two_systems_are_refused(project: Project, changes: dict, said: str) -> None:
    """Whatever is forced: their mean would be of nothing. What differs is named."""
    project.record("a")
    project.record("b", **changes)
    for force in (False, True):
        with pytest.raises(UsageError, match=f"cannot be one baseline: they differ in {said}"):
            project.promote("a", "b", force=force)
    assert not project.baselines.exists()


def test_a_run_counts_once(project: Project) -> None:
    """Named twice it would stand for two."""
    project.record("a")
    with pytest.raises(UsageError, match="run 'a' is named twice"):
        project.promote("a", str(project.places.recording("a")))


def test_most_of_the_runs_must_pass(established: Project) -> None:
    """One unlucky run of three stays in: leaving it out would be a choice by score. Half of them do not."""
    for name, values in (("a", losing(1)), ("b", losing(2)), ("bad", losing(*range(40)))):
        established.record(name, values)
    assert established.promote("a", "b", "bad").lock.outcome == "pass"
    established.promote("a", force=True)  # runs that lie so far apart as those three prove nothing
    established.record("worse", losing(*range(60)))
    established.record("c", losing(1))
    with pytest.raises(NotPromotable, match="run 'worse': gate 'drop': fail"):
        established.promote("c", "worse")


def test_a_better_run_that_was_judged_is_refused(established: Project) -> None:
    """It may be better by luck. The mend is a fresh run, which is promoted although it is better too."""
    established.judge(established.record("lucky", losing(1)))
    with pytest.raises(NotPromotable) as caught:
        established.promote("lucky")
    said = str(caught.value)
    assert "run 'lucky': it was judged against the present baseline and found better on quality" in said
    assert f"run the system once more with `harness run {established.suite_path}`" in said
    assert established.baseline_ids() == ("base",)
    established.record("fresh", losing(1))
    established.promote("fresh")
    assert established.baseline_ids() == ("fresh",)


@pytest.mark.parametrize("values", [losing(1, 2), losing(1, 2, 3)])
def test_a_run_that_is_no_better_may_have_been_judged(established: Project, values: list) -> None:
    """The same, or worse within what its gates allow: nobody gains by choosing it."""
    established.judge(established.record("next", values))
    established.promote("next")
    assert established.baseline_ids() == ("next",)


def test_better_is_lower_where_lower_is_better(tmp_path: Path) -> None:
    """The direction is the metric's."""
    gates = [{"id": "drop", "metric": "flaws", "max_drop": 0.2}]
    project = Project(tmp_path, {**SUITE, "metrics": ["flaws"], "gates": gates})
    for name, lost in (("base", range(4)), ("fewer", range(2)), ("more", range(6))):
        values = [1.0 if i in lost else 0.0 for i in range(80)]
        recorded = project.record(name, values)
        flaws = [replace(result, scores={"flaws": result.scores["quality"]}) for result in recorded.results]
        identity = replace(recorded.run.metrics["quality"], higher_is_better=False)
        recorded = replace(recorded, run=replace(recorded.run, metrics={"flaws": identity}))
        project.write(replace(recorded, results=tuple(flaws)))
        if name == "base":
            project.promote("base")
        else:
            project.judge(read(project.places.recording(name)))
    with pytest.raises(NotPromotable, match="found better on flaws"):
        project.promote("fewer")
    project.promote("more")


def test_force_promotes_it_and_the_lock_tells(established: Project) -> None:
    """A reviewer of the lock sees what was overridden."""
    established.judge(established.record("lucky", losing(1)))
    lock = established.promote("lucky", force=True).lock
    (objection,) = lock.forced
    assert objection.startswith("run 'lucky': it was judged against the present baseline and found better")
    assert read_lock(established.baselines / "world.lock.json").forced == lock.forced


def test_fresh_runs_do_not_make_up_for_a_lucky_one(established: Project) -> None:
    """It is refused in whatever company, and the others are promoted without it."""
    established.judge(established.record("lucky", losing(1)))
    fresh = [established.record(name, losing(1, 2)).run.id for name in ("x", "y", "z")]
    with pytest.raises(NotPromotable, match="run 'lucky': it was judged"):
        established.promote("lucky", *fresh)
    assert established.promote(*fresh).lock.forced == ()


def test_what_was_judged_against_another_baseline_is_not_chosen(established: Project) -> None:
    """Only the present baseline's verdict can be what a run was chosen by."""
    established.judge(established.record("next", losing(1)))
    established.record("other", losing(1, 2))
    established.promote("other")
    established.promote("next")
    assert established.baseline_ids() == ("next",)


def test_a_further_run_is_added(established: Project) -> None:
    """Its recording comes to the others, which stay the same bytes; the reason stays as it was."""
    before = (established.baselines / "world.run-base.jsonl.gz").read_bytes()
    established.record("unlucky", losing(*range(40)), started_at="2026-01-02T00:00:00Z")
    lock = add("unlucky", None, Wish(""), None, established.places).lock
    assert [run.id for run in lock.runs] == ["base", "unlucky"]
    assert (lock.reason, lock.forced) == ("so", ())
    assert (established.baselines / "world.run-base.jsonl.gz").read_bytes() == before
    assert lock.metrics["quality"].value == pytest.approx((78 / 80 + 40 / 80) / 2)


def test_only_the_latest_are_kept_where_that_is_wanted(established: Project) -> None:
    """So that a nightly run renews a baseline bit by bit."""
    for day in (2, 3):
        established.record(f"day-{day}", started_at=f"2026-01-0{day}T00:00:00Z")
        add(f"day-{day}", 2, Wish(""), None, established.places)
    assert established.baseline_ids() == ("day-2", "day-3")
    assert {path.name for path in established.baselines.iterdir()} == {
        "world.lock.json",
        "world.run-day-2.jsonl.gz",
        "world.run-day-3.jsonl.gz",
    }


def test_what_may_not_be_added(established: Project) -> None:
    """A run of another system, one in it already, one that is partial, one chosen by score; or to none."""
    established.record("other", system_fingerprint="g")
    established.record("part", selection={"limit": 5})
    established.judge(established.record("lucky", losing(1)))
    for name, error, said in (
        ("other", UsageError, "differ in system"),
        ("base", UsageError, "is in the baseline already"),
        ("part", NotPromotable, "only a part of the goldens"),
        ("lucky", NotPromotable, "found better on quality"),
    ):
        with pytest.raises(error, match=said):
            add(name, None, Wish(""), None, established.places)
    assert established.baseline_ids() == ("base",)
    (established.baselines / "world.lock.json").unlink()
    with pytest.raises(UsageError, match="no baseline lock"):
        add("other", None, Wish(""), None, established.places)


def test_a_release_keeps_its_baseline_as_the_anchor(established: Project) -> None:
    """Named by its lock: the same runs, bytes and all, beside the baseline, which stays."""
    established.record("more", started_at="2026-01-02T00:00:00Z")
    add("more", None, Wish(""), None, established.places)
    promoted = established.promote(str(established.baselines / "world.lock.json"), anchor=True)
    assert promoted.path.name == "world.anchor.lock.json"
    assert [run.id for run in promoted.lock.runs] == ["base", "more"]
    for name in ("base", "more"):
        kept = established.baselines / f"world.anchor.run-{name}.jsonl.gz"
        assert kept.read_bytes() == (established.baselines / f"world.run-{name}.jsonl.gz").read_bytes()
    assert established.baseline_ids() == ("base", "more")


def test_a_damaged_baseline_is_not_replaced_unasked(established: Project) -> None:
    """A recording that is not the one of the lock is told; --force promotes over it."""
    (established.baselines / "world.run-base.jsonl.gz").write_bytes(b"")
    established.record("next")
    with pytest.raises(RecordingError, match="not the one that was promoted"):
        established.promote("next")
    established.promote("next", force=True)
    assert established.baseline_ids() == ("next",)


def test_a_suite_that_has_moved_is_asked_for(project: Project) -> None:
    """The run knows where its suite was."""
    project.record("a")
    project.suite_path.unlink()
    with pytest.raises(UsageError, match=r"no suite file at .*: name it with --suite"):
        project.promote("a")


def test_the_lock_is_json_with_one_fact_a_line(established: Project) -> None:
    """It is reviewed like code."""
    text = (established.baselines / "world.lock.json").read_text()
    assert '\n      "id": "base",\n' in text
    assert json.loads(text)["version"] == 2
