"""What keeps runs from becoming a baseline: what they lack, their verdicts, and being chosen by score."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.api.deciding import suite_of
from harness.api.references import ids_of
from harness.baselines import Baseline
from harness.cases import outlines
from harness.comparison import SAME, estimate, run_scores
from harness.pooling import pool
from harness.types import Recorded, Report, Verdict


def faults_of(recorded: Recorded) -> list[str]:
    """What keeps a run from being a baseline, whatever it is compared with."""
    found = []
    if not recorded.complete:
        found.append("it is incomplete")
    if recorded.run.selection:
        found.append("it ran only a part of the goldens")
    if (stop := recorded.stop) is not None:
        asked = f"{stop.asked:,} of {stop.planned:,} cases"
        mend = f"ask the rest with --no-early-stop --resume {recorded.run.id}"
        found.append(f"it stopped early, after {asked}: {mend}")
    if (recorded.run.revision or "").endswith("-dirty"):
        found.append(f"it was run on changes that are not committed (revision {recorded.run.revision})")
    return found


def answered_before(recorded: Recorded) -> list[str]:
    """What keeps a run from standing beside others: the same answers once more are no more evidence."""
    if any(result.response.cached for result in recorded.results):
        return ["answers came from a cache: how much runs vary is not to be seen in them (--no-cache)"]
    return []


def verdicts_against(reports: Sequence[Report]) -> list[str]:
    """The gates that half of the runs or more do not pass.

    Asking it of every run would have the unlucky ones left out. Those that wait for a first baseline or
    anchor are no objection.
    """
    there = {"anchor": reports[0].anchor is not None, "baseline": reports[0].baseline is not None}
    waiting = {
        gate_.id
        for gate_ in suite_of(reports[0].run).gates
        if gate_.kind == "drop" and not there[gate_.against or "baseline"]
    }
    found: dict[str, list[tuple[str, Verdict]]] = {}
    for report in reports:
        for verdict in report.verdicts:
            if verdict.outcome != "pass" and verdict.gate not in waiting:
                found.setdefault(verdict.gate, []).append((report.run.id, verdict))
    return [
        f"run {run_id!r}: gate {verdict.gate!r}: {verdict.outcome}: {verdict.reason}"
        for against in found.values()
        if 2 * len(against) >= len(reports)
        for run_id, verdict in against
    ]


def chosen_by_score(runs: Sequence[Recorded], judged: Collection[str], present: Baseline) -> dict[str, str]:
    """Name the runs that were compared with the present baseline and found better.

    Promoting the better of the runs that were judged moves the baseline to luck: a system that stays the same
    then fails more often than its gates say. Fresh runs beside such a run only dilute it: with the best of
    ten alone a test at 5 % fails an unchanged system in 24 to 26 % of runs, with it and a fresh one in 13 to
    14 % (400 simulated projects of 200 cases, binary and graded scores).

    Args:
        runs: to be promoted; those that are in the baseline already are no choice.
        judged: ids of the runs that were compared with it.
        present: the baseline.

    Returns:
        the objection to each such run, by its id.
    """
    known = ids_of(present)
    found = {
        recorded.run.id: metric
        for recorded in runs
        if recorded.run.id in judged
        and recorded.run.id not in known
        and (metric := _better_on(recorded, present)) is not None
    }
    return {
        name: f"it was judged against the present baseline and found better on {metric}: that may be luck"
        for name, metric in found.items()
    }


def _better_on(recorded: Recorded, present: Baseline) -> str | None:
    """The first metric of a gate on a drop on which a run's mean is better than the baseline's."""
    earlier, later = pool([run_scores(item) for item in present.runs]), run_scores(recorded)
    digests = present.runs[0].digests
    cases = [case for case in outlines(recorded.cases) if digests.get(case.id) == recorded.digests[case.id]]
    for name in dict.fromkeys(item.metric for item in suite_of(recorded.run).gates if item.kind == "drop"):
        if name is None or name not in earlier.tables or name not in later.tables:
            continue
        identity = recorded.run.metrics[name]
        before = estimate(earlier.tables[name], cases, identity).value
        after = estimate(later.tables[name], cases, identity).value
        if before is None or after is None:
            continue
        if (after - before if identity.higher_is_better else before - after) > SAME:
            return name
    return None
