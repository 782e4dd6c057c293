"""``harness query``: SQL over the results, read-only and sandboxed."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal

IDS = ("run_id", "case_id", "baseline_run_id")
"""Columns that are shown whole: they are copied into the next command."""


@click.command()
@click.argument("sql", required=False)
@click.option(
    "-f", "--file", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Read the SQL here."
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How rows are printed.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    default=30.0,
    show_default=True,
    help="Stop a query that runs longer.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="CSV for machines: no protection from spreadsheet formulas and terminal codes.",
)
@terminal.reports_option
def query(sql: str | None, file: Path | None, shape: str, timeout_s: float, raw: bool, reports: Path) -> int:
    """Answer one SELECT over the results database (tables: see docs/schema.md)."""
    from harness.commands.tables import as_csv, as_json_rows
    from harness.errors import UsageError
    from harness.places import Places
    from harness.store.query import run_query

    if (sql is None) == (file is None):
        raise UsageError("give the SQL, or a file with -f")
    text = _read(file) if file is not None else sql or ""
    columns, rows = run_query(Places(reports).store, text, timeout_s=timeout_s)
    if shape == "csv":
        click.echo(as_csv(columns, rows, raw=raw), nl=False, color=True)  # else it takes escapes out
    elif shape == "json":
        terminal.print_json(as_json_rows(columns, rows))
    else:
        terminal.print_table(columns, rows, *(name for name in columns if name in IDS))
        click.echo(f"({len(rows):,} row{'' if len(rows) == 1 else 's'})")
    return 0


def _read(file: Path) -> str:
    from harness.errors import Place, UsageError

    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("the file is not text in UTF-8", Place(str(file)), "save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror}", Place(str(file))) from error
