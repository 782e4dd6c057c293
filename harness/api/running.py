"""Validate a suite, run it, and go on with a run that was cut short."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness import __version__
from harness.api.asking import Plan, missing, open_session
from harness.api.looking import DecideLook, cases_by_stage, looks_ahead, planned_stages, take_look
from harness.engine.progress import Silent, show_progress
from harness.engine.signals import Signals
from harness.errors import HarnessError, MissingExtra, SuiteError, UsageError
from harness.gates.drop import cannot_pass
from harness.gates.hierarchy import roles_of
from harness.goldens.dataset import load_dataset
from harness.places import Places, git_revision, kept_path, new_run_id, now, shown_path
from harness.planning import Selection, fingerprint_of, flat_config, identity_of, select_cases
from harness.recordings import Recording, read
from harness.registry import METRICS, find_metric
from harness.slices import matches
from harness.suites.selection import selection_faults
from harness.suites.suite import SuiteFile, SystemChoice, choose_system, load_suite
from harness.suites.yaml import load_yaml
from harness.systems.callables import folder_importable
from harness.types import Case, Corpus, Dataset, EarlyStop, Recorded, Run, Scalar

MODULE_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


class RunOptions(msgspec.Struct, frozen=True):
    """How to run a suite, beyond what the suite says; None keeps what it says."""

    candidate: str = ""
    selection: Selection = Selection()
    seed: int | None = None
    repeats: int | None = None
    max_concurrency: int | None = None
    run_id: str | None = None
    resume: str | None = None
    retry_errors: bool = False
    progress: str = "none"


class Finished(NamedTuple):
    """A run that ended: its recording, and the signal that stopped it early, if any."""

    path: Path
    recorded: Recorded
    stopped: int | None


class Checked(NamedTuple):
    """A checked suite with its goldens; ``warnings`` name gates that can never pass."""

    file: SuiteFile
    dataset: Dataset
    warnings: tuple[str, ...] = ()


def validate(suite_path: Path) -> Checked:
    """Read and check a suite and its goldens; nothing is run and none of the user's code is imported.

    Raises:
        SuiteError, GoldenError: with every fault found.
        NothingSelected: the goldens hold no case.
    """
    file = load_suite(suite_path)
    dataset = load_dataset(file.suite.goldens, file.folder, file.suite.suite)
    document = load_yaml(Path(shown_path(file.path)))
    if faults := selection_faults(file.suite, document, dataset.cases):
        raise SuiteError(faults)
    _check_packages(file)
    return Checked(file, dataset, tuple(_hopeless_gates(file, dataset)))


def _check_packages(file: SuiteFile) -> None:
    """A missing optional package is told before anything is run."""
    systems = [file.suite.system, *({**file.suite.system, **c} for c in file.suite.candidates.values())]
    if any(one["adapter"] == "openai_chat" for one in systems) and importlib.util.find_spec("openai") is None:
        raise MissingExtra("openai", "openai", "the system openai_chat")


def _hopeless_gates(file: SuiteFile, dataset: Dataset) -> Iterator[str]:
    roles = roles_of(file.suite.gates)
    for gate in file.suite.gates:
        if gate.kind != "drop" or gate.metric is None or roles[gate.id] == "guard":
            continue  # a guard need not pass
        ours = gate.metric.partition("@")[0] in METRICS
        metric = find_metric(gate.metric) if ours else None
        span = None if metric is None or metric.high is None else metric.high - metric.low
        cases = [case for case in dataset.cases if matches(case, gate.where, file.suite.slices)]
        if why := cannot_pass(gate, file.suite, cases, span):
            yield f"gate {gate.id!r}: {why}"


def run(
    checked: Checked, options: RunOptions, places: Places, decide_look: DecideLook | None = None
) -> Finished:
    """Run a checked suite, or what is missing of a run: ask, score, record.

    Modules that the suite names are imported from the current folder first.

    Args:
        checked: the suite and its goldens.
        options: how to run it.
        places: where recordings lie.
        decide_look: says at each look why the run need not go on; None: every case is asked, also those that
            a run which stopped early has left.

    Raises:
        UsageError: the selection, the options, or a system that cannot be opened; no run is left behind.
        NothingSelected: no case is left to run.
        RecordingError: a result cannot be written; everything before it is kept.
    """
    with folder_importable(Path.cwd()):
        if options.resume:
            recording, before, plan = _resume(checked, options, places)
        else:
            recording, before, plan = _begin(checked, options, places, staged=decide_look is not None)
        try:
            with recording:
                stopped = _run_missing(plan, before, recording, options, decide_look)
        except UsageError:
            if not read(recording.path).results:
                forget(recording.path)
            raise
    recorded = read(recording.path)
    if strange := _strange_passages(recorded, checked.dataset.corpus):
        sys.stderr.write(f"note: {strange}\n")
    return Finished(recording.path, recorded, stopped)


def forget(path: Path) -> None:
    """Remove a run that never began, so that its name is free and ``last`` does not mean it."""
    path.unlink()
    with suppress(OSError):  # something else lies in its folder
        path.parent.rmdir()


def _begin(
    checked: Checked, options: RunOptions, places: Places, *, staged: bool
) -> tuple[Recording, Recorded, Plan]:
    plan = Plan(checked.file, checked.dataset, choose_system(checked.file, options.candidate))
    planned, cases = plan_run(plan, options)
    path = places.recording(planned.id)
    if path.exists():
        raise UsageError(f"run {planned.id!r} exists already", mend="choose another --run-id, or --resume it")
    digests = {case.id: plan.dataset.digests[case.id] for case in cases}
    stages = planned_stages(plan.file.suite, cases, planned.seed) if staged else {}
    recording = Recording.create(path, planned, cases, digests, stages)
    return recording, Recorded(planned, cases, digests, (), complete=False, stages=stages), plan


def _resume(checked: Checked, options: RunOptions, places: Places) -> tuple[Recording, Recorded, Plan]:
    recording, before = Recording.resume(places.find_recording(options.resume or ""))
    try:
        _check_options(options, before.run)
        plan = Plan(checked.file, checked.dataset, choose_system(checked.file, before.run.candidate))
        check_same(plan, before)
    except HarnessError:
        recording.close()
        raise
    return recording, before, plan


def plan_run(plan: Plan, options: RunOptions) -> tuple[Run, tuple[Case, ...]]:
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
        config=config,
        suite=msgspec.to_builtins(suite),
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
        for name, path in {**system.files, **_code_files(system)}.items()
        if path.is_file()
    }
    return flat_config(system.adapter, shown, digests)


def _code_files(system: SystemChoice) -> dict[str, Path]:
    """The source file of every ``module:attribute`` option, and every file that a command names.

    Only that one file of a module is fingerprinted; what it imports is told by the run's revision.
    """
    found: dict[str, Path] = {}
    for name, value in {"adapter": system.adapter, **system.options}.items():
        if isinstance(value, str) and MODULE_PATH.fullmatch(value):
            try:
                spec = importlib.util.find_spec(value.partition(":")[0])
            except Exception:  # noqa: BLE001, S112 -- told with its place when it is imported
                continue
            if spec is not None and spec.origin is not None:
                found[name] = Path(spec.origin)
        elif isinstance(value, list):
            folder = system.options.get("cwd") or Path.cwd()
            found |= {
                f"{name}.{index}": folder / part
                for index, part in enumerate(value)
                if isinstance(part, str) and not Path(part).is_absolute()  # an interpreter is not the system
            }
    return found


def _check_options(options: RunOptions, before: Run) -> None:
    """A run keeps the options that it was begun with: repeating them is fine, changing them is not."""
    chosen = (
        ("--candidate", options.candidate or before.candidate, before.candidate),
        ("--where, --case and --limit", options.selection.facts() or before.selection, before.selection),
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
    )
    for what, old, new in checks:
        if old != new:
            raise UsageError(f"{what} changed since run {before.run.id!r}", mend="start a new run")


def _run_missing(
    plan: Plan, before: Recorded, recording: Recording, options: RunOptions, decide_look: DecideLook | None
) -> int | None:
    """Ask what is missing of a run, up to the look that stops it early; give the signal that ended it.

    No call of a stage is begun before the look that could save it: calls in flight run out first.
    """
    stages = [missing(before, cases, retry_errors=options.retry_errors) for cases in cases_by_stage(before)]
    if before.stop is not None and decide_look is not None and not any(stages[: before.stop.look]):
        at = f"at look {before.stop.look} of {before.stop.looks}"
        mend = "ask the rest with --no-early-stop"
        sys.stderr.write(f"note: run {before.run.id} is finished: it stopped {at}; {mend}\n")
        return None
    total, left = len(before.cases) * before.run.repeats, sum(map(len, stages))
    looks = looks_ahead(before) if decide_look is not None else range(0)
    early: EarlyStop | None = None

    async def go(progress: Silent) -> int | None:
        nonlocal early
        opening = open_session(plan, before.run, recording, progress, options.max_concurrency)
        async with opening as session:
            with Signals(progress) as signals:
                for look, todo in enumerate(stages, 1):
                    if looks:
                        progress.heading_for(look, len(stages))
                    await session.ask(todo, signals)
                    if signals.number is None and look in looks and decide_look is not None:
                        early = await asyncio.to_thread(take_look, recording.path, look, decide_look)
                    if early is not None:
                        progress.stopped_early(look, len(stages))
                        break
            return signals.number

    stopped = None
    if left:
        with show_progress(total, total - left, wanted=options.progress) as progress:
            stopped = asyncio.run(go(progress))
    if stopped is None:
        recording.finish(early)
    return stopped


def _strange_passages(recorded: Recorded, corpus: Corpus | None) -> str:
    """Say so where no retrieved passage is of the corpus: most often ids are mapped wrongly."""
    retrieved = {passage.doc_id for result in recorded.results for passage in result.response.retrieved}
    if corpus is None or not retrieved or retrieved & corpus.documents.keys():
        return ""
    example = ascii(min(retrieved))
    return f"none of the {len(retrieved):,} retrieved doc_ids is in the corpus, for example {example}"
