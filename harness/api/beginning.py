"""Begin a run, or go on with one: what is planned, what identifies it, what must be as it was."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from harness import __version__
from harness.api.asking import Plan
from harness.api.identifying import code_files
from harness.api.judging import judge_identities
from harness.api.keeping import CacheUse
from harness.api.looking import planned_stages
from harness.api.validating import Checked
from harness.cases import outlines
from harness.errors import HarnessError, UsageError
from harness.places import FRESH, Places, git_revision, kept_path, new_run_id, now, shown_path
from harness.planning import Selection, fingerprint_of, flat_config, identity_of, select_cases
from harness.recordings import Recording
from harness.registry import find_metric
from harness.suites.suite import SystemChoice, choose_system
from harness.types import Case, Recorded, Run, Scalar

LONGEST_BESIDE = 122
"""Of a run's id: what is recorded beside it has an id of its own, with "-fresh" at the end."""


class RunOptions(msgspec.Struct, frozen=True):
    """How to run a suite, beyond what the suite says; None keeps what it says.

    ``fresh`` is the share of a baseline that is asked beside it (None: none): the run is recorded with it.
    ``cache`` says what is not asked again. None: ``verdicts``, or what the suite says.
    """

    candidate: str = ""
    selection: Selection = Selection()
    seed: int | None = None
    repeats: int | None = None
    max_concurrency: int | None = None
    max_cost_usd: float | None = None
    max_minutes: float | None = None
    run_id: str | None = None
    resume: str | None = None
    retry_errors: bool = False
    cache: CacheUse | None = None
    progress: str = "none"
    fresh: float | None = None
    engine: Literal["local", "ray"] | None = None


class Going(NamedTuple):
    """A run that is begun or gone on with: its recording, what stood in it before, whom it asks what."""

    recording: Recording
    before: Recorded
    plan: Plan


def begin(checked: Checked, options: RunOptions, places: Places, *, staged: bool) -> Going:
    """Begin a run: its recording stands on disk with all that is planned; ``staged``: it may stop early."""
    plan = Plan(checked.file, checked.dataset, choose_system(checked.file, options.candidate))
    planned, cases = plan_run(plan, options)
    path = places.recording(planned.id)
    if path.exists():
        raise UsageError(f"run {planned.id!r} exists already", mend="choose another --run-id, or --resume it")
    return _create(path, planned, cases, plan, staged=staged)


def _create(path: Path, planned: Run, cases: Sequence[Case], plan: Plan, *, staged: bool = False) -> Going:
    digests = {case.id: plan.dataset.digests[case.id] for case in outlines(cases)}
    stages = planned_stages(plan.file.suite, cases, planned.seed) if staged else {}
    recording = Recording.create(path, planned, cases, digests, stages)
    return Going(recording, Recorded(planned, cases, digests, (), complete=False, stages=stages), plan)


def begin_beside(checked: Checked, sample: RunOptions, main: Going) -> Going:
    """Begin the recording of a fresh sample beside that of a run, or go on with it."""
    path, run_ = main.recording.path.with_name(FRESH), main.before.run
    if path.exists():
        return go_on(checked, sample, path)
    if main.before.answered:
        what = f"run {run_.id!r} was begun with a fresh sample of the baseline, and {FRESH} is gone"
        raise UsageError(what, mend="restore it, or start a new run")
    plan = Plan(checked.file, checked.dataset, choose_system(checked.file, sample.candidate))
    planned, cases = plan_run(plan, replace(sample, run_id=f"{run_.id[:LONGEST_BESIDE]}-fresh"))
    return _create(path, planned, cases, plan)


def go_on(checked: Checked, options: RunOptions, path: Path) -> Going:
    """Open a recording to go on with it, if it was begun in the same way."""
    recording, before = Recording.resume(path, checked.dataset.cases)
    try:
        if before.run.origin != before.run.id:
            what = f"run {before.run.id!r} has the answers of run {before.run.origin!r}, and asks nothing"
            raise UsageError(what, mend=f"score what is left: {command_of(before.run)}")
        _check_options(options, before.run)
        plan = Plan(checked.file, checked.dataset, choose_system(checked.file, before.run.candidate))
        check_same(plan, before)
    except HarnessError:
        recording.close()
        raise
    for notice in before.notices:
        sys.stderr.write(f"note: {notice}\n")
    return Going(recording, before, plan)


def command_of(run_: Run) -> str:
    """The command that goes on with a run."""
    begun = f"score {run_.origin}" if run_.origin != run_.id else f"run {run_.suite_path}"
    return f"harness {begun} --resume {run_.id}"


def forget(path: Path) -> None:
    """Remove a run that never began, so that its name is free and ``last`` does not mean it."""
    path.with_name(FRESH).unlink(missing_ok=True)
    path.unlink()
    with suppress(OSError):  # something else lies in its folder
        path.parent.rmdir()


def plan_run(plan: Plan, options: RunOptions) -> tuple[Run, Sequence[Case]]:
    """Decide which cases are run, and put together what identifies the run."""
    suite, system, dataset = plan.file.suite, plan.system, plan.dataset
    seed = suite.seed if options.seed is None else options.seed
    cases = select_cases(dataset, options.selection, suite, seed)
    started = now()
    config = _config_of(system)
    return Run(
        id=options.run_id or new_run_id(started),
        suite_name=suite.suite,
        started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        candidate=system.candidate,
        system_fingerprint=fingerprint_of(config),
        dataset_digest=dataset.digest,
        dataset_name=dataset.name,
        corpus_digest=dataset.corpus.digest if dataset.corpus else None,
        metrics={name: identity_of(find_metric(name)) for name in suite.metrics},
        judges=judge_identities(suite),
        config=config,
        suite=msgspec.to_builtins(replace(suite, baseline=replace(suite.baseline, fresh=options.fresh))),
        suite_path=kept_path(plan.file.path),
        harness_version=__version__,
        seed=seed,
        repeats=options.repeats or suite.run.repeats,
        n_cases=len(cases),
        selection=options.selection.facts(),
        revision=git_revision(plan.file.folder),
        gate_lines=plan.file.lines,
    ), cases


def _config_of(system: SystemChoice) -> dict[str, Scalar]:
    """Every option flat, defaults too; files as written in the suite, with their digests beside them."""
    for name, path in system.files.items():
        if not path.exists():
            raise UsageError(f"system.{name}: no such file or folder: {shown_path(path)}")
    shown = {
        name: system.written.get(name, value.name) if name in system.files else value
        for name, value in system.options.items()
    }
    digests = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in {**system.files, **code_files(system)}.items()
        if path.is_file()
    }
    return flat_config(system.adapter, shown, digests)


def _check_options(options: RunOptions, before: Run) -> None:
    """A run keeps the options that it was begun with: repeating them is fine, changing them is not."""
    chosen = (
        ("--candidate", options.candidate or before.candidate, before.candidate),
        (
            "--where, --case, --limit and --share",
            options.selection.facts() or before.selection,
            before.selection,
        ),
        ("--seed", before.seed if options.seed is None else options.seed, before.seed),
        ("--repeat", options.repeats or before.repeats, before.repeats),
        ("--run-id", options.run_id or before.id, before.id),
    )
    for name, wanted, had in chosen:
        if wanted != had:
            raise UsageError(
                f"run {before.id!r} was begun with other {name}", mend="leave it out, or start a new run"
            )


def check_same(plan: Plan, before: Recorded) -> None:
    """A run is only gone on with if it would ask and score the same."""
    checks = (
        ("the suite's name", before.run.suite_name, plan.file.suite.suite),
        ("the goldens", before.run.dataset_digest, plan.dataset.digest),
        (
            "the corpus",
            before.run.corpus_digest,
            plan.dataset.corpus.digest if plan.dataset.corpus else None,
        ),
        (
            "the system's configuration",
            before.run.system_fingerprint,
            fingerprint_of(_config_of(plan.system)),
        ),
        (
            "the metrics",
            before.run.metrics,
            {n: identity_of(find_metric(n)) for n in plan.file.suite.metrics},
        ),
        ("the judges", before.run.judges, judge_identities(plan.file.suite)),
    )
    for what, old, new in checks:
        if old != new:
            raise UsageError(f"{what} changed since run {before.run.id!r}", mend="start a new run")
