"""Baselines: what is promoted is what is read back, and nothing else is taken for it."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.baselines import VERSION, Lock, NotPromotable, read_baseline, read_lock, write_baseline
from harness.errors import ExitCode, RecordingError, UsageError
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
    run="run-1",
    candidate="",
    promoted_at="2026-11-22T09:00:00Z",
    reason="first",
    outcome="pass",
    recording="demo.run-1.jsonl.gz",
    sha256="",
    dataset_digest="d",
    corpus_digest=None,
    system_fingerprint="f",
    revision=None,
    n_cases=1,
    repeats=1,
    metrics={"recall@5": Estimate(0.5, 1, 0, Interval(0.1, 0.9, 0.95, "t"))},
    config={"system.adapter": "http"},
)


@pytest.fixture
def lock_path(tmp_path: Path) -> Path:
    """The lock of a baseline that was just promoted."""
    path = tmp_path / "suites" / "baselines" / "demo.lock.json"
    write_baseline(RECORDED, path, LOCK, keep_text=False)
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Change a lock file by hand."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("keep_text", [True, False])
def test_a_baseline_is_read_back(tmp_path: Path, keep_text: bool) -> None:
    """Scores, groups and digests are kept; texts only where that is wanted."""
    path = tmp_path / "demo.lock.json"
    write_baseline(RECORDED, path, LOCK, keep_text=keep_text)
    found = read_baseline(path)
    assert (found.run, found.digests, found.complete) == (RECORDED.run, RECORDED.digests, True)
    assert found.cases[0].groups == {"language": "de"}
    assert found.results[0].scores == RECORDED.results[0].scores
    assert (found.cases == RECORDED.cases) is keep_text
    assert (found.results == RECORDED.results) is keep_text


def test_a_lock_is_read_back_and_readable(lock_path: Path) -> None:
    """All that was given, with the digest filled in; indented, one line a fact, for reviews."""
    lock = read_lock(lock_path)
    assert replace(lock, sha256="") == LOCK
    assert len(lock.sha256) == 64
    text = lock_path.read_text()
    assert text.endswith("}\n")
    assert '\n  "reason": "first",\n' in text


def test_promoting_the_same_run_again_changes_nothing(lock_path: Path) -> None:
    """The same content always gives the same bytes, so that version control shows no change."""
    before = {path.name: path.read_bytes() for path in lock_path.parent.iterdir()}
    write_baseline(RECORDED, lock_path, LOCK, keep_text=False)
    assert {path.name: path.read_bytes() for path in lock_path.parent.iterdir()} == before
    assert set(before) == {"demo.lock.json", "demo.run-1.jsonl.gz"}


def test_f25_no_text_is_in_a_baseline_without_texts(lock_path: Path) -> None:
    """Neither the lock nor the recording holds what was asked or answered."""
    import gzip

    packed = (lock_path.parent / LOCK.recording).read_bytes()
    assert b"private" not in gzip.decompress(packed) + lock_path.read_bytes()


def test_another_recording_is_not_the_baseline(lock_path: Path) -> None:
    """One byte more or less, and the lock does not vouch for it any more."""
    data = lock_path.parent / LOCK.recording
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
    rewrite(lock_path, version=2, signature="later")
    with pytest.raises(UsageError, match=f"lock version 2, this harness reads {VERSION}"):
        read_lock(lock_path)
    rewrite(lock_path, version=VERSION)
    with pytest.raises(UsageError, match="not a baseline lock: Object contains unknown field `signature`"):
        read_lock(lock_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/b", "a\\b", "C:x", "..", ".", "", "a\0b"])
def test_f26_a_lock_names_a_file_beside_it(lock_path: Path, name: str) -> None:
    """A lock comes with a change that nobody has read yet: it cannot point anywhere else."""
    rewrite(lock_path, recording=name)
    for reading in (read_lock, read_baseline):
        with pytest.raises(UsageError, match="is not the name of a file beside the lock"):
            reading(lock_path)


def test_f10_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is a storage fault, and leaves no half of a baseline."""
    (tmp_path / "baselines").write_text("")
    with pytest.raises(RecordingError, match="cannot be written") as caught:
        write_baseline(RECORDED, tmp_path / "baselines" / "demo.lock.json", LOCK, keep_text=False)
    assert caught.value.exit_code is ExitCode.FAULT
    assert [path.name for path in tmp_path.iterdir()] == ["baselines"]


def test_a_run_that_cannot_be_promoted_is_the_users_to_mend() -> None:
    """Nothing is broken: the exit code is that of a wrong command."""
    assert NotPromotable("x").exit_code is ExitCode.INVALID
