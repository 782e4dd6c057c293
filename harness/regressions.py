"""The cases of a report: which got worse, by how much and why, and which of all are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

import msgspec

from harness.attribution import cause_of
from harness.cases import by_id
from harness.comparison import SAME, RunScores, differing_metrics
from harness.gates.evidence import Evidence
from harness.headline import worst_verdict
from harness.slices import labels_of
from harness.types import (
    UNSCORED,
    Case,
    CaseChange,
    CasePair,
    Recorded,
    Reference,
    Result,
    Verdict,
)

MOST_REGRESSIONS = 200
MOST_FLIPS = 50
"""Cases that refuse now, and cases that answer now, that are shown of however large a run."""
SHOWN_BYTES = 32_000_000
"""Size of the cases that a report shows, with both answers, as JSON; the recordings have the others."""


class Runs(NamedTuple):
    """The candidate and, where there are any, the baseline and the anchor, as recorded and folded."""

    candidate: Recorded
    baseline: Recorded | None
    evidence: Evidence
    anchor: Recorded | None = None


def find_regressions(runs: Runs, verdicts: Sequence[Verdict]) -> tuple[tuple[CaseChange, ...], int]:
    """List the cases that got worse, metrics of failed gates first, then by size of the harm.

    Each case is listed once, under the first metric of that order on which it got worse: than the anchor,
    where the gate that failed is against the anchor, else than the baseline.

    Returns:
        The worst ``MOST_REGRESSIONS``, of cases that got worse alike some from all over the run, and how many
        others there are.
    """
    rules, tables = runs.evidence.suite.slices, runs.evidence.candidate.tables
    metrics = runs.evidence.candidate.run.metrics
    order = _references_by_metric(metrics, verdicts)
    earlier = {against: _earlier(runs, against) for against in get_args(Reference)}
    found: dict[str, CaseChange] = {}
    for name, against in order.items():
        old, cases = earlier[against]
        identity = metrics[name]
        if old is None or name not in old.tables or identity.high is None:
            continue
        if name in differing_metrics(old.run, runs.candidate.run):
            continue
        for case in cases:
            was, now = old.tables[name].get(case.id), tables[name].get(case.id)
            if case.id in found or was is None or now is None or was.value is None or now.value is None:
                continue
            harm = was.value - now.value if identity.higher_is_better else now.value - was.value
            if harm > SAME:
                slices = labels_of(case, rules)
                found[case.id] = CaseChange(case.id, name, was.value, now.value, harm, "", slices, against)
    places = {name: place for place, name in enumerate(order)}

    def harm_of(item: CaseChange) -> tuple[int, float]:
        return places[item.metric], -item.harm

    worst = sorted(found.values(), key=lambda item: (*harm_of(item), _lot(item.case_id)))[:MOST_REGRESSIONS]
    worst.sort(key=lambda item: (*harm_of(item), item.case_id))
    return tuple(_with_causes(worst, runs)), len(found) - len(worst)


def _lot(case_id: str) -> bytes:
    """What a case is drawn by where not all can be taken: by chance, and the same in every run."""
    return hashlib.sha256(case_id.encode()).digest()


def _references_by_metric(metrics: Iterable[str], verdicts: Sequence[Verdict]) -> dict[str, Reference]:
    """What cases are held against on each metric, metrics of the worst and of failed gates first."""
    worst = worst_verdict(verdicts)
    pressing = [*([worst] if worst is not None else []), *(v for v in verdicts if v.outcome == "fail")]
    against: dict[str, Reference] = {}
    for verdict in pressing:
        if verdict.metric is not None and verdict.against is not None:
            against.setdefault(verdict.metric, verdict.against)
    known = list(metrics)
    named = [verdict.metric for verdict in pressing if verdict.metric in known]
    return {name: against.get(name, "baseline") for name in dict.fromkeys([*named, *known]) if name}


def _earlier(runs: Runs, against: Reference) -> tuple[RunScores | None, Sequence[Case]]:
    """Scores of what the candidate is compared with, and the cases that may be."""
    scores = runs.evidence.anchor if against == "anchor" else runs.evidence.baseline
    return scores, runs.evidence.comparable(runs.evidence.candidate.cases, against)


def _with_causes(changes: Sequence[CaseChange], runs: Runs) -> Iterator[CaseChange]:
    """Say of each change what happened to its case, from the answers on both sides."""
    metrics = list(runs.candidate.run.metrics)
    ids = {change.case_id for change in changes}
    after = runs.candidate.first_repeats(ids)
    sides = {"baseline": runs.baseline, "anchor": runs.anchor}
    before = {role: side.first_repeats(ids) if side is not None else {} for role, side in sides.items()}
    for change in changes:
        was = before[change.against].get(change.case_id)
        yield msgspec.structs.replace(change, cause=cause_of(was, after.get(change.case_id), metrics))


def choose_cases(
    evidence: Evidence,
    cases: Sequence[Case],
    first: Iterable[str],
    answers: tuple[Mapping[str, Result], Mapping[str, Result]],
) -> tuple[CasePair, ...]:
    """Give the cases that a report shows, in the order of the goldens: all of them, or as many as fit.

    After those that have to be there come those without a score, then the others as the digests of their ids
    fall: evenly over the run, whatever its order, and the same ones in the next.

    Args:
        evidence: what the gates were decided on.
        cases: those of the candidate.
        first: ids of the cases that have to be there, the first of them first.
        answers: first repeats by case, of the baseline, of the cases that may be compared, and the candidate.
    """
    before, after = answers
    whole = by_id(cases)
    scores, rules = evidence.candidate, evidence.suite.slices
    metrics = list(scores.run.metrics)
    shown: dict[str, CasePair] = {}
    size = 0
    for case in _in_order(scores, list(dict.fromkeys(first))):
        was, now = before.get(case.id), after.get(case.id)
        cause = cause_of(was, now, metrics) if evidence.baseline is not None else ""
        pair = CasePair(whole[case.id], now, was, labels_of(case, rules), cause)
        size += len(msgspec.json.encode(pair))
        if size > SHOWN_BYTES and shown:
            break
        shown[case.id] = pair
    return tuple(shown[case.id] for case in scores.cases if case.id in shown)


def _in_order(scores: RunScores, first: Sequence[str]) -> list[Case]:
    places = {case_id: place for place, case_id in enumerate(first)}

    def rank(case: Case) -> tuple[int, bytes]:
        if case.id in places:
            return places[case.id], b""
        found = [table.get(case.id) for table in scores.tables.values()]
        lost = any(one is None or one.status in UNSCORED for one in found)
        return len(places) + (not lost), _lot(case.id)

    return sorted(scores.cases, key=rank)
