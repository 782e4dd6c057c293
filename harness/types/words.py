"""Words of a closed set, and the limits of names and numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

Behavior = Literal["answer", "refuse", "clarify", "partial"]
Status = Literal["scored", "not_applicable", "system_error", "timeout", "judge_error"]
Outcome = Literal["pass", "fail", "inconclusive"]
GateKind = Literal["drop", "bound", "gap", "scored", "cases"]
Reference = Literal["baseline", "anchor"]
"""What a run is compared with: the runs before it, or those of the last release."""
Scalar = str | int | float | bool | None
RunId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]
"""Checked where a recording is read: a run's id is the name of its folder."""
SuiteName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
"""Checked where a recording is read: a suite's name is that of its baseline's files."""

LARGEST_VALUE = 1e100
"""The largest magnitude of a score, a cost or a time: squares of those beyond 1e154 do not fit a float."""
UNSCORED: tuple[Status, ...] = ("system_error", "timeout", "judge_error")
"""Statuses that stay in the denominator without a value; ``not_applicable`` is outside it."""
