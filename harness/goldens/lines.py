"""JSON Lines to numbered raw rows, and what of a row can be used."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Fault, GoldenError, Place

MAX_LINE_BYTES = 10_000_000
MAX_FAULTS = 50
"""Faults after which reading stops: the file is not what it was taken for."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One raw row and where it stands; for tables ``line`` counts rows from 1."""

    place: Place
    values: dict[str, Any]


class Refused(ValueError):
    """A row that can be read but not used, and how to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        """Take what is wrong, and how to mend it."""
        super().__init__(what)
        self.mend = mend


def read_json_lines(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield one row per line that holds a JSON object; anything else is a fault with line and column."""
    for number, line in enumerate(_binary_lines(path), 1):
        if len(faults) >= MAX_FAULTS:
            return
        place = Place(str(path), number)
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)  # noqa: PLW2901 -- a byte order mark is not data
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            what = f"line of more than {MAX_LINE_BYTES:,} bytes"
            faults.append(Fault(what, place, "one JSON object per line"))
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            at = Place(str(path), number, error.start + 1)
            faults.append(Fault(f"byte 0x{line[error.start]:02x} is not UTF-8", at, "save the file as UTF-8"))
            continue
        try:
            values = parse(text)
        except json.JSONDecodeError as error:
            at = Place(str(path), number, error.colno)
            faults.append(Fault(f"not JSON: {error.msg}", at, "one JSON object per line"))
            continue
        except Refused as error:
            faults.append(Fault(str(error), place, error.mend))
            continue
        if not isinstance(values, dict):
            what = f"a {type(values).__name__}, not a JSON object"
            faults.append(Fault(what, place, "one JSON object per line"))
            continue
        if is_sound(values, place, faults):
            yield Row(place, values)


@contextmanager
def opened(path: Path) -> Iterator[gzip.GzipFile | io.BufferedReader]:
    """Open a file to be read, unpacked where its name says so; what cannot be read is a GoldenError."""
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise GoldenError(f"cannot read the file: {error}", Place(str(path))) from error


def _binary_lines(path: Path) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the beginning, so that no file can fill the memory."""
    with opened(path) as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)


def parse(text: str) -> Any:
    """Parse JSON as the standard has it: no NaN, no field twice.

    Raises:
        json.JSONDecodeError: not JSON.
        Refused: JSON that says what no golden may.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, Refused):
        raise
    except RecursionError as error:
        raise Refused("nested too deeply", "write it flat") from error
    except ValueError as error:
        raise Refused("a number of thousands of digits", "write it as text") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Refused(f"field {name!r} stands twice in one object", "keep one of them")
            seen.add(name)
    return found


def _refuse_constant(name: str) -> float:
    raise Refused(f"{name} is not JSON", "leave the field out where there is no number")


def is_sound(values: dict[str, Any], place: Place, faults: list[Fault]) -> bool:
    """Refuse what no recording can hold: half characters, numbers that are not finite or not 64-bit."""
    waiting: list[tuple[str, Any]] = [("", values)]
    for name, value in waiting:  # it grows on the way: depth costs no recursion
        if isinstance(value, dict):
            for key, part in value.items():
                inner = f"{name}.{key}" if name else key
                waiting += [(inner, key), (inner, part)]
        elif isinstance(value, (list, tuple)):
            waiting += [(f"{name}[{index}]", part) for index, part in enumerate(value)]
        elif (refusal := _refusal_of(value)) is not None:
            faults.append(Fault(f"field {name!r} {refusal}", place, refusal.mend))
            return False
    return True


def _refusal_of(value: Any) -> Refused | None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return Refused("holds half a surrogate pair", "replace the broken character")
    elif isinstance(value, float) and not math.isfinite(value):
        return Refused(f"is {value}", "leave it out where there is no number")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        return Refused("does not fit 64 bits", "write it as text")
    return None
