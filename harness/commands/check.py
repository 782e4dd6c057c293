"""``harness check``: run, gate and report in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import beforehand, ending, terminal
from harness.commands.outputs import REPORT, output_option, publish

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.run_options
@ending.budget_options
@terminal.engine_option
@terminal.baseline_option
@terminal.intersect_option
@click.option(
    "--fresh",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Ask the baseline's own system this share of the cases again, mixed with the run's own calls;"
    " 0: none. [default: the suite's]",
)
@click.option(
    "--no-early-stop", is_flag=True, help="Ask every case, also where the verdict stands before the end."
)
@output_option(REPORT, "the report")
@terminal.reports_option
@terminal.json_option
def check(
    suite: Path,
    baselines: tuple[str, ...],
    intersect: bool,
    fresh: float | None,
    no_early_stop: bool,
    outputs: tuple[Path, ...],
    reports: Path,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Run SUITE, decide its gates against the baseline, and write the report.

    Stops asking at a look (`run.looks`) at which the verdict stands already. With a fresh sample of the
    baseline (--fresh, `baseline.fresh`) no `max_drop` gate is decided on a baseline that holds no more. Where
    the budget ends (--max-cost, --max-minutes) no gate passes. The exit code is the verdict: 0 pass, 1 fail,
    3 inconclusive.
    """
    from functools import partial

    from harness.api import deciding, engines, looking, references, refreshing, validating
    from harness.places import Places

    options = terminal.make_run_options(chosen)
    places = Places(reports, chosen["cache_dir"])
    checked = validating.validate(suite)
    suite_path, name = checked.file.path, checked.file.suite.suite
    earlier, why_none = references.find_baseline(baselines, suite_path, name, places)
    anchor = references.find_anchor(suite_path, name)
    terminal.say_notices(checked.dataset.notices)

    options, sample = refreshing.with_sample(checked, options, fresh, earlier, places, intersect=intersect)
    decide_look = None
    if earlier is not None and not no_early_stop:
        evidence_of = partial(deciding.evidence_of, baseline=earlier, anchor=anchor, intersect=intersect)
        decide_look = looking.look_by(evidence_of, checked.file.suite, options.selection)
        if decide_look is not None and sample is not None:
            decide_look = refreshing.look_where_it_holds(
                decide_look, options, earlier, checked.file.suite, places, intersect=intersect
            )
    beforehand.check_places(places, outputs)
    with terminal.own_output():
        finished = engines.run(checked, options, places, decide_look, sample)
    decided = [part for name in baselines for part in ("--baseline", name)]
    decided += ["--intersect"] if intersect else []
    decided += [part for path in outputs for part in ("--output", str(path))]
    again = [*decided, *(["--no-early-stop"] if no_early_stop else []), *terminal.cache_words(chosen)]
    if finished.stopped is not None:
        return ending.say_cut_short(finished, "check", suite, reports, again)
    report = deciding.gate(
        finished.recorded,
        earlier,
        no_baseline=why_none,
        anchor=anchor,
        intersect=intersect,
        fresh=references.fresh_beside(finished.path),
    )
    with ending.answers_kept(report.run.id, reports, decided):
        code = publish(report, finished.recorded, places, outputs, as_json=as_json)
    if finished.spent is not None:
        ending.say_cut_short(finished, "check", suite, reports, again)
    return code
