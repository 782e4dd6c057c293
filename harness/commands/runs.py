"""``harness runs``: what has been run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.errors import RecordingError
    from harness.places import Places
    from harness.store.store import StoredRun


@click.group(subcommand_metavar="COMMAND ...")
def runs() -> None:
    """List, show, import and merge runs."""


@runs.command(name="list", short_help="List the runs, the latest first.")
@terminal.reports_option
@terminal.json_option
def list_runs(reports: Path, as_json: bool) -> int:
    """List the runs, the latest first: those in the database, and those interrupted on the way there."""
    import json

    from harness.places import Places
    from harness.store.store import Store

    places = Places(reports)
    found: list[StoredRun] = []
    if places.store.is_file():
        with Store(places.store, read_only=True) as store:
            found = store.runs()
    unstored, damaged = _not_stored(places, {item.run_id for item in found})
    found += unstored
    found.sort(key=lambda item: item.started_at, reverse=True)
    if as_json:
        terminal.print_json(json.dumps([item._asdict() for item in found], ensure_ascii=False))
        return _say_damaged(damaged)
    if not found:
        if not damaged:
            terminal.say(f"no run yet in {reports}")
        return _say_damaged(damaged)
    columns = ("run", "suite", "candidate", "cases", "verdict")
    rows = [
        (
            item.run_id,
            item.suite_name,
            item.candidate or "-",
            item.n_cases if item.n_asked == item.n_cases else f"{item.n_asked:,} of {item.n_cases:,}",
            item.outcome or ("-" if item.complete else "incomplete"),
        )
        for item in found
    ]
    terminal.print_table(columns, rows, "run", "verdict")
    return _say_damaged(damaged)


def _say_damaged(faults: list[RecordingError]) -> int:
    """Tell which recordings were passed over; gives the exit code."""
    for fault in faults:
        terminal.say(f"error: {fault}", err=True)
    return max((int(fault.exit_code) for fault in faults), default=0)


def _not_stored(places: Places, stored: set[str]) -> tuple[list[StoredRun], list[RecordingError]]:
    from harness.errors import RecordingError
    from harness.recordings import read
    from harness.store.store import StoredRun

    found, damaged = [], []
    for run_id in places.run_ids():
        if run_id not in stored:
            try:
                recorded = read(places.recording(run_id))
            except RecordingError as error:
                damaged.append(error)
                continue
            run, n_results = recorded.run, len(recorded.results)
            found.append(
                StoredRun(
                    run_id=run_id,
                    suite_name=run.suite_name,
                    candidate=run.candidate,
                    started_at=run.started_at,
                    revision=run.revision,
                    n_cases=run.n_cases,
                    n_asked=len(recorded.cases),
                    n_results=n_results,
                    complete=recorded.complete,
                    outcome=None,
                )
            )
    return found, damaged


@runs.command()
@click.argument("run")
@terminal.reports_option
@terminal.json_option
def show(run: str, reports: Path, as_json: bool) -> int:
    """Show what RUN was: its configuration, digests and accounting."""
    import msgspec

    from harness.accounting import account
    from harness.places import Places
    from harness.recordings import read

    recorded = read(Places(reports).find_recording(run))
    facts = msgspec.to_builtins(recorded.run)
    facts.pop("suite")
    facts["accounting"] = msgspec.to_builtins(account(recorded))
    facts["complete"] = recorded.complete
    if as_json:
        terminal.print_json(msgspec.json.encode(facts, order="deterministic").decode())
        return 0
    state = "complete" if facts.pop("complete") else "incomplete"
    shown = {"state": "stopped early" if recorded.stop is not None else state}
    for name, value in facts.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        shown |= {f"{name}.{key}".rstrip("."): _written(part) for key, part in parts}
    width = max(map(len, shown))
    for name, text in shown.items():
        terminal.say(f"{name:<{width}}  {text}".rstrip())
    return 0


def _written(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_written(part)}" for key, part in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value is None or value == "" else str(value)


@runs.command(name="import", short_help="Load recordings into the database.")
@click.argument("recordings", nargs=-1, type=click.Path(exists=True, path_type=Path))
@terminal.reports_option
def import_runs(recordings: tuple[Path, ...], reports: Path) -> int:
    """Load RECORDINGS (files or run folders; by default every run under --reports) into the database.

    The database is only an index: deleted or damaged, it is rebuilt by this command, verdicts and all.
    A damaged recording is named and passed over; the exit code then is 4.
    """
    from harness.api.deciding import repeat_report
    from harness.api.rendering import FORMATS, render
    from harness.errors import RecordingError
    from harness.places import RECORDING, Places
    from harness.recordings import read
    from harness.store.store import Store

    places = Places(reports)
    paths = [path / RECORDING if path.is_dir() else path for path in recordings]
    paths = paths or [places.recording(run_id) for run_id in reversed(places.run_ids())]
    damaged = []
    with Store(places.store) as store:
        for path in paths:
            try:
                recorded = read(path)
            except RecordingError as error:
                damaged.append(error)
                continue
            state = "loaded" if store.load(recorded) else "were there already"
            report = repeat_report(recorded, places) if path == places.recording(recorded.run.id) else None
            if report is not None:
                store.save_report(report, render(report, FORMATS))
                state += f", verdict {report.outcome}"
            terminal.say(f"{recorded.run.id}: {len(recorded.results):,} results {state}")
    return _say_damaged(damaged)


@runs.command(short_help="Put the parts of a run together.")
@click.argument("parts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@terminal.reports_option
@terminal.json_option
def merge(parts: tuple[Path, ...], reports: Path, as_json: bool) -> int:
    """Put PARTS (files, or folders that hold them) of `harness run --shard` together to one run.

    Refused where a shard is missing, unfinished, damaged, of another plan, or there twice and not the same.
    In whatever order the parts are given, the run is the same; decide it with `harness gate RUN`.
    """
    import msgspec

    from harness.api.merging import merge as merge_parts
    from harness.commands import estimates
    from harness.places import Places
    from harness.types import Suite

    places = Places(reports)
    merged = merge_parts(parts, places)
    state = "" if merged.new else ", which was there already"
    terminal.say(f"{merged.n_parts:,} parts are run {merged.recorded.run.id}{state}", err=as_json)
    suite = msgspec.convert(merged.recorded.run.suite, Suite)
    estimates.publish(merged.recorded, suite, merged.path, places, as_json=as_json)
    return 0
