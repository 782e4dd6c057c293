"""``harness score --run-file``: a TREC run against judgements."""

from __future__ import annotations

from pathlib import Path

from harness.commands import terminal
from harness.errors import UsageError

ENDINGS = (".csv", ".json", ".parquet")


def score_file(
    run: Path,
    qrels: Path,
    metrics: tuple[str, ...],
    slices: Path | None,
    outputs: tuple[Path, ...],
    *,
    as_json: bool,
) -> int:
    """Print the means, by slice too; write the values by query."""
    from harness.api.ranking import rank_file
    from harness.api.rendering import write_text
    from harness.commands.tables import as_csv, as_json_rows
    from harness.formats.trec import write_parquet
    from harness.numbers import number

    for path in outputs:
        if path.suffix not in ENDINGS:
            what = f"cannot tell the format of {path.name!r}"
            raise UsageError(what, mend="end it with .csv, .json or .parquet")
    found = rank_file(run, qrels, metrics, slices)
    columns = [str(name) for name in found.queries.columns]
    for path in outputs:
        if path.suffix == ".parquet":
            write_parquet(found.queries, path)
            continue
        rows = [tuple(row) for row in found.queries.itertuples(index=False)]
        write_text(
            path, as_csv(columns, rows, raw=False) if path.suffix == ".csv" else as_json_rows(columns, rows)
        )
    terminal.say_notices(found.notices)
    if as_json:
        terminal.print_json(as_json_rows(("slice", "metric", "n", "mean"), found.means))
    else:
        shown = [(one.slice, one.metric, f"{one.n:,}", number(one.mean)) for one in found.means]
        terminal.print_table(("slice", "metric", "n", "mean"), shown, "metric", "mean")
    return 0
