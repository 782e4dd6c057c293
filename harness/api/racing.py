"""A race: candidates asked stage by stage, losers dropped after each, so that the calls are saved in fact."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.api.asking import Plan, Session, missing, open_session
from harness.api.beginning import RunOptions, check_same, forget, plan_run
from harness.api.budgeting import Spent, Wanted, limits_of, spent_of
from harness.api.choosing import compare_candidates
from harness.api.entering import Course, RaceOptions, course_of, entered
from harness.api.keeping import (
    Keeping,
    Source,
    check_kept,
    end_keeping,
    keeping_of,
    say_what_is_not_seen,
    source_of,
)
from harness.api.trusting import with_trust
from harness.api.validating import Checked
from harness.candidates.choice import gates_of, requirements_of
from harness.candidates.entrants import entrant_of
from harness.candidates.race import take_look, why_dropped
from harness.cases import outlines
from harness.comparison import fold
from harness.engine.limits import RunLimits
from harness.engine.progress import Silent, show_progress
from harness.engine.signals import Signals
from harness.errors import FoundLate, UsageError
from harness.places import Places, new_run_id, now
from harness.recordings import Recording, read_all, read_planned
from harness.suites.suite import choose_system
from harness.systems.callables import folder_importable
from harness.types import Candidates, Choose, EarlyStop, Race, RaceLook, Recorded


class Raced(NamedTuple):
    """A race that ended: its id, its recordings by run, what it showed, what stopped it, how many answers.

    ``found`` is None where a signal came, or a budget was used up.
    """

    id: str
    paths: dict[str, Path]
    found: Candidates | None
    stopped: int | None
    answers: int
    spent: Spent | None = None


class _Runner(NamedTuple):
    """One candidate in the race: its plan, its recording, and the session that asks it."""

    plan: Plan
    recording: Recording
    before: Recorded
    stack: AsyncExitStack


def race(checked: Checked, options: RaceOptions, places: Places) -> Raced:
    """Race the candidates of a checked suite, or go on with a race that was cut short.

    After each stage everyone still in the race has answered the same cases. Who is dropped is asked no
    further; its recording ends there. Each candidate's recording is that of a run, to be resumed, reported
    and compared like any other.

    Raises:
        UsageError: fewer than two candidates, no such candidate or metric, options out of range, a system
            that cannot be opened, or a race to be resumed that was begun otherwise.
        RecordingError: a result cannot be written; everything before it is kept.
    """
    names = entered(checked, options)
    course = course_of(checked, options)
    race_id = options.resume or options.race_id or new_run_id(now())
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    check_kept(keeping)
    with folder_importable(Path.cwd()), ExitStack() as closing:
        runners = _runners(checked, names, race_id, course, options, places, closing)
        say_what_is_not_seen(keeping, [runner.plan.system for runner in runners.values()])
        try:
            looks, stopped, spent = _run(runners, course, options, keeping)
        except UsageError as error:
            closing.close()
            begun = [runner.recording.path for runner in runners.values()]
            there = {path: len(read_planned(path).answered) for path in begun}
            for path, n in there.items():
                if not n:
                    forget(path)
            if n_answers := sum(there.values()):
                raise FoundLate(error, n_answers, f"--resume {race_id}") from error
            raise
    if stopped is None:
        end_keeping(keeping)
    paths = {run_id: runner.recording.path for run_id, runner in runners.items()}
    recordings = read_all(paths.values())
    answers = Counter(source_of(result.response) for recorded in recordings for result in recorded.results)
    if stopped is not None or spent is not None:
        return Raced(race_id, paths, None, stopped, answers.total(), spent)
    told = _told(course, looks, list(runners), answers)
    return Raced(race_id, paths, _compared(checked, recordings, told), None, answers.total())


def _runners(
    checked: Checked,
    names: Mapping[str, str],
    race_id: str,
    course: Course,
    options: RaceOptions,
    places: Places,
    closing: ExitStack,
) -> dict[str, _Runner]:
    """Begin, or open again, the recording of every candidate; all are closed at the end."""
    ids = {f"{race_id}-{name}": candidate for name, candidate in names.items()}
    there = [run_id for run_id in ids if places.recording(run_id).exists()]
    if options.resume is not None and not there:
        raise UsageError(f"no race {race_id!r} of these candidates", mend="begin it without --resume")
    if options.resume is None and there:
        raise UsageError(f"run {there[0]!r} exists already", mend="choose another --run-id, or --resume it")
    numbers = {case.id: at for at, stage in enumerate(course.stages) for case in stage}
    stages = numbers if len(course.stages) > 1 else {}
    plans = {
        run_id: Plan(checked.file, checked.dataset, choose_system(checked.file, candidate))
        for run_id, candidate in ids.items()
    }
    planned = {  # of all, before the first recording is begun: nothing is left behind where one is wrong
        run_id: plan_run(plan, RunOptions(candidate=ids[run_id], run_id=run_id, seed=course.seed))
        for run_id, plan in plans.items()
    }
    runners = {}
    for run_id, plan in plans.items():
        path, (run, cases) = places.recording(run_id), planned[run_id]
        if path.exists():
            recording, before = Recording.resume(path)
            closing.enter_context(recording)
            check_same(plan, before)
            if before.stages != stages:
                mend = "leave them as they were"
                raise UsageError(f"race {race_id!r} was begun with other --looks or --seed", mend=mend)
        else:
            digests = {case.id: checked.dataset.digests[case.id] for case in outlines(cases)}
            recording = closing.enter_context(Recording.create(path, run, cases, digests, stages))
            before = Recorded(run, cases, digests, (), complete=False, stages=stages)
        runners[run_id] = _Runner(plan, recording, before, AsyncExitStack())
    return runners


def _run(
    runners: Mapping[str, _Runner], course: Course, options: RaceOptions, keeping: Keeping
) -> tuple[list[RaceLook], int | None, Spent | None]:
    """Ask and look by turns; gives the looks taken, and the signal or the budget that ended it early."""
    total = len(runners) * sum(map(len, course.stages)) * course.repeats
    done = sum(len(runner.before.answered) for runner in runners.values())
    looks: list[RaceLook] = []
    wanted = Wanted(options.max_concurrency, options.max_cost_usd, options.max_minutes)
    limits = limits_of(
        [one.plan for one in runners.values()], wanted, course.seed, [one.before for one in runners.values()]
    )

    async def go(progress: Silent) -> Signals:
        alive = dict(runners)
        try:
            sessions = {
                run_id: await _open(one, progress, limits, keeping) for run_id, one in runners.items()
            }
            with Signals(progress, limits.end) as signals:
                limits.budget.begin(signals)
                for look, stage in enumerate(course.stages, 1):
                    progress.heading_for(look, len(course.stages))
                    for run_id, runner in alive.items():
                        todo = missing(read_planned(runner.recording.path), stage)
                        await sessions[run_id].ask(todo, signals)
                        if signals.ended:
                            return signals
                    found, is_over = await asyncio.to_thread(_look, alive, course, look)
                    looks.append(found)
                    for run_id in found.dropped:
                        alive[run_id].recording.finish(
                            _stop(course, look, f"dropped: {why_dropped(found, run_id)}")
                        )
                        await alive.pop(run_id).stack.aclose()
                    if is_over:
                        progress.stopped_early(look, len(course.stages))
                        break
            for runner in alive.values():
                runner.recording.finish(_stop(course, len(looks), "the race was over"))
            return signals
        finally:
            for runner in runners.values():
                await runner.stack.aclose()

    with show_progress(total, done, wanted=options.progress) as progress:
        progress.counts.limits = limits
        signals = asyncio.run(go(progress))
    not_asked = progress.counts.total - progress.counts.done
    return looks, signals.number, spent_of(limits, signals.spent, not_asked) if signals.spent else None


async def _open(runner: _Runner, progress: Silent, limits: RunLimits, keeping: Keeping) -> Session:
    opening = open_session(runner.plan, runner.before.run, runner.recording, progress, limits, keeping)
    return await runner.stack.enter_async_context(opening)


def _look(alive: Mapping[str, _Runner], course: Course, look: int) -> tuple[RaceLook, bool]:
    """Judge everyone in the race on what stands in the recordings."""
    cases, tables, broken = course.asked(look), {}, []
    asked = {case.id for case in cases}
    for run_id, runner in alive.items():
        recorded = with_trust(read_planned(runner.recording.path))
        metric = course.rules.metric
        tables[run_id] = fold(recorded.results, [metric], recorded.run.repeats)[metric]
        suite = runner.plan.file.suite
        verdicts = requirements_of(entrant_of(recorded, asked), suite, gates_of(suite.choose))
        if any(found.outcome == "fail" for found in verdicts):
            broken.append(run_id)
    return take_look(tables, cases, course.metric, course.bounds[look - 1], course.rules.epsilon, broken)


def _stop(course: Course, look: int, reason: str) -> EarlyStop | None:
    """Where a candidate's recording ends; None after the last look: nothing is missing then."""
    if look == len(course.stages):
        return None
    planned = len(course.asked(len(course.stages)))
    return EarlyStop(look, len(course.stages), len(course.asked(look)), planned, reason)


def _told(course: Course, looks: Sequence[RaceLook], runs: Sequence[str], answers: Counter[Source]) -> Race:
    last = looks[-1]
    tied = tuple(run for run in last.limits if run not in last.dropped)
    planned = len(course.asked(len(course.stages)))
    if len(tied) == 1:
        reason = "one candidate is left"
    elif all((limit or 0.0) <= course.rules.epsilon for run, limit in last.limits.items() if run in tied):
        reason = "no other can be better than the leader by more than a point"
    else:
        reason = "every case was asked"
    return Race(
        metric=course.rules.metric,
        alpha=course.rules.alpha,
        epsilon=course.rules.epsilon,
        seed=course.seed,
        n_cases=planned,
        repeats=course.repeats,
        looks=tuple(looks),
        tied=tied,
        calls=answers["asked"],
        calls_saved=len(runs) * planned * course.repeats - answers.total(),
        reason=reason,
        cached=answers["cached"],
    )


def _compared(checked: Checked, recordings: Sequence[Recorded], told: Race) -> Candidates:
    """The candidates page of a race: quality is what was raced on."""
    suite = checked.file.suite
    choose = msgspec.structs.replace(suite.choose or Choose(told.metric), quality=told.metric)
    file = checked.file._replace(suite=msgspec.structs.replace(suite, choose=choose))
    return compare_candidates(recordings, suite_file=file, race=told)
