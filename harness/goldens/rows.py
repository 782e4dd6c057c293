"""Golden files to numbered raw rows: JSON Lines, CSV, Parquet, and whatever ``datasets`` loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import Fault, GoldenError, Place
from harness.goldens.lines import Row, read_json_lines
from harness.goldens.tables import read_csv, read_datasets, read_parquet
from harness.types import GoldenSource


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
        return read_datasets(source, path, faults)
    if not path.is_file():
        raise GoldenError("no such file", Place(str(path)), "check `goldens: - path:` in the suite")
    if kind == "csv":
        return read_csv(path, faults)
    if kind == "parquet":
        return read_parquet(path, faults)
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
