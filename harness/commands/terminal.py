"""What verbs share: their common options, what the terminal can show, and how a report is printed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.api.beginning import RunOptions
    from harness.api.keeping import CacheUse
    from harness.types import Candidates, Report

Command = TypeVar("Command", bound=Callable[..., Any])

AT_LEAST_1 = click.IntRange(min=1)
REPORTS = Path("reports")
_CACHE_USES: dict[str, CacheUse] = {
    "no_cache": "off",
    "cache": "all",
    "cache_only": "only",
}
PLAIN_SIGNS = str.maketrans({"…": "~", "−": "-", "—": "-"})
"""Signs of ours that a stream without UTF-8 would spell out, by one of the same width."""

reports_option = click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    default=REPORTS,
    show_default=True,
    help="Folder for runs, reports and the database.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
baseline_option = click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="RUN|LOCK",
    help="Compare with this run or lock file; repeatable: several runs of one system are averaged by case."
    " [default: the suite's own lock]",
)
cache_option = click.option(
    "--cache", is_flag=True, help="Keep the system's answers, and do not ask again what is kept."
)
cache_only_option = click.option(
    "--cache-only", is_flag=True, help="Ask nobody: take what is kept; what is not kept is an error."
)
no_cache_option = click.option("--no-cache", is_flag=True, help="Ask again also what was asked before.")
cache_dir_option = click.option(
    "--cache-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the caches. [default: that of --reports]",
)
intersect_option = click.option(
    "--intersect", is_flag=True, help="If the goldens differ, compare the cases that are the same."
)


engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    help="Ask from this machine, or from those of a Ray cluster. [default: the suite's]",
)


def asking_options(command: Command) -> Command:
    """Add the options that choose how a run is asked, whatever it asks."""
    options = (
        click.option("--seed", type=int, metavar="N", help="Seed of the sample. [default: the suite's]"),
        click.option(
            "-j", "--max-concurrency", type=AT_LEAST_1, metavar="N", help="At most N calls at a time."
        ),
        click.option("--run-id", metavar="NAME", help="Name of the run. [default: date, time and chance]"),
        click.option("--resume", metavar="RUN", help="Go on with a run: ask only what is missing."),
        click.option("--retry-errors", is_flag=True, help="With --resume: ask again what ended in an error."),
        no_cache_option,
        cache_dir_option,
        click.option("-q", "--quiet", is_flag=True, help="No progress."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def run_options(command: Command) -> Command:
    """Add the options that choose what is run and how."""
    options = (
        click.option(
            "--candidate", default="", metavar="NAME", help="Run this candidate. [default: the plain system]"
        ),
        click.option(
            "--where", multiple=True, metavar="SLICE=VALUE", help="Only cases of a slice. Repeatable."
        ),
        click.option("--case", "case_ids", multiple=True, metavar="ID", help="Only this case. Repeatable."),
        click.option(
            "--limit", type=AT_LEAST_1, metavar="N", help="At most N cases, a sample chosen by --seed."
        ),
        click.option("--repeat", "repeats", type=AT_LEAST_1, metavar="N", help="Ask every case N times."),
        cache_option,
        cache_only_option,
    )
    command = asking_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def make_run_options(chosen: dict[str, Any]) -> RunOptions:
    """Bring the values of ``run_options``, or of ``asking_options`` alone, and of a budget into one value."""
    from harness.api.beginning import RunOptions
    from harness.planning import Selection

    where: dict[str, str] = {}
    for item in chosen.get("where", ()):
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"--where {item!r} is not SLICE=VALUE", mend="for example --where language=de")
        if where.setdefault(name, value) != value:
            raise UsageError(f"--where names {name!r} twice", mend="a case has to meet every --where")
    run_id = checked_run_id(chosen["run_id"])
    if chosen["retry_errors"] and chosen["resume"] is None:
        raise UsageError("--retry-errors goes with --resume")
    return RunOptions(
        candidate=chosen.get("candidate", ""),
        selection=Selection(where, chosen.get("case_ids", ()), chosen.get("limit")),
        seed=chosen["seed"],
        repeats=chosen.get("repeats"),
        max_concurrency=chosen["max_concurrency"],
        max_cost_usd=chosen["max_cost"],
        max_minutes=chosen["max_minutes"],
        run_id=run_id,
        resume=chosen["resume"],
        retry_errors=chosen["retry_errors"],
        cache=cache_use(chosen),
        progress=progress_style(quiet=chosen["quiet"]),
        engine=chosen.get("engine"),
    )


def checked_run_id(run_id: str | None) -> str | None:
    """Give the name of a run back if it can be one."""
    from harness.places import RUN_ID

    if run_id is not None and not RUN_ID.fullmatch(run_id):
        raise UsageError(f"--run-id {run_id!r}", mend="letters, digits and . _ - only")
    return run_id


def cache_use(chosen: dict[str, Any]) -> CacheUse | None:
    """What was said of caches, as far as a verb has the options; None where nothing was."""
    said = [name for name in _CACHE_USES if chosen.get(name)]
    if len(said) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in said)
        raise UsageError(f"{flags} exclude each other")
    return _CACHE_USES[said[0]] if said else None


def cache_words(chosen: dict[str, Any]) -> list[str]:
    """What was said of caches, to be said again."""
    words = [f"--{name.replace('_', '-')}" for name in _CACHE_USES if chosen.get(name)]
    return words + (["--cache-dir", str(chosen["cache_dir"])] if chosen.get("cache_dir") else [])


def progress_style(*, quiet: bool) -> str:
    """How progress is shown: not at all, as a bar on a terminal, as plain lines elsewhere."""
    if quiet:
        return "none"
    live = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    return "bar" if live else "plain"


def own_output() -> AbstractContextManager[object]:
    """What the user's code prints goes to standard error: standard output is for results."""
    return redirect_stdout(sys.stderr)


def say(line: str, *, err: bool = False) -> None:
    """Print one line that holds data: it steers neither a terminal nor a CI runner."""
    from harness.report.visible import inert_line, visible

    click.echo(inert_line(visible(line, one_line=True)), err=err)


def say_wrapped(line: str, indent: str = "  ") -> None:
    """Print a sentence that holds data, in as many lines of the terminal's width as it needs."""
    import textwrap

    from harness.report.visible import visible

    shown = visible(line, one_line=True)
    for part in textwrap.wrap(
        shown, terminal_width(), initial_indent=indent, subsequent_indent=indent + "  "
    ):
        say(part)


def above_zero(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no number above 0: infinite and "not a number" too."""
    del context, option
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter(f"{value} is not a number above 0")
    return value


def say_notices(notices: Iterable[str]) -> None:
    """Tell on standard error what was noticed while the goldens were read."""
    for notice in notices:
        say(f"note: {notice}", err=True)


def print_json(document: str) -> None:
    """Print a JSON document.

    What steers a terminal or a CI runner, or does not fit the stream, is escaped as JSON does.
    """
    steering = r"[\x80-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]" if _is_utf8() else r"[^\x00-\x7f]"
    unsafe = re.compile(steering + r"|#(?=#\w*\[)")
    click.echo(unsafe.sub(_json_escape, document.rstrip("\n")))


def _json_escape(found: re.Match[str]) -> str:
    return "\\u0023" if found.group() == "#" else json.dumps(found.group())[1:-1]


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *whole: str) -> None:
    """Print a table at the terminal's width; cells of the columns named in ``whole`` are never cut."""
    from harness.commands.tables import as_table

    table = as_table(columns, rows, terminal_width(), whole=whole)
    click.echo(table if _is_utf8() else table.translate(PLAIN_SIGNS), nl=False)


def print_report(report: Report) -> None:
    """Print the console rendering at the terminal's width, in colour where it is wanted and shown."""
    from harness.report.text import render

    color = wants_color()
    click.echo(render(report, terminal_width(), color, not _is_utf8()), nl=False, color=color)


def print_candidates(found: Candidates, files: Sequence[tuple[str, str]]) -> None:
    """Print candidates side by side at the terminal's width."""
    from harness.report.candidates_text import render

    click.echo(render(found, terminal_width(), not _is_utf8(), files), nl=False)


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
