"""Recordings as files: whole or not at all, one writer, and errors that say how much room is left."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordingError, RecordingInUse


def write_whole(path: Path, content: bytes | Iterable[bytes], *, new: bool = False) -> None:
    """Write beside the file and rename, so that it exists whole or not at all; missing folders are made.

    Content in pieces is written as it comes, and never held as a whole.

    Raises:
        FileExistsError: it is to be ``new``, and is there already, be it since a moment ago.
        RecordingError: it cannot be written; what stood there before still does.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            if new:
                os.link(part, path)
                part.unlink()
            else:
                part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        if new and isinstance(error, FileExistsError) and path.exists():
            raise
        raise cannot_write(path, error) from error


def check_writable(path: Path) -> None:
    """Refuse a path that ``write_whole`` could not write now; leaves nothing behind.

    Raises:
        RecordingError: why not.
    """
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error


def lock(file: int, path: Path) -> None:
    """Keep every other writer out until the file is closed (where the system has ``flock``).

    Raises:
        RecordingInUse: another process is writing it.
    """
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecordingInUse(
                f"{path} is being written by another process", mend="wait until that run ends, or stop it"
            ) from error


def cannot_write(path: Path, error: OSError, afterwards: str = "") -> RecordingError:
    """Say why a file cannot be written, how much room its disk has, and what to do."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(folder).free / 1e6
    mend = "make room, or make it writable"
    return RecordingError(
        f"{path} cannot be written: {error.strerror or error} ({free:,.1f} MB free on its disk)",
        mend=f"{mend}, {afterwards}" if afterwards else mend,
    )


def rename(path: Path, to: Path) -> None:
    """Give a file of the same folder another name, replacing what has it; safe on disk when this returns.

    Raises:
        RecordingError: it cannot be renamed.
    """
    try:
        path.replace(to)
        _sync_folder(to.parent)
    except OSError as error:
        raise cannot_write(to, error) from error


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
