"""``harness gate``: decide the gates of a recorded run."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal
from harness.commands.outputs import REPORT, output_option, publish


@click.command()
@click.argument("run")
@click.option(
    "--suite",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Use the gates of this file instead of those the run was recorded with.",
)
@terminal.baseline_option
@terminal.intersect_option
@output_option(REPORT, "the report")
@terminal.reports_option
@terminal.json_option
def gate(
    run: str,
    suite: Path | None,
    baselines: tuple[str, ...],
    intersect: bool,
    outputs: tuple[Path, ...],
    reports: Path,
    as_json: bool,
) -> int:
    """Decide the gates of RUN (an id, its beginning, `last`, or a path) without asking anything again."""
    from harness.api import deciding, references
    from harness.places import Places
    from harness.recordings import read
    from harness.suites.suite import load_suite

    places = Places(reports)
    path = places.find_recording(run)
    recorded = read(path)
    file = load_suite(suite) if suite is not None else None
    suite_path = file.path if file is not None else Path(recorded.run.suite_path)
    name = recorded.run.suite_name
    earlier, why_none = references.find_baseline(baselines, suite_path, name, places)
    anchor = references.find_anchor(suite_path, name)
    report = deciding.gate(
        recorded,
        earlier,
        no_baseline=why_none,
        anchor=anchor,
        suite_file=file,
        intersect=intersect,
        fresh=references.fresh_beside(path),
    )
    return publish(report, recorded, places, outputs, as_json=as_json)
