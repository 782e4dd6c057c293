"""Promote runs to be the baseline or the anchor of their suite, and refuse those chosen by their score."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from harness.api.deciding import gate
from harness.api.objections import answered_before, chosen_by_score, faults_of, verdicts_against
from harness.api.references import (
    find_anchor,
    find_baseline,
    fresh_beside,
    ids_of,
    in_order,
    one_system,
    told_of,
    without_fresh,
)
from harness.api.rendering import FORMATS
from harness.baselines import (
    VERSION,
    Baseline,
    Lock,
    LockedRun,
    NotPromotable,
    locked_files,
    read_baseline,
    read_lock,
    write_baseline,
)
from harness.comparison import estimate, run_scores
from harness.errors import Fault, RecordingError, UsageError
from harness.places import Places, anchor_lock, baseline_lock, now
from harness.pooling import pool
from harness.recordings import pack_slim, read_all
from harness.types import Outcome, Recorded, Report, Run


class Wish(NamedTuple):
    """How runs are to be promoted: the lock keeps the reason, and what ``force`` overrode."""

    reason: str
    anchor: bool = False
    keep_text: bool = False
    force: bool = False


class Promoted(NamedTuple):
    """What was written: the lock, where it lies, and the runs of the one that it replaces."""

    lock: Lock
    path: Path
    before: tuple[str, ...]


class _Run(NamedTuple):
    """A run to be promoted, where its recording lies, and whether that is a baseline's already."""

    recorded: Recorded
    path: Path
    locked: bool = False

    @property
    def fresh(self) -> Recorded | None:
        """The fresh sample of the baseline that was asked with it, if any."""
        return fresh_beside(self.path)

    def packed(self, *, keep_text: bool) -> bytes:
        """Give its slim recording; that of a baseline stays as it is."""
        return self.path.read_bytes() if self.locked else pack_slim(self.recorded, keep_text=keep_text)


def promote(names: Sequence[str], wish: Wish, suite_path: Path | None, places: Places) -> Promoted:
    """Make runs the baseline of their suite, or its anchor.

    Args:
        names: runs, or a lock file for all of its runs.
        wish: why and how.
        suite_path: the suite file, if it is not where it was.
        places: where runs lie.

    Raises:
        NotPromotable: a run is incomplete, partial, failed, undecided or chosen by its score, and it is not
            forced.
        UsageError: the runs are not of one system, one is named twice, or there is no suite.
    """
    runs = _find_runs(names, places)
    first = runs[0].recorded.run
    suite_path = _suite_path(suite_path, first)
    lock_path = (anchor_lock if wish.anchor else baseline_lock)(suite_path, first.suite_name)
    present, reports = _decide(runs, suite_path, places, force=wish.force)
    objections = [
        f"run {run.recorded.run.id!r}: {what}"
        for run in runs
        for what in (*faults_of(run.recorded), *(answered_before(run.recorded) if len(runs) > 1 else ()))
    ]
    objections += verdicts_against(reports)
    mend = ""
    if present is not None:
        chosen = _chosen(runs, present)
        objections += [f"run {name!r}: {what}" for name, what in chosen.items()]
        mend = _ask_again(suite_path, first) if chosen else ""
    _refuse(objections, mend, wish)
    lock = _lock(runs, wish, objections, _outcome_of_most(reports))
    before = _replaced(lock_path)
    return Promoted(_write(lock_path, lock, runs, wish), lock_path, before)


def add(name: str, keep: int | None, wish: Wish, suite_path: Path | None, places: Places) -> Promoted:
    """Add a further run of the same system to the baseline that a suite has.

    Its gates on a drop have no say: that would keep the unlucky runs out.

    Args:
        name: the run.
        keep: leave out the earliest runs beyond so many; None: keep all.
        wish: its reason is not used, the lock keeps that of its promotion.
        suite_path: the suite file, if it is not where it was.
        places: where runs lie.

    Raises:
        NotPromotable: the run is incomplete, partial, or chosen by its score, and it is not forced.
        UsageError: it is of another system or in the baseline already, or there is no baseline.
    """
    (new,) = _find_runs([name], places)
    suite_path = _suite_path(suite_path, new.recorded.run)
    lock_path = baseline_lock(suite_path, new.recorded.run.suite_name)
    lock, present = read_lock(lock_path), read_baseline(lock_path)
    if new.recorded.run.id in ids_of(present):
        raise UsageError(f"run {new.recorded.run.id!r} is in the baseline already")
    files = locked_files(lock_path, lock)
    old = [_Run(recorded, path, locked=True) for recorded, path in zip(present.runs, files, strict=True)]
    runs = _one_baseline([*old, new])[-keep if keep else 0 :]
    objections = [*faults_of(new.recorded), *answered_before(new.recorded)]
    objections += _chosen([new], present).values()
    objections = [f"run {new.recorded.run.id!r}: {what}" for what in objections]
    _refuse(objections, _ask_again(suite_path, new.recorded.run), wish)
    whole = _lock(runs, wish._replace(reason=lock.reason), [*lock.forced, *objections], lock.outcome)
    return Promoted(_write(lock_path, whole, runs, wish), lock_path, ids_of(present))


def _chosen(runs: Sequence[_Run], present: Baseline) -> dict[str, str]:
    """The runs that were chosen by their score; the report beside a recording tells whether it was judged."""
    known = set(ids_of(present))
    told = {run.recorded.run.id: told_of(run.path.parent / FORMATS["json"][0]) for run in runs}
    judged = {name for name, report in told.items() if report is not None and known & set(report.ids)}
    return chosen_by_score([run.recorded for run in runs], judged, present)


def _ask_again(suite_path: Path, run_: Run) -> str:
    candidate = f" --candidate {shlex.quote(run_.candidate)}" if run_.candidate else ""
    return (
        f"run the system once more with `harness run {shlex.quote(str(suite_path))}{candidate}`"
        " and promote that run"
    )


def _find_runs(names: Sequence[str], places: Places) -> list[_Run]:
    found: list[tuple[Path, bool]] = []
    for name in names:
        if name.endswith(".lock.json"):
            path = Path(name)
            found += [(file, True) for file in locked_files(path, read_lock(path))]
        else:
            found.append((places.find_recording(name), False))
    runs = read_all(path for path, _ in found)
    return _one_baseline(
        [
            _Run(without_fresh(recorded) if locked else recorded, path, locked)
            for recorded, (path, locked) in zip(runs, found, strict=True)
        ]
    )


def _one_baseline(runs: Sequence[_Run]) -> list[_Run]:
    """Put the runs in order; each once, and all of one system."""
    by_id: Mapping[str, _Run] = {run.recorded.run.id: run for run in runs}
    if len(by_id) < len(runs):
        ids = [run.recorded.run.id for run in runs]
        twice = next(name for name in ids if ids.count(name) > 1)
        raise UsageError(f"run {twice!r} is named twice", mend="a baseline has each of its runs once")
    ordered = one_system(Baseline(in_order(run.recorded for run in runs)))
    return [by_id[name] for name in ids_of(ordered)]


def _suite_path(named: Path | None, run_: Run) -> Path:
    found = named if named is not None else Path(run_.suite_path)
    if not found.is_file():
        raise UsageError(f"no suite file at {str(found)!r}", mend="name it with --suite")
    return found


def _decide(
    runs: Sequence[_Run], suite_path: Path, places: Places, *, force: bool
) -> tuple[Baseline | None, list[Report]]:
    """Gate every run against what there is now; gives that baseline too."""
    name = runs[0].recorded.run.suite_name
    try:
        present, why_none = find_baseline((), suite_path, name, places)
        anchor = find_anchor(suite_path, name)
    except (RecordingError, UsageError):
        if not force:  # a damaged recording or lock is replaced only where that is asked for
            raise
        return None, [_without_cases(gate(run.recorded, None)) for run in runs]
    return present, [
        _without_cases(gate(run.recorded, present, no_baseline=why_none, anchor=anchor, fresh=run.fresh))
        for run in runs
    ]


def _without_cases(report: Report) -> Report:
    """Hold of a report what it decides: its cases take room, and there may be several reports."""
    return replace(report, cases=())


def _refuse(objections: Sequence[str], mend: str, wish: Wish) -> None:
    if objections and not wish.force:
        role = "the anchor" if wish.anchor else "the baseline"
        faults = [Fault(f"cannot become {role}: {what}") for what in objections]
        forced = "promote all the same with --force; what it overrides is kept in the lock"
        raise NotPromotable([*faults, *([Fault(mend)] if mend else []), Fault(forced)])


def _lock(runs: Sequence[_Run], wish: Wish, forced: Sequence[str], outcome: Outcome) -> Lock:
    pooled = pool([run_scores(run.recorded) for run in runs])
    first = pooled.run
    return Lock(
        version=VERSION,
        suite=first.suite_name,
        runs=tuple(_locked(run.recorded.run) for run in runs),
        candidate=first.candidate,
        promoted_at=now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        reason=wish.reason,
        forced=tuple(forced),
        outcome=outcome,
        dataset_digest=first.dataset_digest,
        corpus_digest=first.corpus_digest,
        system_fingerprint=first.system_fingerprint,
        n_cases=len(pooled.cases),
        repeats=first.repeats,
        metrics={
            name: estimate(table, pooled.cases, first.metrics[name]) for name, table in pooled.tables.items()
        },
        config=first.config,
    )


def _locked(run_: Run) -> LockedRun:
    return LockedRun(run_.id, run_.started_at, run_.revision, recording="", sha256="")


def _write(lock_path: Path, lock: Lock, runs: Sequence[_Run], wish: Wish) -> Lock:
    return write_baseline(lock_path, lock, [run.packed(keep_text=wish.keep_text) for run in runs])


def _replaced(lock_path: Path) -> tuple[str, ...]:
    try:
        return tuple(run.id for run in read_lock(lock_path).runs)
    except UsageError:
        return ()


def _outcome_of_most(reports: Sequence[Report]) -> Outcome:
    """The median of the runs' outcomes; of an even number, the worse of the middle two."""
    order: tuple[Outcome, ...] = ("fail", "inconclusive", "pass")
    return sorted((report.outcome for report in reports), key=order.index)[(len(reports) - 1) // 2]
