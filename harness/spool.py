"""Bytes that are not held in memory, and read again by their place: put aside, or of a file that is there."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO


class Spool:
    """A file whose parts are read again by their place, by any thread.

    Without a path it is one without a name, that is gone with the process however it ends; nothing is opened
    before it is needed. All it does may raise OSError.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Refer to a file that is there; None: to one that bytes are put aside in.

        What cannot be read from its middle, because it is compressed or a pipe, is put aside line by line.
        """
        self.is_copy = path is None or path.suffix == ".gz" or not path.is_file()
        self.path = path
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def opened(self) -> IO[bytes]:
        """Open the file: what is open can be read when its name is gone."""
        if self._file is None:
            there = None if self.is_copy else self.path
            file = tempfile.TemporaryFile(buffering=0) if there is None else there.open("rb", buffering=0)  # noqa: SIM115
            weakref.finalize(self, file.close)
            self._file = file
        return self._file

    def add(self, data: bytes) -> int:
        """Put bytes aside; gives where they begin."""
        with self._lock:
            file = self.opened()
            start = file.seek(0, os.SEEK_END)
            if file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return start

    def place(self, line: bytes, start: int) -> int:
        """Say where a line can be read again that begins at ``start`` of what the file holds."""
        if self.is_copy:
            return self.add(line)
        self.opened()  # now: the file may be gone when the line is wanted
        return start

    def read(self, start: int, size: int) -> bytes:
        """Give the bytes at a place; fewer where the file ends before."""
        with self._lock:
            file = self.opened()
            file.seek(start)
            return file.read(size)


def folder_of_copies() -> str:
    """Say where what is put aside lies."""
    return tempfile.tempdir or "a temporary folder"
