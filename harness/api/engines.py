"""Run a suite where it is to be asked: on this machine, or in shards on the machines of a cluster."""

from __future__ import annotations

import math
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from harness.api.beginning import RunOptions
from harness.api.budgeting import Spent, rounded_up
from harness.api.keeping import check_kept, end_keeping, keeping_of
from harness.api.looking import DecideLook
from harness.api.merging import merge
from harness.api.running import Finished
from harness.api.running import run as run_here
from harness.api.sharding import ShardAsked, Sharded, Share, ask_shard, plan_shards, with_limits
from harness.api.validating import Checked, validate
from harness.engine.progress import Silent, show_progress
from harness.engine.ray import Done, Leaving, open_cluster
from harness.errors import (
    BudgetSpent,
    ExitCode,
    Fault,
    HarnessError,
    Interrupted,
    RecordingError,
    RecordingInUse,
    UsageError,
)
from harness.places import Places
from harness.recordings import read_planned, write_whole
from harness.recordings.parts import part_path
from harness.shards import differences, most_at_once, plan_digest
from harness.types import EngineSettings, Run

PLAN = "plan"
"""File beside the parts, by which a node sees that it shares their folder."""
WAIT_FOR_THE_DEAD_S = 60.0
"""Seconds until a process on a node that was given up has let go of its part."""


class Job(NamedTuple):
    """What every node is told: from which folder which suite is run how, and what it must come to."""

    folder: str
    suite: str
    reports: str
    cache: str
    options: RunOptions
    run: Run
    of: int
    at_once: int


class Answer(NamedTuple):
    """What a node says of a shard: what was asked, and its part where the folder is not shared; or faults."""

    asked: ShardAsked | None
    part: bytes = b""
    faults: tuple[tuple[str, str], ...] = ()
    exit_code: int = 0
    node: str = ""


class Workers(Protocol):
    """What asks shards somewhere: a ``Cluster``, which says what is asked of it."""

    stopped: int | None

    def work_off(
        self,
        job: Job,
        numbers: Sequence[int],
        at_once: int,
        work: Callable[[Job, int, int], Answer],
        most_s: float,
    ) -> Generator[Done[Answer], None, None]:
        """Do the work of every number, and give each as it is done, within so many seconds."""


def run(
    checked: Checked,
    options: RunOptions,
    places: Places,
    decide_look: DecideLook | None = None,
    sample: RunOptions | None = None,
) -> Finished:
    """Run a checked suite as ``running.run`` does, by the engine that the options or the suite name.

    On a cluster every case is asked: there is no look, and no fresh sample beside.

    Raises:
        UsageError: as there; the cluster, or what a node lacks.
        Interrupted: a signal came, and the shards that are done are kept.
        HarnessError: a shard could not be asked; those that are done are kept.
    """
    engine = checked.file.suite.engine
    if (options.engine or engine.kind) == "local":
        return run_here(checked, options, places, decide_look, sample)
    if options.resume and places.recording(options.resume).exists():
        sys.stderr.write("note: this run is put together already: what is missing of it is asked from here\n")
        return run_here(checked, options, places, decide_look, sample)
    if sample is not None:
        mend = "leave `baseline: { fresh: }` and --fresh out; harness baseline check asks a sample"
        raise UsageError("a fresh sample of the baseline is not asked by --engine ray", mend=mend)
    if decide_look is not None:
        sys.stderr.write("note: --engine ray asks every case, and takes no look before the end\n")
    return _run_on_cluster(checked, options, places, engine)


def _run_on_cluster(
    checked: Checked, options: RunOptions, places: Places, engine: EngineSettings
) -> Finished:
    if options.resume and not places.parts(options.resume).is_dir():
        raise UsageError(f"no run {options.resume!r} was begun in shards in {places.reports}")
    going_on = options.resume is not None
    options = replace(options, run_id=options.resume or options.run_id, resume=None, engine="ray")
    sharded = plan_shards(checked, options, engine.shards)
    run_, of = sharded.run, len(sharded.members)
    options = replace(options, run_id=run_.id)
    folder, plan = places.parts(run_.id), sharded.members[0].shard.plan
    _check_begun(folder, places.recording(run_.id), plan, going_on=going_on)
    todo = [number for number in range(1, of + 1) if not part_path(folder, number, of).exists()]
    calls = [len(member.cases) * run_.repeats for member in sharded.members]
    left = sum(calls[number - 1] for number in todo)
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    check_kept(keeping)
    if todo:
        limited = with_limits(checked.file.suite, options)
        kept = str(places.reports.resolve()), str(places.cache.resolve())
        with open_cluster(engine.address) as cluster:
            write_whole(folder / PLAN, plan.encode())
            at_once = min(cluster.n_cpus, most_at_once(limited), len(todo))
            job = Job(str(Path.cwd()), str(checked.file.path), *kept, options, run_, of, at_once)
            with (
                _forgotten_where_nothing_was_asked(folder),
                show_progress(sum(calls), sum(calls) - left, wanted=options.progress) as progress,
            ):
                ask_all(cluster, job, todo, folder, progress, limited.budget.max_minutes)
    end_keeping(keeping)
    merged = merge([folder], places)
    shutil.rmtree(folder, ignore_errors=True)  # every line of the parts is in the recording
    return Finished(merged.path, merged.recorded, None)


def _check_begun(folder: Path, recording: Path, plan: str, *, going_on: bool) -> None:
    """A run is begun where there is none of its name, and gone on with as it was begun."""
    if recording.exists() or (folder.exists() and not going_on):
        what = f"run {recording.parent.name!r} exists already"
        raise UsageError(what, mend="choose another --run-id, or --resume it")
    marker = folder / PLAN
    if marker.exists() and marker.read_text() != plan:
        what = f"run {recording.parent.name!r} was begun with other options, files or shards"
        raise UsageError(what, mend="give those it was begun with, or start a new run")


@contextmanager
def _forgotten_where_nothing_was_asked(folder: Path) -> Iterator[None]:
    """Leave no run without an answer behind where a node lacks something: its name stays free."""
    try:
        yield
    except UsageError:
        if not any(_has_answers(path) for path in folder.iterdir()):
            shutil.rmtree(folder)
            with suppress(OSError):  # something else lies beside it
                folder.parent.rmdir()
        raise


def _has_answers(path: Path) -> bool:
    """Whether a file beside the plan may hold an answer: not a part that was begun when it was called off."""
    if path.name == PLAN:
        return False
    try:
        return bool(read_planned(path).answered)
    except HarnessError:
        return True


def ask_all(
    cluster: Workers,
    job: Job,
    todo: list[int],
    folder: Path,
    progress: Silent,
    max_minutes: float | None = None,
) -> None:
    """Have every shard asked; the first that cannot be ends it, and what is done stays."""
    n_done = job.of - len(todo)
    progress.shards(n_done, job.of)
    again = _again(job)
    most_s = math.inf if max_minutes is None else 60 * max_minutes
    with closing(cluster.work_off(job, todo, job.at_once, ask_on_node, most_s)) as asked:
        for number, answer, lost in asked:
            shard = f"shard {number} of {job.of}"
            if answer is None:
                raise RecordingError(f"{shard} was lost: {lost}", mend=again)
            if answer.asked is None:
                raise _fault_of(answer, shard)
            if answer.asked.spent is not None:
                raise _spent_in(job, answer.asked, answer.asked.spent)
            if answer.asked.stopped is not None:
                raise RecordingError(f"{shard} was stopped on node {answer.node}", mend=again)
            if answer.part:
                write_whole(part_path(folder, number, job.of), answer.part)
            n_done += 1
            done = answer.asked
            progress.shards(n_done, job.of, done.answered, done.errors, done.cost_usd)
    are_done = f"{n_done:,} of {job.of:,} shards are done"
    if cluster.stopped is not None:
        raise Interrupted(cluster.stopped, f"interrupted: {are_done}", again)
    if n_done < job.of:
        raise BudgetSpent(f"incomplete: its {most_s / 60:g} minutes are over: {are_done}", mend=again)


def _again(job: Job, more: str = "") -> str:
    return f"the same command with --resume {job.run.id}{more} goes on"


def _spent_in(job: Job, asked: ShardAsked, spent: Spent) -> BudgetSpent:
    """A shard has spent its share; foresee what is enough for the run by what its own cases cost."""
    shard, more = asked.shard, ""
    if spent.enough_usd is not None:
        enough_usd = rounded_up(spent.enough_usd * shard.n_cases / len(shard.places))
        more = f" and --max-cost {enough_usd:g}"
    what = f"incomplete: shard {shard.number} of {shard.of} stopped: {spent.why}"
    return BudgetSpent(what, mend=_again(job, more))


def _fault_of(answer: Answer, shard: str) -> HarnessError:
    kind = UsageError if answer.exit_code == ExitCode.INVALID else HarnessError
    return kind([Fault(f"on node {answer.node}, {shard}: {what}", mend=mend) for what, mend in answer.faults])


def ask_on_node(job: Job, number: int, slot: int) -> Answer:
    """Ask a shard on the node that this runs on; faults are given, as values, not raised.

    Raises:
        Leaving: SIGTERM came, on the node: another one is to go on.
    """
    node = platform.node()
    try:
        if not Path(job.folder).is_dir():
            mend = "every node needs the project at the same path as here: a shared folder, or a copy"
            raise UsageError(f"there is no folder {job.folder}", mend=mend)
        os.chdir(job.folder)
        sharded = _plan_on_node(job)
        if differing := differences(job.run, job.of, sharded.run, job.of):
            what = f"{', '.join(differing)} differ from those where the run was begun"
            raise UsageError(what, mend="every node needs the same project, packages and environment")
        answer = _ask(job, sharded, number, slot)._replace(node=node)
    except HarnessError as error:
        faults = tuple((str(Fault(fault.what, fault.place)), fault.mend) for fault in error.faults)
        return Answer(None, faults=faults, exit_code=int(error.exit_code), node=node)
    if answer.asked is not None and answer.asked.stopped == signal.SIGTERM:  # SIGINT: it is taken back
        raise Leaving(f"it was stopped by a signal on node {node}")
    return answer


def _ask(job: Job, sharded: Sharded, number: int, slot: int) -> Answer:
    """Ask a shard into the folder of the parts where this node sees it, else into one of its own."""
    places, share = Places(Path(job.reports), Path(job.cache)), Share(slot, job.at_once)
    options = replace(job.options, progress="none")
    plan = sharded.members[0].shard.plan
    marker = places.parts(job.run.id) / PLAN
    if marker.is_file() and marker.read_text() == plan:
        until = time.monotonic() + WAIT_FOR_THE_DEAD_S
        while True:
            try:
                return Answer(ask_shard(sharded, number, share, options, places))
            except RecordingInUse:
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)
    with tempfile.TemporaryDirectory(prefix="harness-") as own:
        own_places = Places(Path(own), places.cache if options.cache == "only" else None)
        asked = ask_shard(sharded, number, share, options, own_places)
        return Answer(asked, asked.path.read_bytes() if asked.complete else b"")


_PLANNED: dict[str, Sharded] = {}
"""The plan that this process of a node asks shards of, by its digest."""


def _plan_on_node(job: Job) -> Sharded:
    """The plan of a run, made once in each process of a node."""
    wanted = plan_digest(job.run, job.of)
    if wanted not in _PLANNED:
        _PLANNED.clear()
        _PLANNED[wanted] = plan_shards(validate(Path(job.suite)), job.options, job.of)
    return _PLANNED[wanted]
