"""The command line: the verb table, faults with their source line, and the exit code."""

from __future__ import annotations

import os
import sys

import click

from harness import __version__
from harness.errors import ExitCode, Fault, HarnessError

VERBS = {
    "init": "Write a project that runs offline at once.",
    "validate": "Check a suite and its goldens; run nothing.",
    "run": "Ask the system every case and record the answers.",
    "gate": "Decide the gates of a recorded run.",
    "check": "Run, gate and report in one go: what CI calls.",
    "compare": "Compare two recorded runs.",
    "report": "Write the report of a recorded run.",
    "show": "Show one case of a run.",
    "baseline": "Show the baseline, or promote a run to be it.",
    "query": "Ask the results database with SQL, read-only.",
    "runs": "List, show and import runs.",
    "schema": "Print the JSON Schema of suites or goldens.",
    "doctor": "Check the installation and this machine.",
}
"""Verb to its one-line help, so that ``--help`` imports no verb; each lives in ``commands/<verb>.py``."""


class Verbs(click.Group):
    """Loads a verb's file when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the verbs in the order of the table."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb; an unknown one is told with its nearest neighbour."""
        if cmd_name not in VERBS:
            import difflib

            near = difflib.get_close_matches(cmd_name, VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such verb {cmd_name!r}.{hint}", ctx)
        from harness.registry import load_object

        found: click.Command = load_object(f"harness.commands.{cmd_name}:{cmd_name}", "verb")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Evaluation and regression harness for RAG systems.

    Exit codes: 0 gates passed, 1 a gate failed, 2 usage or files invalid (nothing was run), 3 inconclusive,
    4 internal or storage fault, 5 no case selected, 130/143 interrupted.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a console that lacks a sign shows its number
    try:
        result = cli.main(arguments, prog_name="harness", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return int(ExitCode.INVALID)
    except HarnessError as error:
        _show_faults(error)
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.PASSED)
    except Exception:  # noqa: BLE001 -- a fault of ours: the exit code must still say so
        import traceback

        traceback.print_exc()
        click.echo("harness: internal fault; nothing that was recorded is lost. Please report it.", err=True)
        return int(ExitCode.FAULT)
    return int(result) if isinstance(result, int) else int(ExitCode.PASSED)


def _show_faults(error: HarnessError) -> None:
    from harness.report.visible import inert_line

    for fault in error.faults:
        click.echo(f"error: {inert_line(fault.what)}", err=True)
        for line in _source_lines(fault):
            click.echo(line, err=True)
        if fault.mend and not (fault.place and fault.place.line):
            click.echo(f"  = {inert_line(fault.mend)}", err=True)
    if error.exit_code == ExitCode.INVALID:
        many = f"{len(error.faults)} faults; " if len(error.faults) > 1 else ""
        click.echo(f"{many}nothing was run", err=True)


def _source_lines(fault: Fault) -> list[str]:
    """Show where: the place, the line itself, and a caret with the mend under the column."""
    from harness.report.visible import inert_line

    place = fault.place
    if place is None:
        return []
    lines = [f"  --> {inert_line(_short(str(place)))}"]
    if place.line is None:
        return lines
    text = _line_of(place.file, place.line)
    margin = " " * len(str(place.line))
    if text is not None and len(text) <= 200:
        column = (place.column or 1) - 1
        lines += [f" {margin} |", f" {place.line} | {inert_line(text)}"]
        if place.column is not None:
            lines.append(f" {margin} | {' ' * column}^ {inert_line(fault.mend)}".rstrip())
            return lines
    if fault.mend:
        lines.append(f" {margin} = {inert_line(fault.mend)}")
    return lines


def _line_of(path: str, number: int) -> str | None:
    if not path.endswith((".yaml", ".yml")):
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 -- pathlib is not loaded yet
            for at, line in enumerate(file, 1):
                if at == number:
                    return line.rstrip("\n")
    except OSError:
        return None
    return None


def _short(place: str) -> str:
    here = os.getcwd() + os.sep  # noqa: PTH109 -- pathlib is not loaded yet
    return place.removeprefix(here)
