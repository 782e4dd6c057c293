"""A fairness audit: gaps with their verdicts, twins, and what changed."""

from __future__ import annotations

from msgspec import Struct

from harness.types.evidence import Interval
from harness.types.gaps import Gap
from harness.types.gates import Verdict
from harness.types.recorded import Run
from harness.types.words import Outcome


class DeficitChange(Struct, frozen=True):
    """How one group's deficit moved since the baseline (positive: the gap widened), on paired cases.

    ``at_least`` goes with ``p_worse`` as in ``GroupGap``.
    """

    group: str
    before: float
    after: float
    change: float
    n_pairs: int
    n_unpaired: int
    interval: Interval | None = None
    p_worse: float | None = None
    at_least: float | None = None


class EqualMix(Struct, frozen=True):
    """One group's deficit within the strata of another attribute, weighted together (Mantel-Haenszel).

    ``mixed`` is the deficit over the same cases without strata. ``reversed`` says that the sign turns and one
    of the two is beyond chance (Simpson's paradox). ``n_strata`` hold both the group and others. ``at_least``
    goes with ``p_worse`` as in ``GroupGap``.
    """

    by: str
    group: str
    mixed: float
    deficit: float
    n: int
    n_strata: int
    interval: Interval | None = None
    p_worse: float | None = None
    reversed: bool = False
    at_least: float | None = None


class TwinExample(Struct, frozen=True):
    """Two cases that differ in one attribute, and what the system gave for each (first repeat)."""

    cases: tuple[str, str]
    values: tuple[float, float]
    inputs: tuple[str, str]
    outputs: tuple[str, str]


class TwinSwap(Struct, frozen=True):
    """Counterfactual pairs: one metric where nothing but one attribute was swapped, tested pair by pair.

    ``swap`` holds both values, or is None for every swap of the attribute together, which has no direction.
    ``n_flips`` pairs differ in their score; of a named swap, ``difference`` is how much worse the second
    value is on average, with an interval and p-value adjusted over the swaps of one attribute and metric.
    """

    attribute: str
    metric: str
    swap: tuple[str, str] | None
    n_pairs: int
    n_unscored: int
    n_flips: int
    flip_rate: float | None = None
    flip_interval: Interval | None = None
    difference: float | None = None
    interval: Interval | None = None
    p_adjusted: float | None = None
    examples: tuple[TwinExample, ...] = ()


class AuditedGap(Struct, frozen=True):
    """One metric by one attribute or by several crossed, with all that the audit says of it.

    ``crossed`` names the attributes of an intersection.
    """

    gap: Gap
    changes: tuple[DeficitChange, ...] = ()
    equal_mix: tuple[EqualMix, ...] = ()
    crossed: tuple[str, ...] = ()


class Audit(Struct, frozen=True):
    """The fairness audit of one run, complete: renderings compute nothing.

    ``outcome`` is that of the suite's gates on gaps (None: it has none): an audit states, gates decide.
    ``sources`` has where each attribute's labels come from. ``not_audited`` says what was not looked at.
    """

    title: str
    outcome: Outcome | None
    exit_code: int
    headline: tuple[str, ...]
    run: Run
    baseline: Run | None
    tolerance: float
    level: float
    sources: dict[str, str]
    by_topic: tuple[str, ...]
    metrics: tuple[str, ...]
    gaps: tuple[AuditedGap, ...]
    intersections: tuple[AuditedGap, ...]
    twins: tuple[TwinSwap, ...]
    verdicts: tuple[Verdict, ...]
    comparisons: int
    not_audited: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
