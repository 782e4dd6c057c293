"""The JSON Schema of suites and golden cases, generated from the types that check them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec

from harness.goldens.fields import ID_PATTERN, RawCase
from harness.registry import METRICS, SYSTEMS, find_system, load_object
from harness.slices import NESTED_SOURCES, PLAIN_SOURCES
from harness.suites.decode import options_type
from harness.suites.meaning import (
    BUDGETS,
    EARLIEST_LOOK,
    GATE_ID,
    GATE_RANGES,
    GOES_WITH,
    LEAST_OF_RUN,
    MOST_LOOKS,
    RATES,
)
from harness.types import Gate, GateKind, Suite

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def suite_schema() -> dict[str, Any]:
    """Give the schema of a suite file, with one branch of ``system`` per adapter.

    It says all that one place of a file can say. Names that must agree between places (the metric of a
    gate, the options of a candidate) are for ``validate``.
    """
    parts = _components(Suite)
    branches = []
    for adapter in SYSTEMS:
        options = _components(options_type(find_system(adapter), adapter))
        body = options.pop(adapter)
        parts.update(options)
        body["properties"] = {"adapter": {"const": adapter}, **body.get("properties", {})}
        body["required"] = ["adapter", *body.get("required", [])]
        branches.append(body)
    own = {"type": "object", "required": ["adapter"], "properties": {"adapter": {"pattern": ".+:.+"}}}
    parts["Suite"]["properties"]["system"] = {"anyOf": [*branches, own]}
    _narrow_suite(parts)
    _narrow_gate(parts["Gate"])
    _narrow_requirement(parts["Requirement"])
    return _schema("harness suite", "Suite", parts)


def golden_schema() -> dict[str, Any]:
    """Give the schema of one golden line in its canonical form."""
    parts = _components(RawCase)
    parts["RawCase"]["properties"]["id"]["anyOf"][0]["pattern"] = _whole(ID_PATTERN.pattern)
    parts["RawCase"]["properties"]["input"]["pattern"] = r"\S"
    return _schema("harness golden case", "RawCase", parts)


def _narrow_suite(parts: dict[str, Any]) -> None:
    suite = parts["Suite"]["properties"]
    suite["suite"]["pattern"] = _whole(GATE_ID.pattern)
    for name in ("goldens", "metrics", "gates"):
        suite[name]["minItems"] = 1
    suite["metrics"]["uniqueItems"] = True
    cut = [name for name in METRICS if load_object(METRICS[name], "metric").cutoff]
    suite["metrics"]["items"] = {
        "type": "string",
        "anyOf": [
            {"enum": [name for name in METRICS if name not in cut]},
            {"pattern": _whole(f"({'|'.join(cut)})@[1-9][0-9]{{0,8}}")},
            {"pattern": ".+:.+"},
        ],
    }
    suite["alpha"] |= {"exclusiveMinimum": 0, "exclusiveMaximum": 0.5}
    suite["candidates"]["propertyNames"] = {"minLength": 1}
    suite["crosses"]["items"] |= {"minItems": 2, "uniqueItems": True}
    for name, least in LEAST_OF_RUN.items():
        parts["RunSettings"]["properties"][name]["minimum"] = least
    parts["RunSettings"]["properties"]["deadline_s"]["exclusiveMinimum"] = 0
    for holder, names in (("RunSettings", RATES), ("JudgeSettings", RATES), ("BudgetSettings", BUDGETS)):
        for name in names:
            parts[holder]["properties"][name]["anyOf"][0]["exclusiveMinimum"] = 0
    looks = parts["RunSettings"]["properties"]["looks"]
    looks |= {"minItems": 1, "maxItems": MOST_LOOKS, "uniqueItems": True, "contains": {"const": 1}}
    looks["items"] |= {"minimum": EARLIEST_LOOK, "maximum": 1}
    parts["EngineSettings"]["properties"]["shards"]["anyOf"][0]["minimum"] = 1
    parts["BaselineSettings"]["properties"]["runs"]["minimum"] = 1
    parts["BaselineSettings"]["properties"]["stale_after_days"]["anyOf"][0]["exclusiveMinimum"] = 0
    parts["BaselineSettings"]["properties"]["fresh"]["anyOf"][0] |= {"exclusiveMinimum": 0, "maximum": 1}
    calibration = parts["CalibrationSettings"]["properties"]
    calibration["min_kappa"] |= {"minimum": 0, "exclusiveMaximum": 1}
    calibration["expires_after_days"]["anyOf"][0]["exclusiveMinimum"] = 0
    parts["SliceRule"]["properties"]["min_n"]["minimum"] = 1
    sources = "|".join([*PLAIN_SOURCES, *(rf"{head}\..+" for head in NESTED_SOURCES)])
    parts["SliceRule"]["properties"]["from"]["pattern"] = _whole(sources)


def _narrow_gate(gate: dict[str, Any]) -> None:
    """A gate has exactly one rule; an explicit null is as good as no key."""
    gate["properties"]["id"]["pattern"] = _whole(GATE_ID.pattern)
    for name, (low, high) in GATE_RANGES.items():
        number = gate["properties"][name]["anyOf"][0]
        number["minimum"] = low
        if high is not None:
            number["maximum"] = high
    cases = {"required": ["cases"], "properties": {"cases": {"minItems": 1}}}
    metric = _given("metric")
    rules: dict[GateKind, tuple[dict[str, Any], ...]] = {
        "drop": (_given("max_drop"), metric),
        "gap": (_given("max_gap"), metric, _given("slice")),
        "scored": (_given("min_scored"),),
        "cases": (cases, metric),
        "bound": ({"anyOf": [_given("min"), _given("max")], "not": cases}, metric),
    }
    gate["oneOf"] = [rule for rule, *_ in rules.values()]
    gate["allOf"] = [
        {"if": rule, "then": {"allOf": [*needed, _only_heeded(kind)]}}
        for kind, (rule, *needed) in rules.items()
    ]


def _narrow_requirement(one: dict[str, Any]) -> None:
    """A requirement is a bound or a gap."""
    for name, (low, high) in GATE_RANGES.items():
        if name in one["properties"]:
            number = one["properties"][name]["anyOf"][0]
            number["minimum"] = low
            if high is not None:
                number["maximum"] = high
    bound = {"anyOf": [_given("min"), _given("max")], "not": {"anyOf": [_given("max_gap"), _given("slice")]}}
    gap = {"allOf": [_given("max_gap"), _given("slice")], "not": {"anyOf": [_given("min"), _given("max")]}}
    one["oneOf"] = [bound, {**gap, "properties": {"quantile": {"const": None}}}]


def _only_heeded(kind: GateKind) -> dict[str, Any]:
    plain = Gate(id="")
    unheeded = [name for name, kinds in GOES_WITH.items() if kind not in kinds]
    return {"properties": {name: {"const": getattr(plain, name)} for name in unheeded}}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _whole(pattern: str) -> str:
    return f"^({pattern})$"


def _schema(title: str, root: str, parts: dict[str, Any]) -> dict[str, Any]:
    for part in parts.values():
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
    whole = {
        "$schema": DIALECT,
        "title": title,
        "$ref": f"#/$defs/{root}",
        "$defs": dict(sorted(parts.items())),
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))
    return plain


def _components(kind: type[msgspec.Struct]) -> dict[str, Any]:
    _, parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}", schema_hook=_path_schema)
    return parts


def _path_schema(kind: type) -> dict[str, Any]:
    if kind is Path:
        return {"type": "string", "description": "a file or folder, relative to the suite file"}
    raise NotImplementedError(kind)
