"""Baselines: what is promoted is what is read back, and nothing else is taken for it."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.baselines import (
    VERSION,
    Baseline,
    Lock,
    LockedRun,
    NotPromotable,
    moment,
    read_baseline,
    read_lock,
    write_baseline,
)
from harness.errors import ExitCode, RecordingError, UsageError
from harness.recordings import pack_slim
from harness.types import Case, Estimate, Interval, Query, Recorded, Response, Result, Run, Score

RECORDED = Recorded(
    run=Run(
        id="run-1",
        suite_name="demo",
        started_at="2026-11-22T08:00:00Z",
        candidate="",
        system_fingerprint="f",
        dataset_digest="d",
        dataset_name="demo",
        corpus_digest=None,
        metrics={},
        config={"system.adapter": "http"},
        suite={},
        suite_path="suites/demo.yaml",
        harness_version="0.1.0",
        seed=0,
        repeats=1,
        n_cases=1,
    ),
    cases=(Case(Query("c1", "a private question"), groups={"language": "de"}),),
    digests={"c1": "sha256:0"},
    results=(Result("c1", 0, Response(output="a private answer"), {"recall@5": Score(0.5)}),),
    complete=True,
)
LOCK = Lock(
    version=VERSION,
    suite="demo",
    runs=(LockedRun("run-1", "2026-11-22T08:00:00Z", None, "", ""),),
    candidate="",
    promoted_at="2026-11-22T09:00:00Z",
    reason="first",
    forced=(),
    outcome="pass",
    dataset_digest="d",
    corpus_digest=None,
    system_fingerprint="f",
    n_cases=1,
    repeats=1,
    metrics={"recall@5": Estimate(0.5, 1, 0, Interval(0.1, 0.9, 0.95, "t"))},
    config={"system.adapter": "http"},
)
TEXTS = pack_slim(RECORDED, keep_text=True)
BARE = pack_slim(RECORDED, keep_text=False)


def of_run(name: str) -> tuple[LockedRun, bytes]:
    """Another run of the same system, with its packed recording."""
    again = replace(RECORDED, run=replace(RECORDED.run, id=name))
    return replace(LOCK.runs[0], id=name), pack_slim(again, keep_text=False)


@pytest.fixture
def lock_path(tmp_path: Path) -> Path:
    """The lock of a baseline that was just promoted."""
    path = tmp_path / "suites" / "baselines" / "demo.lock.json"
    write_baseline(path, LOCK, [BARE])
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Change a lock file by hand."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("keep_text", [True, False])
def test_a_baseline_is_read_back(tmp_path: Path, keep_text: bool) -> None:
    """Scores, groups and digests are kept; texts only where that is wanted."""
    path = tmp_path / "demo.lock.json"
    write_baseline(path, LOCK, [TEXTS if keep_text else BARE])
    (found,) = read_baseline(path).runs
    assert (found.run, found.digests, found.complete) == (RECORDED.run, RECORDED.digests, True)
    assert found.cases[0].groups == {"language": "de"}
    assert found.results[0].scores == RECORDED.results[0].scores
    assert (found.cases == RECORDED.cases) is keep_text
    assert (found.results == RECORDED.results) is keep_text


def test_a_lock_is_read_back_and_readable(lock_path: Path) -> None:
    """All that was given, with the digest filled in; indented, one line a fact, for reviews."""
    lock = read_lock(lock_path)
    assert replace(lock, runs=LOCK.runs) == LOCK
    assert replace(lock.runs[0], sha256="") == replace(LOCK.runs[0], recording="demo.run-run-1.jsonl.gz")
    assert len(lock.runs[0].sha256) == 64
    text = lock_path.read_text()
    assert text.endswith("}\n")
    assert '\n  "reason": "first",\n' in text


def test_promoting_the_same_run_again_changes_nothing(lock_path: Path) -> None:
    """The same content always gives the same bytes, so that version control shows no change."""
    before = {path.name: path.read_bytes() for path in lock_path.parent.iterdir()}
    write_baseline(lock_path, LOCK, [BARE])
    assert {path.name: path.read_bytes() for path in lock_path.parent.iterdir()} == before
    assert set(before) == {"demo.lock.json", "demo.run-run-1.jsonl.gz"}


def test_f25_no_text_is_in_a_baseline_without_texts(lock_path: Path) -> None:
    """Neither the lock nor the recording holds what was asked or answered."""
    import gzip

    packed = (lock_path.parent / "demo.run-run-1.jsonl.gz").read_bytes()
    assert b"private" not in gzip.decompress(packed) + lock_path.read_bytes()


def test_f12_another_recording_is_not_the_baseline(lock_path: Path) -> None:
    """One byte more or less, and the lock does not vouch for it any more."""
    data = lock_path.parent / "demo.run-run-1.jsonl.gz"
    data.write_bytes(data.read_bytes() + b"\0")
    with pytest.raises(RecordingError, match=r"is not the one that was promoted: restore it"):
        read_baseline(lock_path)
    data.unlink()
    with pytest.raises(RecordingError, match="the baseline's recording is missing: restore it"):
        read_baseline(lock_path)


def test_a_lock_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The mend is to promote a run."""
    with pytest.raises(
        UsageError, match=r"x\.lock\.json: no baseline lock: promote a run to be the baseline"
    ):
        read_lock(tmp_path / "x.lock.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff", b'{"version": "1"}', b'{"version": 1}'])
def test_what_is_no_lock_is_told(tmp_path: Path, data: bytes) -> None:
    """Any other file is refused by name."""
    path = tmp_path / "x.lock.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"x\.lock\.json: not a baseline lock: "):
        read_lock(path)


def test_a_lock_of_another_version_is_told(lock_path: Path) -> None:
    """A later version is called that, also where it has fields that are not known here."""
    rewrite(lock_path, version=3, signature="later")
    with pytest.raises(UsageError, match=f"lock version 3, this harness reads 1 and {VERSION}"):
        read_lock(lock_path)
    rewrite(lock_path, version=VERSION)
    with pytest.raises(UsageError, match="not a baseline lock: Object contains unknown field `signature`"):
        read_lock(lock_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "a\\b", "C:x", "..", ".", "", "a\0b"])
def test_f26_a_lock_names_a_file_beside_it(lock_path: Path, name: str) -> None:
    """A lock comes with a change that nobody has read yet: it cannot point anywhere else."""
    runs = json.loads(lock_path.read_text())["runs"]
    rewrite(lock_path, runs=[{**runs[0], "recording": name}])
    for reading in (read_lock, read_baseline):
        with pytest.raises(UsageError, match="is not the name of a file beside the lock"):
            reading(lock_path)


def test_f10_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is a storage fault, and leaves no half of a baseline."""
    (tmp_path / "baselines").write_text("")
    with pytest.raises(RecordingError, match="cannot be written") as caught:
        write_baseline(tmp_path / "baselines" / "demo.lock.json", LOCK, [BARE])
    assert caught.value.exit_code is ExitCode.FAULT
    assert [path.name for path in tmp_path.iterdir()] == ["baselines"]


def test_a_run_that_cannot_be_promoted_is_the_users_to_mend() -> None:
    """Nothing is broken: the exit code is that of a wrong command."""
    assert NotPromotable("x").exit_code is ExitCode.INVALID


def test_a_baseline_of_several_runs_is_read_back(lock_path: Path) -> None:
    """One file a run, in the order of the lock; the files of the lock before are gone, others stay."""
    (lock_path.parent / "demo.anchor.run-run-1.jsonl.gz").write_bytes(b"")
    runs, recordings = zip(of_run("b"), of_run("a"), strict=True)
    write_baseline(lock_path, replace(LOCK, runs=runs), recordings)
    assert [recorded.run.id for recorded in read_baseline(lock_path).runs] == ["b", "a"]
    assert {path.name for path in lock_path.parent.iterdir()} == {
        "demo.lock.json",
        "demo.run-a.jsonl.gz",
        "demo.run-b.jsonl.gz",
        "demo.anchor.run-run-1.jsonl.gz",
    }


@pytest.mark.parametrize("name", ["other.lock.json", "demo.anchor.run-run-1.jsonl.gz", "demo.lock.json"])
def test_a_hostile_lock_has_nothing_else_removed(lock_path: Path, name: str) -> None:
    """What a lock calls its recording is removed with it only where it is named like one."""
    kept = lock_path.parent / name
    kept.touch()
    rewrite(lock_path, runs=[{**json.loads(lock_path.read_text())["runs"][0], "recording": name}])
    runs, recordings = zip(of_run("b"), strict=True)
    write_baseline(lock_path, replace(LOCK, runs=runs), recordings)
    assert kept.exists()


def test_a_recording_of_another_run_is_told(lock_path: Path) -> None:
    """The digest may be right, and the lock still speak of another run."""
    rewrite(lock_path, runs=[{**json.loads(lock_path.read_text())["runs"][0], "id": "run-2"}])
    with pytest.raises(RecordingError, match="the recording is of run 'run-1', the lock says 'run-2'"):
        read_baseline(lock_path)


def test_a_lock_without_runs_is_told(lock_path: Path) -> None:
    """There is nothing to compare with in it."""
    rewrite(lock_path, runs=[])
    with pytest.raises(UsageError, match="the lock names no run: promote a run anew"):
        read_lock(lock_path)


def test_a_lock_of_version_1_is_a_baseline_of_one_run(lock_path: Path) -> None:
    """Locks that are under version control go on to be read; the next promotion writes the new version."""
    new = json.loads(lock_path.read_text())
    (run,) = new["runs"]
    (lock_path.parent / run["recording"]).rename(lock_path.parent / "demo.recording.jsonl.gz")
    old = {name: value for name, value in new.items() if name not in ("runs", "forced")}
    old |= {"version": 1, "run": "run-1", "revision": "abc", "sha256": run["sha256"]}
    lock_path.write_text(json.dumps({**old, "recording": "demo.recording.jsonl.gz"}))
    lock = read_lock(lock_path)
    assert lock.runs == (LockedRun("run-1", None, "abc", "demo.recording.jsonl.gz", run["sha256"]),)
    assert replace(lock, version=VERSION, runs=LOCK.runs) == LOCK
    assert read_baseline(lock_path).runs[0].run == RECORDED.run
    write_baseline(lock_path, LOCK, [BARE])
    assert json.loads(lock_path.read_text()) == new
    assert not (lock_path.parent / "demo.recording.jsonl.gz").exists()


def test_a_baseline_is_as_old_as_its_oldest_run() -> None:
    """A fresh run beside old ones does not make them fresh; a time that cannot be read is no age."""
    runs = [
        replace(RECORDED, run=replace(RECORDED.run, started_at=at))
        for at in ("2026-11-20T12:00:00Z", "2026-11-01T00:00:00+00:00", "2026-11-21")
    ]
    assert Baseline(tuple(runs)).age_days("2026-11-15T12:00:00Z") == 14.5
    assert Baseline(tuple(runs)).age_days("yesterday") is None
    odd = replace(RECORDED, run=replace(RECORDED.run, started_at=""))
    assert Baseline((*runs, odd)).age_days("2026-11-15T12:00:00Z") is None
    assert moment("2026-11-20T12:00:00") == moment("2026-11-20T13:00:00+01:00")
