"""Rows of a query as a table, CSV or JSON, safe for the program that reads them next."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from harness.report.visible import visible

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet take a text cell for a formula."""
WIDEST = 60


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, raw: bool) -> str:
    """CSV with a header; text that a spreadsheet would run gets a leading quote sign unless ``raw``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(cell, raw=raw) for cell in row] for row in rows)
    return out.getvalue()


def as_json_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A JSON list of objects, one per row."""
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False, default=str)


def as_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> str:
    """An aligned table; long cells are cut, numbers stand on the right, data is never markup."""
    from rich.cells import cell_len, set_cell_size

    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [
        min(WIDEST, max([cell_len(name), *(cell_len(row[index]) for row in cells)]))
        for index, name in enumerate(columns)
    ]
    while sum(widths) + 2 * len(widths) > width and max(widths) > 12:
        widths[widths.index(max(widths))] -= 1
    numeric = [
        bool(rows) and all(isinstance(row[index], (int, float)) or row[index] is None for row in rows)
        for index in range(len(columns))
    ]

    def line(values: Sequence[str]) -> str:
        parts = []
        for value, size, right in zip(values, widths, numeric, strict=True):
            cut = value if cell_len(value) <= size else set_cell_size(value, size - 1) + "…"
            padding = " " * (size - cell_len(cut))
            parts.append(padding + cut if right else cut + padding)
        return "  ".join(parts).rstrip() + "\n"

    rule = "  ".join("-" * size for size in widths) + "\n"
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})\n"
    return line(columns) + rule + "".join(line(row) for row in cells) + count


def _csv_cell(cell: Any, *, raw: bool) -> Any:
    if raw or not isinstance(cell, str):
        return "" if cell is None else cell
    return "'" + cell if cell.lstrip(" \n").startswith(FORMULA) else cell


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return visible(str(cell), one_line=True)
