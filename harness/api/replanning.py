"""What a run becomes that is scored again: its cases, goldens, metrics and judges as they are now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from harness import __version__
from harness.api.beginning import command_of
from harness.api.judging import judge_identities
from harness.api.references import fresh_of
from harness.api.validating import Checked
from harness.cases import by_id, outlines, picked
from harness.errors import Fault, UsageError
from harness.places import kept_path
from harness.planning import identity_of
from harness.recordings import NO_TEXTS
from harness.registry import find_metric
from harness.types import ORIGIN, Case, Dataset, Recorded, Run

SHOWN = 5


def plan_again(
    before: Recorded, run_id: str, checked: Checked, *, intersect: bool
) -> tuple[Recorded, tuple[str, ...]]:
    """Give what a recording becomes (without results), and what is to be said of it.

    Raises:
        UsageError: it cannot be scored by this suite, or its questions are not those of the goldens (and not
            ``intersect``).
    """
    _check(before, checked)
    cases, notices = _cases(before, checked.dataset, intersect=intersect)
    digests = {case.id: checked.dataset.digests[case.id] for case in outlines(cases)}
    stages = {case_id: stage for case_id, stage in before.stages.items() if case_id in digests}
    stop = before.stop and replace(
        before.stop,
        asked=sum(stage < before.stop.look for stage in stages.values()),
        planned=len(stages),
    )
    if set(stages.values()) != set(before.stages.values()):
        raise UsageError(f"run {before.run.id!r} stopped early, and of one of its stages no case is left")
    run_ = _run_of(before.run, run_id, len(cases), checked)
    if intersect and len(cases) < max(len(before.cases), len(checked.dataset.cases)):
        run_ = replace(run_, selection={**run_.selection, "intersect": True})
    return Recorded(run_, cases, digests, (), complete=True, stages=stages, stop=stop), notices


def check_same(there: Recorded, planned: Recorded) -> None:
    """Go on only with what was begun, if it gives the same scores to the same answers.

    Raises:
        UsageError: it does not.
    """
    was, is_ = there.run, planned.run
    if (was.config.get(ORIGIN), was.started_at) != (is_.config[ORIGIN], is_.started_at):
        raise UsageError(
            f"run {was.id!r} was not begun by scoring run {is_.origin!r} again",
            mend="leave --resume out, and give another --run-id",
        )
    checks = (
        ("the goldens", was.dataset_digest, is_.dataset_digest),
        ("the corpus", was.corpus_digest, is_.corpus_digest),
        ("the metrics", was.metrics, is_.metrics),
        ("the judges", was.judges, is_.judges),
        ("the cases", (there.digests, there.stages), (planned.digests, planned.stages)),
    )
    for what, old, new in checks:
        if old != new:
            raise UsageError(f"{what} changed since run {was.id!r} was begun", mend="start a new run")


def _run_of(before: Run, run_id: str, n_cases: int, checked: Checked) -> Run:
    suite, dataset = checked.file.suite, checked.dataset
    with_fresh = replace(suite, baseline=replace(suite.baseline, fresh=fresh_of(before)))
    return replace(
        before,
        id=run_id,
        dataset_digest=dataset.digest,
        dataset_name=dataset.name,
        corpus_digest=dataset.corpus.digest if dataset.corpus else None,
        metrics={name: identity_of(find_metric(name)) for name in suite.metrics},
        judges=judge_identities(suite),
        config={**before.config, ORIGIN: before.origin},
        suite=msgspec.to_builtins(with_fresh),
        suite_path=kept_path(checked.file.path),
        harness_version=__version__,
        n_cases=n_cases,
        gate_lines=checked.file.lines,
    )


def _check(before: Recorded, checked: Checked) -> None:
    run_ = before.run
    if run_.suite_name != checked.file.suite.suite:
        what = f"run {run_.id!r} is of suite {run_.suite_name!r}, not {checked.file.suite.suite!r}"
        raise UsageError(what, mend="name its suite with --suite")
    if any(notice.endswith(NO_TEXTS) for notice in before.notices):
        what = f"run {run_.id!r} was kept without its texts: there is nothing to score"
        raise UsageError(what, mend="score the run's own recording, or promote with --keep-text")
    if not before.complete:
        raise UsageError(f"run {run_.id!r} is incomplete", mend=f"finish it with `{command_of(run_)}`")


def _cases(before: Recorded, dataset: Dataset, *, intersect: bool) -> tuple[Sequence[Case], tuple[str, ...]]:
    """Give the cases that were asked as they are now, and what differs.

    Raises:
        UsageError: what was asked is not what would be asked now, and no intersection is wanted.
    """
    current = {case.id: place for place, case in enumerate(outlines(dataset.cases))}
    asked = [case.id for case in outlines(before.cases)]
    whole_now, whole_then = by_id(dataset.cases), by_id(before.cases)

    def is_other(name: str) -> bool:
        is_same = dataset.digests[name] == before.digests[name]
        return not is_same and whole_now[name].query != whole_then[name].query

    known = frozenset(asked)
    differing = {
        "no longer in the goldens": [name for name in asked if name not in current],
        "asked otherwise now": [name for name in asked if name in current and is_other(name)],
        # A run of a part of the goldens was not to ask the others.
        "not asked then": [] if before.run.selection else [name for name in current if name not in known],
    }
    said = [f"{_named(names)} {what}" for what, names in differing.items() if names]
    if said and not intersect:
        faults = [Fault(f"run {before.run.id!r}: {one}") for one in said]
        mend = "score the other cases with --intersect, or run the system again"
        raise UsageError([*faults[:-1], faults[-1]._replace(mend=mend)])
    left = {*differing["no longer in the goldens"], *differing["asked otherwise now"]}
    kept = [name for name in asked if name not in left]
    if not kept:
        raise UsageError(f"no case that run {before.run.id!r} asked is in the goldens as it was")
    changed = [name for name in kept if dataset.digests[name] != before.digests[name]]
    said = [f"left out: {one}" for one in said]
    if changed:
        said.append(f"{_named(changed)} scored against what the goldens expect now")
    return picked(dataset.cases, [current[name] for name in kept]), tuple(said)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{len(names):,} case{'' if len(names) == 1 else 's'} ({', '.join(names[:SHOWN])}{more})"
