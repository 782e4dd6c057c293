"""Gate a recorded run against a baseline, and promote a run to be the baseline."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.api.rendering import FORMATS, render
from harness.baselines import VERSION, Lock, NotPromotable, read_baseline, write_baseline
from harness.comparison import check_comparable, run_scores
from harness.errors import Fault, HarnessError, NotComparable, RecordingError
from harness.findings import Runs, make_report
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.places import Places, baseline_lock, kept_path, now
from harness.recordings import read
from harness.suites.suite import SuiteFile
from harness.types import Recorded, Report, Run, Suite, Timings

NO_BASELINE = Fault(
    "there is no baseline yet",
    mend='make a good run the baseline with `harness baseline promote RUN --reason "..."`',
)


def gate(
    candidate: Recorded,
    baseline: Recorded | None,
    *,
    no_baseline: Fault = NO_BASELINE,
    suite_file: SuiteFile | None = None,
    intersect: bool = False,
) -> Report:
    """Decide every gate of the run's suite (or of ``suite_file``) and assemble the report.

    Args:
        candidate: the run.
        baseline: what it is compared with; None, or not comparable: gates on a drop are inconclusive.
        no_baseline: why there is none (each such gate says so), and what to do (said once).
        suite_file: decide these gates, and not those that the run was recorded with.
        intersect: where the goldens differ, compare the cases that are the same.
    """
    if suite_file is not None:
        candidate = _with_gates_of(suite_file, candidate)
    suite = _suite_of(candidate.run)
    candidate, baseline = _repeatable(candidate), _repeatable(baseline) if baseline else None
    said = [*candidate.notices]
    unchanged = None
    if baseline is not None:
        try:
            said += check_comparable(baseline.run, candidate.run, intersect=intersect)
        except NotComparable as refusal:
            no_baseline, baseline = refusal.faults[0], None
        else:
            unchanged = _unchanged(baseline, candidate)
            said += baseline.notices
            said += _case_notices(baseline, candidate, unchanged)
    if baseline is None and no_baseline.mend:
        said.append(f"{no_baseline.what}: {no_baseline.mend}")
    if not candidate.complete:
        said.append("the run is incomplete: cases without a result count as unscored")
    evidence = Evidence(
        suite=suite,
        candidate=run_scores(candidate),
        baseline=run_scores(baseline) if baseline else None,
        no_baseline=no_baseline.what,
        unchanged=unchanged,
    )
    verdicts = decide_all(evidence, candidate.run.gate_lines)
    return make_report(
        Runs(candidate, baseline, evidence), verdicts, tuple(said), reproduce_command(candidate.run)
    )


def _with_gates_of(file: SuiteFile, recorded: Recorded) -> Recorded:
    """Give the run as if it had been recorded with this suite, and say so."""
    path = kept_path(file.path)
    run_ = replace(
        recorded.run, suite=msgspec.to_builtins(file.suite), suite_path=path, gate_lines=file.lines
    )
    notice = f"decided by the gates of {path}, not by those that the run was recorded with"
    return replace(recorded, run=run_, notices=(*recorded.notices, notice))


def _repeatable(recorded: Recorded) -> Recorded:
    """Leave out what cannot be repeated: when it was run, and times unless the suite is about them."""
    recorded = replace(recorded, run=replace(recorded.run, started_at=""))
    if any(identity.unit in ("s", "ms") for identity in recorded.run.metrics.values()):
        return recorded
    results = tuple(
        replace(result, response=replace(result.response, timings=Timings())) for result in recorded.results
    )
    return replace(recorded, results=results)


def _case_notices(baseline: Recorded, candidate: Recorded, unchanged: frozenset[str] | None) -> list[str]:
    """Say which cases were changed, added or taken away since the baseline, or never run by it."""
    ours, theirs = set(candidate.digests), set(baseline.digests)
    said = []
    if unchanged is None:
        if ours - theirs:
            said.append(f"the baseline ran {len(ours & theirs):,} of these {len(ours):,} cases only")
    else:
        counts = {"changed": len(ours & theirs) - len(unchanged), "new": len(ours - theirs)}
        said += [
            f"{_cases(count)} {what} since the baseline and not compared"
            for what, count in counts.items()
            if count
        ]
        if theirs - ours and not candidate.run.selection and candidate.stop is None:
            said.append(f"{_cases(len(theirs - ours))} in the baseline and no longer in the goldens")
    if candidate.run.selection:
        said.append("only a part of the goldens was run")
    return said


def _unchanged(baseline: Recorded, candidate: Recorded) -> frozenset[str] | None:
    """Ids of the cases that may be compared; None where the goldens are the same, and so every case may.

    A case of the same goldens that the baseline never ran is unscored there, not new: it stays in the
    comparison, at its worst.
    """
    if baseline.run.dataset_digest == candidate.run.dataset_digest:
        return None
    theirs = baseline.digests
    return frozenset(
        case_id for case_id, digest in candidate.digests.items() if theirs.get(case_id) == digest
    )


def _suite_of(run_: Run) -> Suite:
    try:
        return msgspec.convert(run_.suite, Suite)
    except msgspec.ValidationError as error:
        raise RecordingError(
            f"the suite of run {run_.id!r} is not as this version of harness reads it: {error}",
            mend="decide it by a suite file with `harness gate RUN --suite FILE`",
        ) from error


def _cases(count: int) -> str:
    return "1 case is" if count == 1 else f"{count:,} cases are"


def reproduce_command(run_: Run) -> str:
    """The command that asks one case again; ``{case}`` stands for its id."""
    candidate = f" --candidate {shlex.quote(run_.candidate)}" if run_.candidate else ""
    return f"harness run {shlex.quote(run_.suite_path)}{candidate} --case {{case}}"


def find_baseline(
    name: str | None, suite_path: Path, suite_name: str, places: Places
) -> tuple[Recorded | None, Fault]:
    """Find what to compare with: a run, a lock file, or by default the suite's own lock.

    Returns:
        the baseline or None, and why there is none.
    """
    if name is not None and name.endswith(".lock.json"):
        return read_baseline(Path(name)), NO_BASELINE
    if name is not None:
        return read(places.find_recording(name)), NO_BASELINE
    lock_path = baseline_lock(suite_path, suite_name)
    if lock_path.is_file():
        return read_baseline(lock_path), NO_BASELINE
    if not suite_path.is_file():
        return None, Fault(
            f"the suite is not at {suite_path}", mend="run from the project's folder, or name a --baseline"
        )
    return None, NO_BASELINE


def repeat_report(recorded: Recorded, places: Places) -> Report | None:
    """Make again the report that stands in a run's folder, against what it was compared with.

    Returns:
        None where there is none, or it does not come out the same any more: gates of another file,
        a baseline that is gone.
    """
    path = places.run_folder(recorded.run.id) / FORMATS["json"][0]
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    try:
        told = msgspec.json.decode(text, type=_Told).baseline
    except msgspec.DecodeError:
        return None
    for baseline in _possible_baselines(recorded.run, told, places):
        intersect = told is not None and told.dataset_digest != recorded.run.dataset_digest
        report = gate(recorded, baseline, intersect=intersect)
        if render(report, ["json"])["json"] == text:
            return report
    return None


class _Told(msgspec.Struct):
    """What a report in JSON says of its baseline."""

    baseline: Run | None


def _possible_baselines(run_: Run, told: Run | None, places: Places) -> Iterator[Recorded | None]:
    if told is None:
        yield None
    try:
        locked, _ = find_baseline(None, Path(run_.suite_path), run_.suite_name, places)
        if locked is not None and (told is None or told.id == locked.run.id):
            yield locked
        if told is not None and places.recording(told.id).is_file():
            yield read(places.recording(told.id))
    except HarnessError:  # changed or damaged since
        return


def promote(
    candidate: Recorded,
    lock_path: Path,
    *,
    reason: str,
    report: Report,
    keep_text: bool = False,
    force: bool = False,
) -> Lock:
    """Make a run the baseline of its suite.

    Args:
        candidate: the run.
        lock_path: the suite's lock file.
        reason: why, for the log.
        report: the gates' word on the run against the baseline that it replaces.
        keep_text: keep texts in the baseline's recording.
        force: promote all the same.

    Raises:
        NotPromotable: the run is incomplete, partial, failed or undecided, unless forced.
    """
    run_ = candidate.run
    objections = []
    if not candidate.complete:
        objections.append("it is incomplete")
    if run_.selection:
        objections.append("it ran only a part of the goldens")
    if candidate.stop is not None:
        stop = candidate.stop
        objections.append(
            f"it stopped early, after {stop.asked:,} of {stop.planned:,} cases:"
            f" ask the rest with --no-early-stop --resume {run_.id}"
        )
    if (run_.revision or "").endswith("-dirty"):
        objections.append(f"it was run on changes that are not committed (revision {run_.revision})")
    # Without an earlier baseline the gates on a drop have nothing to say, and that is no objection.
    waiting = {gate.id for gate in _suite_of(run_).gates if gate.kind == "drop" and report.baseline is None}
    objections += [
        f"gate {verdict.gate!r}: {verdict.outcome}: {verdict.reason}"
        for verdict in report.verdicts
        if verdict.outcome != "pass" and verdict.gate not in waiting
    ]
    if objections and not force:
        raise NotPromotable(
            [Fault(f"run {run_.id!r} cannot become the baseline: {what}") for what in objections]
            + [Fault("promote it all the same with --force; the reason is kept in the lock")]
        )
    lock = Lock(
        version=VERSION,
        suite=run_.suite_name,
        run=run_.id,
        candidate=run_.candidate,
        promoted_at=now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        reason=reason,
        outcome=report.outcome,
        recording=lock_path.name.removesuffix(".lock.json") + ".recording.jsonl.gz",
        sha256="",
        dataset_digest=run_.dataset_digest,
        corpus_digest=run_.corpus_digest,
        system_fingerprint=run_.system_fingerprint,
        revision=run_.revision,
        n_cases=len(candidate.cases),
        repeats=run_.repeats,
        metrics=report.estimates,
        config=run_.config,
    )
    write_baseline(candidate, lock_path, lock, keep_text=keep_text)
    return lock
