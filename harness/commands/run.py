"""``harness run``: ask the system every case and record the answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.types import Accounting, Estimate, Run


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

    from harness.accounting import account
    from harness.api import running, validating
    from harness.api.keeping import cached_notices
    from harness.comparison import estimates, run_scores
    from harness.places import Places, shown_path
    from harness.store.store import Store
    from harness.types import Slice

    options = terminal.make_run_options(chosen)
    places = Places(reports, chosen["cache_dir"])
    checked = validating.validate(suite)
    terminal.say_notices(checked.dataset.notices)
    with terminal.own_output():
        finished = running.run(checked, options, places)
    if finished.stopped is not None:
        return terminal.say_interrupted(finished, "run", suite, reports, terminal.cache_words(chosen))
    recorded = finished.recorded
    found = estimates(run_scores(recorded), checked.file.suite, Slice())
    counts = account(recorded)
    if as_json:
        facts = {"run": recorded.run.id, "estimates": found, "accounting": counts}
        terminal.print_json(msgspec.json.encode(facts, order="deterministic").decode())
    else:
        _print_estimates(recorded.run, found, counts)
        for notice in cached_notices(recorded):
            terminal.say(f"  {notice}")
        terminal.say(f"recording  {shown_path(finished.path)}")
    with Store(places.store) as store:
        store.load(recorded)
    return 0


def _print_estimates(run_: Run, estimates: Mapping[str, Estimate], counts: Accounting) -> None:
    from harness.numbers import interval, number, used

    units = {name: identity.unit for name, identity in run_.metrics.items()}
    rows = [
        (name, number(found.value, units[name]), interval(found.interval, units[name]), used(found))
        for name, found in estimates.items()
    ]
    terminal.say(f"run {run_.id}: {counts.answered:,} of {counts.selected:,} answered")
    if counts.answered < counts.selected:
        terminal.say(f"  the others: harness show {run_.id} --errors")
    columns = ("metric", "mean", "95 % CI", "n")
    terminal.print_table(columns, rows, *columns)
