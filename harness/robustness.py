"""How a metric stands over variants of the same question, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping

from harness.comparison import RunScores, estimate, over_twins
from harness.types import VARIANT, MetricIdentity, Robustness, Scalar, twin_measure

RATE = MetricIdentity(version=1, higher_is_better=True, low=0.0, high=1.0)


def robustness(scores: RunScores) -> tuple[Robustness, ...]:
    """Give a row per metric that a measure over twins is about, and kind of twins, by metric and kind."""
    metrics = scores.run.metrics
    about = [found[1] for name in metrics if (found := twin_measure(name)) is not None]
    kinds = sorted({_kind(case.metadata) for case in scores.cases if case.twin_of is not None})
    return tuple(
        _row(scores, name, kind) for name in dict.fromkeys(about) if name in metrics for kind in kinds
    )


def _row(scores: RunScores, name: str, kind: str) -> Robustness:
    identity, table = scores.run.metrics[name], scores.tables[name]
    twins = [case for case in scores.cases if case.twin_of is not None and _kind(case.metadata) == kind]
    named = {case.twin_of for case in twins}
    originals = [case for case in scores.cases if case.id in named]
    cases = [*originals, *twins]
    rates = {
        measure: estimate(over_twins(measure, table, cases, identity), twins, RATE)
        for measure in ("flip_rate", "consistency")
    }
    worst = over_twins("worst_case", table, cases, identity)
    return Robustness(
        metric=name,
        variant=kind,
        original=estimate(table, originals, identity),
        twins=estimate(table, twins, identity),
        flip_rate=rates["flip_rate"],
        consistency=rates["consistency"],
        worst_case=estimate(worst, originals, identity),
    )


def _kind(metadata: Mapping[str, Scalar]) -> str:
    found = metadata.get(VARIANT)
    return found if isinstance(found, str) else ""
