"""TREC's run and judgement files as tables, and tables of scores as Parquet."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import Fault, Place, UsageError

if TYPE_CHECKING:
    import pandas as pd


class Layout(NamedTuple):
    """The fields of a line, with what is kept of them: its name here, and its type."""

    line: str
    fields: tuple[tuple[str, str], ...]

    @property
    def kept(self) -> dict[str, str]:
        """Name to type of the fields that are kept."""
        return {name: kind for name, kind in self.fields if kind}


RUN = Layout(
    "query Q0 document rank score tag",
    (
        ("query_id", "category"),
        ("q0", ""),
        ("doc_id", "category"),
        ("rank", ""),
        ("score", "float64"),
        ("tag", ""),
    ),
)
QRELS = Layout(
    "query 0 document grade",
    (("query_id", "category"), ("iteration", ""), ("doc_id", "category"), ("grade", "int64")),
)


def read_trec(path: Path, layout: Layout) -> pd.DataFrame:
    """Read a run or judgements (``.gz``: compressed) into the columns that ``score_rankings`` takes.

    Raises:
        UsageError: there is no such file, or a line is not of this layout (which).
    """
    import pandas as pd

    names = [name for name, _ in layout.fields]
    try:
        found = pd.read_csv(
            path,
            sep=r"\s+",
            header=None,
            names=names,
            usecols=list(layout.kept),
            dtype=layout.kept,
            quoting=csv.QUOTE_NONE,
            na_filter=False,
            encoding="utf-8",
            engine="c",
        )
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror or error}", Place(str(path))) from error
    except ValueError as error:
        raise UsageError([_first_fault(path, layout)]) from error
    if found.empty:
        raise UsageError("the file is empty", Place(str(path)))
    if not isinstance(found.index, pd.RangeIndex):  # more fields than names: the first became an index
        raise UsageError([_first_fault(path, layout)])
    return found


def read_attributes(path: Path) -> pd.DataFrame:
    """Read what slices of queries are taken by: CSV with a header, the queries in column ``query_id``.

    Raises:
        UsageError: it cannot be read, has no such column, or a query twice.
    """
    import pandas as pd

    try:
        found = pd.read_csv(path, dtype=str, na_filter=False, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror or error}", Place(str(path))) from error
    except ValueError as error:
        raise UsageError(f"not a table in CSV: {str(error).strip()}", Place(str(path))) from error
    if "query_id" not in found:
        raise UsageError("the file has no column 'query_id'", Place(str(path), 1))
    again = found.index[found["query_id"].duplicated()]
    if len(again):
        name = found["query_id"][again[0]]
        raise UsageError(f"query {name!r} stands here twice", Place(str(path), int(again[0]) + 2))
    return found


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet.

    Raises:
        UsageError: it cannot be written.
    """
    import duckdb

    part = path.with_name(f"{path.name}.part")
    place = str(part).replace("'", "''")
    with duckdb.connect(":memory:") as con:
        con.register("scores", table)
        try:
            con.execute(f"copy scores to '{place}' (format parquet)")
            part.replace(path)
        except (duckdb.Error, OSError) as error:
            part.unlink(missing_ok=True)
            raise UsageError(f"{path} cannot be written: {str(error).partition(chr(10))[0]}") from error


def _first_fault(path: Path, layout: Layout) -> Fault:
    """Name the first line that is not of a layout."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            place = Place(str(path), number)
            try:
                parts = line.decode().split()
            except UnicodeDecodeError:
                return Fault("the line is not text in UTF-8", place, "save the file as UTF-8")
            if not parts:
                continue
            if len(parts) != len(layout.fields):
                what = f"{len(parts)} fields instead of {len(layout.fields)}"
                return Fault(what, place, f"a line is `{layout.line}`")
            for (name, kind), part in zip(layout.fields, parts, strict=True):
                try:
                    is_one = not kind.startswith(("float", "int")) or not math.isnan(float(part))
                except ValueError:
                    is_one = False
                if not is_one:
                    return Fault(f"the {name} {part!r} is no number", place, f"a line is `{layout.line}`")
    return Fault("the file cannot be read as a table", Place(str(path)), f"a line is `{layout.line}`")
