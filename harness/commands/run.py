"""``harness run``: ask the system every case and record the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands import terminal


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.run_options
@terminal.reports_option
@terminal.json_option
def run(suite: Path, reports: Path, as_json: bool, **chosen: Any) -> int:
    """Run SUITE and record every answer; decide nothing.

    Decide later with `harness gate RUN`, or make the run the baseline with `harness baseline promote RUN`.
    """
    import msgspec

    from harness.api import deciding, running
    from harness.places import Places, shown_path
    from harness.recordings import read
    from harness.store.store import Store

    places = Places(reports)
    finished = running.run(suite, terminal.make_run_options(chosen), places)
    if finished.stopped is not None:
        return terminal.say_interrupted(finished, "run", suite)
    report = deciding.gate(finished.recorded, None)
    if as_json:
        estimates = {"run": report.run.id, "estimates": report.estimates, "accounting": report.accounting}
        click.echo(msgspec.json.encode(estimates, order="deterministic").decode())
    else:
        from harness.report.text import render_estimates

        click.echo(render_estimates(report, terminal.terminal_width()), nl=False)
        click.echo(f"  recording  {shown_path(finished.path)}")
    with Store(places.store) as store:
        store.load(read(finished.path))
    return 0
