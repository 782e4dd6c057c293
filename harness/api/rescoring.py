"""Score the recorded answers of a run again, with today's metrics and goldens; the system is not asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness import __version__
from harness.api.beginning import LONGEST_BESIDE, forget
from harness.api.judging import judge_identities, open_judges
from harness.api.keeping import CacheUse, Keeping, end_keeping, keeping_of
from harness.api.references import fresh_of
from harness.api.validating import Checked
from harness.cases import by_id, outlines, picked
from harness.engine.progress import show_progress
from harness.engine.stored import Rescoring, score_again
from harness.errors import Fault, UsageError
from harness.places import FRESH, RECORDING, Places, kept_path, new_run_id, now
from harness.planning import identity_of
from harness.recordings import NO_TEXTS, Recording, read, read_planned
from harness.registry import find_metric
from harness.systems.callables import folder_importable
from harness.types import ORIGIN, Case, Dataset, Recorded, Response, Result, Run, twin_measure

SHOWN = 5


class RescoreOptions(msgspec.Struct, frozen=True):
    """How to score a run again.

    ``intersect``: leave out the cases that were asked otherwise, or that only one side has.
    ``processes``: at most so many compute; None: as many as this process may use. ``cache`` says which
    verdicts are not asked for again (None: those that are kept); no answer is.
    """

    run_id: str | None = None
    intersect: bool = False
    max_concurrency: int | None = None
    processes: int | None = None
    cache: CacheUse | None = None
    progress: str = "none"


class Rescored(NamedTuple):
    """A run scored again: its recording, and what has to be said of it."""

    path: Path
    recorded: Recorded
    notices: tuple[str, ...]


def rescore(origin: Path, checked: Checked, options: RescoreOptions, places: Places) -> Rescored:
    """Record the answers of a run again with new scores, as a run that names its origin.

    Answers, errors and times stay as they were; ``started_at`` is when the system was asked. Judges are asked
    only what the cache does not hold. A fresh sample of the baseline beside the run goes with it.

    Args:
        origin: the recording of a finished run.
        checked: the suite and its goldens as they are now.
        options: how to do it.
        places: where recordings lie.

    Raises:
        UsageError: the run is of another suite, unfinished or without texts, its questions are not those of
            the goldens (and not ``intersect``), or the name is taken.
        MetricFault, RecordingError: as in a run; no recording is left behind.
    """
    run_id = options.run_id or new_run_id(now())
    target = places.recording(run_id)
    if target.exists():
        raise UsageError(f"run {run_id!r} exists already", mend="choose another --run-id")
    beside = origin.with_name(FRESH)
    parts = [(origin, target, run_id)]
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    if origin.name == RECORDING and beside.is_file():
        parts.append((beside, target.with_name(FRESH), f"{run_id[:LONGEST_BESIDE]}-fresh"))
    with folder_importable(Path.cwd()):
        # Every part is checked before the first is scored.
        planned = [_plan(read_planned(path), name, checked, options) for path, _, name in parts]
        try:
            for (_, path, _), (before, now_, _) in zip(parts, planned, strict=True):
                _score_part(path, before, now_, checked, options, keeping)
        except BaseException:
            if target.exists():
                forget(target)
            raise
    end_keeping(keeping)
    return Rescored(target, read(target), planned[0][2])


def _plan(
    before: Recorded, run_id: str, checked: Checked, options: RescoreOptions
) -> tuple[Recorded, Recorded, tuple[str, ...]]:
    """Give a recording, the one that it becomes (without results), and what is to be said of it."""
    _check(before, checked)
    cases, notices = _cases(before, checked.dataset, intersect=options.intersect)
    kept = {case.id for case in outlines(cases)}
    stages = {case_id: stage for case_id, stage in before.stages.items() if case_id in kept}
    stop = before.stop and replace(
        before.stop,
        asked=sum(stage < before.stop.look for stage in stages.values()),
        planned=len(stages),
    )
    if set(stages.values()) != set(before.stages.values()):
        raise UsageError(f"run {before.run.id!r} stopped early, and of one of its stages no case is left")
    run_ = _run_of(before.run, run_id, len(cases), checked)
    if options.intersect and len(cases) < max(len(before.cases), len(checked.dataset.cases)):
        run_ = replace(run_, selection={**run_.selection, "intersect": True})
    digests = {case_id: checked.dataset.digests[case_id] for case_id in kept}
    planned = Recorded(run_, cases, digests, (), complete=True, stages=stages, stop=stop)
    return before, planned, notices


def _run_of(before: Run, run_id: str, n_cases: int, checked: Checked) -> Run:
    suite, dataset = checked.file.suite, checked.dataset
    with_fresh = replace(suite, baseline=replace(suite.baseline, fresh=fresh_of(before)))
    return replace(
        before,
        id=run_id,
        dataset_digest=dataset.digest,
        dataset_name=dataset.name,
        corpus_digest=dataset.corpus.digest if dataset.corpus else None,
        metrics={name: identity_of(find_metric(name)) for name in suite.metrics},
        judges=judge_identities(suite),
        config={**before.config, ORIGIN: before.origin},
        suite=msgspec.to_builtins(with_fresh),
        suite_path=kept_path(checked.file.path),
        harness_version=__version__,
        n_cases=n_cases,
        gate_lines=checked.file.lines,
    )


def _check(before: Recorded, checked: Checked) -> None:
    run_ = before.run
    if run_.suite_name != checked.file.suite.suite:
        what = f"run {run_.id!r} is of suite {run_.suite_name!r}, not {checked.file.suite.suite!r}"
        raise UsageError(what, mend="name its suite with --suite")
    if any(notice.endswith(NO_TEXTS) for notice in before.notices):
        what = f"run {run_.id!r} was kept without its texts: there is nothing to score"
        raise UsageError(what, mend="score the run's own recording, or promote with --keep-text")
    if not before.complete:
        mend = f"finish it with `harness run {run_.suite_path} --resume {run_.id}`"
        raise UsageError(f"run {run_.id!r} is incomplete", mend=mend)


def _cases(before: Recorded, dataset: Dataset, *, intersect: bool) -> tuple[Sequence[Case], tuple[str, ...]]:
    """Give the cases that were asked as they are now, and what differs.

    Raises:
        UsageError: what was asked is not what would be asked now, and no intersection is wanted.
    """
    current = {case.id: place for place, case in enumerate(outlines(dataset.cases))}
    asked = [case.id for case in outlines(before.cases)]
    whole_now, whole_then = by_id(dataset.cases), by_id(before.cases)

    def is_other(name: str) -> bool:
        is_same = dataset.digests[name] == before.digests[name]
        return not is_same and whole_now[name].query != whole_then[name].query

    known = frozenset(asked)
    differing = {
        "no longer in the goldens": [name for name in asked if name not in current],
        "asked otherwise now": [name for name in asked if name in current and is_other(name)],
        # A run of a part of the goldens was not to ask the others.
        "not asked then": [] if before.run.selection else [name for name in current if name not in known],
    }
    said = [f"{_named(names)} {what}" for what, names in differing.items() if names]
    if said and not intersect:
        faults = [Fault(f"run {before.run.id!r}: {one}") for one in said]
        mend = "score the other cases with --intersect, or run the system again"
        raise UsageError([*faults[:-1], faults[-1]._replace(mend=mend)])
    left = {*differing["no longer in the goldens"], *differing["asked otherwise now"]}
    kept = [name for name in asked if name not in left]
    if not kept:
        raise UsageError(f"no case that run {before.run.id!r} asked is in the goldens as it was")
    changed = [name for name in kept if dataset.digests[name] != before.digests[name]]
    said = [f"left out: {one}" for one in said]
    if changed:
        said.append(f"{_named(changed)} scored against what the goldens expect now")
    return picked(dataset.cases, [current[name] for name in kept]), tuple(said)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{len(names):,} case{'' if len(names) == 1 else 's'} ({', '.join(names[:SHOWN])}{more})"


def _processors() -> int:
    """How many this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _score_part(
    path: Path, before: Recorded, now_: Recorded, checked: Checked, options: RescoreOptions, keeping: Keeping
) -> None:
    suite = checked.file.suite
    cases = by_id(now_.cases)
    n = sum(result.case_id in cases for result in before.results)
    stored = ((cases[result.case_id], result) for result in before.results if result.case_id in cases)
    metrics = {name: find_metric(name) for name in now_.run.metrics if twin_measure(name) is None}

    async def go(recording: Recording) -> None:
        with show_progress(n, 0, wanted=options.progress) as progress:

            def record(result: Result) -> None:
                progress.started(result.case_id)
                recording.append(result)
                progress.finished(replace(result, response=Response()))  # what it cost is not spent again

            opening = open_judges(suite, metrics.values(), keeping.verdicts, only_kept=keeping.only)
            async with opening as judges:
                how = Rescoring(
                    metrics=metrics,
                    resources={
                        "corpus": checked.dataset.corpus,
                        "judge": judges.panels,
                        "rubrics": suite.rubrics,
                    },
                    folder=Path.cwd(),
                    max_concurrency=options.max_concurrency or suite.run.max_concurrency,
                    processes=options.processes or _processors(),
                    record=record,
                    end_judging=judges.close,
                )
                await score_again(stored, n, how)

    with Recording.create(path, now_.run, now_.cases, now_.digests, now_.stages) as recording:
        asyncio.run(go(recording))
        recording.finish(now_.stop)
