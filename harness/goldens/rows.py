"""Golden files to numbered raw rows: JSON Lines, CSV, Parquet, and whatever ``datasets`` loads."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Fault, GoldenError, MissingExtra, Place
from harness.types import GoldenSource

MAX_LINE_BYTES = 10_000_000


class Row(NamedTuple):
    """One raw row and where it stands; for tables ``line`` counts rows from 1."""

    place: Place
    values: dict[str, Any]


def read_rows(source: GoldenSource, folder: Path, faults: list[Fault]) -> Iterator[Row]:
    """Yield the rows of a source in order; what cannot be read is appended to ``faults``.

    Args:
        source: what the suite names.
        folder: what a relative path is relative to.
        faults: gets one entry per unreadable row.

    Raises:
        GoldenError: the file is missing or not of its format at all.
        MissingExtra: ``format: datasets`` without the package.
    """
    path = (folder / source.path).resolve()
    kind = source.format or _format_of(source.path)
    if kind == "datasets":
        return _read_datasets(source, path)
    if not path.is_file():
        raise GoldenError("no such file", Place(str(path)), "check `goldens: - path:` in the suite")
    if kind == "csv":
        return _read_csv(path, faults)
    if kind == "parquet":
        return _read_parquet(path)
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
        place = Place(str(path), number)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901 -- a byte order mark is not data
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            faults.append(
                Fault(f"line of {len(line):,} bytes", place, f"at most {MAX_LINE_BYTES:,} are read")
            )
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            at = Place(str(path), number, error.start + 1)
            faults.append(Fault(f"byte 0x{line[error.start]:02x} is not UTF-8", at, "save the file as UTF-8"))
            continue
        try:
            values = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            at = Place(str(path), number, error.colno)
            faults.append(Fault(f"not JSON: {error.msg}", at, "one JSON object per line"))
            continue
        except (ValueError, RecursionError) as error:
            faults.append(Fault(str(error) or "nested too deeply", place))
            continue
        if not isinstance(values, dict):
            faults.append(Fault(f"a {type(values).__name__}, not a JSON object", place))
            continue
        yield Row(place, values)


def _binary_lines(path: Path) -> Iterator[bytes]:
    try:
        opener = gzip.open if path.name.endswith(".gz") else open
        with opener(path, "rb") as file:
            yield from file
    except (OSError, EOFError) as error:
        raise GoldenError(f"cannot read the file: {error}", Place(str(path))) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice!r} stands twice in one object")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _read_csv(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Columns are fields; dotted names nest (``groups.language``), cells that look like JSON are parsed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise GoldenError(f"not UTF-8 at byte {error.start}", Place(str(path)), "save as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        for cells in reader:
            place = Place(str(path), reader.line_num)
            if "" in cells:
                faults.append(Fault("more cells than columns", place, "quote cells that hold a comma"))
                continue
            yield Row(place, _nest({name: _cell(name, text) for name, text in cells.items() if text}))
    except csv.Error as error:
        raise GoldenError(f"not CSV: {error}", Place(str(path), reader.line_num)) from error


_LIST_COLUMNS = {"tags", "must_include", "must_not_include"}


def _cell(name: str, text: str) -> Any:
    if text[0] in "[{":
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except ValueError:
            return text
    if name in _LIST_COLUMNS:
        return [part.strip() for part in text.split(";") if part.strip()]
    if name in {"should_refuse", "answerable"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def _nest(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        head, dot, tail = name.partition(".")
        if dot and head in {"groups", "metadata", "vars"}:
            nested.setdefault(head, {})[tail] = value
        else:
            nested[name] = value
    return nested


def _read_parquet(path: Path) -> Iterator[Row]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            cursor = connection.execute("select * from read_parquet(?)", [str(path)])
            names = [column[0] for column in cursor.description or ()]
            number = 0
            while batch := cursor.fetchmany(1000):
                for cells in batch:
                    number += 1
                    yield Row(Place(str(path), number), _table_row(dict(zip(names, cells, strict=True))))
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
    if isinstance(loaded, datasets.DatasetDict):
        wanted = source.split or (next(iter(loaded)) if len(loaded) == 1 else None)
        if wanted not in loaded:
            raise GoldenError(f"split {wanted!r} is not one of {', '.join(loaded)}", place, "give `split:`")
        loaded = loaded[wanted]
    for number, cells in enumerate(loaded, 1):
        yield Row(Place(name, number), _table_row(cells))


def _table_row(cells: dict[str, Any]) -> dict[str, Any]:
    """Tables have every column in every row: an absent value is an absent field."""
    flat = {name: _plain(value) for name, value in cells.items() if value is not None}
    return _nest(flat)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
