"""``harness judge``: whether a suite's judges may be believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import terminal
from harness.commands.judge_calibrate import agree, calibrate

if TYPE_CHECKING:
    from harness.api.trusting import Tried


@click.group(subcommand_metavar="COMMAND ...")
def judge() -> None:
    """Find out whether the judges of a suite may decide its gates."""


@judge.command(short_help="Try attacks on the judges of SUITE; only who withstands all may decide a gate.")
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Only this judge. Repeatable.")
@terminal.no_cache_option
@terminal.cache_dir_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@terminal.reports_option
@terminal.json_option
def canaries(
    suite: Path, names: tuple[str, ...], quiet: bool, reports: Path, as_json: bool, **chosen: Any
) -> int:
    """Try the attack corpus on every judge of SUITE, on every metric that it judges.

    Answers and passages tell the judge what to say: in many languages, as imitated verdicts, orders, broken
    frames, roles, invisible text. A judge that is moved by one, or cannot tell a good answer from a bad one,
    is advisory: its scores decide no gate. The result is kept beside the suite, in judges/SUITE.trust.json,
    by the judge's fingerprint. Exits with 1 where a judge gave in, with 3 where it gave no verdict.
    """
    import msgspec

    from harness.api.keeping import keeping_of
    from harness.api.trusting import try_canaries
    from harness.api.validating import validate
    from harness.errors import ExitCode
    from harness.places import Places, shown_path, trust_file

    def tell(what: str) -> None:
        if not quiet:
            terminal.say(f"{what} ...", err=True)

    checked = validate(suite)
    places = Places(reports, chosen["cache_dir"])
    keeping = keeping_of(terminal.cache_use(chosen), checked.file.suite.run, places)
    with terminal.own_output():
        tried = try_canaries(checked, keeping, tell, names)
    if as_json:
        terminal.print_json(msgspec.json.encode(tried, order="deterministic").decode())
    else:
        _say(tried)
        terminal.say(f"kept in {shown_path(trust_file(checked.file.path, checked.file.suite.suite))}")
    results = [one.trust.canaries for one in tried if one.trust.canaries is not None]
    if any(found.gave_in or found.unsound for found in results):
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if any(one.doubt for one in tried) else ExitCode.PASSED


def _say(tried: Sequence[Tried]) -> None:
    columns = ("metric", "judge", "model", "attacks", "gave in", "no verdict", "withstood")
    rows = []
    for one in tried:
        found = one.trust.canaries
        if found is not None:
            counts = (found.tried, len(found.gave_in), found.unanswered)
            rows.append(
                (one.trust.metric, one.trust.judge, one.trust.model, *counts, "no" if one.doubt else "yes")
            )
    terminal.print_table(columns, rows, *columns)
    for one in tried:
        if one.doubt:
            terminal.say_wrapped(f"{one.trust.metric}: {one.trust.judge} {one.doubt}")
        found = one.trust.canaries
        if found is not None and (moved := (*found.unsound, *found.gave_in)):
            terminal.say_wrapped(", ".join(moved), indent="    ")


judge.add_command(calibrate)
judge.add_command(agree)
