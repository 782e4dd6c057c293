"""What was paid for, kept on disk by what was asked of whom; shared by processes without a lock."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

Kept = TypeVar("Kept", bound=msgspec.Struct)


def key_of(fingerprint: str, content: object, repeat: int) -> str:
    """SHA-256 over who is asked (see ``fingerprint_of``), what is asked, and for the how-manieth time."""
    said = msgspec.json.encode((fingerprint, content, repeat), order="deterministic")
    return hashlib.sha256(said).hexdigest()


class Cache(Generic[Kept]):
    """One file per value, written whole or not at all; what cannot be read is as good as not there.

    A file holds the key, a checksum of the content, and the content.
    """

    def __init__(self, folder: Path | None, kind: type[Kept]) -> None:
        """Keep values of one type in a folder; None: keep nothing and find nothing."""
        self._folder, self._kind = folder, kind

    def get(self, key: str) -> Kept | None:
        """Give what is kept under a key, or None."""
        if self._folder is None:
            return None
        try:
            head, _, content = self._path(self._folder, key).read_bytes().partition(b"\n")
            if head != _head(key, content):
                return None
            return msgspec.json.decode(content, type=self._kind)
        except (OSError, msgspec.DecodeError):
            return None

    def put(self, key: str, value: Kept) -> None:
        """Keep a value. A disk that does not take it costs money later, and nothing now."""
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        content = msgspec.json.encode(value)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(_head(key, content) + b"\n" + content)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


def _head(key: str, content: bytes) -> bytes:
    return f"{key} {hashlib.sha256(content).hexdigest()}".encode()
