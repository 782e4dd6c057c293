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

from harness.api.beginning import LONGEST_BESIDE, forget
from harness.api.judging import open_judges
from harness.api.keeping import CacheUse, Keeping, end_keeping, keeping_of
from harness.api.replanning import check_same, plan_again
from harness.api.validating import Checked
from harness.cases import by_id
from harness.engine.progress import show_progress
from harness.engine.signals import Signals
from harness.engine.stored import Rescoring, Stop, Stored, score_again
from harness.errors import UsageError
from harness.places import FRESH, RECORDING, Places
from harness.recordings import Recording, read, read_planned
from harness.registry import find_metric
from harness.systems.callables import folder_importable
from harness.types import Recorded, Result, twin_measure


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
        before = [read_planned(path) for path, _, _ in files]
        planned = [
            plan_again(one, name, checked, intersect=options.intersect)
            for one, (_, _, name) in zip(before, files, strict=True)
        ]
        parts = [
            closing.enter_context(_begun(path, one, now_, options))
            for (_, path, _), one, (now_, _) in zip(files, before, planned, strict=True)
        ]
        try:
            stopped = _score(parts, checked, options, keeping)
        except BaseException:
            if not any(read_planned(part.recording.path).results for part in parts):
                forget(target)
            raise
    if stopped is None:
        end_keeping(keeping)
    return Rescored(target, read(target), planned[0][1], parts[0].wanted(), stopped)


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
        check_same(there, planned)
        for notice in there.notices:
            sys.stderr.write(f"note: {notice}\n")
        yield _Part(before, planned, recording, _done(before, there))


def _done(before: Recorded, there: Recorded) -> frozenset[tuple[str, int]]:
    """Give case and repeat of every answer that is scored, and still the run's: an error may be gone."""
    place = {(one.case_id, one.repeat): place for place, one in enumerate(there.results)}
    return frozenset(
        key
        for one in before.results
        if (key := (one.case_id, one.repeat)) in place and there.results[place[key]].response == one.response
    )


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
