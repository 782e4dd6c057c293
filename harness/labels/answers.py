"""What raters send back, read strictly: the JSON that a packet saves, or its CSV filled in."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Fault, Place, UsageError, did_you_mean
from harness.numbers import number

COLUMNS = ("packet", "item", "label", "comment", "rater")
READ_ONLY = ("question", "answer", "passages", "references")
"""Columns of a CSV packet that are shown to the rater and not read back."""
ANSWER_KEYS = ("item", "label", "comment")
FILE_KEYS = ("packet", "rater", "saved_at", "answers")
JUDGE = "judge"
"""How the judge is named among raters: no rater can be."""
RATER = re.compile(r"[A-Za-z0-9._-]{1,64}")
MAX_BYTES = 50_000_000
MAX_COMMENT = 2_000
"""Characters of a comment that are kept."""


class Answer(NamedTuple):
    """One label as it stands in a file, with its place."""

    packet: str
    item: str
    value: float
    comment: str
    rater: str
    place: Place


class _Cell(NamedTuple):
    """One answer before it is checked: texts by key, and where each stands."""

    texts: dict[str, Any]
    place: Place
    columns: dict[str, int]

    def at(self, name: str) -> Place:
        return self.place._replace(column=self.columns.get(name, self.place.column))


def read_answers(path: Path, rater: str | None, scale_of: dict[str, tuple[float, ...]]) -> list[Answer]:
    """Read the answers of one file; items without a label are left out.

    Args:
        path: ``.json`` as a packet saves it, or ``.csv`` with the columns packet, item, label, comment.
        rater: who labelled; None: the file says.
        scale_of: packet id to the values that its labels may have; a packet that is not in it is a fault.

    Raises:
        UsageError: every fault with line and column; nothing of the file is to be used.
    """
    text = _text(path)
    cells = list(_json_cells(path, text) if path.suffix.lower() == ".json" else _csv_cells(path, text))
    faults: list[Fault] = []
    found: dict[tuple[str, str, str], Answer] = {}
    for cell in cells:
        answer = _checked(cell, rater, scale_of, faults)
        if answer is None:
            continue
        key = answer.packet, answer.item, answer.rater
        if key in found and found[key].value != answer.value:
            first = found[key].place
            what = f"item {answer.item} has two labels, {number(found[key].value)} in line {first.line}"
            faults.append(Fault(what, cell.at("label"), "keep one of them"))
        found.setdefault(key, answer)
    if faults:
        raise UsageError(faults)
    return list(found.values())


def packets_in(path: Path) -> list[str]:
    """Name the packets that a file answers, in order; read before their keys are looked up.

    Raises:
        UsageError: it is not JSON or CSV of answers at all.
    """
    text = _text(path)
    cells = _json_cells(path, text) if path.suffix.lower() == ".json" else _csv_cells(path, text)
    return list(dict.fromkeys(str(cell.texts.get("packet") or "") for cell in cells))


def _checked(
    cell: _Cell, rater: str | None, scale_of: dict[str, tuple[float, ...]], faults: list[Fault]
) -> Answer | None:
    texts = cell.texts
    label = texts.get("label")
    if label is None or (isinstance(label, str) and not label.strip()):
        return None
    packet, item = str(texts.get("packet") or ""), str(texts.get("item") or "")
    if packet not in scale_of:
        mend = "import it where it was exported, or name its suite with --suite"
        faults.append(Fault(f"packet {packet!r} was not exported from here", cell.at("packet"), mend))
        return None
    value = _number(label)
    if value is None or value not in scale_of[packet]:
        allowed = ", ".join(f"{one:g}" for one in scale_of[packet])
        faults.append(Fault(f"label {label!r} of item {item!r}", cell.at("label"), f"one of {allowed}"))
        return None
    own = str(texts.get("rater") or "").strip()
    who = rater or own
    if rater and own and rater != own:
        faults.append(
            Fault(f"the file says rater {own!r}, --rater {rater!r}", cell.at("rater"), "leave out one")
        )
        return None
    if not RATER.fullmatch(who) or who == JUDGE:
        mend = f"--rater NAME: 1 to 64 of A-Z a-z 0-9 . _ -, and not {JUDGE!r}"
        faults.append(
            Fault(f"rater {who!r}" if who else "it does not say who labelled", cell.at("rater"), mend)
        )
        return None
    comment = texts.get("comment") or ""
    if not isinstance(comment, str):
        faults.append(Fault(f"comment of item {item!r} is no text", cell.at("comment"), "put it in quotes"))
        return None
    if any("\ud800" <= char <= "\udfff" for char in comment):
        what = f"comment of item {item!r} holds half a character"
        faults.append(Fault(what, cell.at("comment"), "write it again"))
        return None
    return Answer(packet, item, value, comment.strip()[:MAX_COMMENT], who, cell.at("item"))


def _number(label: object) -> float | None:
    """A label as a finite number; truth values are none."""
    if isinstance(label, bool) or not isinstance(label, (int, float, str)):
        return None
    try:
        value = float(label)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", Place(str(path))) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"more than {MAX_BYTES:,} bytes", Place(str(path)), "import the file of one packet")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        place = Place(str(path), line, column)
        raise UsageError(f"byte 0x{data[error.start]:02x} is not UTF-8", place, "save it as UTF-8") from error


def _json_cells(path: Path, text: str) -> Iterator[_Cell]:
    """Yield the answers of a saved packet."""
    try:
        whole = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except json.JSONDecodeError as error:
        place = Place(str(path), error.lineno, error.colno)
        raise UsageError(f"not JSON: {error.msg}", place, "send the file as the packet saved it") from error
    except (ValueError, RecursionError) as error:
        place = Place(str(path), _line_of_fault(text))
        raise UsageError(f"not JSON as a packet saves it: {error}", place) from error
    top = Place(str(path), 1)
    if not isinstance(whole, dict) or not isinstance(whole.get("answers"), list):
        raise UsageError("there are no 'answers'", top, "send the file as the packet saved it")
    _known(whole, FILE_KEYS, top)
    for index, answer in enumerate(whole["answers"]):
        if not isinstance(answer, dict):
            raise UsageError(f"answer {index + 1} is no object", top, "send the file as the packet saved it")
        place, columns = _where(path, text, answer)
        _known(answer, ANSWER_KEYS, place)
        shared = {"packet": whole.get("packet"), "rater": whole.get("rater")}
        yield _Cell({**shared, **answer}, place, columns)


def _line_of_fault(text: str) -> int | None:
    """Find the line of a value that JSON may not have; packets save one answer a line."""
    for at, line in enumerate(text.splitlines(), 1):
        try:
            json.loads(line.strip().rstrip(","), object_pairs_hook=_once, parse_constant=_refused)
        except json.JSONDecodeError:
            continue
        except (ValueError, RecursionError):
            return at
    return None


def _where(path: Path, text: str, answer: dict[str, Any]) -> tuple[Place, dict[str, int]]:
    """Find the line and columns of an answer by its item, which no other has."""
    at = text.find(json.dumps(answer.get("item")))
    if at < 0:
        return Place(str(path), 1), {}
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    columns = {name: line.find(f'"{name}"', max(0, at - start - 9)) + 1 for name in ANSWER_KEYS}
    place = Place(str(path), text.count("\n", 0, at) + 1, at - start + 1)
    return place, {name: column for name, column in columns.items() if column > 0}


def _csv_cells(path: Path, text: str) -> Iterator[_Cell]:
    """Yield the rows of a CSV packet; the separator is that of its first line."""
    if path.suffix.lower() != ".csv":
        raise UsageError("neither .json nor .csv", Place(str(path)), "send what the packet saved")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    line = 1
    try:
        for row in reader:
            place = Place(str(path), line, 1)
            line = reader.line_num + 1
            if not names:
                names = [name.strip() for name in row]
                _check_header(names, place)
            elif any(cell.strip() for cell in row):
                if len(row) != len(names):
                    what = f"{len(row)} cells, {len(names)} columns"
                    raise UsageError(what, place, "save it as CSV without changing its columns")
                columns = {name: index + 1 for index, name in enumerate(names)}
                yield _Cell(dict(zip(names, row, strict=True)), place, columns)
    except csv.Error as error:
        raise UsageError(f"not CSV: {error}", Place(str(path), line)) from error


def _check_header(names: list[str], place: Place) -> None:
    faults = [
        Fault(f"unknown column {name!r}", place._replace(column=index + 1), did_you_mean(name, COLUMNS))
        for index, name in enumerate(names)
        if name not in (*COLUMNS, *READ_ONLY)
    ]
    faults += [Fault(f"no column {name!r}", place) for name in COLUMNS[:3] if name not in names]
    faults += [Fault(f"column {name!r} twice", place) for name in set(names) if names.count(name) > 1]
    if faults:
        raise UsageError(faults)


def _known(found: dict[str, Any], names: Collection[str], place: Place) -> None:
    for name in found:
        if name not in names:
            raise UsageError(f"unknown key {name!r}", place, did_you_mean(name, names))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"key {name!r} twice in one object")
        found[name] = value
    return found


def _refused(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
