"""What became of goldens and gates since the baseline; it is told, for it may be why a run passes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from harness.comparison import RunScores, estimate
from harness.gates.decide import all_gates
from harness.gates.evidence import rule_text
from harness.numbers import number
from harness.types import Gate, Recorded, Suite

MOST_TOLD = 5
"""Gates that are named; of more it is said how many."""


def changed_cases(baseline: Recorded, candidate: Recorded, unchanged: frozenset[str] | None) -> list[str]:
    """Say which cases were changed, added or taken away since the baseline, or never run by it."""
    ours, theirs = set(candidate.digests), set(baseline.digests)
    said = []
    if unchanged is None:
        if ours - theirs:
            said.append(f"the baseline ran {len(ours & theirs):,} of these {len(ours):,} cases only")
    else:
        counts = {"changed": len(ours & theirs) - len(unchanged), "new": len(ours - theirs)}
        said += [
            f"{_cases(count)} {what} since the baseline and not compared"
            for what, count in counts.items()
            if count
        ]
        if theirs - ours and not candidate.run.selection and candidate.stop is None:
            said.append(f"{_cases(len(theirs - ours))} in the baseline and no longer in the goldens")
    if candidate.run.selection:
        said.append("only a part of the goldens was run")
    return said


def changed_gates(before: Suite, after: Suite) -> list[str]:
    """Say which gates of the baseline's suite are gone or changed, and whether alpha is another.

    Further gates are not told: they can only hold a run back.
    """
    now = {gate.id: gate for gate in all_gates(after)}
    found = []
    for gate in all_gates(before):
        new = now.get(gate.id)
        if new is None:
            found.append(f"gate {gate.id!r} of the baseline's suite is gone: {rule_text(gate)}")
        elif new != gate:
            found.append(f"gate {gate.id!r} is not as in the baseline's suite: {_differences(gate, new)}")
    if before.alpha != after.alpha:
        found.append(f"alpha is {after.alpha:g}, and {before.alpha:g} in the baseline's suite")
    left = len(found) - MOST_TOLD
    return found if left <= 0 else [*found[:MOST_TOLD], f"and so are {left} more"]


def easier_without(gone: Collection[str], baseline: RunScores, suite: Suite) -> list[str]:
    """Say on which gated metrics the baseline is better without the cases that are no longer compared."""
    said = []
    for name in dict.fromkeys(gate.metric for gate in suite.gates):
        if name is None or name not in baseline.tables:
            continue
        metric = baseline.run.metrics[name]
        split = [
            [case for case in baseline.cases if (case.id in gone) == is_gone] for is_gone in (True, False)
        ]
        over, others = (estimate(baseline.tables[name], cases, metric).value for cases in split)
        if over is None or others is None or over == others or (over > others) == metric.higher_is_better:
            continue
        told = f"{number(over, metric.unit)} over them, {number(others, metric.unit)} over the others"
        said.append(f"the baseline's {name} was worse on what is no longer compared: {told}")
    return said


def _cases(count: int) -> str:
    return "1 case is" if count == 1 else f"{count:,} cases are"


def _differences(before: Gate, after: Gate) -> str:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in Gate.__struct_fields__]
    return ", ".join(f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in pairs if old != new)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{name}={part}" for name, part in value.items()) or "none"
    if isinstance(value, tuple):
        return f"{len(value)} cases"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
