"""``harness selftest``: what the harness knows of itself, measured on the user's own runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal
from harness.commands.outputs import TABLES, output_option

if TYPE_CHECKING:
    from harness.api.rehearsing import Rehearsal, Said
    from harness.planting.catching import Rate


@click.group(subcommand_metavar="COMMAND ...")
def selftest() -> None:
    """Measure on your own runs how far the harness can be trusted."""


@selftest.command(short_help="How often the gate of SUITE fails for nothing, and what it finds.")
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--runs",
    multiple=True,
    metavar="RUN",
    help="A recorded run of the unchanged system; repeat it. [default: the runs of the suite's baseline]",
)
@click.option(
    "--simulations", type=terminal.AT_LEAST_1, default=200, show_default=True, metavar="N",
    help="Rehearsals of each kind.",
)  # fmt: skip
@click.option(
    "--drop", type=float, callback=terminal.above_zero, default=0.05, show_default=True, metavar="X",
    help="Size of the planted drops.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of all that is drawn.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@terminal.reports_option
@terminal.json_option
def gate(
    suite: Path,
    runs: tuple[str, ...],
    simulations: int,
    drop: float,
    seed: int,
    quiet: bool,
    reports: Path,
    as_json: bool,
) -> int:
    """Rehearse the gate of SUITE on at least two recorded runs of one unchanged system, better six.

    Each run is held against the others, and so are runs made of documents drawn with replacement: how often
    does the gate fail although nothing changed? Then a drop is planted in the metric of each deciding gate:
    how often is it found? Everything is decided by the suite's own gates, looks and alpha. Exits with 3 where
    the runs say nothing.
    """
    import msgspec

    from harness.api.rehearsing import rehearse
    from harness.errors import ExitCode
    from harness.places import Places

    def tell(what: str) -> None:
        if not quiet:
            terminal.say(f"{what} ...", err=True)

    found = rehearse(suite, runs, Places(reports), simulations=simulations, drop=drop, seed=seed, tell=tell)
    if as_json:
        terminal.print_json(msgspec.json.encode(found, order="deterministic").decode())
    else:
        _say(found)
    return ExitCode.INCONCLUSIVE if found.undecidable else ExitCode.PASSED


def _up_to_1(context: click.Context, option: click.Parameter, value: float) -> float:
    del context, option
    if not 0 < value <= 1:
        raise click.BadParameter(f"{value} is not above 0 and at most 1")
    return value


@selftest.command(short_help="Which metric, and which gate, catches faults planted in a run.")
@click.argument("target", metavar="SUITE|RUN")
@click.option(
    "--share", type=float, callback=_up_to_1, default=0.1, show_default=True, metavar="X",
    help="Share of the cases that have the fault when the gates are held.",
)  # fmt: skip
@click.option(
    "--simulations", type=terminal.AT_LEAST_1, default=20, show_default=True, metavar="N",
    help="How often the gates are held on each fault.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of all that is drawn.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@output_option(TABLES, "it, and by slice,")
@terminal.reports_option
@terminal.json_option
def metrics(
    target: str,
    share: float,
    simulations: int,
    seed: int,
    quiet: bool,
    outputs: tuple[Path, ...],
    reports: Path,
    as_json: bool,
) -> int:
    """Plant faults in the recorded answers of a RUN, or of the baseline of SUITE, and score them again.

    A wrong number, a negation, a needless refusal, an answer cut off and others: how often does each metric
    catch each of them, and how often does it flag a clean answer? Then each fault is planted in a share of
    the cases, and the suite's gates are held: would the suite have caught it? Nothing is asked and no file of
    the run is changed. Exits with 3 where nothing could be planted.
    """
    import msgspec

    from harness.api.rendering import write_text
    from harness.api.selftesting import Asked, plant_in_run
    from harness.commands import planted
    from harness.errors import ExitCode
    from harness.places import Places

    def tell(what: str) -> None:
        if not quiet:
            terminal.say(f"{what} ...", err=True)

    found = plant_in_run(target, Places(reports), Asked(share, simulations, seed), tell)
    document = msgspec.json.encode(found, order="deterministic").decode()
    for path in outputs:
        write_text(path, document + "\n" if path.suffix == ".json" else planted.markdown(found))
    if as_json:
        terminal.print_json(document)
    else:
        planted.say(found)
    return ExitCode.PASSED if any(one.planted for one in found.faults) else ExitCode.INCONCLUSIVE


def _say(found: Rehearsal) -> None:
    terminal.say(
        f"gate of {found.suite} on {len(found.runs)} runs: {found.cases:,} cases from"
        f" {found.documents:,} documents, alpha {found.alpha:g}, seed {found.seed}"
    )
    terminal.say("")
    said = ["fail", "95 % interval", "pass", "inconclusive"]
    columns = ["nothing changed", "times", *said, "asked"]
    each, drawn = found.each_run, found.unchanged
    rows = [[row.what, row.times, *_cells(row.whole), _percent(row.asked)] for row in (each, drawn)]
    rows += [[f"  {name}", drawn.times, *_cells(one), ""] for name, one in drawn.gates.items()]
    terminal.print_table(columns, rows, *columns[1:])
    terminal.say("")
    planted = [one for one in found.planted if one.said is not None]
    if planted:
        columns = [f"a drop of {planted[0].size:g} in", "times", "found", *said[1:], "asked"]
        rows = [
            [one.gate, drawn.times, *_cells(one.said), _percent(one.asked or 0.0)]
            for one in planted
            if one.said is not None
        ]
        terminal.print_table(columns, rows, *columns[1:])
        terminal.say("")
    for line in _remarks(found):
        terminal.say_wrapped(line)


def _cells(said: Said) -> list[str]:
    failed = said.failed
    interval = f"{100 * failed.low:.1f} to {100 * failed.high:.1f}"
    return [_share(failed), interval, _share(said.passed), _share(said.inconclusive)]


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _remarks(found: Rehearsal) -> Iterator[str]:
    """Say in words what the tables mean, and where they mean less."""
    from harness.api.rehearsing import ENOUGH_RUNS

    alarms = found.unchanged.alarms
    said = f"gates on a drop failed in {alarms.count:,} of {alarms.times:,} where nothing changed"
    above = "more than the promised" if alarms.low > found.alpha else "the promise is at most"
    yield f"{said}: {above} {100 * found.alpha:g} %"
    if found.undecidable:
        yield f"! cannot tell: {found.undecidable}"
    if found.identical:
        yield (
            "the runs are identical: this system has no noise, so that any change of a score is a change of"
            " the system; one run is all that its baseline needs"
        )
    elif len(found.runs) < ENOUGH_RUNS:
        yield f"{len(found.runs)} runs hardly show what moves a whole run; {ENOUGH_RUNS} or more do"
    for name in found.shocked:
        yield f"! {name}: runs move as a whole; drawn documents do not show that, only the first row does"
    for one in found.planted:
        if one.why_not:
            yield f"{one.gate}: no drop of {one.size:g} can be planted: {one.why_not}"
        elif one.allowed:
            yield f"{one.gate} allows a drop of {one.size:g}: it should pass more often than fail"
    for gate_id, why in found.left_out.items():
        yield f"left out: {gate_id} {why}"


def _share(rate: Rate) -> str:
    return f"{100 * rate.count / rate.times:.1f} %"
