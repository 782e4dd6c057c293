"""Faults planted in answers and scored again: how often each metric catches them, and flags what is clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.engine.scoring import score
from harness.planting.around import Answered, Run
from harness.planting.catching import Caught, Flagged, Scored, count_caught, count_flagged
from harness.planting.faults import FAULTS, NotPlantable, plant
from harness.registry import CATCHES
from harness.slices import select, slices_of
from harness.types import Case, Corpus, Metric, Slice, SliceRule

ScoresByMetric = dict[str, Scored]


class Planted(msgspec.Struct, frozen=True):
    """One fault: in how many cases it was planted, why not in others (with counts), and how it was caught.

    ``names`` are the metrics that answer for it. ``caught`` is by metric, over all cases, then by slice.
    """

    fault: str
    what: str
    planted: int
    not_plantable: dict[str, int]
    names: tuple[str, ...]
    caught: tuple[Caught, ...]


class Measured(NamedTuple):
    """What metrics make of clean answers and of planted faults, with the scores of the planted ones."""

    clean: tuple[Flagged, ...]
    faults: tuple[Planted, ...]
    scores: dict[str, ScoresByMetric]


def measure(
    answered: Answered,
    metrics: Mapping[str, Metric],
    corpus: Corpus | None,
    slices: Mapping[str, SliceRule],
    seed: int,
    tell: Callable[[str], object],
) -> Measured:
    """Plant every fault in every answer that has a place for it, and score before and after.

    Args:
        answered: cases with clean answers, each with an output.
        metrics: by name; they may need the corpus and nothing else.
        corpus: the documents, where there are any.
        slices: by what else than all cases is counted.
        seed: of all that is drawn.
        tell: is told what is being done.

    Raises:
        MetricFault: a metric raised, or gave a value outside its range.
    """
    cases = [case for case, _ in answered]
    groups = [(found.label, select(cases, found, slices)) for found in _groups(cases, slices)]
    tell(f"{len(cases):,} clean answers")
    clean = score_all(answered, metrics, corpus)
    run = Run(answered, seed)
    faults, scores = [], {}
    for name in FAULTS:
        tell(name)
        spoilt, why_not = _plant(name, answered, run)
        scores[name] = score_all(spoilt, metrics, corpus)
        caught = [
            found
            for metric in metrics.values()
            if metric.high is not None
            for label, group in groups
            for found in _caught(name, metric, label, group, clean[metric.name], scores[name][metric.name])
        ]
        named_by = tuple(metric for metric in metrics if name in catches(metric))
        faults.append(Planted(name, FAULTS[name].what, len(spoilt), why_not, named_by, tuple(caught)))
    flagged = [
        Flagged(metric.name, label, rate)
        for metric in metrics.values()
        if metric.high is not None
        for label, group in groups
        if (rate := count_flagged(metric, group, clean[metric.name])) is not None
    ]
    return Measured(tuple(flagged), tuple(faults), scores)


def catches(metric: str) -> tuple[str, ...]:
    """Give the faults that a metric answers for, by its name with or without a cut-off."""
    return CATCHES.get(metric.partition("@")[0], ())


def score_all(answered: Answered, metrics: Mapping[str, Metric], corpus: Corpus | None) -> ScoresByMetric:
    """Score answers on every metric: by metric and case."""
    found = {case.id: score(case, response, metrics, {"corpus": corpus}) for case, response in answered}
    return {name: {case_id: scores[name] for case_id, scores in found.items()} for name in metrics}


def _groups(cases: Sequence[Case], slices: Mapping[str, SliceRule]) -> Iterable[Slice]:
    return (Slice(), *slices_of(cases, slices, ()))


def _plant(name: str, answered: Answered, run: Run) -> tuple[Answered, dict[str, int]]:
    spoilt = []
    why_not: Counter[str] = Counter()
    for case, response in answered:
        changed = plant(name, case, response, run.around(name, case))
        if isinstance(changed, NotPlantable):
            why_not[changed.why] += 1
        else:
            spoilt.append((case, changed))
    return spoilt, dict(why_not.most_common())


def _caught(
    fault: str, metric: Metric, label: str, group: Sequence[Case], clean: Scored, planted: Scored
) -> Iterable[Caught]:
    rate, silent = count_caught(metric, group, clean, planted)
    if rate is not None:
        yield Caught(fault, metric.name, label, fault in catches(metric.name), rate, silent)
