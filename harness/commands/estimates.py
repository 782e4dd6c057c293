"""What the verbs print and keep that record a run and decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.places import Places
    from harness.types import Accounting, Estimate, Recorded, Run, Suite


def publish(recorded: Recorded, suite: Suite, path: Path, places: Places, *, as_json: bool) -> None:
    """Print the means of a run, and load it into the store."""
    import msgspec

    from harness.accounting import account
    from harness.api.keeping import cached_notices
    from harness.comparison import estimates, run_scores
    from harness.places import shown_path
    from harness.store.store import Store
    from harness.types import Slice

    found = estimates(run_scores(recorded), suite, Slice())
    counts = account(recorded)
    if as_json:
        facts = {"run": recorded.run.id, "estimates": found, "accounting": counts}
        terminal.print_json(msgspec.json.encode(facts, order="deterministic").decode())
    else:
        _print_estimates(recorded.run, found, counts)
        for notice in cached_notices(recorded):
            terminal.say(f"  {notice}")
        terminal.say(f"recording  {shown_path(path)}")
    with Store(places.store) as store:
        store.load(recorded)


def _print_estimates(run: Run, estimates: Mapping[str, Estimate], counts: Accounting) -> None:
    from harness.numbers import interval, number, used

    units = {name: identity.unit for name, identity in run.metrics.items()}
    rows = [
        (name, number(found.value, units[name]), interval(found.interval, units[name]), used(found))
        for name, found in estimates.items()
    ]
    terminal.say(f"run {run.id}: {counts.answered:,} of {counts.selected:,} answered")
    if counts.answered < counts.selected:
        terminal.say(f"  the others: harness show {run.id} --errors")
    columns = ("metric", "mean", "95 % CI", "n")
    terminal.print_table(columns, rows, *columns)
