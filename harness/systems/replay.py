"""Recorded answers as the system under test: a recording of ours, or any JSON Lines of outputs."""

from __future__ import annotations

import gzip
import json
import zlib
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from harness.errors import Place, SpoolError, SystemFailure, UsageError
from harness.spool import Spool
from harness.systems.answers import bad, decode_text, shown, to_response
from harness.systems.json_paths import AnswerPaths, JsonPath, answer_paths, decode_json, json_path, nested
from harness.types import Query, Response

_OWN_IDS = ("id", "case_id")


class _Frame(msgspec.Struct):
    """One line of a recording, its data still as bytes."""

    kind: str
    data: msgspec.Raw
    crc32: str


class _Named(msgspec.Struct):
    """What the data of such a line must have."""

    case_id: str
    repeat: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    response: dict[str, Any]


@asynccontextmanager
async def connect(
    *,
    path: Path,
    fields: dict[str, str] | None = None,
    where: dict[str, str] | None = None,
) -> AsyncIterator[Callable[[Query], Awaitable[Response]]]:
    """Connect to recorded answers, found by the id of the case.

    A recorded error is an error again, and recorded timings are kept. Where a recording holds several
    repeats of a case, each question for it gets the next one, in turn.

    Args:
        path: a recording of this harness, or JSON Lines with one answer a line; both may end in ``.gz``.
        fields: our names to theirs, dotted where they are nested: ``{"id": "question_id", "output":
            "response.text", "retrieved": "chunks", "retrieved.doc_id": "source"}``; what is not named
            is not read, but ``id`` and ``output``. By default all are found under our names. Not for
            recordings of ours.
        where: only lines where each of these (dotted) names has this value, written as text.

    Raises:
        UsageError: the file cannot be read, a line is wrong, an id occurs twice, or none is left.
    """
    names = _names(fields, where or {})
    answers = _Answers(path, names)
    asked: dict[str, int] = {}

    async def answer(query: Query) -> Response:
        turn = asked[query.id] = asked.get(query.id, -1) + 1
        return to_response(answers.fields(query.id, turn))

    yield answer


class _Read(NamedTuple):
    """What a line says: of which case, for the how-manieth time, and what was answered."""

    case_id: str
    repeat: int
    data: Mapping[str, Any]


class _Names(NamedTuple):
    """How a file names things: where the id lies, where the answer, and what a line must have."""

    id: JsonPath | None
    paths: AnswerPaths | None
    where: tuple[tuple[JsonPath, str], ...]


class _Answers:
    """The answers of a file by case; each is read when it is asked for."""

    def __init__(self, path: Path, names: _Names) -> None:
        """Read through the file, and check every line of it."""
        self.path, self.names, self.ours = path, names, False
        self._spool = Spool(str(path), path)
        self._rows = array("q")  # five numbers each: repeat, line, begin, size, CRC-32
        self._of: dict[str, list[int]] = {}
        for number, start, line, self.ours in _lines(path):
            self._take(number, start, line)
        if not self._of:
            raise UsageError(
                f"{path} holds no recorded answer", mend="look at 'where'" if names.where else ""
            )

    def fields(self, case_id: str, turn: int) -> Mapping[str, Any]:
        """Give the fields of the Response; what has no time of its own is marked as cached."""
        rows = self._of.get(case_id)
        if rows is None:
            raise SystemFailure("bad_response", f"no recorded answer for {case_id!r} in {self.path.name}")
        row = sorted(rows, key=self._rows.__getitem__)[turn % len(rows)]
        data = self._again(*self._rows[row + 2 : row + 5])
        if self.names.paths is not None:
            found = dict(self.names.paths.read(data))
        else:
            found = {name: data[name] for name in Response.__struct_fields__ if name in data}
        return found if "timings" in found else {**found, "cached": True}

    def _take(self, number: int, start: int, line: bytes) -> None:
        place = Place(str(self.path), number)
        if self.ours and self.names.paths is not None:
            raise UsageError("this is a recording of the harness, which takes no 'fields'", place)
        read = _recorded(line, self.names, place) if self.ours else _foreign(line, self.names, place)
        if read is None:
            return
        case_id, repeat, _ = read
        rows = self._of.setdefault(case_id, [])
        before = next((row for row in rows if self._rows[row] == repeat), None)
        if before is not None and not self.ours:
            what = f"id {case_id!r} occurs twice: lines {self._rows[before + 1]} and {number}"
            raise UsageError(what, place)
        found = repeat, number, self._spool.place(line, start), len(line), zlib.crc32(line)
        if before is None:
            rows.append(len(self._rows))
            self._rows.extend(found)
        else:
            self._rows[before : before + 5] = array("q", found)

    def _again(self, start: int, size: int, crc32: int) -> Mapping[str, Any]:
        try:
            line = self._spool.read(start, size)
        except SpoolError as error:
            raise SystemFailure("bad_response", str(error)) from error
        place = Place(str(self.path))
        read = None
        if zlib.crc32(line) == crc32:
            read = _recorded(line, self.names, place) if self.ours else _foreign(line, self.names, place)
        if read is None:
            raise SystemFailure("bad_response", f"{self.path.name} was changed while it was in use")
        return read.data


def _names(fields: dict[str, str] | None, where: dict[str, str]) -> _Names:
    conditions = tuple((json_path(name, "where"), value) for name, value in where.items())
    if not fields:
        return _Names(None, None, conditions)
    spec = {"output": "output", **fields}
    case_id = json_path(spec.pop("id", "id"), "fields.id")
    return _Names(case_id, answer_paths(nested(spec), "fields"), conditions)


def _lines(path: Path) -> Iterator[tuple[int, int, bytes, bool]]:
    """Give number, begin, bytes, whether it is a line of ours; a recording's torn last line is left out."""
    opened = gzip.open if path.suffix == ".gz" else open
    ours: bool | None = None
    end = 0
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(file, 1):
                start, end = end, end + len(line)
                if not line.strip():
                    continue
                if ours is None:
                    ours = line.startswith(b'{"kind":"') and b'"data":' in line
                if ours and not line.endswith(b"\n"):
                    return
                yield number, start, line, ours
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _recorded(line: bytes, names: _Names, place: Place) -> _Read | None:
    try:
        frame = msgspec.json.decode(line, type=_Frame)
        if zlib.crc32(frame.data) != int(frame.crc32, 16):
            raise UsageError("the checksum of this line does not agree with it", place)
        if frame.kind not in {"answer", "result"}:
            return None
        result = msgspec.json.decode(frame.data)
        named = msgspec.convert(result, _Named)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"this is not a line of a recording: {error!r}", place) from error
    if not _holds(result, names.where):
        return None
    return _Read(named.case_id, named.repeat, named.response)


def _foreign(line: bytes, names: _Names, place: Place) -> _Read | None:
    text = decode_text(line)
    try:
        data = decode_json(text, "the line")
        if not isinstance(data, dict):
            raise UsageError("the line is not an object", place)
        if not _holds(data, names.where):
            return None
        case_id = _own_id(data) if names.id is None else names.id.value(data)
    except SystemFailure as failure:
        raise UsageError(failure.message, place) from failure
    if isinstance(case_id, bool) or not isinstance(case_id, (str, int)):
        raise UsageError(f"the id is not text: {shown(case_id)}", place)
    return _Read(str(case_id), 0, data)


def _own_id(data: Mapping[str, Any]) -> Any:
    for name in _OWN_IDS:
        if name in data:
            return data[name]
    raise bad("id", "is missing")


def _holds(data: object, where: tuple[tuple[JsonPath, str], ...]) -> bool:
    for path, wanted in where:
        try:
            value = path.value(data)
        except SystemFailure:
            return False
        if (value if isinstance(value, str) else json.dumps(value)) != wanted:
            return False
    return True
