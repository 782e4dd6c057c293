"""What runs are compared with: the baselines and anchors there are, and what a report says of its own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from harness.baselines import Baseline, read_baseline, read_lock
from harness.comparison import estimate, run_scores
from harness.errors import Fault, Place, UsageError
from harness.places import FRESH, Places, anchor_lock, baseline_lock
from harness.pooling import complete_values, differences, pool
from harness.recordings import read
from harness.types import Recorded, Run

if TYPE_CHECKING:
    from harness.stats.shocks import RunShock

NO_BASELINE = Fault(
    "there is no baseline yet",
    mend='make a good run the baseline with `harness baseline promote RUN --reason "..."`',
)


ONCE = "answers count once in a baseline: leave one of the runs out"
NO_ANCHOR = Fault(
    "there is no baseline of a release yet",
    mend="keep that of a release with `harness baseline promote RUN --anchor`",
)


def find_baseline(
    names: tuple[str, ...], suite_path: Path, suite_name: str, places: Places
) -> tuple[Baseline | None, Fault]:
    """Find what to compare with: runs or lock files by name, or by default the suite's own lock.

    Returns:
        the baseline or None, and why there is none.

    Raises:
        UsageError: the runs are not of one system.
    """
    if names:
        return _named_baseline(names, places), NO_BASELINE
    lock_path = baseline_lock(suite_path, suite_name)
    if lock_path.is_file():
        return one_system(read_baseline(lock_path)), NO_BASELINE
    if not suite_path.is_file():
        return None, Fault(
            f"the suite is not at {suite_path}", mend="run from the project's folder, or name a --baseline"
        )
    return None, NO_BASELINE


def find_anchor(suite_path: Path, suite_name: str) -> tuple[Baseline | None, Fault]:
    """Find the baseline of the suite's last release; None, and why, where none is kept."""
    lock_path = anchor_lock(suite_path, suite_name)
    found = one_system(read_baseline(lock_path)) if lock_path.is_file() else None
    return found, NO_ANCHOR


def fresh_beside(path: Path) -> Recorded | None:
    """Read the fresh sample of a baseline that was asked with a run; None where there is none.

    Args:
        path: the run's own recording.
    """
    beside = path.with_name(FRESH)
    return read(beside) if beside.is_file() else None


def fresh_of(run_: Run) -> float | None:
    """Give the share of the baseline that a run was begun with a fresh sample of; None: it was not."""
    found = run_.suite.get("baseline")
    share = found.get("fresh") if isinstance(found, dict) else None
    return share if isinstance(share, (int, float)) else None


def without_fresh(recorded: Recorded) -> Recorded:
    """Give a run of a baseline as if it had been asked alone: what was asked with it is not kept."""
    if fresh_of(recorded.run) is None:
        return recorded
    settings = {name: value for name, value in recorded.run.suite["baseline"].items() if name != "fresh"}
    return replace(recorded, run=replace(recorded.run, suite={**recorded.run.suite, "baseline": settings}))


def _named_baseline(names: tuple[str, ...], places: Places) -> Baseline:
    found: dict[str, Recorded] = {}
    for name in names:
        locked = name.endswith(".lock.json")
        known = next((recorded.cases for recorded in found.values()), ())
        runs = read_baseline(Path(name)).runs if locked else (read(places.find_recording(name), known),)
        for recorded in runs:
            if found.setdefault(recorded.run.id, recorded) is not recorded:
                raise UsageError(f"run {recorded.run.id!r} is named twice")
    return one_system(Baseline(in_order(found.values())))


def in_order(runs: Iterable[Recorded]) -> tuple[Recorded, ...]:
    """Sort the runs of a baseline, the earliest first."""
    return tuple(sorted(runs, key=lambda recorded: (recorded.run.started_at, recorded.run.id)))


def ids_of(baseline: Baseline) -> tuple[str, ...]:
    """Give the ids of the runs of a baseline, in order."""
    return tuple(recorded.run.id for recorded in baseline.runs)


def one_system(baseline: Baseline) -> Baseline:
    """Give it back if all of its runs are of one system, asked the same and scored the same.

    Raises:
        UsageError: they are not; it says in what they differ.
    """
    first, *others = (recorded.run for recorded in baseline.runs)
    faults = [
        Fault(f"runs {first.id!r} and {other.id!r} cannot be one baseline: they differ in {said}")
        for other in others
        if (said := "; ".join(differences(first, other)))
    ]
    runs = [recorded.run for recorded in baseline.runs]
    faults += [
        Fault(f"runs {one.id!r} and {other.id!r} hold the same answers, those of {one.origin!r}", mend=ONCE)
        for one, other in combinations(runs, 2)
        if one.origin == other.origin
    ]
    if faults:
        raise UsageError(faults)
    return baseline


def verify_baseline(lock_path: Path) -> Baseline:
    """Check that a baseline is what its lock says: its files, one system, the facts that all runs share.

    Raises:
        RecordingError: a recording is missing, or not the one that was promoted.
        UsageError: no lock, runs of several systems, or a lock that says something else than its recordings.
    """
    lock = read_lock(lock_path)
    found = one_system(read_baseline(lock_path))
    first = found.runs[0].run
    told = {
        "suite": (lock.suite, first.suite_name),
        "goldens": (lock.dataset_digest, first.dataset_digest),
        "corpus": (lock.corpus_digest, first.corpus_digest),
        "system": (lock.system_fingerprint, first.system_fingerprint),
        "repeats": (lock.repeats, first.repeats),
        "config": (lock.config, first.config),
    }
    wrong = [name for name, (said, is_) in told.items() if said != is_]
    if wrong:
        what = f"the lock is not about its recordings: {', '.join(wrong)}"
        raise UsageError(what, Place(str(lock_path)), "restore it, or promote anew with --force")
    return found


def spreads(baseline: Baseline) -> dict[str, tuple[tuple[float | None, ...], RunShock | None]]:
    """Give by metric the mean of each run, and of several runs how far they lie apart.

    None in place of a mean: the run has no value; in place of the spread: no case has one in every run.
    """
    from harness.stats.shocks import run_shock

    scores = pool([run_scores(recorded) for recorded in baseline.runs])
    found: dict[str, tuple[tuple[float | None, ...], RunShock | None]] = {}
    for name in scores.tables if scores.runs else ():
        tables = [run[name] for run in scores.runs]
        identity = scores.run.metrics[name]
        means = tuple(estimate(table, scores.cases, identity).value for table in tables)
        values, clusters = complete_values(tables, scores.cases)
        found[name] = means, run_shock(values, clusters) if clusters else None
    return found


class Told(msgspec.Struct):
    """What a report in JSON says of its baseline."""

    baseline: Run | None = None
    baseline_runs: tuple[Run, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the baseline's runs; none without a baseline."""
        runs = self.baseline_runs or ((self.baseline,) if self.baseline is not None else ())
        return tuple(run_.id for run_ in runs)


def told_of(path: Path) -> Told | None:
    """Read of a report in JSON what it was compared with; None where there is no such report."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError):
        return None
