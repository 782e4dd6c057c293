"""``harness label``: answers for people to label, and their labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.types import Recorded


def _scale(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Read the values of a scale: numbers with commas between them."""
    del context, option
    try:
        return tuple(float(part) for part in value.split(",")) if value else ()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not numbers with commas between them") from error


@click.group(subcommand_metavar="COMMAND ...")
def label() -> None:
    """Export answers for people to label, blind, and import what they say."""


@label.command(short_help="Write a packet of answers of RUNs for people to label.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--metric", required=True, metavar="NAME", help="What is labelled: a metric of the runs.")
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The packet: .html (labelled in a browser, offline) or .csv.",
)
@click.option(
    "--n",
    type=terminal.AT_LEAST_1,
    metavar="N",
    default=100,
    show_default=True,
    help="Cases to label, about.",
)
@click.option("--by", multiple=True, metavar="SLICE", help="Label every value of this slice. Repeatable.")
@click.option(
    "--rubric",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A text file: what raters are asked. [default: a question to the metric, where there is one]",
)
@click.option(
    "--scale",
    callback=_scale,
    metavar="A,B",
    help="Values of a label. [default: both ends of the metric]",
)
@click.option("--references", is_flag=True, help="Show reference answers to the raters.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Of the draw.")
@click.option("--anew", is_flag=True, help="Draw the cases anew, although they were drawn before.")
@terminal.reports_option
def export(runs: tuple[str, ...], out: Path, rubric: Path | None, reports: Path, **asked: Any) -> int:
    """Write a packet of answers of RUNs for people to label, who see neither system, score nor order.

    The cases are drawn once for a metric, by chance within strata of the judge's scores, and kept: of a later
    run only answers that nobody has labelled are in its packet. To compare two runs, export both.
    """
    from harness.api import labelling
    from harness.places import Places, shown_path
    from harness.recordings import read_all

    labelling.check_format(out)
    places = Places(reports)
    recorded = read_all(places.find_recording(name) for name in runs)
    text = rubric.read_text(encoding="utf-8").strip() if rubric is not None else ""
    found = labelling.export(recorded, labelling.Asked(rubric=text, **asked))
    packet, key = labelling.keep(found, out)
    drawn = len(found.panel.drawn)
    terminal.say(
        f"packet  {shown_path(packet)}: {len(found.packet.items):,} answers to {drawn:,} drawn cases"
    )
    if found.known:
        terminal.say(f"known   {found.known:,} answers have labels already and are not in it")
    for stratum in found.panel.strata:
        size, each = len(stratum.cases), len(stratum.cases) / stratum.drawn
        terminal.say(f"drawn   {stratum.drawn:,} of {size:,} {stratum.name}: each stands for {each:.1f}")
    terminal.say(f"key     {shown_path(key)}")
    terminal.say("        not for the raters; commit it with the panel")
    terminal.say(f"next    harness label import FILE{_named(recorded[0])}")
    terminal.say("        FILE is what the raters send back")
    return 0


def _named(recorded: Recorded) -> str:
    """The option by which an import finds the suite where it does not by itself."""
    import shlex

    path = Path(recorded.run.suite_path)
    return "" if path.parent in (Path("suites"), Path()) else f" --suite {shlex.quote(str(path))}"


@label.command(name="import", short_help="Take in the FILEs that raters sent back.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE..."
)
@click.option("--rater", metavar="NAME", help="Who labelled. [default: as the file says]")
@click.option(
    "--suite",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The suite whose answers they are. [default: found by the packet, in suites/ or here]",
)
@click.option(
    "--replace", "replace_", is_flag=True, help="A rater may change what the same rater said before."
)
def import_labels(files: tuple[Path, ...], rater: str | None, suite: Path | None, replace_: bool) -> int:
    """Take in the FILEs (.json or .csv) that raters sent back: all of them, or nothing where one is wrong.

    Importing a file again changes nothing. Several raters may label one answer; their labels stand side by
    side, and the mean of them counts.
    """
    from harness.api import gathering
    from harness.places import shown_path

    found = gathering.take_in(files, suite, rater, replace_=replace_)
    terminal.say(f"{found.added:,} labels are new, {found.known:,} were known")
    for packet, (answered, total) in found.answered.items():
        terminal.say(f"packet  {packet}: {answered:,} of {total:,} answers have labels")
    terminal.say(f"labels  {shown_path(found.folder.labels_file)}: commit it")
    return 0
