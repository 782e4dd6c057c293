"""What verbs share: their common options, what the terminal can show, and how a report is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.api.running import Finished, RunOptions
    from harness.places import Places
    from harness.types import Report

Command = TypeVar("Command", bound=Callable[..., Any])

reports_option = click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Folder for runs, reports and the database.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
baseline_option = click.option(
    "--baseline",
    metavar="RUN|LOCK",
    help="Compare with this run or lock file. [default: the suite's own lock]",
)
intersect_option = click.option(
    "--intersect", is_flag=True, help="If the goldens differ, compare the cases that are the same."
)
output_option = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the report here; the ending (.html .md .json .xml) chooses the format. Repeatable.",
)


def run_options(command: Command) -> Command:
    """Add the options that choose what is run and how."""
    options = (
        click.option("--candidate", default="", help="Run this candidate of the suite."),
        click.option(
            "--where", multiple=True, metavar="SLICE=VALUE", help="Only cases of a slice. Repeatable."
        ),
        click.option("--case", "case_ids", multiple=True, metavar="ID", help="Only this case. Repeatable."),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many cases, sampled by --seed."),
        click.option("--seed", type=int, help="Seed of the sample. [default: the suite's]"),
        click.option("--repeat", "repeats", type=click.IntRange(min=1), help="Ask every case so often."),
        click.option("-j", "--max-concurrency", type=click.IntRange(min=1), help="Calls in flight at once."),
        click.option("--run-id", metavar="NAME", help="Name of the run. [default: date, time and chance]"),
        click.option("--resume", metavar="RUN", help="Go on with a run: ask only what is missing."),
        click.option("--retry-errors", is_flag=True, help="With --resume: ask again what ended in an error."),
        click.option("-q", "--quiet", is_flag=True, help="No progress."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def make_run_options(chosen: dict[str, Any]) -> RunOptions:
    """Bring the values of ``run_options`` into one value."""
    from harness.api.running import RunOptions
    from harness.places import RUN_ID
    from harness.planning import Selection

    where: dict[str, str] = {}
    for item in chosen["where"]:
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"--where {item!r} is not SLICE=VALUE")
        where[name] = value
    run_id = chosen["run_id"]
    if run_id is not None and not RUN_ID.fullmatch(run_id):
        raise UsageError(f"--run-id {run_id!r}", mend="letters, digits and . _ - only")
    if chosen["retry_errors"] and chosen["resume"] is None:
        raise UsageError("--retry-errors goes with --resume")
    return RunOptions(
        candidate=chosen["candidate"],
        selection=Selection(where, chosen["case_ids"], chosen["limit"]),
        seed=chosen["seed"],
        repeats=chosen["repeats"],
        max_concurrency=chosen["max_concurrency"],
        run_id=run_id,
        resume=chosen["resume"],
        retry_errors=chosen["retry_errors"],
        progress=_progress(quiet=chosen["quiet"]),
    )


def _progress(*, quiet: bool) -> str:
    if quiet:
        return "none"
    live = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    return "bar" if live else "plain"


def say_interrupted(finished: Finished, verb: str, suite: Path) -> int:
    """Tell how to go on after an interrupted run; gives the exit code of the signal."""
    run = finished.recorded.run
    total = run.n_cases * run.repeats
    click.echo(f"interrupted: {len(finished.recorded.results):,} of {total:,} answers are kept", err=True)
    click.echo(f"  go on with   harness {verb} {suite} --resume {run.id}", err=True)
    return 128 + (finished.stopped or 0)


def print_report(report: Report) -> None:
    """Print the console rendering at the terminal's width, in colour where it is wanted and shown."""
    from harness.report.text import render

    click.echo(render(report, terminal_width(), wants_color(), not _is_utf8()), nl=False)


def terminal_width() -> int:
    """Columns of the terminal; 80 where there is none."""
    import shutil

    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80


def wants_color() -> bool:
    """Colour by NO_COLOR, FORCE_COLOR and whether standard output is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def publish(report: Report, places: Places, outputs: Iterable[Path], *, as_json: bool, store: bool) -> int:
    """Write the report's files, print it, and keep it in the store; gives the exit code.

    The verdict is printed before the store is opened: a store that cannot be written does not hide it.
    """
    import msgspec

    from harness.api.rendering import FORMATS, format_of, render, write_text
    from harness.places import shown_path

    wanted = [(path, format_of(path)) for path in outputs]
    rendered = render(report, FORMATS)
    folder = places.run_folder(report.run.id)
    for name, (file_name, _) in FORMATS.items():
        write_text(folder / file_name, rendered[name])
    for path, name in wanted:
        write_text(path, rendered[name])
    files = {"report": str(folder / FORMATS["html"][0])}
    if store:
        files["database"] = str(places.store)
    if as_json:
        click.echo(rendered["json"])
    else:
        print_report(msgspec.structs.replace(report, files=files))
    if store:
        keep(report, places, rendered)
    return report.exit_code


def show_only(report: Report, outputs: Iterable[Path], *, as_json: bool) -> int:
    """Print a report and write it where asked, keeping nothing; gives the exit code."""
    from harness.api.rendering import format_of, render, write_text

    wanted = [(path, format_of(path)) for path in outputs]
    rendered = render(report, {"json"} | {name for _, name in wanted})
    for path, name in wanted:
        write_text(path, rendered[name])
    if as_json:
        click.echo(rendered["json"])
    else:
        print_report(report)
    return report.exit_code


def keep(report: Report, places: Places, rendered: dict[str, str]) -> None:
    """Load the run (and its baseline, where recorded here) and the report into the store."""
    from harness.recordings import read
    from harness.store.store import Store

    ids = [report.run.id] if report.baseline is None else [report.baseline.id, report.run.id]
    with Store(places.store) as store:
        for run_id in ids:
            path = places.recording(run_id)
            if path.is_file():
                store.load(read(path))
        store.save_report(report, rendered)
