"""Golden files to numbered raw rows: JSON Lines, CSV, Parquet, and whatever ``datasets`` loads."""

from __future__ import annotations

import csv
import glob
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Fault, GoldenError, MissingExtra, Place
from harness.types import GoldenSource

MAX_LINE_BYTES = 10_000_000
MAX_FAULTS = 50
"""Faults after which reading stops: the file is not what it was taken for."""


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


def read_rows(source: GoldenSource, folder: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield the rows of a source in order; what cannot be read is appended to ``faults``.

    Args:
        source: what the suite names.
        folder: what a relative path is relative to.
        faults: gets one entry per unreadable row; reading stops at ``MAX_FAULTS`` of them.

    Raises:
        GoldenError: the file is missing or not of its format at all.
        MissingExtra: ``format: datasets`` without the package.
    """
    path = (folder / source.path).resolve()
    kind = source.format or _format_of(source.path)
    if kind == "datasets":
        return _table(_read_datasets(source, path), _plain, faults)
    if not path.is_file():
        raise GoldenError("no such file", Place(str(path)), "check `goldens: - path:` in the suite")
    if kind == "csv":
        return _table(_read_csv(path, faults), _cell, faults)
    if kind == "parquet":
        return _table(_read_parquet(path), _plain, faults)
    return read_json_lines(path, faults)


def _format_of(path: str) -> str:
    name = path.lower().removesuffix(".gz")
    for ending, kind in ((".jsonl", "jsonl"), (".ndjson", "jsonl"), (".csv", "csv"), (".parquet", "parquet")):
        if name.endswith(ending):
            return kind
    raise GoldenError(
        "cannot tell the format of these goldens from the name",
        Place(path),
        "name them .jsonl, .csv or .parquet, or give `format:`",
    )


def read_json_lines(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield one row per line that holds a JSON object; anything else is a fault with line and column."""
    for number, line in enumerate(_binary_lines(path), 1):
        if len(faults) >= MAX_FAULTS:
            return
        place = Place(str(path), number)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901 -- a byte order mark is not data
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
            values = _parse(text)
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
        if _is_sound(values, place, faults):
            yield Row(place, values)


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise GoldenError(f"cannot read the file: {error}", Place(str(path))) from error


def _binary_lines(path: Path) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the beginning, so that no file can fill the memory."""
    with _opened(path) as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)


def _parse(text: str) -> Any:
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


def _is_sound(values: dict[str, Any], place: Place, faults: list[Fault]) -> bool:
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


def _table(rows: Iterator[Row], cell: Callable[[str, Any], Any], faults: list[Fault]) -> Iterator[Row]:
    """Yield rows with dotted columns nested; absent cells are absent fields."""
    for place, cells in rows:
        if len(faults) >= MAX_FAULTS:
            return
        try:
            flat = {name: cell(name, value) for name, value in cells.items() if value is not None}
            values = _nest(flat)
        except Refused as error:
            faults.append(Fault(str(error), place, error.mend))
            continue
        if _is_sound(values, place, faults):
            yield Row(place, values)


def _nest(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        head, dot, tail = name.partition(".")
        if not dot or head not in {"groups", "metadata", "vars"}:
            nested[name] = value
        elif head in flat:
            raise Refused(f"columns {head!r} and {name!r} say the same", "keep one of them")
        else:
            nested.setdefault(head, {})[tail] = value
    return nested


def _read_csv(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Columns are fields; dotted names nest (``groups.language``), cells that look like JSON are parsed."""
    with _opened(path) as file:
        data = file.read().removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        at = Place(str(path), before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise GoldenError(what, at, "save the file as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first = 1
    try:
        header = next(reader, [])
        for name in header:
            if name and header.count(name) > 1:
                raise GoldenError(f"column {name!r} stands twice", Place(str(path), 1), "keep one of them")
        first = reader.line_num + 1
        for cells in reader:
            place, first = Place(str(path), first), reader.line_num + 1
            if len(cells) > len(header):
                faults.append(Fault("more cells than columns", place, "quote cells that hold a comma"))
            elif any(cells):
                yield Row(place, {name: text for name, text in zip(header, cells, strict=False) if text})
    except csv.Error as error:
        faults.append(Fault(f"not CSV: {error}", Place(str(path), first), "look at the quotes"))


_LIST_COLUMNS = {"tags", "must_include", "must_not_include"}


def _cell(name: str, text: str) -> Any:
    if text[0] in "[{":
        try:
            return _parse(text)
        except json.JSONDecodeError:
            return text
    if name in _LIST_COLUMNS:
        return [part.strip() for part in text.split(";") if part.strip()]
    if name in {"should_refuse", "answerable"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def _read_parquet(path: Path) -> Iterator[Row]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            cursor = connection.execute("select * from read_parquet(?)", [glob.escape(str(path))])
            names = [column[0] for column in cursor.description or ()]
            number = 0
            while batch := cursor.fetchmany(1000):
                for cells in batch:
                    number += 1
                    yield Row(Place(str(path), number), dict(zip(names, cells, strict=True)))
        except duckdb.Error as error:
            raise GoldenError(f"not a readable Parquet file: {error}", Place(str(path))) from error


def _read_datasets(source: GoldenSource, path: Path) -> Iterator[Row]:
    import os

    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("datasets", "datasets", f"reading {source.path!r}") from error
    name = str(path) if path.exists() else source.path
    place = Place(name)
    try:
        if path.is_dir() and ((path / "state.json").exists() or (path / "dataset_dict.json").exists()):
            loaded = datasets.load_from_disk(name)
        else:
            loaded = datasets.load_dataset(name)
    except Exception as error:
        raise GoldenError(f"the datasets library cannot load it: {error}", place) from error
    if not isinstance(loaded, datasets.DatasetDict):
        loaded = {str(loaded.split or source.split): loaded}
    wanted = source.split or (next(iter(loaded)) if len(loaded) == 1 else None)
    if wanted not in loaded:
        raise GoldenError(f"split {wanted!r} is not one of {', '.join(loaded)}", place, "give `split:`")
    for number, cells in enumerate(loaded[wanted], 1):
        yield Row(Place(name, number), cells)


ID_COLUMNS = ("id", "case_id", "query_id", "document_id", "twin_of", "doc_id", "reference_context_ids")
"""Columns of tables whose whole numbers are names."""


def _plain(name: str, value: Any) -> Any:
    """Values of a table as JSON has them: no nulls inside objects, dates as ISO 8601 text."""
    if isinstance(value, dict):
        return {key: _plain(name, part) for key, part in value.items() if part is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(name, part) for part in value]
    if name in ID_COLUMNS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
