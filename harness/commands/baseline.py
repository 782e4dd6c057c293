"""``harness baseline``: what a suite is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import beforehand, ending, terminal

if TYPE_CHECKING:
    from harness.api.promoting import Promoted
    from harness.baselines import Baseline, Lock

SUITE = click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
suite_option = click.option(
    "--suite", type=click.Path(dir_okay=False, path_type=Path), help="The suite file, if it has moved."
)
keep_text_option = click.option(
    "--keep-text", is_flag=True, help="Keep questions, answers and passages, so that reports can show both."
)
force_option = click.option(
    "--force", is_flag=True, help="Promote all the same; the lock keeps what this overrides."
)
anchor_option = click.option("--anchor", is_flag=True, help="The anchor: the baseline of the last release.")


@click.group(subcommand_metavar="COMMAND ...")
def baseline() -> None:
    """Show what a suite is compared with, or promote runs to be it."""


@baseline.command(short_help="Show the baseline of SUITE, and how far its runs lie apart.")
@SUITE
@anchor_option
@terminal.json_option
def show(suite: Path, anchor: bool, as_json: bool) -> int:
    """Show the baseline of SUITE: its runs, their age, their means, and how far these lie apart.

    Beside the spread between the means of the runs stands the one that single cases explain. What exceeds it
    is a shock that all cases of a run share (an index built anew, a provider that changed).
    """
    import msgspec

    from harness.baselines import read_baseline, read_lock
    from harness.places import shown_path
    from harness.suites.suite import load_suite

    path = _lock_path(suite, anchor=anchor)
    lock = read_lock(path)
    if as_json:
        terminal.print_json(msgspec.json.encode(lock, order="deterministic").decode())
        return 0
    _show_lock(lock, "anchor" if anchor else "baseline")
    _show_runs(lock, read_baseline(path))
    wanted = load_suite(suite).suite.baseline.runs
    if len(lock.runs) < wanted:
        has = f"{len(lock.runs)} of {wanted} runs"
        terminal.say(f"  note       {has}: of a system that varies, more find more, at no call per gate")
    terminal.say(f"  lock       {shown_path(path)}")
    return 0


@baseline.command(short_help="Check that the baseline of SUITE is whole, of one system, and not stale.")
@SUITE
@anchor_option
def verify(suite: Path, anchor: bool) -> int:
    """Check the baseline of SUITE: files, digests, one system, age.

    Exits with 0, with 4 where a file is missing or changed, with 2 where the runs are not of one system or
    the lock does not say what its recordings do, with 3 where it is stale.
    """
    from harness.api.references import verify_baseline
    from harness.errors import ExitCode
    from harness.places import now, shown_path
    from harness.suites.suite import load_suite

    path = _lock_path(suite, anchor=anchor)
    found = verify_baseline(path)
    age = found.age_days(now().isoformat())
    most = load_suite(suite).suite.baseline.stale_after_days
    terminal.say(
        f"{shown_path(path)}: {_count(len(found.runs), 'run')} of one system, every file as promoted"
    )
    if not anchor and age is not None and most is not None and age > most:
        terminal.say(f"stale: {int(age)} days old (at most {most:g}): run the system again and promote it")
        return ExitCode.INCONCLUSIVE
    return 0


@baseline.command(short_help="Does the baseline of SUITE still hold? Asks its system a fresh sample.")
@SUITE
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Ask this share of the cases, or more where that says too little. [default: the suite's, or 0.2]",
)
@terminal.asking_options
@ending.budget_options
@terminal.intersect_option
@terminal.reports_option
@terminal.json_option
def check(
    suite: Path, share: float | None, intersect: bool, reports: Path, as_json: bool, **chosen: Any
) -> int:
    """Ask the system of the baseline of SUITE a fresh sample, and compare it with the baseline's runs.

    Whole documents, drawn by the seed. Each metric of a `max_drop` or `max_ratio` gate is compared on the
    same cases, up and down, with one error rate of 1 % for all of them together. Exits with 0 where the
    baseline holds; with 3 where it moved, or that cannot be told; with 2 where the suite does not describe
    the baseline's system any more.
    """
    from msgspec.structs import replace

    from harness.api import references, refreshing, running, validating
    from harness.commands import freshness
    from harness.errors import ExitCode
    from harness.freshness import SHARE
    from harness.places import Places
    from harness.store.store import Store

    places, options = Places(reports, chosen["cache_dir"]), terminal.make_run_options(chosen)
    found = references.verify_baseline(_lock_path(suite, anchor=False))
    checked = validating.validate(suite)
    share = share or checked.file.suite.baseline.fresh or SHARE
    sample = refreshing.plan_sample(checked, found, share, options.seed, intersect=intersect)
    options = replace(
        options,
        candidate=sample.candidate,
        selection=sample.selection,
        seed=sample.seed,
        repeats=sample.repeats,
        cache=options.cache or sample.cache,
    )
    beforehand.check_places(places)
    with terminal.own_output():
        finished = running.run(checked, options, places)
    if finished.stopped is not None or finished.spent is not None:
        again = ["--share", f"{share:g}", "--seed", str(sample.seed), *(["--intersect"] if intersect else [])]
        again += terminal.cache_words(chosen)
        return ending.say_cut_short(finished, "baseline check", suite, reports, again)
    said = refreshing.judge(finished.recorded, found, checked.file.suite, intersect=intersect)
    freshness.tell(said, finished.recorded, found, as_json=as_json)
    with Store(places.store) as store:
        store.load(finished.recorded)
    return ExitCode.PASSED if said.state == "holds" else ExitCode.INCONCLUSIVE


@baseline.command(short_help="Make RUNs the baseline of their suite.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--reason", required=True, help="Why: kept in the lock file.")
@anchor_option
@suite_option
@keep_text_option
@force_option
@terminal.reports_option
def promote(
    runs: tuple[str, ...],
    reason: str,
    anchor: bool,
    suite: Path | None,
    keep_text: bool,
    force: bool,
    reports: Path,
) -> int:
    """Make RUNs of one system the baseline of their suite: a lock file and slim recordings, to be committed.

    Three to five runs find more than one, at no call per gate. A RUN may be a lock file, for all of its runs.

    Refused for a run that is incomplete or partial, and where half of the runs or more fail a gate, or leave
    it undecided, against the baseline that they replace. Refused also for a run that was judged against that
    baseline already and has a better mean on a metric with a `max_drop`: picking the better of several runs
    makes false alarms of luck. Run the system once more, and promote that run.
    """
    from harness.api.promoting import Wish
    from harness.api.promoting import promote as promote_runs
    from harness.errors import UsageError
    from harness.places import Places

    if not reason.strip():
        raise UsageError("--reason is empty")
    wish = Wish(reason, anchor, keep_text, force)
    _say_promoted(promote_runs(runs, wish, suite, Places(reports)), "anchor" if anchor else "baseline")
    return 0


@baseline.command(short_help="Add a further RUN of the same system to the baseline.")
@click.argument("run")
@click.option("--keep", type=terminal.AT_LEAST_1, metavar="N", help="Keep the latest N runs only.")
@suite_option
@keep_text_option
@force_option
@terminal.reports_option
def add(run: str, keep: int | None, suite: Path | None, keep_text: bool, force: bool, reports: Path) -> int:
    """Add a further RUN of the same system to the baseline of its suite.

    Refused for a run of another system, one that is incomplete or partial, and, as by `promote`, one that was
    judged already and is better. A run that is worse is let in: the baseline is what the system does.
    """
    from harness.api.promoting import Wish
    from harness.api.promoting import add as add_run
    from harness.places import Places

    wish = Wish("", keep_text=keep_text, force=force)
    _say_promoted(add_run(run, keep, wish, suite, Places(reports)), "baseline")
    return 0


def _lock_path(suite: Path, *, anchor: bool) -> Path:
    from harness.places import anchor_lock, baseline_lock
    from harness.suites.suite import load_suite

    file = load_suite(suite)
    return (anchor_lock if anchor else baseline_lock)(file.path, file.suite.suite)


def _say_promoted(promoted: Promoted, role: str) -> None:
    from harness.places import shown_path

    lock, path = promoted.lock, promoted.path
    before, after = ", ".join(promoted.before) or "none", ", ".join(run.id for run in lock.runs)
    terminal.say(f"{role} of {lock.suite}: {before} -> {after}")
    if len({run.revision for run in lock.runs}) > 1:
        revisions = ", ".join(dict.fromkeys(run.revision or "unknown" for run in lock.runs))
        terminal.say(f"  the runs are of several revisions: {revisions}")
    for file in (path, *(path.parent / run.recording for run in lock.runs)):
        terminal.say(f"  {shown_path(file)}")
    click.echo("commit these files")


def _show_lock(lock: Lock, role: str) -> None:
    runs = f"run {lock.runs[0].id}" if len(lock.runs) == 1 else _count(len(lock.runs), "run")
    terminal.say(f"{role} of {lock.suite}: {runs}, promoted {lock.promoted_at}")
    terminal.say(f"  because    {lock.reason}")
    for objection in lock.forced:
        terminal.say(f"  forced     {objection}")
    repeats = f", each asked {lock.repeats} times" if lock.repeats > 1 else ""
    terminal.say(f"  verdict    {lock.outcome}, {lock.n_cases:,} cases{repeats}")


def _show_runs(lock: Lock, found: Baseline) -> None:
    """Each run with its age, then each metric with the runs' means and how far they lie apart."""
    from harness.api.references import spreads
    from harness.numbers import interval, number
    from harness.places import now

    today = now().isoformat()
    for index, (run, recorded) in enumerate(zip(lock.runs, found.runs, strict=True), 1):
        days = found._replace(runs=(recorded,)).age_days(today)
        age = "age unknown" if days is None else f"{max(0, int(days))} days old"
        terminal.say(f"  run {index:<6} {run.id}  {age}, revision {run.revision or 'unknown'}")
    apart = spreads(found)
    for name, mean in lock.metrics.items():
        terminal.say(f"  {name:<24} {number(mean.value):>8} {interval(mean.interval)}")
        if name not in apart:
            continue
        means, shock = apart[name]
        terminal.say(f"    by run  {'  '.join(number(value) for value in means)}")
        if shock is not None:
            verdict = "more than the cases explain" if shock.used else "as the cases explain"
            spread, expected = number(shock.spread_sd), number(shock.expected_sd)
            terminal.say(f"    spread  SD {spread} between runs, {expected} expected: {verdict}")


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
