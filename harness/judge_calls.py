"""What the judges of a run would be asked and cost, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from harness.gates.judged import uncorrected
from harness.types import Gate, Recorded, Suite, metric_of

CANARIES_EACH = 60
"""Questions to one judge about one metric when its canaries are run, about."""
LABELS_EACH = 100
"""Labelled cases that a judged metric needs before a gate may rest on it."""
RAGAS = "ragas:"


class JudgeCalls(msgspec.Struct, frozen=True):
    """How often the judges of one metric would be asked, and for how much; None where it is not known.

    ``basis`` of the calls: ``measured`` on the baseline's answers, or ``assumed``, one question to each judge
    and repeat for every answer. Verdicts that the cache has are asked of nobody.
    """

    metric: str
    judges: tuple[str, ...]
    calls: float
    basis: Literal["measured", "assumed"]
    cost_usd: float | None


def foresee_judging(
    suite: Suite,
    metrics: Iterable[str],
    runs: Sequence[Recorded],
    same: Collection[str],
    answers: int,
) -> tuple[JudgeCalls, ...]:
    """Say what judging so many answers takes.

    Args:
        suite: its judges.
        metrics: those that need a judge.
        runs: of the baseline.
        same: the metrics whose judges are those of the baseline; of others the calls are assumed.
        answers: how many would be judged.
    """
    found = []
    for name in metrics:
        judging = suite.judging_of(name)
        took = _took(name, runs) if name in same else None
        if took is not None:
            cost = None if took.cost_usd is None else took.cost_usd * answers
            found.append(JudgeCalls(name, judging.judges, took.calls * answers, "measured", cost))
            continue
        each = sum(suite.judges[judge].repeats for judge in judging.judges if judge in suite.judges)
        found.append(JudgeCalls(name, judging.judges, float(each * answers), "assumed", None))
    return tuple(found)


def not_foreseen(suite: Suite, judging: Sequence[JudgeCalls], unknown: Sequence[str]) -> list[str]:
    """Say what of judging is not counted, and what labels will make of the gates.

    Args:
        suite: its gates.
        judging: what is counted.
        unknown: metrics that nobody can tell about without importing code.
    """
    said = []
    if unknown:
        said.append(f"whether {', '.join(unknown)} asks a judge is not known: none of your code is imported")
    if not judging:
        return said
    pairs = sum(len(found.judges) for found in judging)
    said.append(
        f"not counted: about {CANARIES_EACH * pairs:,} questions of `harness judge canaries`, once a judge;"
        f" people's labels, {LABELS_EACH} cases and more for each judged metric; second tries"
    )
    if any(found.metric.startswith(RAGAS) for found in judging):
        said.append("metrics of ragas count as one question an answer and judge: ragas asks several")
    names = {found.metric for found in judging}
    gates = [gate for gate in suite.gates if metric_of(gate.metric or "") in names]
    if gates:
        ids = ", ".join(gate.id for gate in gates)
        said.append(
            f"labels are not foreseen: gates on a judge's scores ({ids}) see less than is told here, as only"
            " some cases have labels"
        )
    return said


def never_decides(gate: Gate, judged: Iterable[str]) -> bool:
    """Whether a gate is on a judge's scores in a way that no label corrects, and so is always advisory."""
    of = metric_of(gate.metric or "")
    return of in judged and gate.kind != "scored" and (of != gate.metric or bool(uncorrected(gate)))


class _Took(NamedTuple):
    """Calls and cost of judging one answer, on average; None where a judge does not tell its cost."""

    calls: float
    cost_usd: float | None


def _took(name: str, runs: Sequence[Recorded]) -> _Took | None:
    """What judges were asked, as the scores tell; None where nothing was, or one does not tell it."""
    n, calls, costs = 0, 0, list[float | None]()
    for score in (one.scores[name] for run in runs for one in run.results if name in one.scores):
        n += 1
        for row in score.details.get("judges", []):
            if type(row.get("replies")) is not int:
                return None
            calls += row["replies"]
            cost = row.get("cost_usd")
            costs.append(cost if isinstance(cost, (int, float)) else None)
    if not costs:
        return None
    told = [cost for cost in costs if cost is not None]
    return _Took(calls / n, math.fsum(told) / n if len(told) == len(costs) else None)
