"""``harness run``: ask the system every case and record the answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import ending, terminal

if TYPE_CHECKING:
    from harness.types import Report


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.run_options
@ending.budget_options
@terminal.reports_option
@terminal.json_option
def run(suite: Path, reports: Path, as_json: bool, **chosen: Any) -> int:
    """Run SUITE and record every answer; decide nothing.

    Where the budget ends (--max-cost, --max-minutes) it stops, keeps every answer and exits with 3.

    Decide later with `harness gate RUN`, or make the run the baseline with `harness baseline promote RUN`.
    """
    import msgspec

    from harness.api import deciding, running, validating
    from harness.places import Places, shown_path
    from harness.store.store import Store

    options = terminal.make_run_options(chosen)
    places = Places(reports)
    checked = validating.validate(suite)
    terminal.say_notices(checked.dataset.notices)
    with terminal.own_output():
        finished = running.run(checked, options, places)
    if finished.stopped is not None:
        return ending.say_cut_short(finished, "run", suite, reports)
    report = deciding.gate(finished.recorded, None)
    if as_json:
        estimates = {"run": report.run.id, "estimates": report.estimates, "accounting": report.accounting}
        terminal.print_json(msgspec.json.encode(estimates, order="deterministic").decode())
    else:
        _print_estimates(report)
        terminal.say(f"recording  {shown_path(finished.path)}")
    with Store(places.store) as store:
        store.load(finished.recorded)
    return 0 if finished.spent is None else ending.say_cut_short(finished, "run", suite, reports)


def _print_estimates(report: Report) -> None:
    from harness.numbers import interval, number, used

    units = {name: identity.unit for name, identity in report.run.metrics.items()}
    rows = [
        (name, number(found.value, units[name]), interval(found.interval, units[name]), used(found))
        for name, found in report.estimates.items()
    ]
    counts = report.accounting
    terminal.say(f"run {report.run.id}: {counts.answered:,} of {counts.selected:,} answered")
    if counts.answered < counts.selected:
        terminal.say(f"  the others: harness show {report.run.id} --errors")
    columns = ("metric", "mean", "95 % CI", "n")
    terminal.print_table(columns, rows, *columns)
