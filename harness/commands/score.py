"""``harness score``: recorded answers scored again, without asking the system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands import beforehand, ending, estimates, terminal
from harness.errors import UsageError

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command()
@click.argument("run", required=False)
@click.option(
    "--suite",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Score by this file's metrics and goldens. [default: the suite that the run names]",
)
@click.option(
    "--intersect", is_flag=True, help="Leave out cases that the goldens no longer ask, or ask otherwise."
)
@click.option("--run-id", metavar="NAME", help="Name of the new run. [default: date, time and chance]")
@click.option("--resume", metavar="NAME", help="Go on with a new run that was cut short: score what is left.")
@click.option(
    "-j", "--max-concurrency", type=terminal.AT_LEAST_1, metavar="N", help="At most N cases judged at a time."
)
@click.option(
    "--processes", type=terminal.AT_LEAST_1, metavar="N", help="At most N compute. [default: one a processor]"
)
@terminal.cache_only_option
@terminal.no_cache_option
@terminal.cache_dir_option
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("--run-file", type=FILE, help="Score this run file of TREC's instead of a RUN.")
@click.option("--qrels", type=FILE, help="The judgements to score --run-file by.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="Of --run-file: ndcg@10. Repeatable."
)
@click.option("--slices", type=FILE, help="Of --run-file: CSV with query_id and columns to slice by.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of --run-file: also write each query's values here (.csv .json .parquet). Repeatable.",
)
@terminal.reports_option
@terminal.json_option
def score(run: str | None, suite: Path | None, reports: Path, as_json: bool, **chosen: Any) -> int:
    """Score the answers of RUN again, with the metrics and goldens of its suite as they are now.

    The system is not asked. What comes out is a run of its own that names RUN in its configuration: answers,
    errors and times are those of RUN, and judges are asked only what they were not asked before. So an old
    run, a baseline too, can be compared again after a metric changed its version. Cut short, it keeps every
    score that was there, and says by which command to go on.

    With --run-file and --qrels the rankings of a TREC run are scored instead, of 100,000 queries and more.
    """
    file, qrels = chosen["run_file"], chosen["qrels"]
    if (run is None) == (file is None) or (file is None) != (qrels is None):
        mend = "RUN is whose answers are scored, also with --resume" if chosen["resume"] else ""
        raise UsageError("give a RUN, or --run-file with --qrels", mend=mend)
    if file is not None:
        from harness.commands.score_file import score_file

        of_file = chosen["metrics"], chosen["slices"], chosen["outputs"]
        return score_file(file, qrels, *of_file, as_json=as_json)
    if chosen["metrics"] or chosen["slices"] or chosen["outputs"]:
        raise UsageError("--metric, --slices and --output go with --run-file")
    return _score_run(run or "", suite, reports, chosen, as_json=as_json)


def _score_run(run: str, suite: Path | None, reports: Path, chosen: dict[str, Any], *, as_json: bool) -> int:
    from harness.api import rescoring, validating
    from harness.places import Places, new_run_id, now
    from harness.recordings import read_planned

    resume = chosen["resume"]
    if resume is not None and chosen["run_id"] is not None:
        raise UsageError("--run-id does not go with --resume", mend="a run keeps its name")
    places = Places(reports, chosen["cache_dir"])
    origin = places.find_recording(run)
    run_id = terminal.checked_run_id(chosen["run_id"]) or new_run_id(now())
    options = rescoring.RescoreOptions(
        run_id=places.find_recording(resume).parent.name if resume is not None else run_id,
        resume=resume is not None,
        intersect=chosen["intersect"],
        max_concurrency=chosen["max_concurrency"],
        processes=chosen["processes"],
        cache=terminal.cache_use(chosen),
        progress=terminal.progress_style(quiet=chosen["quiet"]),
    )
    checked = validating.validate(suite or Path(read_planned(origin).run.suite_path))
    terminal.say_notices(checked.dataset.notices)
    beforehand.check_places(places)
    again = [*_words(run, origin, suite, reports, chosen), "--resume", options.run_id]
    with terminal.own_output(), ending.scores_kept(options.run_id, again, places):
        found = rescoring.rescore(origin, checked, options, places)
    terminal.say_notices(found.notices)
    if found.stopped is not None:
        kept = f"{len(found.recorded.results):,} of {found.wanted:,} answers are scored"
        return ending.say_how_to_go_on(found.stopped, None, kept, again)
    estimates.publish(found.recorded, checked.file.suite, found.path, places, as_json=as_json)
    return 0


def _words(run: str, origin: Path, suite: Path | None, reports: Path, chosen: dict[str, Any]) -> list[str]:
    """The command that was given, as it means the same later: ``last`` is another run then."""
    words = ["harness", "score", run if Path(run).exists() else origin.parent.name]
    words += [] if suite is None else ["--suite", str(suite)]
    words += [] if reports == terminal.REPORTS else ["--reports", str(reports)]
    words += ["--intersect"] if chosen["intersect"] else []
    return words + terminal.cache_words(chosen)
