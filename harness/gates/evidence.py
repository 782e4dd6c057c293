"""What gates are decided on, and how a rule is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from harness.calibration.correction import Correction
from harness.calibration.standing import Judged
from harness.comparison import RunScores
from harness.numbers import number, share
from harness.types import Case, Gate, Suite


class Evidence(NamedTuple):
    """All that gates are decided on; ``no_baseline`` says why there is nothing to compare with.

    The anchor is the baseline of the last release, for gates ``against: anchor``.
    """

    suite: Suite
    candidate: RunScores
    baseline: RunScores | None
    no_baseline: str = "there is no baseline yet"
    unchanged: frozenset[str] | None = None
    """Ids of the cases that may be compared with the baseline; None: all."""
    anchor: RunScores | None = None
    no_anchor: str = "there is no baseline of a release"
    anchor_unchanged: frozenset[str] | None = None
    """Ids of the cases that may be compared with the anchor; None: all."""
    judged: Mapping[str, Judged] = {}
    """What is known of the judges, by metric; a judged metric that is not in it decides nothing."""

    def comparable(
        self, cases: Sequence[Case], against: Literal["baseline", "anchor"] | None = None
    ) -> tuple[Case, ...]:
        """Give the cases that are the same in the candidate and what it is compared with."""
        same = self.anchor_unchanged if against == "anchor" else self.unchanged
        return tuple(case for case in cases if same is None or case.id in same)

    def correction_of(self, gate: Gate) -> Correction | None:
        """Give what corrects a judge's scores for a gate; None where nothing does, or nothing is to be."""
        judged = self.judged.get(gate.metric or "")
        if judged is None or judged.advisory:
            return None
        found = judged.pairs.get(gate.against or "baseline") if gate.kind == "drop" else judged.alone
        return found if isinstance(found, Correction) else None


def rule_text(gate: Gate) -> str:
    """Say the rule in a few signs: ``worse by ≤ 0.020``, ``p95 ≤ 2.5``, ``scored ≥ 99 %``."""
    name = "total " if gate.total else f"p{100 * gate.quantile:g} " if gate.quantile is not None else ""
    if gate.kind == "drop":
        return _drop_rule(gate)
    if gate.kind == "gap":
        return f"worse by ≤ {number(gate.max_gap)} in each {gate.slice} than in the rest"
    if gate.kind == "scored":
        return f"scored ≥ {share(gate.min_scored or 0.0)}"
    if gate.kind == "cases":
        return f"{len(gate.cases)} named cases {limits_text(gate)}"
    parts = [f"≥ {gate.min:g}"] if gate.min is not None else []
    parts += [f"≤ {gate.max:g}"] if gate.max is not None else []
    return name + " and ".join(parts)


def _drop_rule(gate: Gate) -> str:
    if gate.max_ratio is not None:
        rule = f"at most × {gate.max_ratio:g}"
    else:
        rule = f"worse by ≤ {number(gate.max_drop)}"
    each = f" in each {gate.slice}" if gate.slice else ""
    return rule + each + (" than the anchor" if gate.against == "anchor" else "")


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
