"""Where a verb writes what it shows: the files named by ``-o``, the run's folder, the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import terminal
from harness.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from harness.places import Places
    from harness.types import Recorded, Report

REPORT = {".html": "html", ".md": "md", ".json": "json", ".xml": "junit"}
PAGE = {".html": "html", ".json": "json"}
TABLES = {".md": "md", ".json": "json"}
"""Endings of files to the formats that they choose."""


def output_option(endings: Mapping[str, str], what: str = "it") -> Callable[[Any], Any]:
    """The option ``-o``; an ending that no format has is refused before anything is done."""

    def check(context: click.Context, option: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        del context, option
        for path in paths:
            if path.suffix not in endings:
                mend = did_you_mean(path.suffix, endings)
                raise UsageError(f"cannot tell the format of {path.name!r}", mend=mend)
        return paths

    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        type=click.Path(dir_okay=False, path_type=Path),
        callback=check,
        help=f"Also write {what} here; the ending ({' '.join(endings)}) chooses the format. Repeatable.",
    )


def publish(
    report: Report, recorded: Recorded, places: Places, outputs: Iterable[Path], *, as_json: bool
) -> int:
    """Write the report's files, print it, and keep it and the run in the store; gives the exit code.

    The verdict is printed before the store is opened: a store that cannot be written does not hide it.
    """
    import msgspec

    from harness.api.rendering import FORMATS, render, write_text
    from harness.places import shown_path

    rendered = render(report, FORMATS)
    folder = places.run_folder(report.run.id)
    for name, (file_name, _) in FORMATS.items():
        write_text(folder / file_name, rendered[name])
    for path in outputs:
        write_text(path, rendered[REPORT[path.suffix]])
    files = {"report": shown_path(folder / FORMATS["html"][0]), "database": shown_path(places.store)}
    if as_json:
        terminal.print_json(rendered["json"])
    else:
        terminal.print_report(msgspec.structs.replace(report, files=files))
    _keep(report, recorded, places, rendered)
    return report.exit_code


def _keep(report: Report, recorded: Recorded, places: Places, rendered: dict[str, str]) -> None:
    """Load the run (and the runs of its baseline, where recorded here) and the report into the store."""
    from harness.recordings import read
    from harness.store.store import Store

    with Store(places.store) as store:
        for run in report.baseline_runs:
            path = places.recording(run.id)
            if run.id != report.run.id and path.is_file():
                store.load(read(path, recorded.cases))
        store.load(recorded)
        store.save_report(report, rendered)
