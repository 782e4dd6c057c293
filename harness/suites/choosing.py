"""What ``choose:`` of a suite must mean beyond its types."""

from __future__ import annotations

from harness.errors import did_you_mean
from harness.slices import is_source
from harness.suites.keys import FaultAt
from harness.suites.meaning import check_range, metric_of_ours
from harness.suites.yaml import KeyPath
from harness.types import Gate, GateKind, Requirement, Suite

ALWAYS_KNOWN = ("latency_s", "cost_usd")
"""What a requirement may be about although the suite does not measure it: every recording tells it."""
_LIMITS = {"gap": "max_gap", "bound": "min or max"}


def check_choose(suite: Suite, fault: FaultAt) -> None:
    """Check what types cannot say of ``choose:``: names that exist, limits that can be kept to."""
    if suite.choose is None:
        return
    quality = suite.choose.quality
    metric = metric_of_ours(quality)
    if quality not in suite.metrics:
        what = f"metric {quality!r} is not in the suite"
        fault(("choose", "quality"), what, did_you_mean(quality, suite.metrics))
    elif metric is not None and metric.high is None:
        what = f"{quality!r} has no upper end: it is no quality"
        fault(("choose", "quality"), what, "limit it under `require:`")
    for index, one in enumerate(suite.choose.require):
        _check_requirement(one, suite, ("choose", "require", index), fault)


def _check_requirement(one: Requirement, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    known = (*suite.metrics, *(name for name in ALWAYS_KNOWN if name not in suite.metrics))
    if one.metric not in known:
        what = f"metric {one.metric!r} is not in the suite"
        fault((*path, "metric"), what, did_you_mean(one.metric, known))
    is_bound, is_gap = one.min is not None or one.max is not None, one.max_gap is not None
    if is_bound == is_gap:
        fault(path, "a requirement has no limit or several", "give min and/or max, or max_gap with a slice")
        return
    if is_gap and one.slice not in suite.slices:
        told = f"unknown slice {one.slice!r}" if one.slice else "max_gap needs a slice"
        fault(path, told, did_you_mean(one.slice or "", suite.slices) or "declare one under `slices:`")
    kind: GateKind = "gap" if is_gap else "bound"
    for name, others in (("slice", "gap"), ("quantile", "bound")):
        if getattr(one, name) is not None and kind != others:
            fault((*path, name), f"{name} says nothing here", f"it goes with {_LIMITS[others]}")
    for name in one.where:
        if name not in suite.slices and not is_source(name):
            fault((*path, "where", name), f"unknown slice {name!r}", did_you_mean(name, suite.slices))
    if one.min is not None and one.max is not None and one.min > one.max:
        fault((*path, "min"), f"min {one.min:g} is above max {one.max:g}", "nothing can keep to it")
    numbers = {name: getattr(one, name) for name in ("metric", "min", "max", "max_gap", "quantile")}
    check_range(Gate(id="", **numbers), path, fault)
