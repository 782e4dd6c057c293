"""One response to its scores: every metric of the run, errors as statuses."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.directed import find_directed
from harness.errors import JudgeFailure, MetricFault, Place
from harness.registry import is_ours
from harness.types import Case, Metric, Response, Score, Status


def score(
    case: Case, response: Response, metrics: Mapping[str, Metric], resources: Mapping[str, Any]
) -> dict[str, Score]:
    """Score one response on every metric.

    An error of the system is the status of every metric that does not score errors itself. A metric that
    gives a value outside its range, or raises, ends the run: what is recorded can be gone on with.

    Args:
        case: what was asked.
        response: what came back.
        metrics: by name.
        resources: what metrics may need, by name (``corpus``); ``judge`` has a panel per metric, which is
            opened for each answer.

    Raises:
        MetricFault: a metric raised, or gave a value outside its range.
    """
    return {name: _score(case, response, metric, resources) for name, metric in metrics.items()}


def _score(case: Case, response: Response, metric: Metric, resources: Mapping[str, Any]) -> Score:
    if response.error is not None and not metric.on_error:
        status: Status = "timeout" if response.error.kind == "timeout" else "system_error"
        return Score(status=status, reason=response.error.message)
    needs = {need: resources[need] for need in metric.needs if need != "judge"}
    if "judge" not in metric.needs:
        return _computed(case, response, metric, needs)
    judge = resources["judge"][metric.name].open()
    try:
        found = _computed(case, response, metric, {**needs, "judge": judge})
    except JudgeFailure as failure:
        found = Score(status="judge_error", reason=failure.message)
    directed = find_directed(response)
    further = judge.account() | ({"directed": directed} if directed else {})
    reason = found.reason or (f"{directed[0]['where']} {directed[0]['why']}" if directed else "")
    return msgspec.structs.replace(found, reason=reason, details=found.details | further)


def _computed(case: Case, response: Response, metric: Metric, needs: Mapping[str, Any]) -> Score:
    try:
        found = metric.score(case, response, **needs)
        if not is_ours(metric.name):
            found = _checked(found)
    except JudgeFailure:
        raise
    except Exception as error:
        raise MetricFault(
            f"metric {metric.name!r} raised {type(error).__name__} on case {case.id!r}: {error}",
            _place_of(error),
            "mend the metric, then resume the run",
        ) from error
    value = found.value
    if value is not None and (value < metric.low or (metric.high is not None and value > metric.high)):
        raise MetricFault(f"metric {metric.name!r} gave {value} on case {case.id!r}, outside its range")
    return found


def _checked(found: object) -> Score:
    """Bring what a metric of the user's gave into the form that a recording holds, or raise."""
    if not isinstance(found, Score):
        raise TypeError(f"it gave {type(found).__name__}, not a Score")
    if isinstance(found.value, bool):
        raise TypeError("its value is a bool, not a number")
    value = None if found.value is None else float(found.value)
    plain = msgspec.to_builtins(msgspec.structs.replace(found, value=value))
    return msgspec.convert(plain, Score)


def _place_of(error: Exception) -> Place | None:
    frames = traceback.extract_tb(error.__traceback__)
    return Place(frames[-1].filename, frames[-1].lineno) if frames else None
