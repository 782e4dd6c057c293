"""A race: candidates asked stage by stage, losers dropped after each, so that the calls are saved in fact."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.api.asking import Plan, Session, missing, open_session
from harness.api.beginning import RunOptions, check_same, forget, plan_run
from harness.api.budgeting import Spent, Wanted, limits_of, spent_of
from harness.api.choosing import compare_candidates
from harness.api.keeping import Keeping
from harness.api.trusting import with_trust
from harness.api.validating import Checked
from harness.candidates.assemble import UNCORRECTED
from harness.candidates.choice import gates_of, requirements_of
from harness.candidates.entrants import USAGE, entrant_of
from harness.candidates.race import ALPHA, LOOKS, Rules, look_bounds, race_stages, take_look, why_dropped
from harness.comparison import fold
from harness.engine.limits import RunLimits
from harness.engine.progress import Silent, show_progress
from harness.engine.signals import Signals
from harness.errors import UsageError, did_you_mean
from harness.places import Places, new_run_id, now
from harness.planning import identity_of
from harness.recordings import Recording, read_all, read_planned
from harness.registry import find_metric
from harness.suites.suite import choose_system
from harness.systems.callables import folder_importable
from harness.types import (
    Candidates,
    Case,
    Choose,
    EarlyStop,
    MetricIdentity,
    Race,
    RaceLook,
    Recorded,
    metric_of,
    twin_measure,
)

SELF = "plain"
"""How the plain system is named among candidates, unless the suite has a candidate of that name."""


class RaceOptions(msgspec.Struct, frozen=True):
    """How to race; None keeps what the suite says, and takes all candidates, the plain system among them."""

    candidates: tuple[str, ...] | None = None
    metric: str | None = None
    alpha: float = ALPHA
    looks: tuple[float, ...] = LOOKS
    seed: int | None = None
    max_concurrency: int | None = None
    max_cost_usd: float | None = None
    max_minutes: float | None = None
    race_id: str | None = None
    resume: str | None = None
    no_cache: bool = False
    progress: str = "none"


class Raced(NamedTuple):
    """A race that ended: its id, its recordings by run, what it showed, and what stopped it.

    ``found`` is None where a signal came, or a budget was used up.
    """

    id: str
    paths: dict[str, Path]
    found: Candidates | None
    stopped: int | None
    calls: int
    spent: Spent | None = None


class _Runner(NamedTuple):
    """One candidate in the race: its plan, its recording, and the session that asks it."""

    plan: Plan
    recording: Recording
    before: Recorded
    stack: AsyncExitStack


class _Course(NamedTuple):
    """What the race goes by: rules, the metric, the stages of cases, the bounds of the looks."""

    rules: Rules
    metric: MetricIdentity
    stages: tuple[tuple[Case, ...], ...]
    bounds: tuple[float, ...]
    seed: int
    repeats: int

    def asked(self, look: int) -> list[Case]:
        """The cases asked by a look, from 1."""
        return [case for stage in self.stages[:look] for case in stage]


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
    names = _names(checked, options)
    rules = Rules(_metric(checked, options), options.alpha, looks=options.looks)
    _check_rules(rules)
    _check_unjudged(rules.metric)
    race_id = options.resume or options.race_id or new_run_id(now())
    with folder_importable(Path.cwd()), ExitStack() as closing:
        course = _course(checked, rules, options)
        runners = _runners(checked, names, race_id, course, options, places, closing)
        try:
            cache = None if options.no_cache else places.judge_cache
            looks, stopped, spent = _run(runners, course, options, cache)
        except UsageError:
            closing.close()
            for runner in runners.values():
                if not read_planned(runner.recording.path).answered:
                    forget(runner.recording.path)
            raise
    paths = {run_id: runner.recording.path for run_id, runner in runners.items()}
    recordings = read_all(paths.values())
    calls = sum(len(recorded.results) for recorded in recordings)
    if stopped is not None or spent is not None:
        return Raced(race_id, paths, None, stopped, calls, spent)
    told = _told(course, looks, list(runners), calls)
    return Raced(race_id, paths, _compared(checked, recordings, told), None, calls)


def _names(checked: Checked, options: RaceOptions) -> dict[str, str]:
    """Candidates to race, by the name that their runs get; the plain system is the empty candidate."""
    known = checked.file.suite.candidates
    wanted = options.candidates if options.candidates is not None else ("", *known)
    names: dict[str, str] = {}
    for at, name in enumerate(wanted):
        candidate = "" if name == SELF and SELF not in known else name
        if candidate and candidate not in known:
            raise UsageError(f"no candidate {name!r} in the suite", mend=did_you_mean(name, [SELF, *known]))
        if candidate in names.values():
            raise UsageError(f"candidate {name!r} is named twice", mend="name each once")
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", candidate or SELF).strip("-.") or f"candidate-{at}"
        names[plain if plain not in names else f"{plain}-{at}"] = candidate
    if len(names) < 2:
        raise UsageError("a race needs two candidates or more", mend="declare them under `candidates:`")
    return names


def _metric(checked: Checked, options: RaceOptions) -> str:
    """The metric raced on: as asked, else the quality of ``choose:``, else the first with an upper end."""
    suite = checked.file.suite
    if options.metric is not None:
        if options.metric not in suite.metrics:
            what = f"metric {options.metric!r} is not in the suite"
            raise UsageError(what, mend=did_you_mean(options.metric, suite.metrics))
        return options.metric
    if suite.choose is not None:
        return suite.choose.quality
    by_case = [name for name in suite.metrics if twin_measure(name) is None]
    found = next((name for name in by_case if find_metric(name).high is not None), None)
    return found or suite.metrics[0]


def _check_unjudged(name: str) -> None:
    """Refuse a metric that a judge scores: no labels correct it on the way."""
    if "judge" in find_metric(metric_of(name)).needs:
        what = f"{name!r} is advisory and decides nothing: {UNCORRECTED}"
        raise UsageError(what, mend="race on a metric without a judge, by --metric or `choose:`")


def _check_rules(rules: Rules) -> None:
    if find_metric(rules.metric).high is None or rules.metric in USAGE:
        raise UsageError(
            f"{rules.metric!r} has no upper end: an answer that is missing has no worst value there",
            mend="race on a metric of quality, and limit this one under `choose:`",
        )
    if twin_measure(rules.metric) is not None:
        raise UsageError(
            f"{rules.metric!r} is known of twins only", mend="race on the metric that it is about"
        )
    if not 0 < rules.alpha < 0.5:
        raise UsageError(f"--alpha {rules.alpha:g}", mend="above 0 and below 0.5")
    rising = all(a < b for a, b in zip((0.0, *rules.looks), rules.looks, strict=False))
    if not rules.looks or not rising or rules.looks[-1] != 1.0:
        raise UsageError("--looks do not rise to 100", mend="for example --looks 20,40,60,80,100")


def _course(checked: Checked, rules: Rules, options: RaceOptions) -> _Course:
    suite = checked.file.suite
    seed = suite.seed if options.seed is None else options.seed
    stages = race_stages(checked.dataset.cases, seed, rules.looks)
    identity = identity_of(find_metric(rules.metric))
    return _Course(rules, identity, stages, look_bounds(stages, rules.alpha), seed, suite.run.repeats)


def _runners(
    checked: Checked,
    names: Mapping[str, str],
    race_id: str,
    course: _Course,
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
            digests = {case.id: checked.dataset.digests[case.id] for case in cases}
            recording = closing.enter_context(Recording.create(path, run, cases, digests, stages))
            before = Recorded(run, cases, digests, (), complete=False, stages=stages)
        runners[run_id] = _Runner(plan, recording, before, AsyncExitStack())
    return runners


def _run(
    runners: Mapping[str, _Runner], course: _Course, options: RaceOptions, cache: Path | None
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
            sessions = {run_id: await _open(one, progress, limits, cache) for run_id, one in runners.items()}
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


async def _open(runner: _Runner, progress: Silent, limits: RunLimits, cache: Path | None) -> Session:
    opening = open_session(runner.plan, runner.before.run, runner.recording, progress, limits, Keeping(cache))
    return await runner.stack.enter_async_context(opening)


def _look(alive: Mapping[str, _Runner], course: _Course, look: int) -> tuple[RaceLook, bool]:
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


def _stop(course: _Course, look: int, reason: str) -> EarlyStop | None:
    """Where a candidate's recording ends; None after the last look: nothing is missing then."""
    if look == len(course.stages):
        return None
    planned = len(course.asked(len(course.stages)))
    return EarlyStop(look, len(course.stages), len(course.asked(look)), planned, reason)


def _told(course: _Course, looks: Sequence[RaceLook], runs: Sequence[str], calls: int) -> Race:
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
        calls=calls,
        calls_saved=len(runs) * planned * course.repeats - calls,
        reason=reason,
    )


def _compared(checked: Checked, recordings: Sequence[Recorded], told: Race) -> Candidates:
    """The candidates page of a race: quality is what was raced on."""
    suite = checked.file.suite
    choose = msgspec.structs.replace(suite.choose or Choose(told.metric), quality=told.metric)
    file = checked.file._replace(suite=msgspec.structs.replace(suite, choose=choose))
    return compare_candidates(recordings, suite_file=file, race=told)
