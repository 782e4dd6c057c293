"""One run as a candidate: its scores with what is missing at its worst, and what each case cost and took."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.cases import outlines
from harness.comparison import CaseValue, RunScores, Table, estimate, run_scores
from harness.tails import TAIL, tail_change, tail_interval
from harness.types import (
    UNSCORED,
    Case,
    Estimate,
    MetricIdentity,
    Recorded,
    ResponseError,
    Spending,
    TailChange,
)

COST, LATENCY = "cost_usd", "latency_s"
USAGE = {
    COST: MetricIdentity(1, higher_is_better=False, low=0.0, high=None, unit="USD"),
    LATENCY: MetricIdentity(1, higher_is_better=False, low=0.0, high=None, unit="s"),
}
"""What every recording tells of a case, whether or not the suite measures it."""


class Entrant(NamedTuple):
    """One run that is compared with others.

    ``scores`` are as recorded, with cost and latency among them; ``counted`` has the same by metric with
    every unscored case at the worst of the range, where there is one. ``dropped`` says when and why a race
    dropped it.
    """

    scores: RunScores
    counted: Mapping[str, Table]
    dropped: str = ""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.scores.run.id

    @property
    def cases(self) -> Sequence[Case]:
        """The cases that it is compared on."""
        return self.scores.cases

    def metric(self, name: str) -> MetricIdentity:
        """How to read a metric's numbers."""
        return self.scores.run.metrics[name]

    def lost(self, name: str) -> int:
        """Count the cases that should have a value and have none."""
        table = self.scores.tables[name]
        return sum(case.id not in table or table[case.id].status in UNSCORED for case in self.cases)

    def spared(self, name: str) -> frozenset[str]:
        """The cases that say nothing of a cost or a latency: all of their answers came from a cache."""
        table = self.scores.tables[name]
        ids = [case.id for case in self.cases]
        return frozenset(one for one in ids if one in table and table[one].status == "not_applicable")


def entrant_of(recorded: Recorded, cases: Collection[str] | None = None) -> Entrant:
    """Fold a recording over the cases named (None: all of them)."""
    wanted = tuple(case for case in outlines(recorded.cases) if cases is None or case.id in cases)
    scores = run_scores(recorded)
    used = _usage(recorded, wanted)
    run = replace(scores.run, metrics={**scores.run.metrics, **USAGE})
    tables = {**scores.tables, **used}
    scores = RunScores(run, wanted, tables, advisory=scores.advisory, served=scores.served)
    counted = {name: count_lost(table, wanted, run.metrics[name]) for name, table in scores.tables.items()}
    return Entrant(scores, counted)


def count_lost(table: Table, cases: Sequence[Case], metric: MetricIdentity) -> Table:
    """Give the table with unscored cases at the worst of the range; without an upper end they stay unscored.

    A failed call can so never help the candidate that failed. Where nothing is lost it is the table itself.
    """
    missing = CaseValue(None, "system_error")
    worst = metric.low if metric.higher_is_better else metric.high
    lost = None if worst is None else CaseValue(worst, "scored")
    is_whole = len(table) == len(cases) and all(case.id in table for case in cases)
    if is_whole and (lost is None or not any(value.status in UNSCORED for value in table.values())):
        return table
    found = {case.id: table.get(case.id, missing) for case in cases}
    if lost is None:
        return found
    return {case_id: lost if value.status in UNSCORED else value for case_id, value in found.items()}


def mean_of(entrant: Entrant, name: str) -> Estimate:
    """Mean of a metric with its interval, unscored cases at their worst and counted as unscored."""
    lost = entrant.lost(name)
    found = estimate(entrant.counted[name], entrant.cases, entrant.metric(name))
    n = found.n - (lost if found.n_unscored == 0 else 0)
    return replace(found, n=n, n_unscored=lost)


def cost_per_1000(entrant: Entrant) -> Spending:
    """US dollars per 1,000 queries: the mean over the cases that took any, if each says how much.

    An answer from a cache counts with what it cost when it was asked, where that is told.
    """
    values, unknown = _known(entrant, COST)
    mean = math.fsum(values) / len(values) if values and not unknown else None
    return Spending(None if mean is None else 1000 * mean, len(values), unknown, len(entrant.spared(COST)))


def latency_p95(entrant: Entrant) -> Spending:
    """Seconds that 95 % of the cases do not exceed, with those that gave no answer as the slowest."""
    values, unknown = _known(entrant, LATENCY)
    ordered = sorted(values) + [math.inf] * unknown
    value = ordered[math.ceil(TAIL * len(ordered) - 1e-9) - 1] if values else math.inf
    if math.isinf(value):
        return Spending(None, len(values), unknown, len(entrant.spared(LATENCY)))
    table = entrant.scores.tables[LATENCY]
    asked = [case for case in entrant.cases if table[case.id].status != "not_applicable"]
    interval = tail_interval([table[case.id].value for case in asked], [case.cluster for case in asked])
    return Spending(value, len(values), unknown, len(entrant.spared(LATENCY)), interval=interval)


def latency_change(reference: Entrant, entrant: Entrant) -> TailChange | None:
    """How much slower the slow end is than the reference's, over the cases that were asked of both.

    None where the reference lacks an answer: what it was spared cannot be compared with.
    """
    if entrant is reference or reference.lost(LATENCY):
        return None
    both = {case.id for case in reference.cases}
    cases = [case for case in entrant.cases if case.id in both]
    tables = reference.scores.tables[LATENCY], entrant.scores.tables[LATENCY]
    return tail_change(LATENCY, [tables[0]], tables[1], cases, USAGE[LATENCY])


def _known(entrant: Entrant, name: str) -> tuple[list[float], int]:
    table = entrant.scores.tables[name]
    found = [table[case.id].value for case in entrant.cases if case.id in table]
    return [value for value in found if value is not None], entrant.lost(name)


class _Call(NamedTuple):
    """What one answer took: no time of one that came from a cache."""

    cached: bool
    failed: ResponseError | None
    figures: dict[str, float | None]

    def tells(self, name: str) -> bool:
        """Whether something is to be known: a call was made, or what it once cost is told."""
        return not self.cached or (name == COST and bool(self.figures[COST]))


def _usage(recorded: Recorded, cases: Sequence[Case]) -> dict[str, dict[str, CaseValue]]:
    """Cost and latency by case, averaged over its repeats."""
    calls: dict[str, list[_Call]] = defaultdict(list)
    for result in recorded.results:
        response = result.response
        figures = {COST: response.usage.cost_usd, LATENCY: response.timings.total_s}
        calls[result.case_id].append(_Call(response.cached, response.error, figures))
    shared: dict[CaseValue, CaseValue] = {}
    tables: dict[str, dict[str, CaseValue]] = {name: {} for name in USAGE}
    for case in cases:
        of_case = calls.pop(case.id, [])
        for name, table in tables.items():
            value = _case_usage(of_case, name, whole=len(of_case) >= recorded.run.repeats)
            table[case.id] = shared.setdefault(value, value)
    return tables


def _case_usage(calls: Sequence[_Call], name: str, *, whole: bool) -> CaseValue:
    """A case counts only with a figure from every call that it took.

    A reply from a cache took no time, and what it cost is what is told of when it was asked; one that is said
    to have cost nothing, or of which nothing is said, took no call.
    """
    asked = [call for call in calls if call.tells(name)]
    failed = next((call.failed for call in asked if call.failed), None)
    if failed is not None or not whole:
        return CaseValue(None, "timeout" if failed and failed.kind == "timeout" else "system_error")
    if not asked:
        return CaseValue(None, "not_applicable")
    values = [call.figures[name] for call in asked]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return CaseValue(None, "system_error")  # the system does not say: not known, and not nothing
    return CaseValue(math.fsum(known) / len(known), "scored")
