"""``harness run``: ask the system every case and record the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands import estimates, terminal


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.run_options
@terminal.reports_option
@terminal.json_option
def run(suite: Path, reports: Path, as_json: bool, **chosen: Any) -> int:
    """Run SUITE and record every answer; decide nothing.

    Decide later with `harness gate RUN`, or make the run the baseline with `harness baseline promote RUN`.
    """
    from harness.api import running, validating
    from harness.places import Places

    options = terminal.make_run_options(chosen)
    places = Places(reports)
    checked = validating.validate(suite)
    terminal.say_notices(checked.dataset.notices)
    with terminal.own_output():
        finished = running.run(checked, options, places)
    if finished.stopped is not None:
        return terminal.say_interrupted(finished, "run", suite, reports)
    estimates.publish(finished.recorded, finished.path, places, as_json=as_json)
    return 0
