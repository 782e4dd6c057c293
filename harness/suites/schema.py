"""The JSON Schema of suites and golden cases, generated from the types that check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.goldens.fields import RawCase
from harness.registry import METRICS, SYSTEMS, find_system
from harness.suites.decode import options_type
from harness.types import Suite

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def suite_schema() -> dict[str, Any]:
    """Give the schema of a suite file, with one branch of ``system`` per adapter."""
    (reference,), parts = msgspec.json.schema_components([Suite], ref_template="#/$defs/{name}")
    branches = []
    for adapter in SYSTEMS:
        (_, options) = _components(options_type(find_system(adapter), adapter))
        body = options.pop(adapter)
        parts.update(options)
        body["properties"] = {"adapter": {"const": adapter}, **body.get("properties", {})}
        body["required"] = ["adapter", *body.get("required", [])]
        branches.append(body)
    own = {"type": "object", "required": ["adapter"], "properties": {"adapter": {"pattern": ".+:.+"}}}
    suite = parts["Suite"]
    suite["properties"]["system"] = {"anyOf": [*branches, own]}
    suite["properties"]["metrics"]["items"] = {
        "type": "string",
        "anyOf": [
            {"enum": sorted(METRICS)},
            {"pattern": "^(" + "|".join(sorted(METRICS)) + ")@[1-9][0-9]*$"},
            {"pattern": ".+:.+"},
        ],
    }
    return {"$schema": DIALECT, "title": "harness suite", **reference, "$defs": dict(sorted(parts.items()))}


def golden_schema() -> dict[str, Any]:
    """Give the schema of one golden line in its canonical form."""
    (reference,), parts = msgspec.json.schema_components([RawCase], ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": "harness golden case",
        **reference,
        "$defs": dict(sorted(parts.items())),
    }


def _components(kind: type[msgspec.Struct]) -> tuple[Any, dict[str, Any]]:
    return msgspec.json.schema_components([kind], ref_template="#/$defs/{name}", schema_hook=_path_schema)


def _path_schema(kind: type) -> dict[str, Any]:
    if kind is Path:
        return {"type": "string", "description": "a file or folder, relative to the suite file"}
    raise NotImplementedError(kind)
