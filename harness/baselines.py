"""Baselines: a lock file under version control, and the slim recordings that it vouches for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import HarnessError, Place, RecordingError, UsageError
from harness.recordings import read_all, write_whole
from harness.types import Estimate, Outcome, Recorded, Scalar

VERSION = 2
DAY = 86_400
"""Seconds."""


class LockedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run of a baseline.

    ``recording`` is the file name of its slim recording beside the lock, ``sha256`` that file's digest.
    ``started_at`` is None in locks of version 1: the recording has it.
    """

    id: str
    started_at: str | None
    revision: str | None
    recording: str
    sha256: str


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the baseline of a suite is: small, readable, reviewed like code.

    ``runs`` are of one system, the earliest first; the facts after them are those that all runs share, and
    ``metrics`` are of the cases' means over the runs. ``forced`` are the objections that ``--force``
    overrode.
    """

    version: int
    suite: str
    runs: tuple[LockedRun, ...]
    candidate: str
    promoted_at: str
    reason: str
    forced: tuple[str, ...]
    outcome: Outcome
    dataset_digest: str
    corpus_digest: str | None
    system_fingerprint: str
    n_cases: int
    repeats: int
    metrics: dict[str, Estimate]
    config: dict[str, Scalar]


class Baseline(NamedTuple):
    """What runs are compared with: one run or more of one system, the earliest first."""

    runs: tuple[Recorded, ...]

    def age_days(self, at: str) -> float | None:
        """Days from the start of its oldest run to a time; None where a time cannot be read."""
        starts = [moment(recorded.run.started_at) for recorded in self.runs]
        known, then = [start for start in starts if start is not None], moment(at)
        if then is None or len(known) < len(starts):
            return None
        return (then - min(known)).total_seconds() / DAY


class _Versioned(msgspec.Struct):
    """Any lock: a later version may have other fields."""

    version: int


class _LockOfOneRun(msgspec.Struct, forbid_unknown_fields=True):
    """A lock of version 1."""

    version: int
    suite: str
    run: str
    candidate: str
    promoted_at: str
    reason: str
    outcome: Outcome
    recording: str
    sha256: str
    dataset_digest: str
    corpus_digest: str | None
    system_fingerprint: str
    revision: str | None
    n_cases: int
    repeats: int
    metrics: dict[str, Estimate]
    config: dict[str, Scalar]


class NotPromotable(HarnessError):
    """A run that must not become the baseline."""

    exit_code = UsageError.exit_code


def write_baseline(lock_path: Path, lock: Lock, recordings: Sequence[bytes]) -> Lock:
    """Write the slim recordings, then the lock that names them with their digests; gives that lock.

    Recordings that only the lock before it named are removed last, so that whatever interrupts this leaves
    a lock with all of its files.

    Args:
        lock_path: where the lock goes; the recordings go beside it.
        lock: all but the names and digests of the recordings, which are filled in here.
        recordings: the bytes of each run's recording, in the order of the runs.

    Raises:
        RecordingError: a file cannot be written.
    """
    stem = lock_path.name.removesuffix(".lock.json")
    before = _named_files(lock_path)
    runs = []
    for run, content in zip(lock.runs, recordings, strict=True):
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"{stem}.run-{run.id}.jsonl.gz"
        write_whole(lock_path.parent / name, content)
        runs.append(msgspec.structs.replace(run, recording=name, sha256=sha256))
    whole = msgspec.structs.replace(lock, version=VERSION, runs=tuple(runs))
    text = msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=2)
    write_whole(lock_path, text + b"\n")
    for name in before - {run.recording for run in runs}:
        if name.startswith((f"{stem}.run-", f"{stem}.recording.")):  # ours, and not those of the anchor
            (lock_path.parent / name).unlink(missing_ok=True)
    return whole


def read_lock(path: Path) -> Lock:
    """Read a lock file of this version, or one of version 1 as a baseline of one run.

    Raises:
        UsageError: not there, or not a lock of these versions.
    """
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Versioned).version
        if version not in (1, VERSION):
            raise UsageError(f"lock version {version}, this harness reads 1 and {VERSION}", Place(str(path)))
        if version == 1:
            lock = _of_one_run(msgspec.json.decode(data, type=_LockOfOneRun))
        else:
            lock = msgspec.json.decode(data, type=Lock)
    except OSError as error:
        raise UsageError("no baseline lock", Place(str(path)), "promote a run to be the baseline") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not a baseline lock: {error}", Place(str(path)), "promote a run anew") from error
    if not lock.runs:
        raise UsageError("the lock names no run", Place(str(path)), "promote a run anew")
    for run in lock.runs:
        if run.recording in {"", ".", ".."} or set(run.recording) & set("/\\:\0"):
            what = f"recording {run.recording!r} is not the name of a file beside the lock"
            raise UsageError(what, Place(str(path)), "promote a run anew")
    return lock


def read_baseline(lock_path: Path) -> Baseline:
    """Read the recordings that a lock vouches for.

    Raises:
        RecordingError: one is missing, not the bytes that were promoted, or of another run.
    """
    lock = read_lock(lock_path)
    files = locked_files(lock_path, lock)
    runs = read_all(files)
    for locked, path, recorded in zip(lock.runs, files, runs, strict=True):
        if recorded.run.id != locked.id:
            what = f"the recording is of run {recorded.run.id!r}, the lock says {locked.id!r}"
            raise RecordingError(what, Place(str(path)), "restore both files, or promote anew with --force")
    return Baseline(runs)


def locked_files(lock_path: Path, lock: Lock) -> tuple[Path, ...]:
    """Give the recordings of a lock, each checked against its digest.

    Raises:
        RecordingError: one is missing, or not the bytes that were promoted.
    """
    found = []
    for run in lock.runs:
        path = lock_path.parent / run.recording
        if not path.is_file():
            raise RecordingError(
                "the baseline's recording is missing",
                Place(str(path)),
                "restore it, or promote anew with --force",
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != run.sha256:
            raise RecordingError(
                "the baseline's recording is not the one that was promoted",
                Place(str(path)),
                "restore it from version control, or promote anew with --force",
            )
        found.append(path)
    return tuple(found)


def moment(text: str) -> datetime | None:
    """Read the time of a recording; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _of_one_run(old: _LockOfOneRun) -> Lock:
    run = LockedRun(old.run, None, old.revision, old.recording, old.sha256)
    shared = {name: getattr(old, name) for name in Lock.__struct_fields__ if hasattr(old, name)}
    return Lock(**{**shared, "runs": (run,), "forced": ()})


def _named_files(lock_path: Path) -> set[str]:
    """The recordings of the lock that is there; none where it cannot be read."""
    try:
        return {run.recording for run in read_lock(lock_path).runs}
    except UsageError:
        return set()
