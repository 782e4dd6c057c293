"""What was paid for, kept on disk by what was asked of whom; shared by processes without a lock."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec

Kept = TypeVar("Kept", bound=msgspec.Struct)

BLOCK = 4096
"""Bytes by which disks give space: however little an entry holds, it takes as many."""
LEFT_OVER_S = 3600.0
"""Age from which a file that was never given its name is taken for one of a process that was killed."""
_SHELF = re.compile(r"[0-9a-f]{2}")
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_UNNAMED = re.compile(r"\.[0-9a-f]{64}\.json\.\d+\.[0-9a-f]{8}")


def key_of(fingerprint: str, content: object, repeat: int) -> str:
    """SHA-256 over who is asked (see ``fingerprint_of``), what is asked, and for the how-manieth time."""
    said = msgspec.json.encode((fingerprint, content, repeat), order="deterministic")
    return hashlib.sha256(said).hexdigest()


class Cache(Generic[Kept]):
    """One file per value, written whole or not at all; what cannot be read is as good as not there.

    A file holds the key, a checksum of the content, and the content. It was last changed when its value was
    last used: that is by what ``evict`` goes.
    """

    def __init__(self, folder: Path | None, kind: type[Kept], *, frozen: bool = False) -> None:
        """Keep values of one type in a folder; None: keep nothing and find nothing.

        ``frozen``: leave the folder as it is, to the times of its files.
        """
        self._folder, self._kind, self._frozen = folder, kind, frozen

    def get(self, key: str) -> Kept | None:
        """Give what is kept under a key, or None."""
        if self._folder is None:
            return None
        path = self._path(self._folder, key)
        try:
            head, _, content = path.read_bytes().partition(b"\n")
            if head != _head(key, content):
                return None
            value = msgspec.json.decode(content, type=self._kind)
        except (OSError, msgspec.DecodeError):
            return None
        if not self._frozen:
            with suppress(OSError):
                os.utime(path)
        return value

    def put(self, key: str, value: Kept) -> None:
        """Keep a value. A disk that does not take it costs money later, and nothing now."""
        if self._folder is None or self._frozen:
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


class Held(NamedTuple):
    """How many entries a cache has, and how many bytes of disk they take, in whole blocks."""

    entries: int
    bytes: int


class Evicted(NamedTuple):
    """What was deleted of a cache, and how many of its entries were used since a given time.

    ``over`` is by how many bytes the cache is too large all the same, and ``why`` nothing more could be
    deleted; 0 and empty where it is not.
    """

    entries: int
    bytes: int
    used_since: int
    over: int = 0
    why: str = ""


def measure(folder: Path) -> Held:
    """Count what a cache holds; nothing where there is none."""
    entries = taken = 0
    for _, file, is_entry in _files(folder):
        if is_entry:
            entries, taken = entries + 1, taken + _on_disk(file)
    return Held(entries, taken)


def evict(folder: Path, most: int, since: float) -> Evicted:
    """Delete the entries that were not used for longest, until a cache takes no more disk than it may.

    Whoever asks for one of them meanwhile does not find it, and no worse. Several processes may do so at
    once. What is not of the cache is left alone, and no link is followed. A file that a process which was
    killed never gave its name goes, too.

    Args:
        folder: of the cache.
        most: bytes that it may take.
        since: seconds since the epoch; entries used from then on are counted among those deleted.
    """
    left, now = 0, time.time()
    for path, file, is_entry in _files(folder):
        if is_entry:
            left += _on_disk(file)
        elif now - file.st_mtime > LEFT_OVER_S:
            _delete(path)
    if left <= most:
        return Evicted(0, 0, 0)
    found = [(file.st_mtime_ns, path, _on_disk(file)) for path, file, is_entry in _files(folder) if is_entry]
    found.sort()
    left = sum(size for _, _, size in found)
    entries = freed = used_since = 0
    why = ""
    for used_ns, path, size in found:
        if left <= most:
            break
        if failed := _delete(path):
            why = failed
        else:
            entries, freed, left = entries + 1, freed + size, left - size
            used_since += used_ns >= since * 1e9
    return Evicted(entries, freed, used_since, max(0, left - most), why)


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Give the files of a cache, and which are entries; what vanishes meanwhile is not there."""
    for shelf in _listed(folder):
        if not _SHELF.fullmatch(shelf.name) or not shelf.is_dir(follow_symlinks=False):
            continue
        for file in _listed(shelf.path):
            is_entry = _ENTRY.fullmatch(file.name) is not None
            if is_entry or _UNNAMED.fullmatch(file.name):
                with suppress(OSError):
                    if file.is_file(follow_symlinks=False):
                        yield file.path, file.stat(follow_symlinks=False), is_entry


def _listed(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _on_disk(file: os.stat_result) -> int:
    return -(-file.st_size // BLOCK) * BLOCK


def _delete(path: str) -> str:
    """Delete a file; say why that is not possible, nothing where it is gone."""
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
