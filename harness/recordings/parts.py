"""Parts of a run: one recording for each shard, and all of them put together to the recording of the run."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from harness.errors import Fault, RecordingError
from harness.recordings.files import write_whole
from harness.recordings.lines import End, dump, unframe
from harness.recordings.reading import read_to_tail
from harness.spool import Spool
from harness.types import Run, Shard

UNFINISHED = ".unfinished.jsonl"
PARTS = "shard-*.jsonl"
"""The names of parts, of unfinished ones too."""


class Part(NamedTuple):
    """A part that is complete: where it lies, which it is, the digest of its lines, how many hold results."""

    path: Path
    run: Run
    shard: Shard
    sha256: str
    n_results: int
    damaged: bool


def part_path(folder: Path, number: int, of: int) -> Path:
    """Where the part of a shard lies in a folder of parts, once it is complete."""
    width = len(str(of))
    return folder / f"shard-{number:0{width}}-of-{of}.jsonl"


def unfinished_path(part: Path) -> Path:
    """Where a part lies until it is complete."""
    return part.with_name(f"{part.stem}{UNFINISHED}")


def read_part(path: Path) -> Part:
    """Read a part and check every line of it.

    Raises:
        RecordingError: it is damaged, unfinished, or no part of a run.
    """
    try:
        recorded, tail = read_to_tail(path)
    except RecordingError as error:
        mend = "delete it, and run that shard again"
        raise RecordingError([Fault(what, place, mend) for what, place, _ in error.faults]) from error
    run, shard = recorded.run, recorded.shard
    if shard is None:
        what = f"{path} is the recording of run {run.id!r}, and no part of one"
        raise RecordingError(what, mend="leave it out: harness runs import loads whole runs")
    wanted = len(recorded.cases) * run.repeats
    whole = recorded.complete and len(recorded.results) == wanted and not recorded.unscored
    if not whole or len(shard.places) != len(recorded.cases):
        said = f" ({'; '.join(recorded.notices)})" if recorded.notices else ""
        what = f"{path} is unfinished: {len(recorded.results):,} of {wanted:,} answers{said}"
        raise RecordingError(
            what,
            mend=f"name it {unfinished_path(path).name}, and go on with it: "
            f"{command_of(run.id, shard.number, shard.of)}",
        )
    n_results = wanted if tail.damaged else tail.n_results
    return Part(path, run, shard, tail.sha256.hexdigest(), n_results, tail.damaged)


def command_of(run_id: str, number: int, of: int) -> str:
    """The command that asks a shard."""
    return f"harness run SUITE --run-id {run_id} --shard {number}/{of}"


def write_merged(path: Path, run: Run, parts: Sequence[Part]) -> bool:
    """Put the parts of a run, in the order of their shards, together to its recording.

    First every case at its place, then the results of one part after the other, byte for byte, but for parts
    with damaged lines, of which the results that count are written anew.

    Args:
        path: of the recording; missing folders are made.
        run: what is recorded of the whole.
        parts: one for each shard, all of them.

    Returns:
        false where this very recording is there already.

    Raises:
        RecordingError: places are missing or taken twice, a part was changed meanwhile, another recording is
            there, or it cannot be written.
    """
    placed = _Placed(parts)
    try:
        write_whole(path, _merged(run, placed, parts), new=True)
    except FileExistsError as error:
        with path.open("rb") as file:
            there = hashlib.file_digest(file, "sha256")
        ours = hashlib.sha256()
        for line in _merged(run, placed, parts):
            ours.update(line)
        if there.digest() == ours.digest():
            return False
        what = f"{path} exists already, and is not what these parts give"
        raise RecordingError(what, mend="merge them elsewhere: --reports DIR") from error
    return True


def _merged(run: Run, placed: _Placed, parts: Sequence[Part]) -> Iterator[bytes]:
    sha256 = hashlib.sha256()
    for line in chain((dump(b"run", run),), placed.lines(), *map(_results, parts)):
        sha256.update(line)
        yield line
    yield dump(b"end", End(sum(part.n_results for part in parts), sha256.hexdigest()))


def _results(part: Part) -> Iterator[bytes]:
    if part.damaged:
        yield from (dump(b"result", result) for result in read_to_tail(part.path)[0].results)
    else:
        yield from (line for kind, line in _lines(part) if kind not in _HEAD)


_HEAD = (b"shard", b"run", b"case", b"end")
"""Lines of a part that say what it is; all others hold what was answered."""


class _Placed:
    """The lines of the cases of all parts, to be given in the order of the run: put aside, and not held."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._spool = Spool("the cases of the parts")
        n_cases = parts[0].shard.n_cases
        self._starts, self._sizes = array("q", bytes(8 * n_cases)), array("q", bytes(8 * n_cases))
        for part in parts:
            cases = (line for kind, line in _lines(part) if kind == b"case")
            for place, line in zip(part.shard.places, cases, strict=True):
                if not 0 <= place < n_cases or self._sizes[place]:
                    what = f"{part.path} has a case at place {place}, where there is one already"
                    raise RecordingError(what)
                self._starts[place], self._sizes[place] = self._spool.add(line), len(line)
        if missing := self._sizes.count(0):
            raise RecordingError(f"the parts have {n_cases - missing:,} of {n_cases:,} cases")

    def lines(self) -> Iterator[bytes]:
        """Give them, from the first case to the last."""
        return map(self._spool.read, self._starts, self._sizes)


def _lines(part: Part) -> Iterator[tuple[bytes, bytes]]:
    with part.path.open("rb") as file:
        for line in file:
            framed = unframe(line)
            if framed is None and part.damaged:
                continue
            if framed is None:
                raise RecordingError(f"{part.path} was changed while it was read", mend="merge again")
            yield framed[0], line
