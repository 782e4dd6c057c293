"""The gate rehearsed on a system's own runs: unchanged, and with drops planted, where the truth is known."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.comparison import CaseValue, Looks, RunScores, Table
from harness.gates.decide import decide_each, overall
from harness.gates.evidence import Evidence
from harness.gates.family import find_drops
from harness.gates.stopping import why_enough
from harness.planning import stages_of
from harness.pooling import MISSING, pool
from harness.slices import select
from harness.types import Case, Gate, MetricIdentity, Outcome, Slice, Suite, Verdict


class Rehearsed(NamedTuple):
    """One gate that was held: its verdicts, the verdict of them all, and the share of the cases asked."""

    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    asked: float

    @property
    def alarms(self) -> bool:
        """Whether any gate on a drop failed."""
        return any(found.outcome == "fail" and found.comparison is not None for found in self.verdicts)


def hold_gate(evidence: Evidence, stages: Sequence[Sequence[Case]]) -> Rehearsed:
    """Decide a suite's gates on a whole run as a check would have: look by look, until a look is enough.

    Args:
        evidence: with every case of the run.
        stages: its cases, look by look; one stage: no looks on the way.
    """
    places = {case.id: number for number, stage in enumerate(stages) for case in stage}
    total, asked, fractions = len(places), 0, []
    for look, stage in enumerate(stages):
        asked += len(stage)
        fractions.append(asked / total)
        cases = tuple(case for case in evidence.candidate.cases if places[case.id] <= look)
        looks = Looks(places, tuple(fractions))
        so_far = evidence._replace(candidate=evidence.candidate._replace(cases=cases, looks=looks))
        drops = find_drops(so_far)
        verdicts = decide_each(so_far, drops)
        if look == len(stages) - 1 or why_enough(so_far, drops, verdicts):
            break
    return Rehearsed(overall(verdicts)[0], verdicts, asked / total)


def leave_one_out(suite: Suite, runs: Sequence[RunScores], seed: int) -> Iterator[Rehearsed]:
    """Hold the gate on each run against the pool of the others."""
    for place, run in enumerate(runs):
        others = [other for other in runs if other is not run]
        yield hold_gate(_evidence(suite, run, others), _stages(suite, run.cases, seed + place))


def resample(suite: Suite, runs: Sequence[RunScores], seed: int, drop: Drop | None = None) -> Rehearsed:
    """Hold the gate once on documents drawn with replacement, each with its runs in a random order.

    In every document one of the runs, drawn anew, is the candidate and the others are the baseline: as runs
    of one system are alike, nothing changed, on average exactly. What moves a run as a whole is not in it.

    Args:
        suite: whose gates and looks.
        runs: of one system on the same cases, at least two.
        seed: of everything that is drawn.
        drop: planted in the candidate; None: nothing.
    """
    chance = random.Random(seed)  # noqa: S311 -- a simulation
    drawn = _draw(runs, chance)
    candidate, *others = drawn
    if drop is not None:
        candidate = _plant(candidate, drop, suite, chance)
    return hold_gate(
        _evidence(suite, candidate, others), _stages(suite, candidate.cases, chance.getrandbits(32))
    )


def spoil(suite: Suite, run: RunScores, changed: Mapping[str, Table], seed: int) -> Rehearsed:
    """Hold the gate on a run in which some scores are changed, against the run as it was.

    Nothing else differs: a gate that fails here and not where nothing is changed fails on the change.

    Args:
        suite: whose gates and looks.
        run: as it was, baseline and anchor at once.
        changed: by metric, the new values of some cases.
        seed: of the order in which the cases are asked.
    """
    tables = {name: {**table, **changed.get(name, {})} for name, table in run.tables.items()}
    return hold_gate(_evidence(suite, run._replace(tables=tables), [run]), _stages(suite, run.cases, seed))


class Drop(NamedTuple):
    """A loss of so much in the mean of a gate's metric, over the cases of the gate."""

    gate: Gate
    size: float


def plantable(gate: Gate, runs: Sequence[RunScores], suite: Suite, size: float) -> str:
    """Say why a drop of a size cannot be planted; empty where it can."""
    name = gate.metric or ""
    if any(name not in run.tables for run in runs):
        return f"the runs did not score {name}"
    metric = runs[0].run.metrics[name]
    cases = select(runs[0].cases, Slice(tuple(gate.where.items())), suite.slices)
    values = [
        value for case in cases if (value := runs[0].tables[name].get(case.id, MISSING).value) is not None
    ]
    if not values:
        return f"no case has a value of {name}"
    if metric.high is None:
        return "" if not metric.higher_is_better else f"{name} has no upper end to fall from"
    room = math.fsum(abs(value - _worst(metric)) for value in values) / len(values)
    return "" if room > 2 * size else f"its mean is only {room:.3f} from the worst"


def _worst(metric: MetricIdentity) -> float:
    return metric.low if metric.higher_is_better or metric.high is None else metric.high


def _draw(runs: Sequence[RunScores], chance: random.Random) -> list[RunScores]:
    """Draw documents with replacement, and for each which run is which; copies are documents of their own."""
    members: dict[str, list[Case]] = defaultdict(list)
    for case in runs[0].cases:
        members[case.cluster].append(case)
    names = sorted(members)
    cases: list[Case] = []
    tables: list[dict[str, dict[str, CaseValue]]] = [{name: {} for name in runs[0].tables} for _ in runs]
    for copy, document in enumerate(chance.choices(names, k=len(names))):
        order = chance.sample(range(len(runs)), len(runs))
        for case in members[document]:
            again = replace(
                case, query=replace(case.query, id=f"{copy}/{case.id}"), document_id=f"{copy}/{document}"
            )
            cases.append(again)
            for into, run in zip(tables, order, strict=True):
                for name, table in runs[run].tables.items():
                    found = table.get(case.id)
                    if found is not None:
                        into[name][again.id] = found
    whole = tuple(cases)
    advisory, served = runs[0].advisory, runs[0].served
    return [RunScores(runs[0].run, whole, its, advisory=advisory, served=served) for its in tables]


def _plant(candidate: RunScores, drop: Drop, suite: Suite, chance: random.Random) -> RunScores:
    """Lower the mean: break answers one after the other; of a metric without an end move all of them."""
    gate, name = drop.gate, drop.gate.metric or ""
    metric, table = candidate.run.metrics[name], candidate.tables[name]
    cases = select(candidate.cases, Slice(tuple(gate.where.items())), suite.slices)
    valued = {case.id: value for case in cases if (value := table.get(case.id, MISSING).value) is not None}
    if metric.high is None:
        moved = {
            case_id: value * (1 + drop.size) if gate.max_ratio is not None else value + drop.size
            for case_id, value in valued.items()
        }
    else:
        moved = _broken(valued, metric, drop.size * len(valued), chance)
    changed: Table = {**table, **{case_id: CaseValue(value, "scored") for case_id, value in moved.items()}}
    return candidate._replace(tables={**candidate.tables, name: changed})


def _broken(
    values: Mapping[str, float], metric: MetricIdentity, loss: float, chance: random.Random
) -> dict[str, float]:
    """Set values to the worst, in random order, until that much is lost; the last by chance, to be exact."""
    worst, broken = _worst(metric), {}
    order = list(values)
    chance.shuffle(order)
    for case_id in order:
        possible = abs(values[case_id] - worst)
        if loss <= 0 or possible == 0:
            continue
        if possible > loss and chance.random() > loss / possible:
            break
        broken[case_id] = worst
        loss -= possible
    return broken


def _evidence(suite: Suite, candidate: RunScores, others: Sequence[RunScores]) -> Evidence:
    """Nothing changed since the last release either: the anchor is the baseline."""
    baseline = pool(others)
    return Evidence(suite, candidate, baseline, anchor=baseline)


def _stages(suite: Suite, cases: Sequence[Case], seed: int) -> tuple[tuple[Case, ...], ...]:
    return stages_of(cases, seed, suite.run.looks)
