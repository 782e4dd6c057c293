"""``harness audit``: the fairness report of a recorded run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import terminal
from harness.commands.outputs import PAGE, output_option

if TYPE_CHECKING:
    from harness.types import Audit, AuditedGap


@click.command()
@click.argument("run")
@terminal.baseline_option
@click.option(
    "--slice",
    "slices",
    multiple=True,
    metavar="NAME",
    help="Audit this slice of the suite. Repeatable. [default: those with audit: true]",
)
@click.option(
    "--by-topic",
    multiple=True,
    metavar="NAME",
    help="Compare at equal mix of this slice too (a topic, a difficulty). Repeatable.",
)
@click.option(
    "--margin",
    "tolerance",
    type=float,
    metavar="X",
    help="How much worse a group may be where no max_gap gate says. [default: 0.05]",
)
@terminal.intersect_option
@output_option(PAGE, "the audit")
@terminal.reports_option
@terminal.json_option
def audit(
    run: str,
    baselines: tuple[str, ...],
    outputs: tuple[Path, ...],
    reports: Path,
    as_json: bool,
    **asked: Any,
) -> int:
    """Audit RUN for gaps between groups: who is worse served, how surely, and what cannot be told.

    Writes audit.html and audit.json beside the run's report. An audit states and gates decide: the exit code
    is that of the suite's max_gap gates, 0 where it has none.
    """
    from harness.api import auditing, references
    from harness.api.rendering import write_text
    from harness.places import Places, shown_path
    from harness.recordings import read

    places = Places(reports)
    recorded = read(places.find_recording(run))
    suite_path, name = Path(recorded.run.suite_path), recorded.run.suite_name
    earlier, _ = references.find_baseline(baselines, suite_path, name, places)
    found = auditing.audit(recorded, earlier, auditing.Asked(**asked))
    rendered = auditing.render(found, auditing.FORMATS)
    folder = places.run_folder(recorded.run.id)
    for name, (file_name, _) in auditing.FORMATS.items():
        write_text(folder / file_name, rendered[name])
    for path in outputs:
        write_text(path, rendered[PAGE[path.suffix]])
    if as_json:
        terminal.print_json(rendered["json"])
    else:
        _print(found, shown_path(folder / auditing.FORMATS["html"][0]))
    return found.exit_code


def _print(found: Audit, page: str) -> None:
    """Tell the audit on a terminal: headline, a line for each gap, gates, what was not audited."""
    for line in found.headline:
        _wrapped("", line)
    click.echo()
    columns = "metric", "by", "verdict", "group", "worse by (95 %)"
    terminal.print_table(columns, [_row(item) for item in found.gaps], *columns[2:])
    click.echo()
    _tell_changes(found)
    for verdict in found.verdicts:
        _wrapped(f"{verdict.outcome:<13}", f"{verdict.gate}: {verdict.reason}")
    for line in found.notices:
        _wrapped("note         ", line)
    for line in found.not_audited:
        _wrapped("not audited  ", line)
    terminal.say(f"{'audit':<13}{page}")


def _row(item: AuditedGap) -> tuple[str, str, str, str, str]:
    """One group stands for the gap: the one that tells most about it."""
    from harness import numbers
    from harness.report.gap_words import GAP_WORDS, telling_row

    gap, row = item.gap, telling_row(item.gap)
    found = row.interval if row is not None else None
    low = None if found is None or row is None else found.low
    if low is not None and row is not None and row.verdict == "difference found":
        low = max(low, row.at_least or low)  # the limit of the test that found it
    span = f"{numbers.signed(low)} to {numbers.signed(found.high)}" if found else numbers.NONE
    return gap.metric, gap.attribute, GAP_WORDS[gap.verdict], row.group if row else numbers.NONE, span


def _tell_changes(found: Audit) -> None:
    from harness import numbers
    from harness.report.gap_words import is_worse

    for item in found.gaps:
        for row in item.changes:
            if is_worse(row):
                size = numbers.worse_by(row.change, row.at_least, row.interval)
                where = f"{item.gap.metric}, {item.gap.attribute}={row.group}"
                _wrapped("widened      ", f"{where}: by {size} since the baseline")
        for mix in item.equal_mix:
            if mix.reversed:
                where = f"{item.gap.metric}, {item.gap.attribute}={mix.group}"
                sizes = (
                    f"{numbers.signed(mix.mixed)} as it is, {numbers.signed(mix.deficit)} at equal {mix.by}"
                )
                _wrapped("sign changes ", f"{where}: {sizes}")


def _wrapped(label: str, text: str) -> None:
    import textwrap

    from harness.report.visible import visible

    width = max(40, terminal.terminal_width()) - len(label)
    lines = textwrap.wrap(visible(text, one_line=True), width) or [""]
    terminal.say(f"{label}{lines[0]}")
    for line in lines[1:]:
        terminal.say(f"{' ' * len(label)}{line}")
