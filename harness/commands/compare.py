"""``harness compare``: two recorded runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal


@click.command()
@click.argument("baseline")
@click.argument("candidate")
@terminal.intersect_option
@terminal.output_option
@terminal.reports_option
@terminal.json_option
def compare(
    baseline: str, candidate: str, intersect: bool, outputs: tuple[Path, ...], reports: Path, as_json: bool
) -> int:
    """Compare run CANDIDATE with run BASELINE by the gates that CANDIDATE was recorded with.

    Nothing is kept in the database. The exit code is the verdict.
    """
    from harness.api import deciding, references
    from harness.places import Places
    from harness.recordings import read

    places = Places(reports)
    recorded = read(places.find_recording(candidate))
    suite_path, name = Path(recorded.run.suite_path), recorded.run.suite_name
    earlier, why_none = references.find_baseline((baseline,), suite_path, name, places)
    anchor = references.find_anchor(suite_path, name)
    report = deciding.gate(recorded, earlier, no_baseline=why_none, anchor=anchor, intersect=intersect)
    return terminal.show_only(report, outputs, as_json=as_json)
