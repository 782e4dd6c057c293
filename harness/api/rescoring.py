"""Score the recorded answers of a run again, with today's metrics and goldens; the system is not asked."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness import __version__
from harness.api.beginning import LONGEST_BESIDE, command_of, forget
from harness.api.judging import judge_identities, open_judges
from harness.api.keeping import CacheUse, Keeping, end_keeping, keeping_of
from harness.api.references import fresh_of
from harness.api.validating import Checked
from harness.cases import by_id, outlines, picked
from harness.engine.progress import show_progress
from harness.engine.signals import Signals
from harness.engine.stored import Rescoring, Stop, Stored, score_again
from harness.errors import Fault, UsageError
from harness.places import FRESH, RECORDING, Places, kept_path
from harness.planning import identity_of
from harness.recordings import NO_TEXTS, Recording, read, read_planned
from harness.registry import find_metric
from harness.systems.callables import folder_importable
from harness.types import ORIGIN, Case, Dataset, Recorded, Result, Run, twin_measure

SHOWN = 5


class RescoreOptions(msgspec.Struct, frozen=True):
    """How to score a run again.

    ``resume``: go on with the run that was begun by this name. ``intersect``: leave out the cases that were
    asked otherwise, or that only one side has. ``processes``: at most so many compute; None: as many as this
    process may use. ``cache`` says which verdicts are not asked for again (None: those that are kept); no
    answer is.
    """

    run_id: str
    resume: bool = False
    intersect: bool = False
    max_concurrency: int | None = None
    processes: int | None = None
    cache: CacheUse | None = None
    progress: str = "none"


class Rescored(NamedTuple):
    """A run scored again: its recording, what has to be said of it, and the signal that cut it short, if any.

    ``wanted`` is how many answers were to be scored.
    """

    path: Path
    recorded: Recorded
    notices: tuple[str, ...]
    wanted: int
    stopped: int | None


class _Part(NamedTuple):
    """One recording that is scored again: its answers, the one that it becomes, and what of that is there."""

    before: Recorded
    planned: Recorded
    recording: Recording
    done: frozenset[tuple[str, int]]

    def left(self) -> Iterator[Stored]:
        """Give each answer that has no new scores yet, with its case as it is now."""
        cases = by_id(self.planned.cases)
        for result in self.before.results:
            if result.case_id in cases and (result.case_id, result.repeat) not in self.done:
                yield cases[result.case_id], result

    def wanted(self) -> int:
        """How many answers are to be scored, in all."""
        return sum(result.case_id in self.planned.digests for result in self.before.results)


def rescore(origin: Path, checked: Checked, options: RescoreOptions, places: Places) -> Rescored:
    """Record the answers of a run again with new scores, as a run that names its origin.

    Answers, errors and times stay as they were; ``started_at`` is when the system was asked. Judges are asked
    only what the cache does not hold. A fresh sample of the baseline beside the run goes with it. A score is
    recorded as soon as it is there: cut short, the run can be gone on with.

    Args:
        origin: the recording of a finished run.
        checked: the suite and its goldens as they are now.
        options: how to do it.
        places: where recordings lie.

    Raises:
        UsageError: the run is of another suite, unfinished or without texts, its questions are not those of
            the goldens (and not ``intersect``), or the name is taken; or another run was begun by it.
        MetricFault, RecordingError: as in a run; what was scored before is kept.
    """
    target = places.recording(options.run_id)
    if target.exists() and not options.resume:
        what = f"run {options.run_id!r} exists already"
        raise UsageError(what, mend="choose another --run-id, or --resume it")
    beside = origin.with_name(FRESH)
    files = [(origin, target, options.run_id)]
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    if origin.name == RECORDING and beside.is_file():
        files.append((beside, target.with_name(FRESH), f"{options.run_id[:LONGEST_BESIDE]}-fresh"))
    with folder_importable(Path.cwd()), ExitStack() as closing:
        # Every part is checked before the first is scored.
        planned = [_plan(read_planned(path), name, checked, options) for path, _, name in files]
        parts = [
            closing.enter_context(_begun(path, before, now_, options))
            for (_, path, _), (before, now_, _) in zip(files, planned, strict=True)
        ]
        try:
            stopped = _score(parts, checked, options, keeping)
        except BaseException:
            if not any(read_planned(part.recording.path).results for part in parts):
                forget(target)
            raise
    if stopped is None:
        end_keeping(keeping)
    return Rescored(target, read(target), planned[0][2], parts[0].wanted(), stopped)


@contextmanager
def _begun(path: Path, before: Recorded, planned: Recorded, options: RescoreOptions) -> Iterator[_Part]:
    """Begin a recording, or go on with it where that is wanted and it is there."""
    if not (options.resume and path.exists()):
        run_ = planned.run
        with Recording.create(path, run_, planned.cases, planned.digests, planned.stages) as recording:
            yield _Part(before, planned, recording, frozenset())
        return
    recording, there = Recording.resume(path, planned.cases)
    with recording:
        _check_same(there, planned)
        for notice in there.notices:
            sys.stderr.write(f"note: {notice}\n")
        yield _Part(before, planned, recording, frozenset((one.case_id, one.repeat) for one in there.results))


def _check_same(there: Recorded, planned: Recorded) -> None:
    """What was begun is only gone on with if it would give the same scores to the same answers."""
    was, is_ = there.run, planned.run
    if (was.config.get(ORIGIN), was.started_at) != (is_.config[ORIGIN], is_.started_at):
        raise UsageError(
            f"run {was.id!r} was not begun by scoring run {is_.origin!r} again",
            mend="leave --resume out, and give another --run-id",
        )
    checks = (
        ("the goldens", was.dataset_digest, is_.dataset_digest),
        ("the corpus", was.corpus_digest, is_.corpus_digest),
        ("the metrics", was.metrics, is_.metrics),
        ("the judges", was.judges, is_.judges),
        ("the cases", (there.digests, there.stages), (planned.digests, planned.stages)),
    )
    for what, old, new in checks:
        if old != new:
            raise UsageError(f"{what} changed since run {was.id!r} was begun", mend="start a new run")


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
        raise UsageError(f"run {run_.id!r} is incomplete", mend=f"finish it with `{command_of(run_)}`")


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


def _score(parts: Sequence[_Part], checked: Checked, options: RescoreOptions, keeping: Keeping) -> int | None:
    """Score what is left of every part; gives the signal that came, or None where all of it is done."""
    for part in parts:
        if part.recording.is_complete:
            continue
        stopped = asyncio.run(_score_part(part, checked, options, keeping))
        if stopped is not None:
            return stopped
    for part in reversed(parts):  # the run is complete when all that is beside it is
        part.recording.finish(part.planned.stop)
    return None


async def _score_part(part: _Part, checked: Checked, options: RescoreOptions, keeping: Keeping) -> int | None:
    suite = checked.file.suite
    names = part.planned.run.metrics
    metrics = {name: find_metric(name) for name in names if twin_measure(name) is None}
    wanted, stop = part.wanted(), Stop()
    with show_progress(wanted, len(part.done), wanted=options.progress) as progress:

        def record(result: Result) -> None:
            part.recording.append(result)
            progress.scored(result)

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
            with Signals(progress, stop) as signals:
                left = wanted - len(part.done)
                scoring = asyncio.create_task(score_again(part.left(), left, how, stop))
                with signals.ending([scoring]):
                    await asyncio.wait([scoring])
                if not scoring.cancelled():
                    scoring.result()
            return signals.number
