"""One response to its scores: every metric of the run, errors as statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.types import Case, Metric, Response, Score, Status


def score(
    case: Case, response: Response, metrics: Mapping[str, Metric], resources: Mapping[str, Any]
) -> dict[str, Score]:
    """Score one response on every metric.

    An error of the system is the status of every metric that does not score errors itself. A metric that
    gives a value outside its range is a fault of the metric and raises.

    Args:
        case: what was asked.
        response: what came back.
        metrics: by name.
        resources: what metrics may need, by name (``corpus``).

    Raises:
        ValueError: a value outside the metric's range.
    """
    return {name: _score(case, response, metric, resources) for name, metric in metrics.items()}


def _score(case: Case, response: Response, metric: Metric, resources: Mapping[str, Any]) -> Score:
    if response.error is not None and not metric.on_error:
        status: Status = "timeout" if response.error.kind == "timeout" else "system_error"
        return Score(status=status, reason=response.error.message)
    found = metric.score(case, response, **{need: resources[need] for need in metric.needs})
    value = found.value
    if value is not None and (value < metric.low or (metric.high is not None and value > metric.high)):
        raise ValueError(f"metric {metric.name!r} gave {value} for case {case.id!r}, outside its range")
    return found
