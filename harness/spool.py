"""Bytes that are not held in memory, and read again by their place: put aside, or of a file that is there."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO

from harness.errors import SpoolError


class Spool:
    """A file whose parts are read again by their place, by any thread.

    Where bytes are put aside it is one without a name, that is gone with the process however it ends; nothing
    is opened before it is needed.
    """

    def __init__(self, what: str, path: Path | None = None) -> None:
        """Refer to a file that is there; None: to one that bytes are put aside in.

        What cannot be read from its middle, because it is compressed or a pipe, is put aside line by line.
        ``what`` it is that is put aside or read, is told where that fails.
        """
        self.what = what
        self.is_copy = path is None or path.suffix == ".gz" or not path.is_file()
        self.path = path
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def add(self, data: bytes) -> int:
        """Put bytes aside; gives where they begin.

        Raises:
            SpoolError: there is no room, or no folder for it.
        """
        try:
            return self._add(data)
        except OSError as error:
            folder = tempfile.tempdir or "a temporary folder"
            what = f"{self.what} cannot be copied to {folder}: {error.strerror or error}"
            raise SpoolError(what, mend="make room there, or set TMPDIR") from error

    def place(self, line: bytes, start: int) -> int:
        """Say where a line can be read again that begins at ``start`` of what the file holds.

        Raises:
            SpoolError: it cannot be opened, or not be put aside.
        """
        if self.is_copy:
            return self.add(line)
        try:
            self._opened()  # now: the file may be gone when the line is wanted
        except OSError as error:
            raise self._unreadable(error) from error
        return start

    def read(self, start: int, size: int) -> bytes:
        """Give the bytes at a place; fewer where the file ends before.

        Raises:
            SpoolError: they cannot be read.
        """
        try:
            with self._lock:
                file = self._opened()
                file.seek(start)
                return file.read(size)
        except OSError as error:
            raise self._unreadable(error) from error

    def _add(self, data: bytes) -> int:
        with self._lock:
            file = self._opened()
            start = file.seek(0, os.SEEK_END)
            if file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return start

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            there = None if self.is_copy else self.path
            file = tempfile.TemporaryFile(buffering=0) if there is None else there.open("rb", buffering=0)  # noqa: SIM115
            weakref.finalize(self, file.close)
            self._file = file
        return self._file

    def _unreadable(self, error: OSError) -> SpoolError:
        return SpoolError(f"{self.what} cannot be read: {error.strerror or error}")
