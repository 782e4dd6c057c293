"""``harness race``: candidates asked stage by stage, losers dropped early."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.candidates.race import ALPHA, LOOKS
from harness.commands import beforehand, candidates, ending, terminal
from harness.commands.outputs import PAGE, output_option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.api.entering import RaceOptions
    from harness.api.racing import Raced

_LONGEST_ID = 60
"""A run's id is that of the race and the candidate's name."""


def _shares(context: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    """Per cent, separated by commas, as shares."""
    del context, option
    if text is None:
        return None
    try:
        return tuple(float(part) / 100 for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--looks {text!r}", mend="per cent, for example --looks 20,40,60,80,100") from error


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--candidates",
    "names",
    metavar="A,B",
    help="Race these; `plain` is the system without changes. [default: all, with it]",
)
@click.option("--metric", metavar="NAME", help="Race on this. [default: the quality of `choose:`]")
@click.option(
    "--alpha",
    type=float,
    default=ALPHA,
    show_default=True,
    help="How often one as good as the best may be dropped.",
)
@click.option(
    "--looks",
    metavar="N,N",
    callback=_shares,
    help="Look after so many per cent of the cases. [default: 10,20,30,40,60,80,100]",
)
@click.option("--seed", type=int, metavar="N", help="Seed of the order. [default: the suite's]")
@click.option(
    "-j", "--max-concurrency", type=terminal.AT_LEAST_1, metavar="N", help="At most N calls at a time."
)
@ending.budget_options
@click.option("--run-id", metavar="NAME", help="Name of the race. [default: date, time and chance]")
@click.option("--resume", metavar="RACE", help="Go on with a race: ask only what is missing.")
@terminal.cache_option
@terminal.cache_only_option
@terminal.no_cache_option
@terminal.cache_dir_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@output_option(PAGE, "the page")
@terminal.reports_option
@terminal.json_option
def race(suite: Path, outputs: tuple[Path, ...], reports: Path, as_json: bool, **chosen: Any) -> int:
    """Race the candidates of SUITE over the same cases and drop those that cannot win.

    Exits with 0 whoever wins. Each candidate is a run of its own, named RACE-CANDIDATE.
    """
    from harness.api import racing, validating
    from harness.places import Places
    from harness.recordings import read
    from harness.store.store import Store

    options = _options(chosen)
    places = Places(reports, chosen["cache_dir"])
    checked = validating.validate(suite)
    terminal.say_notices(checked.dataset.notices)
    beforehand.check_places(places, outputs)
    with terminal.own_output():
        raced = racing.race(checked, options, places)
    if raced.found is None:
        return _say_cut_short(raced, suite, reports, chosen)
    candidates.publish(raced.found, places, outputs, as_json=as_json)
    with Store(places.store) as store:
        for path in raced.paths.values():
            store.load(read(path))
    return 0


def _options(chosen: dict[str, Any]) -> RaceOptions:
    from harness.api.entering import RaceOptions
    from harness.places import RUN_ID

    for name in (chosen["run_id"], chosen["resume"]):
        if name is not None and (not RUN_ID.fullmatch(name) or len(name) > _LONGEST_ID):
            raise UsageError(f"race {name!r}", mend=f"letters, digits and . _ - only, {_LONGEST_ID} at most")
    if chosen["run_id"] and chosen["resume"]:
        raise UsageError("--run-id does not go with --resume", mend="a race keeps its name")
    names = chosen["names"]
    return RaceOptions(
        candidates=None if names is None else tuple(part.strip() for part in names.split(",")),
        metric=chosen["metric"],
        alpha=chosen["alpha"],
        looks=chosen["looks"] or LOOKS,
        seed=chosen["seed"],
        max_concurrency=chosen["max_concurrency"],
        max_cost_usd=chosen["max_cost"],
        max_minutes=chosen["max_minutes"],
        race_id=chosen["run_id"],
        resume=chosen["resume"],
        cache=terminal.cache_use(chosen),
        progress=terminal.progress_style(quiet=chosen["quiet"]),
    )


def _say_cut_short(raced: Raced, suite: Path, reports: Path, chosen: dict[str, Any]) -> int:
    """Tell how to go on, with every option that decides; gives the exit code of a signal, or 3."""
    again = ["harness", "race", str(suite)]
    again += [] if reports == terminal.REPORTS else ["--reports", str(reports)]
    kept = {"--candidates": chosen["names"], "--metric": chosen["metric"], "--seed": chosen["seed"]}
    again += [part for name, value in kept.items() if value is not None for part in (name, str(value))]
    again += [] if chosen["alpha"] == ALPHA else ["--alpha", f"{chosen['alpha']:g}"]
    if chosen["looks"]:
        again += ["--looks", ",".join(f"{100 * look:g}" for look in chosen["looks"])]
    again += terminal.cache_words(chosen)
    answers = f"{raced.answers:,} answers are kept"
    return ending.say_how_to_go_on(raced.stopped, raced.spent, answers, [*again, "--resume", raced.id])
