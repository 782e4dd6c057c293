"""Candidates as one JSON document for machines: the whole value, versioned."""

from __future__ import annotations

import msgspec

from harness.types import Candidates

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


def render(found: Candidates) -> str:
    """Give the JSON text: one line, keys sorted, a line feed at the end; absent values are null."""
    document = {"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(found, str_keys=True)}
    return f"{msgspec.json.encode(document, order='sorted').decode()}\n"
