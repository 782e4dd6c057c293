"""A cache takes no more disk than it may: what was not used for longest goes first, and nothing else goes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from contextlib import chdir
from itertools import accumulate
from pathlib import Path
from stat import S_ISREG
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from project import nobody

from harness.cache import BLOCK, LEFT_OVER_S, Cache, Evicted, Held, evict, measure
from harness.types import Response

NOW = time.time()


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def path_of(folder: Path, number: int) -> Path:
    return folder / key(number)[:2] / f"{key(number)}.json"


def filled(folder: Path, *used: float, text: str = "x") -> Cache[Response]:
    """A cache of an entry for each time at which it was used, in seconds from now, numbered from 0."""
    cache = Cache(folder, Response)
    for number, seconds in enumerate(used):
        cache.put(key(number), Response(text))
        os.utime(path_of(folder, number), (NOW + seconds, NOW + seconds))
    return cache


def left(folder: Path, n: int) -> list[int]:
    return [number for number in range(n) if path_of(folder, number).is_file()]


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time and content, links as what they are."""
    return {
        str(path): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if S_ISREG(path.lstat().st_mode) else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    """To where the cache is as large as it may be, and not by one entry further."""
    filled(tmp_path, -50, -10, -40, -20, -30)
    assert measure(tmp_path) == Held(5, 5 * BLOCK)
    assert evict(tmp_path, 5 * BLOCK, NOW) == Evicted(0, 0, 0)
    assert evict(tmp_path, 3 * BLOCK, NOW) == Evicted(2, 2 * BLOCK, 0)
    assert left(tmp_path, 5) == [1, 3, 4]
    assert evict(tmp_path, 3 * BLOCK - 1, NOW - 31) == Evicted(1, BLOCK, 1)
    assert left(tmp_path, 5) == [1, 3]
    assert evict(tmp_path, 0, NOW) == Evicted(2, 2 * BLOCK, 0)
    assert measure(tmp_path) == Held(0, 0)


def test_a_hit_is_a_use_and_a_miss_is_none(tmp_path: Path) -> None:
    """The oldest entry that was asked for stays; one that is frozen is as old as before."""
    cache = filled(tmp_path, -50, -40, -30)
    assert cache.get(key(0)) == Response("x")
    assert Cache(tmp_path, Response, frozen=True).get(key(1)) == Response("x")
    path_of(tmp_path, 2).write_bytes(b"damaged")
    os.utime(path_of(tmp_path, 2), (NOW - 60, NOW - 60))
    assert cache.get(key(2)) is None
    evict(tmp_path, 2 * BLOCK, NOW)
    assert left(tmp_path, 3) == [0, 1]
    evict(tmp_path, BLOCK, NOW)
    assert left(tmp_path, 3) == [0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 1000), st.integers(1, 3 * BLOCK)), max_size=12, unique_by=lambda x: x[0]
    ),
    st.integers(0, 20),
)
def test_the_bound_is_kept_whatever_the_entries(entries: list[tuple[int, int]], blocks: int) -> None:
    """What stays is the longest run of the entries used last that is not too large."""
    with TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        cache, taken = Cache(folder, Response), []
        for number, (age, size) in enumerate(entries):
            cache.put(key(number), Response("x" * size))
            os.utime(path_of(folder, number), (NOW - age, NOW - age))
            taken.append(-(-path_of(folder, number).stat().st_size // BLOCK) * BLOCK)
        newest = sorted(range(len(entries)), key=lambda number: entries[number][0])
        sums = accumulate(taken[number] for number in newest)
        expected = sorted(
            number for number, total in zip(newest, sums, strict=True) if total <= blocks * BLOCK
        )
        assert measure(folder) == Held(len(entries), sum(taken))
        gone = evict(folder, blocks * BLOCK, NOW)
        assert left(folder, len(entries)) == expected
        assert measure(folder) == Held(len(expected), sum(taken[number] for number in expected))
        assert gone == Evicted(len(entries) - len(expected), sum(taken) - measure(folder).bytes, 0)


def test_what_is_not_of_the_cache_is_neither_deleted_nor_followed(tmp_path: Path) -> None:
    """Files of other names, in other folders, links to files and to folders, folders named as entries."""
    folder, outside = tmp_path / "cache", tmp_path / "outside"
    filled(outside, -90, -80)
    filled(folder, -50)
    shelf = path_of(folder, 0).parent
    (folder / "README.md").write_text("mine")
    (folder / f"{key(1)}.json").write_text("on no shelf")
    (shelf / "notes.json").write_text("mine")
    (shelf / f"{key(0).upper()}.json").write_text("mine")
    (shelf / f"{key(0)}.json.bak").write_text("mine")
    (shelf / f"{key(5)}.json").symlink_to(path_of(outside, 0))
    (shelf / f"{key(6)}.json").mkdir()
    os.mkfifo(shelf / f"{key(7)}.json")
    linked = folder / key(1)[:2]
    linked.symlink_to(path_of(outside, 1).parent, target_is_directory=True)
    (folder / ".git" / key(2)[:2]).mkdir(parents=True)
    (folder / ".git" / key(2)[:2] / f"{key(2)}.json").write_text("mine")
    before = state(tmp_path)
    assert measure(folder) == Held(1, BLOCK)
    assert evict(folder, 0, NOW) == Evicted(1, BLOCK, 0)
    del before[str(path_of(folder, 0))]
    after = state(tmp_path)
    del before[str(shelf)], after[str(shelf)]  # whose time is another: an entry went
    assert after == before


def test_what_a_killed_process_left_goes_after_an_hour(tmp_path: Path) -> None:
    """A file that was written and never given its name; a younger one may still be on its way."""
    filled(tmp_path, -50)
    path = path_of(tmp_path, 0)
    old, young = (path.with_name(f".{path.name}.{pid}.0123abcd") for pid in (17, 18))
    for file, age in ((old, LEFT_OVER_S + 600), (young, LEFT_OVER_S - 600)):
        file.write_bytes(b"half")
        os.utime(file, (time.time() - age,) * 2)
    assert evict(tmp_path, BLOCK, NOW) == Evicted(0, 0, 0)
    assert (old.exists(), young.exists(), path.exists()) == (False, True, True)


def test_no_cache_is_an_empty_one(tmp_path: Path) -> None:
    """There is none yet, or a file stands where it should be."""
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "none", tmp_path / "file"):
        assert measure(folder) == Held(0, 0)
        assert evict(folder, 0, NOW) == Evicted(0, 0, 0)
    assert (tmp_path / "file").read_text() == "no folder"


EVICTOR = """
import sys, time
from pathlib import Path
from harness.cache import evict
folder, go, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
while not go.exists():
    time.sleep(0.001)
for _ in range(5):
    evict(folder, most, 0.0)
"""


def test_processes_may_evict_at_once_while_others_read_and_write(tmp_path: Path) -> None:
    """Nobody fails, nobody deletes more than is too much, and who reads finds a whole value or none."""
    folder, go = tmp_path / "cache", tmp_path / "go"
    n = 600
    cache = filled(folder, *range(-n, 0))
    command = [sys.executable, "-c", EVICTOR, str(folder), str(go), str(n // 2 * BLOCK)]
    evictors = [subprocess.Popen(command) for _ in range(3)]
    go.touch()
    found = set()
    while any(one.poll() is None for one in evictors):
        for number in range(n // 4):  # the oldest: as they are deleted
            value = Cache(folder, Response, frozen=True).get(key(number))
            found.add(value and value.output)
    assert [one.wait(timeout=30) for one in evictors] == [0, 0, 0]
    assert found <= {"x", None}
    assert left(folder, n) == list(range(n // 2, n))
    assert cache.get(key(0)) is None
    cache.put(key(0), Response("y"))
    assert cache.get(key(0)) == Response("y")


def test_a_folder_that_cannot_be_written_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    """By how much it is too large, and why nothing can be done; what it holds is still found."""
    folder = tmp_path / "cache"
    filled(folder, -50, -40)
    shelves = {path_of(folder, number).parent for number in (0, 1)}
    for shelf in shelves:
        shelf.chmod(0o555)
    before = state(folder)
    try:
        with chdir(folder), nobody():
            gone = evict(Path(), BLOCK, NOW)
            found = Cache(Path(), Response).get(key(0))
    finally:
        for shelf in shelves:
            shelf.chmod(0o755)
    assert (gone.entries, gone.bytes, gone.over) == (0, 0, BLOCK)
    assert "denied" in gone.why
    assert found == Response("x")
    if os.geteuid() == 0:  # the owner of a file may set its time
        assert state(folder) == before
