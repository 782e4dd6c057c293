"""``harness run``: ask the system every case and record the answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import beforehand, ending, estimates, terminal
from harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from harness.api.beginning import RunOptions
    from harness.api.validating import Checked
    from harness.places import Places

MOST_SHARDS = 100_000


def _parse_shard(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """``2/8`` as its two numbers."""
    del context, option
    if value is None:
        return None
    number, slash, of = value.partition("/")
    whole = slash and number.isdecimal() and of.isdecimal()
    if not whole or not 1 <= int(number) <= int(of) <= MOST_SHARDS:
        raise click.BadParameter(f"{value!r} is not I/N, for example 2/8: shard 2 of 8, counted from 1")
    return int(number), int(of)


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.run_options
@ending.budget_options
@terminal.engine_option
@click.option(
    "--shard",
    metavar="I/N",
    callback=_parse_shard,
    help="Ask only shard I of N (from 1); `harness runs merge` puts the parts together. Every shard has the"
    " same --run-id; a shard that is asked again goes on.",
)
@click.option(
    "--at-once",
    type=terminal.AT_LEAST_1,
    metavar="N",
    help="With --shard: how many shards are asked at the same time; they share the suite's limits."
    " [default: all]",
)
@terminal.reports_option
@terminal.json_option
def run(
    suite: Path,
    shard: tuple[int, int] | None,
    at_once: int | None,
    reports: Path,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Run SUITE and record every answer; decide nothing.

    Where the budget ends (--max-cost, --max-minutes) it stops, keeps every answer and exits with 3.

    Decide later with `harness gate RUN`, or make the run the baseline with `harness baseline promote RUN`.
    """
    from harness.api import engines, validating
    from harness.places import Places

    options = terminal.make_run_options(chosen)
    if at_once is not None and shard is None:
        raise UsageError("--at-once goes with --shard")
    places = Places(reports, chosen["cache_dir"])
    checked = validating.validate(suite)
    terminal.say_notices(checked.dataset.notices)
    if shard is not None:
        return _run_shard(checked, options, shard, at_once, places, as_json=as_json)
    beforehand.check_places(places)
    with terminal.own_output():
        finished = engines.run(checked, options, places)
    if finished.stopped is None:
        estimates.publish(finished.recorded, checked.file.suite, finished.path, places, as_json=as_json)
    if finished.stopped is None and finished.spent is None:
        return 0
    return ending.say_cut_short(finished, "run", suite, reports, terminal.cache_words(chosen))


def _run_shard(
    checked: Checked,
    options: RunOptions,
    shard: tuple[int, int],
    at_once: int | None,
    places: Places,
    *,
    as_json: bool,
) -> int:
    """Ask one shard and say where its part lies; gives the exit code."""
    import json

    from harness.api.keeping import check_kept, end_keeping, keeping_of
    from harness.api.sharding import Share, ask_shard, plan_shards
    from harness.places import shown_path

    number, of = shard
    if options.run_id is None:
        raise UsageError("--shard needs --run-id", mend="a name for the run, the same for all of its shards")
    if options.resume is not None:
        raise UsageError("--resume with --shard", mend="the same command again goes on with its shard")
    if options.engine == "ray":
        raise UsageError("--shard with --engine ray", mend="leave one of them out")
    share = Share(number, of) if at_once is None or at_once >= of else Share(at_once, at_once)
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    check_kept(keeping)
    with terminal.own_output():
        asked = ask_shard(plan_shards(checked, options, of), number, share, options, places)
        if asked.stopped is None:
            end_keeping(keeping)
    wanted = len(asked.shard.places) * (options.repeats or checked.file.suite.run.repeats)
    named = f"shard {number} of {of} of run {options.run_id}"
    if not asked.complete:
        why = "interrupted" if asked.spent is None else f"incomplete: {asked.spent.why}"
        terminal.say(f"{why}: {asked.answered:,} of {wanted:,} answers of {named} are kept", err=True)
        terminal.say("  the same command again goes on with it", err=True)
        return ExitCode.INCONCLUSIVE if asked.stopped is None else 128 + asked.stopped
    if as_json:
        facts = {"run": options.run_id, "shard": number, "of": of, "answers": asked.answered}
        facts |= {"errors": asked.errors, "part": shown_path(asked.path), "was_there": asked.there}
        terminal.print_json(json.dumps(facts, ensure_ascii=False))
        return 0
    state = "is there already" if asked.there else "is complete"
    errors = f", {asked.errors:,} of them errors" if asked.errors else ""
    terminal.say(f"{named} {state}: {asked.answered:,} of {wanted:,} answers{errors}")
    terminal.say(f"part       {shown_path(asked.path)}")
    return 0
