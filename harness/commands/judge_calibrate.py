"""``harness judge calibrate`` and ``agree``: a judge's scores against people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.api.calibrating import Held
    from harness.types import Measured, Recorded

RUNS = click.argument("runs", nargs=-1, required=True, metavar="RUN...")
METRIC = click.option("--metric", required=True, metavar="NAME", help="The judged metric.")


@click.command(short_help="Measure how far the judge of RUNs agrees with people, and keep it.")
@RUNS
@METRIC
@terminal.reports_option
@terminal.json_option
def calibrate(runs: tuple[str, ...], metric: str, reports: Path, as_json: bool) -> int:
    """Measure how far the judge of RUNs agrees with people's labels, and keep it beside the suite.

    It holds for this judge (model, prompt, parameters) and this version of the metric, until it expires.
    """
    import msgspec

    from harness.api import calibrating
    from harness.places import shown_path

    runs_ = _read(runs, reports)
    found, held, path = calibrating.calibrate(runs_, metric)
    why = calibrating.why_not_yet(found, runs_[0])
    if as_json:
        told = {**msgspec.structs.asdict(found), "advisory": why}
        terminal.print_json(msgspec.json.encode(told, order="deterministic").decode())
        return 0
    _say(metric, held)
    terminal.say(f"judge     {found.judge}, version {found.version} of {metric}")
    terminal.say_wrapped(f"standing  {f'advisory: {why}' if why else 'its gates may decide'}", indent="")
    terminal.say(f"expires   {found.expires_at or 'never'}")
    terminal.say(f"kept in   {shown_path(path)}: commit it")
    return 0


@click.command(short_help="Tell how far judge and people agree, and people with each other.")
@RUNS
@METRIC
@terminal.reports_option
@terminal.json_option
def agree(runs: tuple[str, ...], metric: str, reports: Path, as_json: bool) -> int:
    """Tell how far the scores of RUNs agree with people's labels, rater by rater; nothing is kept.

    It works for every metric, whether a judge scores it or not.
    """
    import msgspec

    from harness.api import calibrating

    held = calibrating.hold(_read(runs, reports), metric)
    if as_json:
        terminal.print_json(msgspec.json.encode(held.agreed._asdict(), order="deterministic").decode())
        return 0
    _say(metric, held)
    if len(held.agreed.raters) > 1:
        rows = [
            (f"{first} and {second}", _figure(found), found.n) for first, second, found in held.agreed.pairs
        ]
        click.echo()
        terminal.print_table(("raters", "kappa", "n"), rows, "kappa", "n")
    return 0


def _read(names: Sequence[str], reports: Path) -> Sequence[Recorded]:
    from harness.places import Places
    from harness.recordings import read_all

    places = Places(reports)
    return read_all(places.find_recording(name) for name in names)


def _say(metric: str, held: Held) -> None:
    """Kappa, agreement of people, error rates by slice, and how often which was said."""
    from harness.numbers import number

    agreed = held.agreed
    raters = "1 rater" if len(agreed.raters) == 1 else f"{len(agreed.raters)} raters"
    terminal.say(f"{metric}: {agreed.n:,} labelled answers, {raters}")
    terminal.say(f"kappa     {_figure(agreed.kappa)}   (95 % intervals, weighted to all cases)")
    if agreed.alpha.n:
        terminal.say(f"people    alpha {_figure(agreed.alpha)} over {agreed.alpha.n:,} answers")
    click.echo()
    columns = ("slice", "n", "sensitivity", "specificity", "kappa")
    rows = [
        (row.slice, row.n, _figure(row.sensitivity), _figure(row.specificity), number(row.kappa.value))
        for row in agreed.rates
    ]
    terminal.print_table(columns, rows, *columns[1:])
    click.echo()
    said = ("people say", *(f"judge {value:g}" for value in held.scale))
    counts = [(f"{value:g}", *row) for value, row in zip(held.scale, agreed.confusion, strict=True)]
    terminal.print_table(said, counts)


def _figure(found: Measured) -> str:
    """``0.712 [0.601, 0.823]``; a dash where it is not known."""
    from harness.numbers import number

    limits = "" if found.low is None else f" [{number(found.low)}, {number(found.high)}]"
    return f"{number(found.value)}{limits}"
