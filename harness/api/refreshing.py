"""Ask a baseline's own system again: a fresh sample by itself, or beside a candidate."""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec.structs import replace

from harness.api.asking import Plan
from harness.api.beginning import RunOptions, plan_run
from harness.api.looking import DecideLook
from harness.api.references import fresh_beside, fresh_of
from harness.api.validating import Checked
from harness.baselines import Baseline
from harness.cases import outlines
from harness.comparison import run_scores
from harness.errors import NotComparable, UsageError
from harness.freshness import (
    Compared,
    Freshness,
    differs_in,
    drops_compared,
    fresh_cases,
    is_enough,
    judge_fresh,
)
from harness.gates.drop_tests import MIN_CLUSTERS, MIN_PAIRS
from harness.places import Places, new_run_id, now, shown_path
from harness.planning import Selection
from harness.pooling import pool
from harness.recordings import read_planned
from harness.suites.suite import choose_system
from harness.systems.callables import folder_importable
from harness.types import Case, Recorded, Run, Suite


def with_sample(
    checked: Checked,
    options: RunOptions,
    wanted: float | None,
    baseline: Baseline | None,
    places: Places,
    *,
    intersect: bool,
) -> tuple[RunOptions, RunOptions | None]:
    """Say how a check is run, and how a fresh sample of its baseline is asked with it; None: none is.

    There is none where only a part of the goldens is run, without a baseline, and without a gate on a drop
    from it. A run that is gone on with keeps what it was begun with.

    Args:
        checked: the suite.
        options: of the check.
        wanted: share of the baseline's cases, as the command line says; None: as the suite does; 0: none.
        baseline: what is compared with, if anything.
        places: where runs lie.
        intersect: where the goldens differ, draw from the cases that are the same.

    Raises:
        UsageError, NotComparable: a fresh sample is wanted and cannot be had.
    """
    before = read_planned(places.find_recording(options.resume)).run if options.resume else None
    seed = options.seed if before is None else before.seed
    if before is not None:
        share = fresh_of(before)
        if wanted is not None and (wanted or None) != share:
            raise UsageError(f"run {before.id!r} was begun with other --fresh", mend="leave it out")
    else:
        share = _share(checked.file.suite, wanted, options, baseline)
        options = replace(options, fresh=share, run_id=options.run_id or new_run_id(now()))
    if share is None or baseline is None:
        return options, None
    return options, plan_sample(checked, baseline, share, seed, intersect=intersect)


def _share(
    suite: Suite, wanted: float | None, options: RunOptions, baseline: Baseline | None
) -> float | None:
    share = suite.baseline.fresh if wanted is None else wanted or None
    if share is None:
        return None
    why = ""
    if options.cache == "only":
        why = "with --cache-only nobody is asked"
    elif options.selection.facts():
        why = "only a part of the goldens is run"
    elif baseline is None:
        why = "there is no baseline yet"
    elif not any(gate.kind == "drop" and gate.against != "anchor" for gate in suite.gates):
        why = "no gate is on a drop from the baseline"
    if why and wanted is not None:
        raise UsageError(f"--fresh: {why}", mend="leave it out")
    if why:
        sys.stderr.write(f"note: no fresh sample of the baseline is asked: {why}\n")
    return None if why else share


def plan_sample(
    checked: Checked, baseline: Baseline, share: float, seed: int | None, *, intersect: bool = False
) -> RunOptions:
    """Draw a fresh sample, and say how the baseline's system is asked it.

    Args:
        checked: the suite, whose gates say which metrics are compared.
        baseline: whose system is asked.
        share: of the baseline's cases; more where that is too few to say anything.
        seed: of the sample; None: the suite's.
        intersect: where the goldens differ, draw from the cases that are the same.

    Raises:
        UsageError: the suite does not describe the baseline's system any more, or scores otherwise.
        NotComparable: too few cases to say anything.
    """
    scores = pool([run_scores(recorded) for recorded in baseline.runs])
    suite, dataset, first = checked.file.suite, checked.dataset, scores.run
    seed = suite.seed if seed is None else seed
    tested = drops_compared(suite, scores, scores.cases)
    _check_same_system(checked, first, tested, intersect=intersect)
    theirs = baseline.runs[0].digests
    cases = [case for case in outlines(dataset.cases) if theirs.get(case.id) == dataset.digests[case.id]]
    _check_enough(cases, tested, suite)
    drawn = fresh_cases(cases, scores, {one.metric for one in tested}, share, seed)
    selection = Selection(case_ids=tuple(case.id for case in drawn))
    return RunOptions(first.candidate, selection, seed, first.repeats, cache="verdicts")  # fresh answers


def _check_same_system(
    checked: Checked, first: Run, tested: tuple[Compared, ...], *, intersect: bool
) -> None:
    """Refuse where the suite's system is not the baseline's: its answers would say nothing of it."""
    file = checked.file
    path = shown_path(file.path)
    again = f"or record the baseline again: `harness run {path}`, then `harness baseline promote`"
    if first.dataset_digest != checked.dataset.digest and not intersect:
        mend = f"ask those that are the same with --intersect, {again}"
        raise UsageError("the goldens are not those of the baseline any more", mend=mend)
    if first.candidate and first.candidate not in file.suite.candidates:
        raise UsageError(
            f"the baseline is of candidate {first.candidate!r}, which the suite has no more",
            mend=f"put it back under `candidates:`, {again}",
        )
    with folder_importable(Path.cwd()):
        plan = Plan(file, checked.dataset, choose_system(file, first.candidate))
        planned, _ = plan_run(plan, RunOptions(candidate=first.candidate, repeats=first.repeats))
    if intersect:
        planned = replace(planned, dataset_digest=first.dataset_digest)
    if said := differs_in(first, planned, tested):
        raise UsageError(
            f"the baseline's system cannot be asked again: the suite differs from it in {'; '.join(said)}",
            mend=f"keep `system:` as it was and put a change under `candidates:`, {again}",
        )


def _check_enough(cases: list[Case], tested: tuple[Compared, ...], suite: Suite) -> None:
    documents = len({case.cluster for case in cases})
    if not is_enough(cases, MIN_PAIRS, MIN_CLUSTERS):
        raise NotComparable(
            f"{len(cases)} cases from {documents} documents are too few to tell whether a baseline holds",
            mend=f"it takes {MIN_PAIRS} from {MIN_CLUSTERS}",
        )
    if not tested:
        drops = any(gate.kind == "drop" for gate in suite.gates)
        what = "no gate on a drop has a metric with enough cases" if drops else "no gate is on a drop"
        raise NotComparable(f"{what}: there is nothing to compare", mend="see max_drop in docs/gates.md")


def judge(fresh: Recorded | None, baseline: Baseline, suite: Suite, *, intersect: bool = False) -> Freshness:
    """Say whether a baseline still holds, by the drops that a suite's gates are about."""
    scores = pool([run_scores(recorded) for recorded in baseline.runs])
    return judge_fresh(fresh, scores, suite, intersect=intersect)


def look_where_it_holds(
    decide_look: DecideLook,
    options: RunOptions,
    baseline: Baseline,
    suite: Suite,
    places: Places,
    *,
    intersect: bool,
) -> DecideLook:
    """Take a look only where the fresh sample beside a run says that the baseline holds.

    Args:
        decide_look: the look; where the baseline does not hold, it never stops the run.
        options: of the run, with its id.
        baseline: what the run is compared with.
        suite: its gates.
        places: where runs lie.
        intersect: as the run is gated.
    """
    resumed = options.resume
    path = places.find_recording(resumed) if resumed else places.recording(options.run_id or "")

    def decide(so_far: Recorded, look: int, looks: int) -> str:
        found = judge(fresh_beside(path), baseline, suite, intersect=intersect)
        return decide_look(so_far, look, looks) if found.state == "holds" else ""

    return decide
