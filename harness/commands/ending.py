"""Runs that are cut short: what they may spend, and how to go on with one that a signal or a budget ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal
from harness.commands.terminal import Command

if TYPE_CHECKING:
    from harness.api.budgeting import Spent
    from harness.api.running import Finished
    from harness.places import Places


def budget_options(command: Command) -> Command:
    """Add the options that say what may be spent."""
    for name, metavar, what in (
        ("--max-minutes", "M", "Stop after M minutes of asking, and exit with 3. [default: the suite's]"),
        ("--max-cost", "USD", "Stop before more is spent, and exit with 3. [default: the suite's]"),
    ):
        option = click.option(name, type=float, metavar=metavar, callback=terminal.above_zero, help=what)
        command = option(command)
    return command


def say_cut_short(
    finished: Finished, verb: str, suite: Path, reports: Path, options: Sequence[str] = ()
) -> int:
    """Tell how to go on after a run that was cut short; gives the exit code of the signal, or 3.

    ``options`` are those given that the recording does not hold.
    """
    run = finished.recorded.run
    total = run.n_cases * run.repeats
    where = [] if reports == terminal.REPORTS else ["--reports", str(reports)]
    again = ["harness", *verb.split(), str(suite), *where, *options, "--resume", run.id]
    kept = f"{len(finished.recorded.answered):,} of {total:,} answers are kept"
    return say_how_to_go_on(finished.stopped, finished.spent, kept, again)


def say_how_to_go_on(stopped: int | None, spent: Spent | None, kept: str, again: Sequence[str]) -> int:
    """Tell what was cut short by a signal or a budget; gives the exit code.

    Args:
        stopped: the signal, if one came.
        spent: what was used up, if something was.
        kept: how many answers there are.
        again: the command that goes on.
    """
    from harness.errors import ExitCode
    from harness.numbers import number

    more: list[str] = []
    if stopped is not None or spent is None:
        click.echo(f"interrupted: {kept}", err=True)
        code = 128 + (stopped or 0)
    else:
        cost = "" if spent.cost_usd is None else f", {number(spent.cost_usd, 'USD')} spent"
        click.echo(f"incomplete: {spent.why}: {kept}{cost}", err=True)
        more = [] if spent.enough_usd is None else ["--max-cost", f"{spent.enough_usd:g}"]
        code = ExitCode.INCONCLUSIVE
    terminal.say(f"  go on with   {shlex.join([*again, *more])}", err=True)
    return code


@contextmanager
def answers_kept(run_id: str, reports: Path, options: Sequence[str] = ()) -> Iterator[None]:
    """Where a report or the database cannot be written, tell the command that does it and asks nothing."""
    from harness.errors import RecordingError, StoreError

    try:
        yield
    except (RecordingError, StoreError):
        where = [] if reports == terminal.REPORTS else ["--reports", str(reports)]
        again = ["harness", "gate", run_id, *where, *options]
        terminal.say("every answer is kept: once what follows is mended", err=True)
        terminal.say(f"  go on with   {shlex.join(again)}", err=True)
        raise


@contextmanager
def scores_kept(run_id: str, again: Sequence[str], places: Places) -> Iterator[None]:
    """Where scoring ends by a fault, tell the command that goes on with what was scored."""
    from harness.errors import MetricFault, RecordingError

    try:
        yield
    except (MetricFault, RecordingError):
        if places.recording(run_id).is_file():
            terminal.say("what was scored is kept: once what follows is mended", err=True)
            terminal.say(f"  go on with   {shlex.join(again)}", err=True)
        raise
