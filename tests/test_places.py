"""Where runs lie, how they are found by name, and what a run and its revision are called."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.places import RUN_ID, Places, baseline_lock, git_revision, kept_path, new_run_id, now, shown_path


def record(places: Places, run_id: str, started_at: str = "2026-11-22T08:00:00Z", changed: int = 0) -> Path:
    """A recording of which only the beginning matters; the suite in it has a misleading key."""
    path = places.recording(run_id)
    path.parent.mkdir(parents=True)
    run = {
        "id": run_id,
        "suite_name": '"started_at":"2099',
        "started_at": started_at,
        "suite": {"started_at": "x"},
    }
    line = json.dumps({"kind": "run", "data": run}, separators=(",", ":"))
    path.write_text(f"{line}\n")
    os.utime(path, ns=(changed, changed))
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Three runs, named against the order in which they were started."""
    found = Places(tmp_path / "reports")
    record(found, "a-latest", "2026-11-22T09:00:00Z")
    record(found, "b-first", "2026-11-22T07:00:00Z")
    record(found, "b-second", "2026-11-22T08:00:00Z")
    return found


def test_everything_lies_below_one_folder(tmp_path: Path) -> None:
    """One folder a run, the database beside them."""
    found = Places(tmp_path)
    assert found.store == tmp_path / "harness.duckdb"
    assert found.run_folder("r") == tmp_path / "runs" / "r"
    assert found.recording("r") == tmp_path / "runs" / "r" / "recording.jsonl"
    assert found.run_ids() == []


def test_the_latest_run_comes_first(places: Places) -> None:
    """Runs are sorted by when they were started; folders without a recording are no runs."""
    (places.reports / "runs" / "empty").mkdir()
    assert places.run_ids() == ["a-latest", "b-second", "b-first"]


def test_of_runs_of_one_second_the_one_written_last_is_the_latest(tmp_path: Path) -> None:
    """Two quick runs one after the other: ``last`` is the second, whatever it is called."""
    found = Places(tmp_path)
    record(found, "b", changed=1_000)
    record(found, "a", changed=2_000)
    assert found.find_recording("last") == found.recording("a")


def test_a_run_is_found_by_many_names(places: Places) -> None:
    """By id, unique beginning, ``last``, and the path of its folder or file."""
    latest = places.recording("a-latest")
    for name in ("a-latest", "a", "last", str(latest), str(latest.parent)):
        assert places.find_recording(name) == latest
    record(places, "b-first-again")
    assert places.find_recording("b-first") == places.recording("b-first")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("b-", "run 'b-' could be any of b-second, b-first: write more of it"),
        ("", "run '' could be any of a-latest, b-second, b-first: write more of it"),
        ("b-secnd", "no run 'b-secnd': did you mean 'b-second'?"),
        ("zzz", "no run 'zzz': the latest are a-latest, b-second, b-first"),
        ("../../etc/passwd\0", "no run '../../etc/passwd\\x00'"),
    ],
)
def test_a_name_of_no_run_or_several_is_told(places: Places, name: str, message: str) -> None:
    """What could be meant is named."""
    with pytest.raises(UsageError) as caught:
        places.find_recording(name)
    assert str(caught.value).startswith(message)


def test_without_runs_the_folder_is_named(tmp_path: Path) -> None:
    """The mend is to look at the folder, not at the name."""
    with pytest.raises(UsageError, match="no run 'last': no run is recorded in "):
        Places(tmp_path).find_recording("last")


def test_a_lock_lies_beside_its_suite() -> None:
    """Baselines are under version control with the suite."""
    assert baseline_lock(Path("suites/a.yaml"), "demo") == Path("suites/baselines/demo.lock.json")


def test_a_run_id_sorts_by_time_and_is_a_file_name() -> None:
    """Ids begin with the time; two of one second differ."""
    started = datetime(2026, 11, 22, 14, 15, 3, tzinfo=UTC)
    found = {new_run_id(started) for _ in range(50)}
    assert len(found) == 50
    for run_id in found:
        assert run_id.startswith("20261122-141503-")
        assert RUN_ID.fullmatch(run_id)
    assert new_run_id(datetime(2026, 11, 22, 14, 15, 4, tzinfo=UTC)) > max(found)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\n", "ä", "-a", "a" * 129]
)
def test_f26_what_is_no_run_id(name: str) -> None:
    """No id leaves its folder, is hidden, or looks like an option."""
    assert not RUN_ID.fullmatch(name)


def test_the_time_can_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """``SOURCE_DATE_EPOCH`` makes output repeatable; the time is in UTC."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert now() == datetime(1970, 1, 2, tzinfo=UTC)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60


def test_a_revision_is_the_commit_and_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve digits of the commit, ``-dirty`` with changed files, None outside of a repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert git_revision(tmp_path) is None
    assert git_revision(tmp_path / "absent") is None

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    (tmp_path / "a.txt").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    git("tag", "-a", "v1", "-m", "v1")
    clean = git_revision(tmp_path)
    assert clean is not None
    assert len(clean) == 12
    (tmp_path / "a.txt").write_text("2")
    assert git_revision(tmp_path) == f"{clean}-dirty"


def test_a_path_is_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown can be pasted here; what is kept in a run means the same on another machine."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    inside, outside = tmp_path / "project" / "suites" / "a.yaml", tmp_path / "a.yaml"
    assert (shown_path(inside), kept_path(inside)) == ("suites/a.yaml", "suites/a.yaml")
    assert shown_path(Path("suites/../a.yaml")) == "a.yaml"
    assert (shown_path(outside), kept_path(outside)) == (outside.resolve().as_posix(), "../a.yaml")
