"""Recorded answers as the system under test: a recording of ours, or any JSON Lines of outputs."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import Place, SystemFailure, UsageError
from harness.systems.answers import bad, decode_text, shown, to_response
from harness.systems.json_paths import AnswerPaths, JsonPath, answer_paths, decode_json, json_path, nested
from harness.types import Query, Response

_OWN_IDS = ("id", "case_id")


class _Frame(msgspec.Struct):
    """One line of a recording, its data still as bytes."""

    kind: str
    data: msgspec.Raw
    crc32: str


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
    answers = _read(path, fields, where or {})
    asked: dict[str, int] = {}

    async def answer(query: Query) -> Response:
        recorded = answers.get(query.id)
        if recorded is None:
            raise SystemFailure("bad_response", f"no recorded answer for {query.id!r} in {path.name}")
        turn = asked[query.id] = asked.get(query.id, -1) + 1
        return to_response(recorded[turn % len(recorded)].fields())

    yield answer


class _Answer(NamedTuple):
    """One recorded answer: its line, which repeat it is, and its fields, read when they are asked for."""

    line: int
    repeat: int
    data: Mapping[str, Any]
    paths: AnswerPaths | None

    def fields(self) -> Mapping[str, Any]:
        """Give the fields of the Response; what has no time of its own is marked as cached."""
        if self.paths is not None:
            found = dict(self.paths.read(self.data))
        else:
            found = {name: self.data[name] for name in Response.__struct_fields__ if name in self.data}
        return found if "timings" in found else {**found, "cached": True}


class _Names(NamedTuple):
    """How a file names things: where the id lies, where the answer, and what a line must have."""

    id: JsonPath | None
    paths: AnswerPaths | None
    where: tuple[tuple[JsonPath, str], ...]


def _read(path: Path, fields: dict[str, str] | None, where: dict[str, str]) -> dict[str, list[_Answer]]:
    names = _names(fields, where)
    answers: dict[str, dict[int, _Answer]] = {}
    for number, line, ours in _lines(path):
        place = Place(str(path), number)
        if ours and fields:
            raise UsageError("this is a recording of the harness, which takes no 'fields'", place)
        read = _recorded(line, number, names, place) if ours else _foreign(line, number, names, place)
        if read is None:
            continue
        case_id, answer = read
        repeats = answers.setdefault(case_id, {})
        if answer.repeat in repeats and not ours:
            raise UsageError(
                f"id {case_id!r} occurs twice: lines {repeats[answer.repeat].line} and {number}", place
            )
        repeats[answer.repeat] = answer
    if not answers:
        raise UsageError(f"{path} holds no recorded answer", mend="look at 'where'" if where else "")
    return {case_id: [repeats[key] for key in sorted(repeats)] for case_id, repeats in answers.items()}


def _names(fields: dict[str, str] | None, where: dict[str, str]) -> _Names:
    conditions = tuple((json_path(name, "where"), value) for name, value in where.items())
    if not fields:
        return _Names(None, None, conditions)
    spec = {"output": "output", **fields}
    case_id = json_path(spec.pop("id", "id"), "fields.id")
    return _Names(case_id, answer_paths(nested(spec), "fields"), conditions)


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Give number, bytes, and whether it is a line of ours; a recording's torn last line is left out."""
    opened = gzip.open if path.suffix == ".gz" else open
    ours: bool | None = None
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                if ours is None:
                    ours = line.startswith(b'{"kind":"') and b'"data":' in line
                if ours and not line.endswith(b"\n"):
                    return
                yield number, line, ours
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _recorded(line: bytes, number: int, names: _Names, place: Place) -> tuple[str, _Answer] | None:
    try:
        frame = msgspec.json.decode(line, type=_Frame)
        if zlib.crc32(frame.data) != int(frame.crc32, 16):
            raise UsageError("the checksum of this line does not agree with it", place)
        if frame.kind not in {"answer", "result"}:
            return None
        result = msgspec.json.decode(frame.data)
        case_id, repeat, response = result["case_id"], result["repeat"], result["response"]
    except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"this is not a line of a recording: {error!r}", place) from error
    if not _holds(result, names.where):
        return None
    return case_id, _Answer(number, repeat, response, None)


def _foreign(line: bytes, number: int, names: _Names, place: Place) -> tuple[str, _Answer] | None:
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
    return str(case_id), _Answer(number, 0, data, names.paths)


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
