"""``harness compare``: recorded runs side by side, and which of them to ship."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import candidates, terminal
from harness.commands.outputs import PAGE, output_option


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option(
    "--suite",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Choose by this file's `choose:` instead of that which the runs were recorded with.",
)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these metrics. Repeatable.")
@terminal.intersect_option
@output_option(PAGE, "the page")
@terminal.reports_option
@terminal.json_option
def compare(
    runs: tuple[str, ...],
    suite: Path | None,
    metrics: tuple[str, ...],
    intersect: bool,
    outputs: tuple[Path, ...],
    reports: Path,
    as_json: bool,
) -> int:
    """Compare two or more recorded runs on the same goldens, and say which to ship.

    Nothing is asked again. Exits with 0 whichever is chosen; to decide gates use `harness gate RUN
    --baseline RUN`.
    """
    from harness.api.choosing import compare_candidates
    from harness.places import Places
    from harness.recordings import read_all
    from harness.suites.suite import load_suite

    places = Places(reports)
    found = compare_candidates(
        read_all((places.find_recording(name) for name in runs), among=len(runs)),
        suite_file=load_suite(suite) if suite is not None else None,
        metrics=metrics,
        intersect=intersect,
    )
    candidates.publish(found, places, outputs, as_json=as_json)
    return 0
