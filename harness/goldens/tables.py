"""Tables to numbered raw rows: CSV, Parquet, and whatever ``datasets`` loads."""

from __future__ import annotations

import csv
import glob
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import Fault, GoldenError, MissingExtra, Place
from harness.goldens.lines import BYTE_ORDER_MARK, MAX_FAULTS, Refused, Row, is_sound, opened, parse
from harness.types import GoldenSource


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
        if is_sound(values, place, faults):
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


def read_csv(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Columns are fields; dotted names nest (``groups.language``), cells that look like JSON are parsed."""
    return _table(_read_csv(path, faults), _cell, faults)


def _read_csv(path: Path, faults: list[Fault]) -> Iterator[Row]:
    with opened(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        try:
            yield from _csv_rows(path, text, faults)
        except UnicodeDecodeError as error:
            raise GoldenError(*_not_utf8(path), "save the file as UTF-8") from error


def _not_utf8(path: Path) -> tuple[str, Place]:
    """Say which byte it is that is not UTF-8, and where: whoever read on has not counted."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            start = len(BYTE_ORDER_MARK) if number == 1 and line.startswith(BYTE_ORDER_MARK) else 0
            try:
                line[start:].decode("utf-8")
            except UnicodeDecodeError as error:
                wrong = line[start + error.start]
                return f"byte 0x{wrong:02x} is not UTF-8", Place(str(path), number, error.start + 1)
    return "it was changed while it was read", Place(str(path))


def _csv_rows(path: Path, text: Iterable[str], faults: list[Fault]) -> Iterator[Row]:
    reader = csv.reader(text, strict=True)
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
            return parse(text)
        except json.JSONDecodeError:
            return text
    if name in _LIST_COLUMNS:
        return [part.strip() for part in text.split(";") if part.strip()]
    if name in {"should_refuse", "answerable"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def read_parquet(path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Columns are fields, as in CSV."""
    return _table(_read_parquet(path), _plain, faults)


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


def read_datasets(source: GoldenSource, path: Path, faults: list[Fault]) -> Iterator[Row]:
    """Columns are fields, as in CSV; of a dataset with several splits the source says which.

    Raises:
        MissingExtra: the package is not installed.
    """
    return _table(_read_datasets(source, path), _plain, faults)


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
