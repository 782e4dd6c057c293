"""``harness runs``: what has been run."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal


@click.group()
def runs() -> None:
    """List, show and import runs."""


@runs.command(name="list")
@terminal.reports_option
@terminal.json_option
def list_runs(reports: Path, as_json: bool) -> int:
    """List the runs in the database, the latest first."""
    import json

    from harness.commands.tables import as_table
    from harness.places import Places
    from harness.store.store import Store

    places = Places(reports)
    if not places.store.is_file():
        click.echo("[]" if as_json else f"no run yet in {reports}")
        return 0
    with Store(places.store) as store:
        found = store.runs()
    if as_json:
        click.echo(json.dumps([item._asdict() for item in found], ensure_ascii=False, default=str))
        return 0
    columns = ("run", "suite", "candidate", "started", "cases", "results", "verdict")
    rows = [
        (
            item.run_id,
            item.suite_name,
            item.candidate or "-",
            str(item.started_at),
            item.n_cases,
            item.n_results,
            item.outcome or ("-" if item.complete else "incomplete"),
        )
        for item in found
    ]
    click.echo(as_table(columns, rows, terminal.terminal_width()), nl=False)
    return 0


@runs.command()
@click.argument("run")
@terminal.reports_option
@terminal.json_option
def show(run: str, reports: Path, as_json: bool) -> int:
    """Show what RUN was: its configuration, digests and accounting."""
    import msgspec

    from harness.findings import account
    from harness.places import Places
    from harness.recordings import read
    from harness.report.visible import inert_line

    recorded = read(Places(reports).find_recording(run))
    facts = msgspec.to_builtins(recorded.run)
    facts.pop("suite")
    facts["accounting"] = msgspec.to_builtins(account(recorded))
    facts["complete"] = recorded.complete
    if as_json:
        click.echo(msgspec.json.encode(facts, order="deterministic").decode())
        return 0
    for name, value in facts.items():
        if isinstance(value, dict):
            for key, part in value.items():
                click.echo(f"{f'{name}.{key}':<36} {inert_line(str(part))}")
        else:
            click.echo(f"{name:<36} {inert_line(str(value))}")
    return 0


@runs.command(name="import")
@click.argument("recordings", nargs=-1, type=click.Path(exists=True, path_type=Path))
@terminal.reports_option
def import_runs(recordings: tuple[Path, ...], reports: Path) -> int:
    """Load RECORDINGS (files or run folders; by default every run under --reports) into the database.

    The database is only an index: deleted or damaged, it is rebuilt by this command.
    """
    from harness.places import RECORDING, Places
    from harness.recordings import read
    from harness.store.store import Store

    places = Places(reports)
    paths = [path / RECORDING if path.is_dir() else path for path in recordings]
    paths = paths or [places.recording(run_id) for run_id in reversed(places.run_ids())]
    with Store(places.store) as store:
        for path in paths:
            recorded = read(path)
            changed = store.load(recorded)
            state = "loaded" if changed else "was there already"
            click.echo(f"{recorded.run.id}: {len(recorded.results):,} results {state}")
    return 0
