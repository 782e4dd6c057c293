"""A Case to one golden line, as loading reads it back."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.types import Case, Evidence


def golden_line(case: Case) -> bytes:
    """Give the JSON Lines row of a case, ended by a line feed; fields that say nothing are left out."""
    plain: dict[str, Any] = msgspec.to_builtins(case)
    fields = {**plain.pop("query"), **plain}
    if case.evidence:
        fields["evidence"] = [_evidence(piece) for piece in case.evidence]
    if len(case.expected_output) == 1:
        fields["expected_output"] = case.expected_output[0]
    return msgspec.json.encode(fields) + b"\n"


def _evidence(piece: Evidence) -> dict[str, Any]:
    """A quote is looked up when it is loaded: the offsets that were found for it are not written."""
    found: dict[str, Any] = msgspec.to_builtins(piece)
    if piece.quote is not None:
        found.pop("start", None)
        found.pop("end", None)
    return found
