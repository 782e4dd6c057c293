"""What runs are compared with: found by name or by suite, verified, and only ever of one system."""

import json
from pathlib import Path

import pytest
from baseline_runs import Project, losing

from harness.api.references import find_anchor, find_baseline, ids_of, spreads, told_of, verify_baseline
from harness.baselines import read_baseline
from harness.errors import RecordingError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A baseline of two runs, and a third that is recorded."""
    project = Project(tmp_path)
    for name, lost in (("a", (1, 2)), ("b", (2, 3, 4)), ("c", ())):
        project.record(name, losing(*lost))
    project.promote("a", "b")
    return project


def find(project: Project, *names: str) -> tuple[str, ...] | None:
    found, _ = find_baseline(names, project.suite_path, "world", project.places)
    return ids_of(found) if found else None


def test_by_default_it_is_that_of_the_suite(project: Project) -> None:
    """Or none, with the command that makes one."""
    assert find(project) == ("a", "b")
    (project.baselines / "world.lock.json").unlink()
    found, why_none = find_baseline((), project.suite_path, "world", project.places)
    assert found is None
    assert "harness baseline promote RUN" in why_none.mend


def test_runs_and_locks_are_found_by_name(project: Project) -> None:
    """In the order of time, whatever the order they are named in; each once."""
    lock = str(project.baselines / "world.lock.json")
    assert find(project, "c") == ("c",)
    assert find(project, "c", "a") == ("a", "c")
    assert find(project, "c", lock) == ("a", "b", "c")
    with pytest.raises(UsageError, match="run 'a' is named twice"):
        find(project, "a", lock)


def test_runs_of_two_systems_are_not_averaged(project: Project) -> None:
    """Not by name, and not out of a lock that was edited by hand."""
    project.record("other", system_fingerprint="g")
    with pytest.raises(UsageError, match=r"runs 'a' and 'other' cannot be one .* differ in system"):
        find(project, "a", "other")
    project.promote("other", force=True)
    other = json.loads((project.baselines / "world.lock.json").read_text())["runs"]
    project.promote("a", "b", force=True)
    project.promote("other", anchor=True, force=True)
    path = project.baselines / "world.lock.json"
    lock = json.loads(path.read_text())
    mixed = {**other[0], "recording": "world.anchor.run-other.jsonl.gz"}
    path.write_text(json.dumps({**lock, "runs": [*lock["runs"], mixed]}))
    with pytest.raises(UsageError, match="cannot be one baseline"):
        find(project)


def test_there_is_an_anchor_or_a_reason(project: Project) -> None:
    """A suite need not have one."""
    found, why_none = find_anchor(project.suite_path, "world")
    assert found is None
    assert "harness baseline promote RUN --anchor" in why_none.mend
    project.promote("a", anchor=True)
    found, _ = find_anchor(project.suite_path, "world")
    assert ids_of(found) == ("a",)


def test_a_whole_baseline_is_verified(project: Project) -> None:
    """What is verified is what is compared with."""
    assert ids_of(verify_baseline(project.baselines / "world.lock.json")) == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suite": "mine"}, "suite"),
        ({"dataset_digest": "x", "config": {"system.top_k": 9}}, "goldens, config"),
        ({"system_fingerprint": "x"}, "system"),
        ({"corpus_digest": "x"}, "corpus"),
        ({"repeats": 9}, "repeats"),
    ],
)
def test_a_lock_that_says_something_else_is_told(project: Project, changes: dict, said: str) -> None:
    """A reviewer reads the lock: it must be about its recordings."""
    path = project.baselines / "world.lock.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UsageError, match=f"the lock is not about its recordings: {said}: restore it"):
        verify_baseline(path)


def test_a_changed_recording_is_told(project: Project) -> None:
    """Of whichever run."""
    (project.baselines / "world.run-b.jsonl.gz").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"world\.run-b.* is not the one that was promoted"):
        verify_baseline(project.baselines / "world.lock.json")


def test_the_spread_between_runs_is_of_the_cases_that_all_have(project: Project) -> None:
    """Means by run, and the standard deviation between them beside the one expected."""
    means, shock = spreads(read_baseline(project.baselines / "world.lock.json"))["quality"]
    assert means == pytest.approx((78 / 80, 77 / 80))
    assert shock.n_runs == 2
    assert shock.spread_sd == pytest.approx(1 / 80 / 2**0.5)
    assert 0 < shock.expected_sd < 0.05


def test_one_run_has_no_spread(project: Project) -> None:
    """There is nothing that it could be told from."""
    found, _ = find_baseline(("a",), project.suite_path, "world", project.places)
    assert spreads(found) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"baseline": 5}'])
def test_what_is_no_report_tells_nothing(tmp_path: Path, text: str) -> None:
    """A file that someone else left in the folder of a run is no verdict; nor is none."""
    path = tmp_path / "report.json"
    assert told_of(path) is None
    path.write_text(text)
    assert told_of(path) is None
