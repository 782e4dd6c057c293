"""Gate a recorded run against a baseline, and make its report again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness.api.correcting import with_judges
from harness.api.keeping import cached_notices
from harness.api.references import (
    NO_ANCHOR,
    NO_BASELINE,
    Told,
    find_anchor,
    find_baseline,
    fresh_beside,
    fresh_of,
    ids_of,
    told_of,
)
from harness.api.rendering import FORMATS, render
from harness.api.trusting import with_trust
from harness.baselines import Baseline
from harness.comparison import RunScores, check_comparable, run_scores
from harness.errors import Fault, HarnessError, NotComparable, RecordingError
from harness.findings import make_report
from harness.freshness import again_text, fresh_notices, judge_fresh, withhold
from harness.gates.decide import decide_all, none_passed
from harness.gates.evidence import Evidence
from harness.gates.since import changed_cases, changed_gates, easier_without
from harness.places import Places, kept_path
from harness.pooling import pool
from harness.recordings import changed, read_all
from harness.regressions import Runs
from harness.suites.suite import SuiteFile
from harness.trust import judging_notices
from harness.types import Recorded, Report, Result, Run, Suite, Timings


def gate(
    candidate: Recorded,
    baseline: Baseline | None,
    *,
    no_baseline: Fault = NO_BASELINE,
    anchor: tuple[Baseline | None, Fault] = (None, NO_ANCHOR),
    suite_file: SuiteFile | None = None,
    intersect: bool = False,
    fresh: Recorded | None = None,
) -> Report:
    """Decide every gate of the run's suite (or of ``suite_file``) and assemble the report.

    Args:
        candidate: the run.
        baseline: what it is compared with; None, or not comparable: gates on a drop are inconclusive.
        no_baseline: why there is none (each such gate says so), and what to do (said once).
        anchor: the baseline of the last release, for gates ``against: anchor``, or why there is none.
        suite_file: decide these gates, and not those that the run was recorded with.
        intersect: where the goldens differ, compare the cases that are the same.
        fresh: the fresh sample of the baseline's system that was asked with the run. Where the run was begun
            with one, no drop is decided unless it says that the baseline still holds.
    """
    if suite_file is not None:
        candidate = _with_gates_of(suite_file, candidate)
    candidate = with_trust(candidate)
    suite = suite_of(candidate.run)
    stale, started_at = _stale(baseline, candidate.run, suite), candidate.run.started_at
    candidate = _repeatable(candidate)
    near = _reference(baseline, no_baseline, candidate, intersect=intersect)
    far = _reference(*anchor, candidate, intersect=intersect)
    said = [*candidate.notices, *cached_notices(candidate), *near.notices]
    if near.runs:
        said += stale
        said += _loosened(near, candidate, suite)
    elif near.missing.mend:
        said.append(f"{near.missing.what}: {near.missing.mend}")
    said += _anchor_notices(suite, far, near)
    said += judging_notices(candidate)
    if not candidate.complete:
        said.append("the run is incomplete: cases without a result count as unscored")
    evidence = _evidence(candidate, suite, near, far, started_at)
    verdicts = decide_all(evidence, candidate.run.gate_lines)
    if suite.baseline.fresh is not None and near.scores is not None:
        found = judge_fresh(fresh, near.scores, suite, intersect=intersect)
        verdicts = withhold(verdicts, found, suite)
        again = again_text(candidate.run.suite_path, near.scores.run.candidate)
        said += fresh_notices(found, again)
    if not candidate.complete:
        verdicts = none_passed(verdicts)
    report = make_report(
        Runs(candidate, near.shown, evidence, far.shown),
        verdicts,
        tuple(said),
        reproduce_command(candidate.run),
    )
    return replace(
        report,
        notices=(*report.notices, *_few_runs(near.runs, suite)),
        baseline_runs=tuple(recorded.run for recorded in near.runs),
        anchor=far.shown.run if far.shown else None,
    )


def evidence_of(
    candidate: Recorded,
    baseline: Baseline,
    anchor: tuple[Baseline | None, Fault] = (None, NO_ANCHOR),
    *,
    intersect: bool = False,
) -> Evidence:
    """Give what the gates of a run's suite are decided on, without a report; as in ``gate``."""
    started_at = candidate.run.started_at
    candidate = _repeatable(with_trust(candidate))
    near = _reference(baseline, NO_BASELINE, candidate, intersect=intersect)
    far = _reference(*anchor, candidate, intersect=intersect)
    return _evidence(candidate, suite_of(candidate.run), near, far, started_at)


def _evidence(
    candidate: Recorded, suite: Suite, near: _Reference, far: _Reference, started_at: str
) -> Evidence:
    found = Evidence(
        suite=suite,
        candidate=run_scores(candidate),
        baseline=near.scores,
        no_baseline=near.missing.what,
        unchanged=near.unchanged,
        anchor=far.scores,
        no_anchor=far.missing.what,
        anchor_unchanged=far.unchanged,
    )
    return with_judges(found, candidate, {"baseline": near.runs, "anchor": far.runs}, started_at)


class _Reference(NamedTuple):
    """What a run is compared with: runs, their pooled scores, what is to be said; or why there is none."""

    runs: tuple[Recorded, ...]
    scores: RunScores | None
    unchanged: frozenset[str] | None
    notices: tuple[str, ...]
    missing: Fault

    @property
    def shown(self) -> Recorded | None:
        """The run whose answers are shown beside the candidate's: the first with texts, else the first."""
        with_texts = (run for run in self.runs if any(case.query.input for case in run.cases))
        return next(with_texts, self.runs[0] if self.runs else None)


def _reference(found: Baseline | None, missing: Fault, candidate: Recorded, *, intersect: bool) -> _Reference:
    """Fold and pool what a run is compared with, if it may be."""
    if found is None:
        return _Reference((), None, None, (), missing)
    runs = tuple(map(_repeatable, found.runs))
    first = runs[0]
    try:
        said = [*check_comparable(first.run, candidate.run, intersect=intersect)]
    except NotComparable as refusal:
        return _Reference((), None, None, (), refusal.faults[0])
    scores = pool([run_scores(recorded) for recorded in runs])
    unchanged = _unchanged(first, candidate)
    said += {notice.partition(": ")[2]: notice for run in reversed(runs) for notice in run.notices}.values()
    said += changed_cases(first, candidate, unchanged)
    return _Reference(runs, scores, unchanged, tuple(said), missing)


def _stale(baseline: Baseline | None, run_: Run, suite: Suite) -> list[str]:
    """Say that the baseline is old; told from the recordings alone, whatever the day of the report is."""
    if baseline is None:
        return []
    age, most = baseline.age_days(run_.started_at), suite.baseline.stale_after_days
    if age is None or most is None or age <= most:
        return []
    old = f"the baseline is {int(age)} days older than this run, stale after {most:g}"
    return [f"{old}: run the system again and promote it"]


def _loosened(near: _Reference, candidate: Recorded, suite: Suite) -> list[str]:
    """Say what the suite and the goldens have become since the baseline that makes it easier to pass."""
    first, said = near.runs[0], list[str]()
    if near.unchanged is not None and near.scores is not None and not candidate.run.selection:
        said += easier_without(first.digests.keys() - near.unchanged, near.scores, suite)
    try:
        return [*said, *changed_gates(suite_of(first.run), suite)]
    except RecordingError:  # of another version: how its gates were is not known
        return said


def _few_runs(runs: Sequence[Recorded], suite: Suite) -> list[str]:
    if not 0 < len(runs) < suite.baseline.runs:
        return []
    count = f"the baseline has {len(runs)} of {suite.baseline.runs} runs"
    return [f"{count}: further ones cost no call per gate and find more"]


def _anchor_notices(suite: Suite, far: _Reference, near: _Reference) -> list[str]:
    """Say what is said of the anchor alone where gates use it, or that none does although it is kept."""
    if any(gate_.against == "anchor" for gate_ in suite.gates):
        said = [f"anchor: {notice}" for notice in far.notices if notice not in near.notices]
        return said if far.runs or not far.missing.mend else [f"{far.missing.what}: {far.missing.mend}"]
    if far.runs:
        return ["a baseline of the last release is kept, and no gate is `against: anchor`"]
    return []


def _with_gates_of(file: SuiteFile, recorded: Recorded) -> Recorded:
    """Give the run as if it had been recorded with this suite, and say so."""
    path = kept_path(file.path)
    suite = replace(file.suite, baseline=replace(file.suite.baseline, fresh=fresh_of(recorded.run)))
    run_ = replace(recorded.run, suite=msgspec.to_builtins(suite), suite_path=path, gate_lines=file.lines)
    notice = f"decided by the gates of {path}, not by those that the run was recorded with"
    return replace(recorded, run=run_, notices=(*recorded.notices, notice))


def _repeatable(recorded: Recorded) -> Recorded:
    """Leave out what cannot be repeated: when it was run, and times unless the suite is about them."""
    recorded = replace(recorded, run=replace(recorded.run, started_at=""))
    if any(identity.unit in ("s", "ms") for identity in recorded.run.metrics.values()):
        return recorded
    return replace(recorded, results=changed(recorded.results, _untimed))


def _untimed(result: Result) -> Result:
    return replace(result, response=replace(result.response, timings=Timings()))


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


def suite_of(run_: Run) -> Suite:
    """Give the suite that a run was recorded with.

    Raises:
        RecordingError: it is not as this version reads it.
    """
    try:
        return msgspec.convert(run_.suite, Suite)
    except msgspec.ValidationError as error:
        raise RecordingError(
            f"the suite of run {run_.id!r} is not as this version of harness reads it: {error}",
            mend="decide it by a suite file with `harness gate RUN --suite FILE`",
        ) from error


def reproduce_command(run_: Run) -> str:
    """The command that asks one case again; ``{case}`` stands for its id."""
    candidate = f" --candidate {shlex.quote(run_.candidate)}" if run_.candidate else ""
    return f"harness run {shlex.quote(run_.suite_path)}{candidate} --case {{case}}"


def repeat_report(recorded: Recorded, places: Places) -> Report | None:
    """Make again the report that stands in a run's folder, against what it was compared with.

    Returns:
        None where there is none, or it does not come out the same any more: gates of another file,
        a baseline that is gone.
    """
    path = places.run_folder(recorded.run.id) / FORMATS["json"][0]
    told = told_of(path)
    if told is None:
        return None
    run_, text, fresh = recorded.run, path.read_text(encoding="utf-8"), fresh_beside(path)
    try:
        anchor = find_anchor(Path(run_.suite_path), run_.suite_name)
    except HarnessError:  # changed or damaged since
        anchor = None, NO_ANCHOR
    for baseline in _possible_baselines(run_, told, places):
        for intersect in (False, True):
            report = gate(recorded, baseline, anchor=anchor, intersect=intersect, fresh=fresh)
            if render(report, ["json"])["json"] == text:
                return report
    return None


def _possible_baselines(run_: Run, told: Told, places: Places) -> Iterator[Baseline | None]:
    if not told.ids:
        yield None
    try:
        locked, _ = find_baseline((), Path(run_.suite_path), run_.suite_name, places)
        if locked is not None and (not told.ids or told.ids == ids_of(locked)):
            yield locked
        if told.ids and all(places.recording(name).is_file() for name in told.ids):
            yield Baseline(read_all(map(places.recording, told.ids)))
    except HarnessError:  # changed or damaged since
        return
