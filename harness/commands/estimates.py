"""What the verbs print and keep that record a run and decide nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.places import Places
    from harness.types import Recorded, Report


def publish(recorded: Recorded, path: Path, places: Places, *, as_json: bool) -> None:
    """Print the means of a run, and load it into the store."""
    import msgspec

    from harness.api import deciding
    from harness.places import shown_path
    from harness.store.store import Store

    report = deciding.gate(recorded, None)
    if as_json:
        found = {"run": report.run.id, "estimates": report.estimates, "accounting": report.accounting}
        terminal.print_json(msgspec.json.encode(found, order="deterministic").decode())
    else:
        _print_estimates(report)
        terminal.say(f"recording  {shown_path(path)}")
    with Store(places.store) as store:
        store.load(recorded)


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
