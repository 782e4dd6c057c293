"""Values on their way into the database, as files of JSON lines in a folder that is about to go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

_ENCODER = msgspec.json.Encoder()
_PIECE = 1 << 17
"""Bytes that are gathered before they are hashed and written: a call a line costs more than the line."""
_CHARACTERS = 1 << 20


class _Retrieval(msgspec.Struct):
    retrieved: list[msgspec.Raw] = []
    citations: list[msgspec.Raw] = []


class _Countable(msgspec.Struct):
    """Of a result what is counted, and nothing of what it says."""

    response: _Retrieval
    scores: dict[str, msgspec.Raw]


class Counts:
    """How many results there are, and how many rows they make: what has to arrive in the database."""

    def __init__(self) -> None:
        """Start at 0."""
        self.n_results = self.n_retrieved = self.n_citations = self.n_scores = 0

    def counting(self, results: Iterable[bytes]) -> Iterator[msgspec.Raw]:
        """Pass results on, as JSON, and count them."""
        decoder = msgspec.json.Decoder(_Countable)
        for result in results:
            found = decoder.decode(result)
            self.n_results += 1
            self.n_retrieved += len(found.response.retrieved)
            self.n_citations += len(found.response.citations)
            self.n_scores += len(found.scores)
            yield msgspec.Raw(result)


class Staging:
    """Files of JSON lines; ``sha256`` is over all of them, ``longest`` the bytes of the longest line."""

    def __init__(self, folder: Path) -> None:
        """Use an empty folder."""
        self._folder = folder
        self.sha256 = hashlib.sha256()
        self.longest = 1 << 20

    def path(self, name: str) -> Path:
        """Give the file of that name."""
        return self._folder / f"{name}.jsonl"

    def add(self, name: str, rows: Iterable[Any]) -> None:
        """Write a file, a line a row.

        Raises:
            OSError: it cannot be written.
        """
        self.sha256.update(name.encode())
        piece = bytearray()
        with self.path(name).open("wb") as file:
            for row in rows:
                start = len(piece)
                _ENCODER.encode_into(row, piece, start)
                piece += b"\n"
                self.longest = max(self.longest, len(piece) - start)
                if len(piece) >= _PIECE:
                    self._write(file, piece)
            self._write(file, piece)

    def _write(self, file: BinaryIO, piece: bytearray) -> None:
        self.sha256.update(piece)
        file.write(piece)
        piece.clear()

    def add_text(self, name: str, text: str) -> tuple[Path, str]:
        """Write a text to a file of its own; gives the file and the SHA-256 of what is in it.

        Raises:
            OSError: it cannot be written.
        """
        path, sha256 = self._folder / f"{name}.txt", hashlib.sha256()
        with path.open("wb") as file:
            for start in range(0, len(text), _CHARACTERS):
                data = text[start : start + _CHARACTERS].encode("utf-8", "backslashreplace")
                sha256.update(data)
                file.write(data)
        return path, sha256.hexdigest()
