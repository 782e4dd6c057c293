"""What a gate asks for, and what was decided."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from harness.types.evidence import Comparison, Interval, TailChange
from harness.types.gaps import Gap
from harness.types.words import GateKind, Outcome, Reference


class Gate(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One rule of the gate, made by exactly one of these.

    ``max_drop`` or ``max_ratio`` (paired, against the baseline or the anchor), ``min`` and/or ``max``
    (absolute, with ``metric``), ``max_gap`` (between the groups of ``slice``), ``min_scored`` (share of cases
    scored), ``cases`` (named cases that must each be within ``min`` and ``max``; with neither they must reach
    1). ``primary``: one of up to three drops that decide; the others then are guards.
    """

    id: str
    metric: str | None = None
    against: Reference | None = None
    primary: bool = False
    max_drop: float | None = None
    max_ratio: float | None = None
    min: float | None = None
    max: float | None = None
    bound: Literal["interval", "point"] = "interval"
    quantile: float | None = None
    total: bool = False
    slice: str | None = None
    max_gap: float | None = None
    insufficient: Literal["inconclusive", "fail", "warn"] = "inconclusive"
    min_scored: float | None = None
    cases: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> GateKind | None:
        """The rule that the gate makes; None when it is not exactly one."""
        made: dict[GateKind, bool] = {
            "drop": self.max_drop is not None or self.max_ratio is not None,
            "gap": self.max_gap is not None,
            "scored": self.min_scored is not None,
            "cases": bool(self.cases),
            "bound": (self.min is not None or self.max is not None) and not self.cases,
        }
        found = [kind for kind, holds in made.items() if holds]
        return found[0] if len(found) == 1 else None


class Verdict(Struct, frozen=True):
    """What one gate decided, on which numbers, and why. ``line`` is the gate's line in the suite file.

    ``role`` of a drop: ``primary`` gates decide, ``guard`` gates fail on proof. ``holds`` is False where a
    guard found no drop and could not exclude one: that holds nothing back. ``n_needed`` is about how many
    pairs would tell. ``against`` is what a drop was measured from. ``tail``: how the slow end of a time or a
    cost moved, beside a gate on one.
    """

    gate: str
    rule: str
    outcome: Outcome
    reason: str
    metric: str | None = None
    scope: str = "all"
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    interval: Interval | None = None
    limit: float | None = None
    n: int = 0
    n_total: int = 0
    comparison: Comparison | None = None
    gap: Gap | None = None
    cases: tuple[str, ...] = ()
    line: int | None = None
    role: Literal["", "primary", "guard"] = ""
    holds: bool = True
    n_needed: int | None = None
    against: Reference | None = None
    tail: TailChange | None = None
