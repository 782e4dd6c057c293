"""What the judges of a run would be asked and cost, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

import msgspec

from harness.gates.judged import uncorrected
from harness.types import Gate, Result, Suite, metric_of

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
    results: Sequence[Result],
    same: Collection[str],
    answers: int,
) -> tuple[JudgeCalls, ...]:
    """Say what judging so many answers takes.

    Args:
        suite: its judges.
        metrics: those that need a judge.
        results: of the baseline.
        same: the metrics whose judges are those of the baseline; of others the calls are assumed.
        answers: how many would be judged.
    """
    found = []
    for name in metrics:
        judging = suite.judging_of(name)
        known = _accounts(name, results) if name in same else []
        if known:
            n = sum(name in result.scores for result in results)
            calls = sum(row["replies"] for row in known) / n * answers
            costs = [row.get("cost_usd") for row in known]
            told = [cost for cost in costs if isinstance(cost, (int, float))]
            cost = math.fsum(told) / n * answers if len(told) == len(costs) else None
            found.append(JudgeCalls(name, judging.judges, calls, "measured", cost))
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


def _accounts(name: str, results: Sequence[Result]) -> list[dict[str, Any]]:
    """What each judge was asked for each answer, as the scores tell; nothing where one does not tell it."""
    scores = [result.scores[name] for result in results if name in result.scores]
    rows = [row for score in scores for row in score.details.get("judges", [])]
    return rows if all(type(row.get("replies")) is int for row in rows) else []
