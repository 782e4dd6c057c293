"""Compare several recorded runs as candidates: what may be compared, by which suite, on which metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from harness.api.trusting import with_trust
from harness.candidates.assemble import Asked, assemble
from harness.candidates.entrants import USAGE, entrant_of
from harness.candidates.race import dropped_by
from harness.cases import outlines
from harness.comparison import differing_metrics
from harness.errors import NotComparable, RecordingError, UsageError, did_you_mean
from harness.places import Places
from harness.registry import load_object
from harness.suites.suite import SuiteFile
from harness.types import Candidates, Choose, Race, Recorded, Suite, metric_of

FORMATS = {
    "html": ("candidates.html", "harness.report.candidates:render"),
    "json": ("candidates.json", "harness.report.candidates_json:render"),
}
"""Format to file name and renderer."""
_LONGEST = 80


def compare_candidates(
    recordings: Sequence[Recorded],
    *,
    suite_file: SuiteFile | None = None,
    metrics: Sequence[str] = (),
    intersect: bool = False,
    race: Race | None = None,
) -> Candidates:
    """Put two or more runs on the same goldens side by side.

    Args:
        recordings: the runs, in any order.
        suite_file: whose ``choose:`` and slices to use; None: those that the runs were recorded with.
        metrics: show these only; the first decides quality where the suite declares no ``choose:``.
        intersect: where the goldens differ, compare the cases that are the same.
        race: how the runs came about, if by a race.

    Raises:
        UsageError: fewer than two runs, a run twice, a metric that they did not score, or runs recorded with
            different ``choose:``.
        NotComparable: the goldens differ (and not ``intersect``), or no metric is shared.
    """
    _check_runs(recordings)
    recordings = sorted(map(with_trust, recordings), key=lambda recorded: recorded.run.id)
    shared, notices = _shared_metrics(recordings)
    suite = suite_file.suite if suite_file else _suite_of(recordings)
    cases, said = _same_cases(recordings, intersect=intersect)
    choose = suite.choose or Choose(quality=_first_quality(recordings[0], metrics or shared))
    if not choose.require:
        said.append("no limits are declared: `choose:` in the suite says what a candidate has to keep to")
    if choose.quality not in metrics:
        metrics = (choose.quality, *(metrics or (name for name in shared if name != choose.quality)))
    metrics = (choose.quality, *(name for name in metrics if name != choose.quality and name not in USAGE))
    _check_metrics(metrics, shared, recordings[0])
    dropped = dropped_by(race) if race is not None else {}
    entrants = [
        entrant_of(recorded, cases)._replace(dropped=dropped.get(recorded.run.id, ""))
        for recorded in recordings
    ]
    notices += [*said, *_incomplete(recordings)]
    return assemble(entrants, Asked(suite, metrics, choose), notices, race)


def _check_runs(recordings: Sequence[Recorded]) -> None:
    if len(recordings) < 2:
        raise UsageError("one run is nothing to compare", mend="name two runs or more")
    ids = sorted(recorded.run.id for recorded in recordings)
    for one, other in pairwise(ids):
        if one == other:
            raise UsageError(f"run {one!r} is named twice", mend="name each run once")


def _shared_metrics(recordings: Sequence[Recorded]) -> tuple[list[str], list[str]]:
    """Metrics that mean the same in every run, in the order of the first; and what is left out."""
    first, *others = [recorded.run for recorded in recordings]
    differing = sorted({name for other in others for name in differing_metrics(first, other)})
    names = [name for name in first.metrics if all(name in other.metrics for other in others)]
    shared = [name for name in names if name not in differing]
    if not shared:
        raise NotComparable("the runs share no metric of the same version", mend="run them again")
    return shared, [f"{name!r} differs in version or judge: it is left out" for name in differing]


def _suite_of(recordings: Sequence[Recorded]) -> Suite:
    """The suite of the run that was started last; all must have been recorded with the same ``choose:``."""
    latest = max(recordings, key=lambda recorded: (recorded.run.started_at, recorded.run.id))
    declared = {msgspec.json.encode(recorded.run.suite.get("choose")) for recorded in recordings}
    if len(declared) > 1:
        raise UsageError(
            "the runs were recorded with different `choose:`", mend="name the one to go by with --suite FILE"
        )
    try:
        return msgspec.convert(latest.run.suite, Suite)
    except msgspec.ValidationError as error:
        raise RecordingError(
            f"the suite of run {latest.run.id!r} is not as this version of harness reads it: {error}",
            mend="name a suite file with --suite FILE",
        ) from error


def _same_cases(recordings: Sequence[Recorded], *, intersect: bool) -> tuple[frozenset[str], list[str]]:
    """Ids of the cases that are the same in every run that has them."""
    digests: dict[str, set[str]] = {}
    for recorded in recordings:
        for case_id, digest in recorded.digests.items():
            digests.setdefault(case_id, set()).add(digest)
    same = frozenset(case_id for case_id, found in digests.items() if len(found) == 1)
    said = []
    first = recordings[0].run
    other = next((r.run for r in recordings if r.run.dataset_digest != first.dataset_digest), None)
    if other is not None:
        if not intersect:
            raise NotComparable(
                f"the goldens of runs {first.id!r} and {other.id!r} differ",
                mend="compare only unchanged cases with --intersect",
            )
        changed = len(digests) - len(same)
        what = "1 case that changed is" if changed == 1 else f"{changed:,} cases that changed are"
        said.append(f"the goldens differ: {what} left out")
    if len({recorded.run.corpus_digest for recorded in recordings}) > 1:
        said.append("the corpus is not the same in all runs")
    shared = [{case.id for case in outlines(recorded.cases)} & same for recorded in recordings]
    if not set.intersection(*shared):
        raise NotComparable("the runs have no case in common", mend="run them on the same goldens")
    if len({len(ids) for ids in shared}) > 1:
        said.append(
            f"the runs asked between {min(map(len, shared)):,} and {max(map(len, shared)):,} cases: "
            "each pair is compared on those in common"
        )
    return same, said


def _first_quality(recorded: Recorded, names: Sequence[str]) -> str:
    """The first metric with an upper end that no judge scores, else the first: quality where nobody says."""
    known = recorded.run.metrics
    able = [name for name in names if name in known and known[name].high is not None]
    if able:
        return next((name for name in able if metric_of(name) not in recorded.run.judges), able[0])
    if names and names[0] not in known:
        raise UsageError(f"no run scored {names[0]!r}", mend=did_you_mean(names[0], known))
    raise UsageError(
        "no metric of the runs has an upper end: there is no quality to compare",
        mend="say which with `choose: { quality: METRIC }` in the suite",
    )


def _check_metrics(names: Sequence[str], shared: Sequence[str], recorded: Recorded) -> None:
    for name in names:
        if name not in shared:
            raise UsageError(f"the runs do not all score {name!r}", mend=did_you_mean(name, shared))
    if recorded.run.metrics[names[0]].high is None:
        raise UsageError(f"{names[0]!r} has no upper end: it is no quality", mend="choose another metric")


def _incomplete(recordings: Sequence[Recorded]) -> list[str]:
    return [
        f"run {recorded.run.id} is incomplete: cases without a result count as unscored"
        for recorded in recordings
        if not recorded.complete
    ]


def render_candidates(found: Candidates) -> dict[str, str]:
    """Render in every format: format to text."""
    return {name: load_object(renderer, "renderer")(found) for name, (_, renderer) in FORMATS.items()}


def candidates_folder(found: Candidates, places: Places) -> Path:
    """Where a comparison is written: the runs' ids joined, or a digest of them where that is too long.

    The same runs in any order have the same folder.
    """
    ids = sorted(candidate.run.id for candidate in found.candidates)
    name = "+".join(ids)
    if len(name) > _LONGEST:
        name = f"{len(ids)}-runs-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return places.reports / "compare" / name
