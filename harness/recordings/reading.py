"""A recording read back, every line of it checked."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.cases import Gathered
from harness.errors import Place, RecordingError
from harness.recordings.lines import CaseLine, parse, unframe
from harness.recordings.results import Gathering, Lines
from harness.recordings.stages import stopped_at
from harness.types import Case, EarlyStop, Recorded, Run, Shard

NO_TEXTS = "texts were left out of this recording"
"""How the notice ends that a recording without texts is read with."""
_MEND = (
    "take the copy of a backup, or cut the file before this line and resume the run, which asks again what"
    " stood from there on"
)


class Tail:
    """Where the whole lines of a recording end, and what an end line there has to say."""

    def __init__(self) -> None:
        """Start with an empty file."""
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.n_results = 0
        self.complete = False
        self.stop: EarlyStop | None = None
        self.shard: Shard | None = None


class Planned:
    """The planned cases as the lines of a recording tell them, one after the other."""

    def __init__(self, lines: Lines, known: Sequence[Case]) -> None:
        """Start without any; those ``known`` are held once."""
        self._lines = lines
        self.gathered = Gathered(lines.read_case, known)
        self.digests: dict[str, str] = {}
        self.stages: dict[str, int] = {}

    def take(self, found: CaseLine, line: bytes, start: int) -> None:
        """Take the case of a line that begins at ``start``."""
        case = found.case
        if case.id in self.digests:
            return
        size = len(line)
        case_id = self.gathered.add(case, size, lambda: self._lines.add(self._lines.place(line, start)))
        self.digests[case_id], self.stages[case_id] = found.digest, found.stage


def read(path: Path, known: Sequence[Case] = ()) -> Recorded:
    """Read a recording, compressed where the name ends in ``.gz``, and check every line of it.

    A last line that was cut off mid-write is left out, and a notice says so. ``complete`` is true where
    an end line stands last. Of a run that stopped early only the cases that it asked are given. A case that
    is one of those ``known`` is given as that object, so that it is held once.

    Raises:
        RecordingError: no such file, a damaged line, named by its number, or one part of a run.
    """
    recorded = read_to_tail(path, known)[0]
    if (shard := recorded.shard) is not None:
        what = f"{path} is shard {shard.number} of {shard.of} of run {recorded.run.id!r}, and no whole run"
        raise RecordingError(what, mend="put all of them together: harness runs merge PART...")
    return recorded if recorded.stop is None else stopped_at(recorded, recorded.stop)


def read_all(paths: Iterable[Path]) -> tuple[Recorded, ...]:
    """Read recordings as ``read`` does; a case that several have alike is held once.

    Raises:
        RecordingError: as ``read`` does.
    """
    found: list[Recorded] = []
    for path in paths:
        found.append(read(path, found[-1].cases if found else ()))
    return tuple(found)


def read_planned(path: Path) -> Recorded:
    """Read as ``read`` does, but give every planned case, also where the run stopped early."""
    return read_to_tail(path)[0]


def read_to_tail(path: Path, known: Sequence[Case] = ()) -> tuple[Recorded, Tail]:
    """Read as ``read_planned`` does, and give also where a writer may go on."""
    tail = Tail()
    lines = Lines(path)
    cases, results = Planned(lines, known), Gathering(lines)
    run: Run | None = None
    notices: list[str] = []
    for number, line in _lines(path):
        if not line.endswith(b"\n"):
            lost = f"line {number} was cut off after {len(line)} bytes while it was written, and is left out"
            notices.append(f"{path.name}: {lost}")
            tail.complete, tail.stop = False, None
            break
        kind, value = _value(path, number, line)
        if kind == b"shard" and not tail.size:
            tail.shard = value
        elif (
            kind == b"shard"
            or (kind == b"run") != (run is None)
            or (kind == b"case" and (tail.n_results or tail.complete))
        ):
            raise _damage(path, number, f"a {kind.decode()} line stands in the wrong place")
        elif kind == b"run":
            run = value
        elif kind == b"case":
            cases.take(value, line, tail.size)
        elif kind != b"end":
            if value.case_id not in cases.digests:
                raise _damage(path, number, f"a line of case {value.case_id!r}, which was not selected")
            if not results.take(value, line, tail.size):
                raise _damage(path, number, f"scores of case {value.case_id!r} without an answer before them")
            tail.n_results += kind != b"answer"
        elif (value.results, value.sha256) != (tail.n_results, tail.sha256.hexdigest()):
            raise _damage(path, number, "lines before the end line are missing or were changed")
        elif not value.texts:
            notices.append(f"{path.name}: {NO_TEXTS}")
        tail.complete = kind == b"end"
        tail.stop = value.stop if tail.complete else None
        tail.sha256.update(line)
        tail.size += len(line)
    return _recorded(path, run, cases, results, tail, notices), tail


def _recorded(
    path: Path,
    run: Run | None,
    cases: Planned,
    results: Gathering,
    tail: Tail,
    notices: list[str],
) -> Recorded:
    mend = "take the copy of a backup, or start the run anew"
    if run is None:
        raise RecordingError(f"{path} holds no run", mend=mend)
    n_cases, stages = len(cases.digests), cases.stages
    if n_cases != run.n_cases:
        raise RecordingError(f"{path} lists {n_cases} of its {run.n_cases} cases", mend=mend)
    n_stages = len(set(stages.values()))
    if tail.stop is not None and not tail.stop.look < tail.stop.looks == n_stages:
        raise RecordingError(f"{path} stopped at look {tail.stop.look}, and has {n_stages} stages", mend=mend)
    place = {case_id: index for index, case_id in enumerate(cases.digests)}
    return Recorded(
        run=run,
        cases=cases.gathered.cases(),
        digests=cases.digests,
        results=results.results(place),
        complete=tail.complete,
        notices=tuple(notices),
        stages=stages if n_stages > 1 else {},
        stop=tail.stop,
        unscored=results.unscored(),
        shard=tail.shard,
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give every line with its number from 1; only the last can lack its line feed."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield number, line
    except FileNotFoundError as error:
        raise RecordingError(f"there is no recording at {path}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damage(path, number + 1, f"the compressed file is damaged ({error})") from error
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from error


def _value(path: Path, number: int, line: bytes) -> tuple[bytes, Any]:
    parts = unframe(line)
    if parts is None:
        raise _damage(path, number, "the line does not match its checksum")
    kind, data = parts
    try:
        return kind, parse(kind, data)
    except ValueError as error:
        raise RecordingError(
            f"not a {kind.decode()} as this version of harness writes it: {error}",
            Place(str(path), number),
            "read it with the version that wrote it",
        ) from error


def _damage(path: Path, number: int, what: str) -> RecordingError:
    return RecordingError(
        what, Place(str(path), number), "take the copy of a backup" if path.suffix == ".gz" else _MEND
    )
