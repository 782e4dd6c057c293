"""What gates are decided on, and how a rule is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.comparison import RunScores
from harness.numbers import number, share
from harness.types import Case, Gate, Suite


class Evidence(NamedTuple):
    """All that gates are decided on; ``no_baseline`` says why there is nothing to compare with."""

    suite: Suite
    candidate: RunScores
    baseline: RunScores | None
    no_baseline: str = "there is no baseline yet"
    unchanged: frozenset[str] | None = None
    """Ids of the cases that may be compared; None: all."""

    def comparable(self, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Give the cases that are the same in baseline and candidate."""
        return tuple(case for case in cases if self.unchanged is None or case.id in self.unchanged)


def rule_text(gate: Gate) -> str:
    """Say the rule in a few signs: ``worse by ≤ 0.020``, ``p95 ≤ 2.5``, ``gap ≤ 0.050 (language)``."""
    name = "total " if gate.total else f"p{100 * gate.quantile:g} " if gate.quantile is not None else ""
    if gate.kind == "drop":
        return f"worse by ≤ {number(gate.max_drop)}" + (f" in each {gate.slice}" if gate.slice else "")
    if gate.kind == "gap":
        return f"gap ≤ {number(gate.max_gap)} ({gate.slice})"
    if gate.kind == "scored":
        return f"scored ≥ {share(gate.min_scored or 0.0)}"
    if gate.kind == "cases":
        return f"{len(gate.cases)} named cases {limits_text(gate)}"
    parts = [f"≥ {gate.min:g}"] if gate.min is not None else []
    parts += [f"≤ {gate.max:g}"] if gate.max is not None else []
    return name + " and ".join(parts)


def case_limits(gate: Gate) -> tuple[float, float]:
    """Between what each named case of a gate must be: ``min`` and ``max``; with neither it must reach 1."""
    if gate.min is None and gate.max is None:
        return 1.0, math.inf
    return -math.inf if gate.min is None else gate.min, math.inf if gate.max is None else gate.max


def limits_text(gate: Gate) -> str:
    """Write the limits of named cases: ``≥ 1.000``, ``≤ 2.500``."""
    low, high = case_limits(gate)
    parts = [f"≥ {number(low)}"] if math.isfinite(low) else []
    return " and ".join([*parts, *([f"≤ {number(high)}"] if math.isfinite(high) else [])])
