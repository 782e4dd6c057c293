"""The report, or the audit, as one JSON document for machines: each passage's text once, versioned."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec.structs import replace

from harness.types import Audit, CasePair, Report

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


def render(report: Report) -> str:
    """Give the JSON text: one line, keys sorted, a line feed at the end.

    The fields are those of ``Report`` beside ``schema_version``. One thing differs: the text of a retrieved
    passage stands once, in ``passages`` under the first 16 hex digits of its SHA-256, and ``retrieved``
    holds that key as ``passage`` in the place of ``text``. All else is as recorded, invisible characters
    included (JSON escapes control characters). Absent values are null, never NaN. Of a large run not every
    case is there: ``not_shown`` counts the others.
    """
    passages: dict[str, str] = {}
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        **msgspec.to_builtins(replace(report, cases=()), str_keys=True),
        "passages": passages,
    }
    text = bytearray()
    for name, value in sorted(document.items()):
        text += b',"%b":' % name.encode() if text else b'{"%b":' % name.encode()
        if name == "cases":  # one at a time: they may be many; their texts stand further on, in passages
            text += b"["
            for place, pair in enumerate(report.cases):
                text += (b"," if place else b"") + _case(pair, passages)
            text += b"]"
        else:
            text += msgspec.json.encode(value, order="sorted")
    text += b"}\n"
    return text.decode()


def _case(pair: CasePair, passages: dict[str, str]) -> bytes:
    """Give the JSON of one case; the texts of what was retrieved go to ``passages``."""
    found: dict[str, Any] = msgspec.to_builtins(pair, str_keys=True)
    for role in ("baseline", "candidate"):
        response = found[role]["response"] if found[role] else {}
        for passage in response.get("retrieved", ()):
            passage["passage"] = _keep(passage.pop("text"), passages)
    return msgspec.json.encode(found, order="sorted")


def _keep(text: str, passages: dict[str, str]) -> str:
    """Store a text under its digest; 64 bits are ample for the passages of one report."""
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    passages.setdefault(key, text)
    return key


def render_audit(audit: Audit) -> str:
    """Give an audit as JSON text in the same manner; ``kind`` tells the two documents apart."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": "audit",
        **msgspec.to_builtins(audit, str_keys=True),
    }
    return f"{msgspec.json.encode(document, order='sorted').decode()}\n"
