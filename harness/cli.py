"""The command line: the verb table, faults with their source line, and the exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING, TextIO

import click

from harness import __version__
from harness.errors import ExitCode, Fault, FoundLate, HarnessError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

VERBS = {
    "init": "Write a project that runs offline at once.",
    "validate": "Check a suite and its goldens; run nothing.",
    "plan": "Say what a run could see and what it takes; run nothing.",
    "run": "Ask the system every case and record the answers.",
    "score": "Score recorded answers again; ask nothing.",
    "gate": "Decide the gates of a recorded run.",
    "check": "Run, gate and report in one go: what CI calls.",
    "compare": "Compare recorded runs, and say which to ship.",
    "race": "Race a suite's candidates; drop losers early.",
    "audit": "Audit a run for gaps between groups.",
    "report": "Write the report of a recorded run.",
    "show": "Show one case of a run.",
    "baseline": "Show the baseline, or promote a run to be it.",
    "dataset": "Make golden cases; give answers to other tools.",
    "label": "Export answers for people to label; import labels.",
    "judge": "Find out whether judges may decide gates.",
    "selftest": "Measure on your own runs how often the gate is wrong.",
    "query": "Ask the results database with SQL, read-only.",
    "runs": "List, show and import runs.",
    "schema": "Print the JSON Schema of suites or goldens.",
    "doctor": "Check the installation and this machine.",
}
"""Verb to its one-line help, so that ``--help`` imports no verb; each lives in ``commands/<verb>.py``."""

RUNNING = (["run"], ["check"], ["race"], ["baseline", "check"])
"""Verbs that ask the system; where their input is wrong, it was not asked."""


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


@click.group(
    cls=Verbs, subcommand_metavar="VERB ...", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Evaluation and regression harness for RAG systems.

    Exit codes: 0 gates passed, 1 a gate failed, 2 usage or files invalid (nothing was run), 3 inconclusive,
    4 internal or storage fault, 5 no case selected, 130/143 interrupted.
    """


class _Output(io.FileIO):
    """Standard output or error that never stops a run: what cannot be written goes nowhere.

    The exit code stays the verdict where the reader is gone (``| head``); any other fault is kept.
    """

    fault: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or take note of why not."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
        except BlockingIOError:
            raise
        except OSError as error:
            self.fault = error
            return memoryview(data).nbytes


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _hang_up_as_terminated()
    sys.stdout, out = _text(sys.stdout)
    sys.stderr, _ = _text(sys.stderr, line_buffering=True)
    code = run_command(sys.argv[1:])
    sys.stdout.flush()
    if out.fault is not None:
        click.echo(f"error: standard output cannot be written: {out.fault.strerror}", err=True)
        code = int(ExitCode.FAULT)
    sys.exit(code)


def _hang_up_as_terminated() -> None:
    """Take a terminal that was closed, or a connection that was lost, for SIGTERM; leave ``nohup`` alone."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _text(stream: TextIO | None, *, line_buffering: bool = False) -> tuple[TextIO, _Output]:
    """Write text as the stream did; a sign that its encoding lacks is shown by its number.

    A stream that was closed (``>&-``) is None.
    """
    to, encoding = (os.devnull, "utf-8") if stream is None else (stream.fileno(), stream.encoding)
    file = _Output(to, "w", closefd=stream is None)
    text = io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=line_buffering or file.isatty(),
    )
    return text, file


def run_command(arguments: list[str]) -> int:
    """Run one command line; gives its exit code, whatever happens."""
    try:
        result = cli.main(arguments, prog_name="harness", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.INVALID)
    except HarnessError as error:
        _show_faults(error, nothing_was_run=any(arguments[: len(verb)] == verb for verb in RUNNING))
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except Exception:  # noqa: BLE001 -- a fault of ours: the exit code must still say so
        import traceback

        for line in traceback.format_exc().splitlines():
            click.echo(_inert(line), err=True)
        click.echo("harness: internal fault; nothing that was recorded is lost. Please report it.", err=True)
        return int(ExitCode.FAULT)
    return int(result) if isinstance(result, int) else int(ExitCode.PASSED)


def _show_faults(error: HarnessError, *, nothing_was_run: bool) -> None:
    for fault in error.faults:
        first, *rest = fault.what.splitlines() or [""]
        for line in (f"error: {first}", *(f"  {line}" for line in rest)):
            click.echo(_inert(line.rstrip()), err=True)
        for line in _source_lines(fault):
            click.echo(line, err=True)
        if fault.mend and not (fault.place and fault.place.line):
            click.echo(f"  = {_inert(fault.mend)}", err=True)
    if isinstance(error, FoundLate):
        click.echo(_inert(error.kept), err=True)
    elif error.exit_code in (ExitCode.INVALID, ExitCode.EMPTY) and nothing_was_run:
        many = f"{len(error.faults)} faults; " if len(error.faults) > 1 else ""
        click.echo(f"{many}nothing was run", err=True)


def _inert(line: str) -> str:
    """One line that steers neither a terminal nor a CI runner."""
    from harness.report.visible import inert_line, visible

    return inert_line(visible(line, one_line=True))


def _source_lines(fault: Fault) -> list[str]:
    """Show where: the place, the line itself, and a caret with the mend under the column."""
    place = fault.place
    if place is None:
        return []
    lines = [_inert(f"  --> {_short(str(place))}")]
    if place.line is None:
        return lines
    text = _line_of(place.file, place.line)
    margin = " " * len(str(place.line))
    if text is not None and len(text) <= 200:
        lines += [f" {margin} |", f" {place.line} | {_inert(text)}"]
        if place.column is not None:
            before = " " * _columns(_inert(text[: place.column - 1]))
            lines.append(f" {margin} | {before}^ {_inert(fault.mend)}".rstrip())
            return lines
    if fault.mend:
        lines.append(f" {margin} = {_inert(fault.mend)}")
    return lines


def _columns(text: str) -> int:
    from harness.report.text import cells

    return cells(text)


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
