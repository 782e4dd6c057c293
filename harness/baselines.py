"""Baselines: a lock file under version control, and the slim recording that it vouches for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from harness.errors import HarnessError, Place, RecordingError, UsageError
from harness.recordings import read, write_slim, write_whole
from harness.types import Estimate, Outcome, Recorded, Scalar

VERSION = 1


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the baseline of a suite is: small, readable, reviewed like code.

    ``recording`` is the file name of the slim recording beside the lock, ``sha256`` its digest.
    """

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


class _Versioned(msgspec.Struct):
    """Any lock: a later version may have other fields."""

    version: int


class NotPromotable(HarnessError):
    """A run that must not become the baseline."""

    exit_code = UsageError.exit_code


def write_baseline(recorded: Recorded, lock_path: Path, lock: Lock, *, keep_text: bool) -> None:
    """Write the slim recording, then the lock that names it with its digest.

    Args:
        recorded: the run that becomes the baseline.
        lock_path: where the lock goes; the recording goes beside it.
        lock: all but the digest, which is filled in here.
        keep_text: keep questions, answers and passages, so that reports can show them side by side.

    Raises:
        RecordingError: a file cannot be written.
    """
    data = lock_path.parent / lock.recording
    write_slim(recorded, data, keep_text=keep_text)
    whole = msgspec.structs.replace(lock, sha256=_sha256(data))
    text = msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=2)
    write_whole(lock_path, text + b"\n")


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises:
        UsageError: not there, or not a lock of this version.
    """
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Versioned).version
        if version != VERSION:
            raise UsageError(f"lock version {version}, this harness reads {VERSION}", Place(str(path)))
        lock = msgspec.json.decode(data, type=Lock)
    except OSError as error:
        raise UsageError("no baseline lock", Place(str(path)), "promote a run to be the baseline") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not a baseline lock: {error}", Place(str(path)), "promote a run anew") from error
    if lock.recording in {"", ".", ".."} or set(lock.recording) & set("/\\:\0"):
        what = f"recording {lock.recording!r} is not the name of a file beside the lock"
        raise UsageError(what, Place(str(path)), "promote a run anew")
    return lock


def read_baseline(lock_path: Path) -> Recorded:
    """Read the recording that a lock vouches for.

    Raises:
        RecordingError: missing, or not the bytes that were promoted.
    """
    lock = read_lock(lock_path)
    data = lock_path.parent / lock.recording
    if not data.is_file():
        raise RecordingError(
            "the baseline's recording is missing",
            Place(str(data)),
            "restore it, or promote anew with --force",
        )
    if _sha256(data) != lock.sha256:
        raise RecordingError(
            "the baseline's recording is not the one that was promoted",
            Place(str(data)),
            "restore it from version control, or promote anew with --force",
        )
    return read(data)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
