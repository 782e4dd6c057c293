"""``harness baseline``: what a suite is compared with."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal


@click.group(subcommand_metavar="COMMAND ...")
def baseline() -> None:
    """Show what a suite is compared with, or promote a run to be it."""


@baseline.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.json_option
def show(suite: Path, as_json: bool) -> int:
    """Show the baseline of SUITE."""
    import msgspec

    from harness.baselines import read_lock
    from harness.numbers import interval, number
    from harness.places import baseline_lock, shown_path
    from harness.suites.suite import load_suite

    file = load_suite(suite)
    path = baseline_lock(file.path, file.suite.suite)
    lock = read_lock(path)
    if as_json:
        terminal.print_json(msgspec.json.encode(lock, order="deterministic").decode())
        return 0
    terminal.say(f"baseline of {lock.suite}: run {lock.run}, promoted {lock.promoted_at}")
    terminal.say(f"  because    {lock.reason}")
    repeats = f", each asked {lock.repeats} times" if lock.repeats > 1 else ""
    terminal.say(f"  verdict    {lock.outcome}, {lock.n_cases:,} cases{repeats}")
    terminal.say(f"  revision   {lock.revision or 'unknown'}")
    for name, found in lock.metrics.items():
        terminal.say(f"  {name:<24} {number(found.value):>8} {interval(found.interval)}")
    terminal.say(f"  lock       {shown_path(path)}")
    return 0


@baseline.command(short_help="Make RUN the baseline of its suite.")
@click.argument("run")
@click.option("--reason", required=True, help="Why: kept in the lock file.")
@click.option(
    "--suite", type=click.Path(dir_okay=False, path_type=Path), help="The suite file, if it has moved."
)
@click.option(
    "--keep-text", is_flag=True, help="Keep questions, answers and passages, so that reports can show both."
)
@click.option("--force", is_flag=True, help="Promote a failed, undecided or partial run all the same.")
@terminal.reports_option
def promote(run: str, reason: str, suite: Path | None, keep_text: bool, force: bool, reports: Path) -> int:
    """Make RUN the baseline of its suite: a lock file and a slim recording, to be committed.

    Refused for a run that is incomplete, partial, failed or undecided against the baseline it replaces.
    """
    from harness.api import deciding
    from harness.errors import RecordingError, UsageError
    from harness.places import Places, baseline_lock, shown_path
    from harness.recordings import read

    if not reason.strip():
        raise UsageError("--reason is empty")
    places = Places(reports)
    recorded = read(places.find_recording(run))
    suite_path = suite if suite is not None else Path(recorded.run.suite_path)
    if not suite_path.is_file():
        raise UsageError(f"no suite file at {str(suite_path)!r}", mend="name it with --suite")
    lock_path = baseline_lock(suite_path, recorded.run.suite_name)
    try:
        earlier, why_none = deciding.find_baseline(None, suite_path, recorded.run.suite_name, places)
    except (RecordingError, UsageError):
        if not force:  # a damaged recording or lock is replaced only where that is asked for
            raise
        earlier, why_none = None, deciding.NO_BASELINE
    report = deciding.gate(recorded, earlier, no_baseline=why_none)
    lock = deciding.promote(
        recorded, lock_path, reason=reason, report=report, keep_text=keep_text, force=force
    )
    before = earlier.run.id if earlier is not None else "none"
    terminal.say(f"baseline of {lock.suite}: {before} -> {lock.run}")
    terminal.say(f"  {shown_path(lock_path)}")
    terminal.say(f"  {shown_path(lock_path.parent / lock.recording)}")
    click.echo("commit both files")
    return 0
