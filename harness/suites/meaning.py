"""What a suite must mean beyond its types: names that exist, rules that are whole, numbers in range."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from harness.errors import Fault, UsageError, did_you_mean
from harness.goldens.fields import FIELDS, is_field
from harness.registry import SYSTEMS, find_metric, installed, is_ours
from harness.slices import NESTED_SOURCES, PLAIN_SOURCES, is_source
from harness.suites.keys import FaultAt, check_keys
from harness.suites.yaml import Document, KeyPath
from harness.types import Gate, GateKind, Metric, Suite, twin_measure

GATE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RULES = ("max_drop", "max_ratio", "min", "max", "max_gap", "min_scored", "cases")
GATE_RANGES: dict[str, tuple[float, float | None]] = {
    "max_drop": (0, None),
    "max_ratio": (1, None),
    "max_gap": (0, None),
    "min_scored": (0, 1),
    "quantile": (0, 1),
}
GOES_WITH: dict[str, tuple[GateKind, ...]] = {
    "against": ("drop",),
    "primary": ("drop",),
    "slice": ("drop", "gap"),
    "bound": ("bound",),
    "quantile": ("bound",),
    "total": ("bound",),
    "insufficient": ("gap",),
    "where": ("drop", "bound", "gap", "scored"),
}
"""Key of a gate to the kinds of gate that heed it; on any other it would be passed over in silence."""
MOST_PRIMARY = 3
LEAST_OF_RUN = {"max_concurrency": 1, "retries": 0, "retry_share": 0, "repeats": 1, "cache_mb": 1}
RATES = ("requests_per_minute", "tokens_per_minute")
"""Keys of ``run`` and of judges that are above 0 where they are given."""
BUDGETS = ("max_cost_usd", "max_minutes")
EARLIEST_LOOK, MOST_LOOKS = 0.4, 10
"""A look at a smaller share of the cases passes what is not good too often: no more than these."""


def check_meaning(suite: Suite, document: Document, faults: list[Fault]) -> None:
    """Check what types cannot say: names that must exist, rules that must be whole."""

    def fault(path: KeyPath, what: str, mend: str = "") -> None:
        faults.append(Fault(what, document.place(path), mend))

    if not GATE_ID.fullmatch(suite.suite):
        fault(("suite",), f"suite name {suite.suite!r}", "use a-z, 0-9 and -")
    for name in ("goldens", "metrics", "gates"):
        if not getattr(suite, name):
            fault((name,), f"{name!r} is empty", "name at least one")
    if not 0 < suite.alpha < 0.5:
        fault(("alpha",), f"alpha is {suite.alpha}", "a false-alarm rate above 0 and below 0.5")
    _check_goldens(suite, fault)
    _check_system(suite, fault)
    check_keys(suite, fault)
    for index, name in enumerate(suite.metrics):
        _check_metric(name, suite.metrics.index(name) != index, ("metrics", index), fault)
        _check_over_twins(name, suite, ("metrics", index), fault)
    _check_slices(suite, fault)
    _check_run(suite, fault)
    if suite.engine.shards is not None and suite.engine.shards < 1:
        fault(("engine", "shards"), f"shards is {suite.engine.shards}", "1 or more")
    if suite.baseline.runs < 1:
        fault(("baseline", "runs"), f"runs is {suite.baseline.runs}", "1 or more")
    stale_after = suite.baseline.stale_after_days
    if stale_after is not None and not stale_after > 0:
        what = f"stale_after_days is {stale_after:g}"
        fault(("baseline", "stale_after_days"), what, "days above 0, or null for any age")
    fresh = suite.baseline.fresh
    if fresh is not None and not 0 < fresh <= 1:
        fault(("baseline", "fresh"), f"fresh is {fresh:g}", "a share above 0 and at most 1, or null for none")
    _check_calibration(suite, fault)
    seen: set[str] = set()
    for index, gate in enumerate(suite.gates):
        _check_gate(gate, suite, ("gates", index), fault)
        if gate.id in seen:
            fault(("gates", index, "id"), f"duplicate gate id {gate.id!r}")
        seen.add(gate.id)
    _check_primary(suite, fault)


def _check_calibration(suite: Suite, fault: FaultAt) -> None:
    kappa, days = suite.calibration.min_kappa, suite.calibration.expires_after_days
    if not 0 <= kappa < 1:
        fault(("calibration", "min_kappa"), f"min_kappa is {kappa:g}", "from 0 to below 1")
    if days is not None and not days > 0:
        what = f"expires_after_days is {days:g}"
        fault(("calibration", "expires_after_days"), what, "days above 0, or null for any age")


def _check_primary(suite: Suite, fault: FaultAt) -> None:
    """A few drops decide: those over all cases, against the baseline, and no more than three of them."""
    primary = [index for index, gate in enumerate(suite.gates) if gate.primary and gate.kind == "drop"]
    for index in primary:
        gate = suite.gates[index]
        if gate.slice is not None or gate.against == "anchor":
            what = "by slice" if gate.slice is not None else "against the anchor"
            path: KeyPath = ("gates", index, "primary")
            fault(path, f"gate {gate.id!r}: a gate {what} cannot be primary", "it is a guard beside them")
    for index in primary[MOST_PRIMARY:]:
        what = f"gate {suite.gates[index].id!r} is the {primary.index(index) + 1}th primary gate"
        fault(("gates", index, "primary"), what, f"at most {MOST_PRIMARY}: what is guarded needs no mark")


def _check_goldens(suite: Suite, fault: FaultAt) -> None:
    for index, source in enumerate(suite.goldens):
        if source.split is not None and source.format != "datasets":
            path: KeyPath = ("goldens", index, "split")
            fault(path, "split goes with `format: datasets`", "select cases by a slice from `split`")
        for name in source.fields:
            path = ("goldens", index, "fields", name)
            if not is_field(name):
                fault(path, f"unknown field {name!r}", did_you_mean(name, FIELDS))
            elif "." in name and name.partition(".")[0] in source.fields:
                fault(path, f"field {name!r} and the whole of it", "keep one of them")


def _check_system(suite: Suite, fault: FaultAt) -> None:
    if "" in suite.candidates:
        fault(("candidates",), "a candidate without a name", "give it one")
    known = (*SYSTEMS, *installed("harness.systems"))
    for path, spec in (
        (("system",), suite.system),
        *((("candidates", name), {**suite.system, **changes}) for name, changes in suite.candidates.items()),
    ):
        adapter = spec.get("adapter")
        if adapter is None:
            fault(path, "key 'adapter' is missing in system", f"one of {', '.join(known)}")
        elif not isinstance(adapter, str) or (adapter not in known and ":" not in adapter):
            fault((*path, "adapter"), f"unknown adapter {adapter!r}", did_you_mean(str(adapter), known))


def _check_metric(name: str, repeated: bool, path: KeyPath, fault: FaultAt) -> None:
    if repeated:
        fault(path, f"metric {name!r} is named twice", "keep one of them")
    # Code that is not ours is imported when it is run, not when it is checked.
    if not is_ours(name) and (":" in name or name.partition("@")[0] in installed("harness.metrics")):
        return
    try:
        find_metric(name)
    except UsageError as error:
        fault(path, error.faults[0].what, error.faults[0].mend)


def _check_over_twins(name: str, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    """A measure over twins is made of values that the run has."""
    over_twins = twin_measure(name)
    if over_twins is not None and over_twins[1] not in suite.metrics:
        of = over_twins[1]
        fault(
            path,
            f"{name!r} is about {of!r}, which the suite does not measure",
            f"add {of!r} under `metrics:`",
        )


def _check_slices(suite: Suite, fault: FaultAt) -> None:
    for name, rule in suite.slices.items():
        if not is_source(rule.source):
            known = [*PLAIN_SOURCES, *(f"{head}.NAME" for head in NESTED_SOURCES)]
            fault(
                ("slices", name, "from"), f"slice {name!r} from {rule.source!r}", f"one of {', '.join(known)}"
            )
        if rule.min_n < 1:
            fault(("slices", name, "min_n"), f"min_n is {rule.min_n}", "1 or more")
    for index, names in enumerate(suite.crosses):
        if len(set(names)) < max(2, len(names)):
            fault(("crosses", index), f"cross of {', '.join(names) or 'nothing'}", "name two slices or more")
        for name in names:
            if name not in suite.slices:
                fault(
                    ("crosses", index), f"cross of unknown slice {name!r}", did_you_mean(name, suite.slices)
                )


def _check_run(suite: Suite, fault: FaultAt) -> None:
    for name, least in LEAST_OF_RUN.items():
        value = getattr(suite.run, name)
        if value < least:
            fault(("run", name), f"{name} is {value:g}", f"{least} or more")
    if not suite.run.deadline_s > 0:
        fault(("run", "deadline_s"), f"deadline_s is {suite.run.deadline_s}", "seconds above 0")
    _check_looks(suite.run.looks, fault)
    check_above_zero(suite.run, RATES, ("run",), fault)
    check_above_zero(suite.budget, BUDGETS, ("budget",), fault)


def check_above_zero(holder: object, names: Iterable[str], path: KeyPath, fault: FaultAt) -> None:
    """A limit of nothing would let nothing go: what is given is above 0."""
    for name in names:
        value = getattr(holder, name)
        if value is not None and not value > 0:
            fault((*path, name), f"{name} is {value:g}", "above 0, or null for any amount")


def _check_looks(looks: tuple[float, ...], fault: FaultAt) -> None:
    path: KeyPath = ("run", "looks")
    for index, look in enumerate(looks):
        if not EARLIEST_LOOK <= look <= 1:
            fault((*path, index), f"a look at {look:g} of the cases", f"a share from {EARLIEST_LOOK:g} to 1")
    if any(later <= look for look, later in pairwise(looks)):
        fault(path, "the looks do not rise", "write the smallest share first, each of them once")
    elif not looks or looks[-1] < 1:
        fault(path, "the last look is not at 1", "end with 1.0: all cases; [1.0] alone never stops early")
    if len(looks) > MOST_LOOKS:
        fault(path, f"{len(looks)} looks", f"{MOST_LOOKS} at most")


def _check_gate(gate: Gate, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    if not GATE_ID.fullmatch(gate.id):
        fault((*path, "id"), f"gate id {gate.id!r}", "use a-z, 0-9 and -")
    kind = gate.kind
    if kind is None:
        fault(path, f"gate {gate.id!r} has no rule or several", f"give one of {', '.join(RULES)}")
        return
    _check_gate_names(gate, suite, path, fault)
    for name, kinds in GOES_WITH.items():
        if kind not in kinds and getattr(gate, name) != getattr(Gate(id=gate.id), name):
            fault((*path, name), f"gate {gate.id!r}: {name} says nothing here", _rules_of(kinds))
    _check_ratio(gate, path, fault)
    check_range(gate, path, fault)
    if gate.min_scored == 0:
        fault((*path, "min_scored"), "min_scored is 0", "a share above 0: missing scores say nothing")
    if kind == "cases" and gate.max is None and _is_better_low(gate.metric):
        fault(path, f"gate {gate.id!r}: {gate.metric} is better the lower it is", "give `max`")
    if gate.id == "scored" and kind != "scored":
        fault((*path, "id"), "gate id 'scored' belongs to the gate on the share scored", "choose another id")
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        fault((*path, "min"), f"min {gate.min:g} is above max {gate.max:g}", "nothing can pass it")
    if gate.quantile is not None and gate.total:
        fault(path, f"gate {gate.id!r}: quantile and total", "give one of them")


def _check_ratio(gate: Gate, path: KeyPath, fault: FaultAt) -> None:
    if gate.max_drop is not None and gate.max_ratio is not None:
        fault(path, f"gate {gate.id!r}: max_drop and max_ratio", "give one of them")
    if gate.max_ratio is not None and _is_bounded(gate.metric):
        what = f"gate {gate.id!r}: max_ratio is for times, costs and tokens, and {gate.metric} is none"
        fault((*path, "max_ratio"), what, "give `max_drop`")


def _check_gate_names(gate: Gate, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    kind, metrics, slices = gate.kind, suite.metrics, suite.slices
    if gate.metric is None and kind != "scored":
        fault(path, f"gate {gate.id!r} needs a metric", f"one of {', '.join(metrics)}")
    elif gate.metric is not None and gate.metric not in metrics:
        what = f"metric {gate.metric!r} is not in the suite"
        fault((*path, "metric"), what, did_you_mean(gate.metric, metrics))
    if gate.slice is not None and gate.slice not in slices:
        fault((*path, "slice"), f"unknown slice {gate.slice!r}", did_you_mean(gate.slice, slices))
    if kind == "gap" and gate.slice is None:
        known = did_you_mean("", slices) or "declare one under `slices:`"
        fault(path, f"gate {gate.id!r} needs a slice", known)
    for name in gate.where:
        if name not in slices and not is_source(name):
            fault((*path, "where", name), f"unknown slice {name!r}", did_you_mean(name, slices))


def _rules_of(kinds: Iterable[GateKind]) -> str:
    rules = {"drop": "max_drop or max_ratio", "gap": "max_gap", "bound": "min or max", "scored": "min_scored"}
    return f"it goes with {' or '.join(rules[kind] for kind in kinds)}"


def check_range(gate: Gate, path: KeyPath, fault: FaultAt) -> None:
    """A bound outside the metric's range, or a margin as wide as it, always passes or always fails."""
    for name, (low, high) in GATE_RANGES.items():
        value = getattr(gate, name)
        if value is not None and (value < low or (high is not None and value > high)):
            end = f" to {high:g}" if high is not None else " or more"
            fault((*path, name), f"{name} is {value:g}", f"{low:g}{end}")
    metric = metric_of_ours(gate.metric)
    if metric is None or metric.high is None or gate.total:
        return
    span = metric.high - metric.low
    for name in ("max_drop", "max_gap"):
        value = getattr(gate, name)
        if value is not None and value >= span:
            fault((*path, name), f"{name} is {value:g}, as wide as the metric itself", f"below {span:g}")
    for name in ("min", "max"):
        value = getattr(gate, name)
        if value is not None and not metric.low <= value <= metric.high:
            fault(
                (*path, name),
                f"{name} is {value:g}, outside of {gate.metric}",
                f"{metric.low:g} to {metric.high:g}",
            )


def _is_better_low(metric: str | None) -> bool:
    found = metric_of_ours(metric)
    return found is not None and not found.higher_is_better


def _is_bounded(metric: str | None) -> bool:
    found = metric_of_ours(metric)
    return found is not None and found.high is not None


def metric_of_ours(name: str | None) -> Metric | None:
    """Find a metric of this package; of the user's own nothing is known before they are run."""
    if name is None or not is_ours(name):
        return None
    try:
        return find_metric(name)
    except UsageError:  # told where the metrics are listed
        return None
