"""A report with one text in every place where a text can stand."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.types import Report, Run

_CLOSED = {
    "verdict",
    "outcome",
    "status",
    "expected_behavior",
    "expected",
    "observed",
    "kind",
    "role",
    "scale",
    "against",
}
"""Fields with a closed set of values: nothing from outside can stand there."""
_NAMES = {"id", "suite_name"}
"""Fields of a run whose letters are checked where it is read."""


def saturate(report: Report, text: str) -> Report:
    """Append the text to every string of the report that may hold any: ids, names, keys, values, words."""
    filled: Report = _fill(report, text)
    return filled


def _fill(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value + text
    if isinstance(value, msgspec.Struct):
        fixed = _CLOSED | _NAMES if isinstance(value, Run) else _CLOSED
        names = [name for name in value.__struct_fields__ if name not in fixed]
        return msgspec.structs.replace(value, **{name: _fill(getattr(value, name), text) for name in names})
    if isinstance(value, dict):
        return {_fill(key, text): _fill(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fill(item, text) for item in value)
    return value
