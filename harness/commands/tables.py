"""Rows of a query as a table, CSV or JSON, safe for the program that reads them next."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from numbers import Number
from typing import Any

from harness.errors import UsageError
from harness.report.visible import inert_line, no_formula, visible

WIDEST, NARROWEST = 60, 12
"""Columns that a cell which may be cut gets at most, and at least."""


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, raw: bool) -> str:
    """CSV with a header, safe to look at unless ``raw``.

    Text that a spreadsheet would run gets a leading quote sign; what would steer a terminal or a CI runner,
    line feeds among it, is shown as an escape.
    """
    return "".join(_csv_line([_csv_cell(cell, raw=raw) for cell in row]) for row in (columns, *rows))


def as_json_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A JSON list of objects, one per row; a number that JSON lacks (NaN, an infinity) is null.

    Raises:
        UsageError: two columns of the same name, of which an object could hold only one.
    """
    again = sorted({name for name in columns if columns.count(name) > 1})
    if again:
        raise UsageError(
            f"more than one column is named {', '.join(map(repr, again))}", mend="name them with AS"
        )
    found = [dict(zip(columns, map(_finite, row), strict=True)) for row in rows]
    return json.dumps(found, ensure_ascii=False, default=str)


def as_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int, *, whole: Sequence[str] = ()
) -> str:
    """An aligned table; numbers stand on the right, data is never markup.

    Long cells are cut until a row fits into ``width``, but for numbers and the columns named in ``whole``.
    Where that is not enough, every row becomes a list of its cells.
    """
    from rich.cells import cell_len, set_cell_size

    names = [_shown(name) for name in columns]
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [
        max([cell_len(name), *(cell_len(row[index]) for row in cells)]) for index, name in enumerate(names)
    ]
    numeric = [
        bool(rows) and all(isinstance(row[index], (int, float)) or row[index] is None for row in rows)
        for index in range(len(columns))
    ]
    can_be_cut = [index for index, name in enumerate(columns) if name not in whole and not numeric[index]]
    for index in can_be_cut:
        widths[index] = min(WIDEST, widths[index])
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(can_be_cut, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return _as_lists(names, cells, width)
        widths[widest] -= 1

    def line(values: Sequence[str]) -> str:
        parts = []
        for value, size, right in zip(values, widths, numeric, strict=True):
            cut = value if cell_len(value) <= size else set_cell_size(value, size - 1) + "…"
            padding = " " * (size - cell_len(cut))
            parts.append(padding + cut if right else cut + padding)
        return inert_line("  ".join(parts).rstrip()) + "\n"

    rule = "  ".join("-" * size for size in widths) + "\n"
    return line(names) + rule + "".join(line(row) for row in cells)


def _as_lists(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """One line a cell, cut at the width, and an empty line between rows."""
    from rich.cells import cell_len, set_cell_size

    left = max(cell_len(name) for name in names)
    room = max(NARROWEST, width - left - 2)
    blocks = []
    for row in rows:
        lines = []
        for name, cell in zip(names, row, strict=True):
            cut = cell if cell_len(cell) <= room else set_cell_size(cell, room - 1) + "…"
            lines.append(inert_line(f"{name}{' ' * (left - cell_len(name))}  {cut}".rstrip()) + "\n")
        blocks.append("".join(lines))
    return "\n".join(blocks)


def _csv_line(cells: Sequence[Any]) -> str:
    """A line that ends with a line feed; written with another ending, for then a lone CR is quoted, too."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().removesuffix("\r\n") + "\n"


def _csv_cell(cell: Any, *, raw: bool) -> Any:
    if cell is None:
        return ""
    if raw or isinstance(cell, Number):
        return cell
    return no_formula(inert_line(visible(str(cell), one_line=True)))  # lists hold texts, too


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, (list, tuple)) else value


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return visible(str(cell), one_line=True)
