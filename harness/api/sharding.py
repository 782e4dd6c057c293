"""Ask one shard of a run, on any machine, as often as it takes: its part is there whole, once, or not yet."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from harness.api.asking import Plan
from harness.api.beginning import Going, RunOptions, plan_run
from harness.api.budgeting import Spent, Wanted, limits_of
from harness.api.keeping import keeping_of
from harness.api.running import run_missing
from harness.api.validating import Checked
from harness.cases import outlines
from harness.errors import FoundLate, RecordingError, UsageError
from harness.places import Places
from harness.recordings import Recording, read_planned, rename
from harness.recordings.parts import part_path, read_part, unfinished_path
from harness.shards import Member, budget_of_shard, differences, fit_shards, part_cases, share_of
from harness.suites.suite import choose_system
from harness.systems.callables import folder_importable
from harness.types import BudgetSettings, Recorded, Result, Run, Shard, Suite

MAY_BE_LOSS = frozenset({"process", "connection"})
"""Errors that what ends this process may cause a moment before it: what ends a machine, or takes its network,
reaches the programs that answer as well, in any order."""
SETTLE_S = 1.0
"""Seconds by which this process has ended, too, if such an error was the first sign of it."""


class Sharded(NamedTuple):
    """A run that is asked in shards: whom it asks what, and the cases of each shard."""

    plan: Plan
    run: Run
    members: tuple[Member, ...]


class Share(NamedTuple):
    """How many processes ask shards of a run at the same time, and the which of them this one is, from 1."""

    number: int
    of: int


class ShardAsked(NamedTuple):
    """A shard that was asked: its part, what is in it, and the signal or budget that stopped it, if any.

    ``there`` says that the part was complete already and nothing was asked.
    """

    path: Path
    shard: Shard
    answered: int
    errors: int
    cost_usd: float
    stopped: int | None = None
    spent: Spent | None = None
    there: bool = False

    @property
    def complete(self) -> bool:
        """Whether every case of the shard was asked."""
        return self.stopped is None and self.spent is None


def plan_shards(checked: Checked, options: RunOptions, of: int | None) -> Sharded:
    """Decide what is run, and which shard asks it; without a number of shards there are as many as are fit.

    Raises:
        UsageError: the selection or the options.
        NothingSelected: no case is left to run.
    """
    plan = Plan(checked.file, checked.dataset, choose_system(checked.file, options.candidate))
    with folder_importable(Path.cwd()):
        run, cases = plan_run(plan, options)
    return Sharded(plan, run, part_cases(run, cases, of or fit_shards(len(cases) * run.repeats)))


def ask_shard(sharded: Sharded, number: int, share: Share, options: RunOptions, places: Places) -> ShardAsked:
    """Ask a shard, or what is missing of it, and give its part its name when it is complete.

    Modules that the suite names are imported from the current folder first.

    Args:
        sharded: as ``plan_shards`` gives it for these options.
        number: of the shard, from 1.
        share: what of the suite's limits this process may use.
        options: how to run it.
        places: where the parts of the run lie.

    Raises:
        UsageError: the options, a system that cannot be opened, a share that is nothing, or a part of another
            plan that is there.
        RecordingInUse: another process is asking this shard.
        RecordingError: a result cannot be written; everything before it is kept.
    """
    member, run = sharded.members[number - 1], sharded.run
    path = part_path(places.parts(run.id), number, member.shard.of)
    if path.exists():
        return _found(path, sharded.run, member.shard)
    if (merged := places.recording(run.id)).exists():
        raise UsageError(f"run {run.id!r} exists already: {merged}", mend="choose another --run-id")
    plan, file = sharded.plan, sharded.plan.file
    suite = share_of(with_limits(file.suite, options), share.number, share.of)
    suite = replace(suite, budget=budget_of_shard(suite.budget, member.shard))
    going = _begin(unfinished_path(path), run, member, plan._replace(file=file._replace(suite=suite)))
    try:
        with folder_importable(Path.cwd()), going.recording:
            limits = limits_of([going.plan], Wanted(), run.seed, [going.before])
            keeping = keeping_of(options.cache, suite.run, places)
            stopped, spent = run_missing(going, None, options, None, keeping, limits)
    except UsageError as error:
        if n_answers := len(read_planned(going.recording.path).answered):
            raise FoundLate(error, n_answers, "the same command") from error
        going.recording.path.unlink()
        raise
    recorded = read_planned(going.recording.path)
    asked = _asked(path, recorded)._replace(stopped=stopped, spent=spent)
    if asked.complete:
        settle_s = SETTLE_S if _has_loss(recorded) else 0.0
        time.sleep(max(settle_s, limits.paid_off_s()))  # a part without its name is gone on with, see _begin
        rename(going.recording.path, path)
    return asked


def with_limits(suite: Suite, options: RunOptions) -> Suite:
    """Give a suite with the limits that the options say, where they do."""
    in_flight = options.max_concurrency or suite.run.max_concurrency
    budget = BudgetSettings(
        options.max_cost_usd or suite.budget.max_cost_usd, options.max_minutes or suite.budget.max_minutes
    )
    return replace(suite, run=replace(suite.run, max_concurrency=in_flight), budget=budget)


def _begin(unfinished: Path, run: Run, member: Member, plan: Plan) -> Going:
    """Begin the part of a shard, or go on with it.

    The process that had begun it was ended: errors that this may have caused are asked once more.
    """
    if unfinished.exists():
        recording, before = Recording.resume(unfinished)
        try:
            _check_plan(unfinished, before, run, member.shard)
        except UsageError:
            recording.close()
            raise
        if _has_loss(before):
            results, unscored = (
                tuple(one for one in found if not _may_be_loss(one))
                for found in (before.results, before.unscored)
            )
            before = replace(before, results=results, unscored=unscored)
        return Going(recording, before, plan)
    own = replace(run, n_cases=len(member.cases))
    digests = {case.id: plan.dataset.digests[case.id] for case in outlines(member.cases)}
    recording = Recording.create(unfinished, own, member.cases, digests, shard=member.shard)
    return Going(recording, Recorded(own, member.cases, digests, (), complete=False), plan)


def _found(path: Path, run: Run, shard: Shard) -> ShardAsked:
    """A part that is there already, if it is the one that is wanted."""
    read_part(path)
    there = read_planned(path)
    _check_plan(path, there, run, shard)
    return _asked(path, there)._replace(there=True)


def _asked(path: Path, recorded: Recorded) -> ShardAsked:
    if recorded.shard is None:
        raise RecordingError(f"{path} is no part of a run", mend="move it elsewhere")
    again = {(answer.case_id, answer.repeat) for answer in recorded.unscored}
    scored = (one for one in recorded.results if (one.case_id, one.repeat) not in again)
    answered, errors, cost_usd = 0, 0, 0.0
    for answer in chain(scored, recorded.unscored):
        answered += 1
        errors += answer.response.error is not None
        cost_usd += 0.0 if answer.response.cached else answer.response.usage.cost_usd or 0.0
    return ShardAsked(path, recorded.shard, answered, errors, cost_usd)


def _has_loss(recorded: Recorded) -> bool:
    return any(map(_may_be_loss, chain(recorded.results, recorded.unscored)))


def _may_be_loss(result: Result) -> bool:
    error = result.response.error
    return error is not None and error.kind in MAY_BE_LOSS


def _check_plan(path: Path, there: Recorded, run: Run, shard: Shard) -> None:
    if there.shard is None or there.shard.plan != shard.plan:
        of = 0 if there.shard is None else there.shard.of
        what = ", ".join(differences(run, shard.of, there.run, of)) or "what is asked"
        raise UsageError(f"{path} was begun otherwise: {what} changed", mend="choose another --run-id")
