"""Reads answers out of foreign JSON by declared paths: ``$.a.b[0].c``, and ``[*]`` for every item."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from harness.errors import SystemFailure, UsageError, did_you_mean
from harness.systems.answers import bad, shown
from harness.types import Citation, Passage, Response, Timings, Usage

_STEP = re.compile(r"\.?([^.\[\]$*\s]+)|\[(-?\d{1,9})\]|\[(\*)\]")
_LISTS: dict[str, tuple[str, ...]] = {
    "retrieved": Passage.__struct_fields__,
    "citations": Citation.__struct_fields__,
}
_REQUIRED = {"retrieved": ("doc_id", "text"), "citations": ("doc_id",)}
_OBJECTS: dict[str, tuple[str, ...]] = {
    "usage": Usage.__struct_fields__,
    "timings": Timings.__struct_fields__,
}
_FIELDS = tuple(name for name in Response.__struct_fields__ if name != "text_repaired")

Spec = Mapping[str, str | Mapping[str, str]]


class JsonPath(NamedTuple):
    """A path in steps: a str is a key, an int a position (negative: from the end), None every item."""

    text: str
    steps: tuple[str | int | None, ...]

    def found(self, value: object, at: str = "$") -> list[tuple[str, Any]]:
        """Give every value that the path leads to, each with where it lies; ``at`` is where ``value`` does.

        Raises:
            SystemFailure: ``bad_response`` naming the place that is missing, or is no list.
        """
        here: list[tuple[str, Any]] = [(at, value)]
        for step in self.steps:
            if step is None:
                here = [item for place, inner in here for item in items(inner, place)]
            else:
                here = [_child(inner, step, place) for place, inner in here]
        return here

    def value(self, value: object, at: str = "$") -> Any:
        """Give the one value, or the list of values where the path has ``[*]``."""
        found = [inner for _, inner in self.found(value, at)]
        return found if None in self.steps else found[0]


def json_path(text: str, noun: str) -> JsonPath:
    """Read a path; the leading ``$.`` may be left out.

    Raises:
        UsageError: the text is no such path; ``noun`` says in the message what it was for.
    """
    rest = text.removeprefix("$")
    steps: list[str | int | None] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            raise UsageError(f"{noun} {text!r} is not a path", mend="for example $.answer or $.sources[*]")
        key, position, _ = match.groups()
        steps.append(key if key is not None else int(position) if position is not None else None)
        at = match.end()
    return JsonPath(text, tuple(steps))


def items(value: object, at: str) -> list[tuple[str, Any]]:
    """Give the items of a list, each with where it lies.

    Raises:
        SystemFailure: ``bad_response``: it is not a list; null is none either.
    """
    if not isinstance(value, list):
        raise bad(at, f"is {_kind(value)}, not a list: {shown(value)}")
    return [(f"{at}[{index}]", item) for index, item in enumerate(value)]


def decode_json(text: str, what: str) -> Any:
    """Decode strict JSON: NaN and Infinity are refused.

    Raises:
        SystemFailure: ``bad_response`` with the first 200 characters of the text.
    """
    try:
        return _DECODER.decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SystemFailure("bad_response", f"{what} is not JSON ({reason[:100]}): {shown(text)}") from None


class AnswerPaths(NamedTuple):
    """Where in a system's own JSON the fields of a Response lie."""

    whole: dict[str, JsonPath]
    objects: dict[str, dict[str, JsonPath]]
    lists: dict[str, tuple[JsonPath, dict[str, JsonPath]]]

    def read(self, body: object) -> dict[str, Any]:
        """Give the fields of a Response for ``to_response``; an ``error`` that is there stands alone.

        Raises:
            SystemFailure: ``bad_response``: a declared path is missing.
        """
        if "error" in self.whole:
            error = _error(self.whole["error"], body)
            if error is not None:
                return {"error": error}
        answer = {name: path.value(body) for name, path in self.whole.items() if name != "error"}
        for name, parts in self.objects.items():
            answer[name] = {part: path.value(body) for part, path in parts.items()}
        for name, (at, parts) in self.lists.items():
            found = at.found(body) if None in at.steps else items(at.value(body), at.text)
            answer[name] = [
                {part: path.value(item, place) for part, path in parts.items()} for place, item in found
            ]
        return answer


def answer_paths(spec: Spec, noun: str) -> AnswerPaths:
    """Read a mapping of Response fields to paths.

    ``retrieved`` and ``citations`` are one path to a list in the harness's own form, or a mapping of
    ``at``, the list, and the path of each field inside an item (the ids, and the texts of passages, must
    be among them). ``usage`` and ``timings`` are one path
    or a mapping of their fields. ``error`` may be missing in an answer: then there is none.

    Raises:
        UsageError: an unknown name, a wrong path, or no ``output``.
    """
    if "output" not in spec:
        raise UsageError(f"{noun} has no 'output'", mend="say where the answer's text lies: output: $.answer")
    paths = AnswerPaths({}, {}, {})
    for name, value in spec.items():
        _check_name(name, _FIELDS, noun)
        if isinstance(value, str):
            paths.whole[name] = json_path(value, f"{noun}.{name}")
            continue
        parts = {part: json_path(path, f"{noun}.{name}.{part}") for part, path in value.items()}
        if name in _OBJECTS:
            for part in parts:
                _check_name(part, _OBJECTS[name], f"{noun}.{name}")
            paths.objects[name] = parts
        elif name in _LISTS:
            for part in parts:
                _check_name(part, ("at", *_LISTS[name]), f"{noun}.{name}")
            for part in ("at", *_REQUIRED[name]):
                if part not in parts:
                    raise UsageError(
                        f"{noun}.{name} has no {part!r}", mend="for example at: $.sources[*], doc_id: id"
                    )
            paths.lists[name] = (parts.pop("at"), parts)
        else:
            raise UsageError(f"{noun}.{name} takes one path, not a mapping")
    return paths


def nested(fields: Mapping[str, str]) -> dict[str, str | dict[str, str]]:
    """Turn dotted names (``retrieved``, ``retrieved.doc_id``) into the mapping that answer_paths reads."""
    spec: dict[str, str | dict[str, str]] = {}
    for name in sorted(fields):
        head, dot, part = name.partition(".")
        if not dot:
            spec[head] = fields[name]
            continue
        inner = spec.get(head)
        if not isinstance(inner, dict):
            inner = {} if inner is None else {"at": inner}
            spec[head] = inner
        inner[part] = fields[name]
    return spec


def _error(path: JsonPath, body: object) -> Any:
    try:
        return path.value(body)
    except SystemFailure:
        return None


def _check_name(name: str, known: tuple[str, ...], noun: str) -> None:
    if name not in known:
        raise UsageError(f"{noun} has the unknown name {name!r}", mend=did_you_mean(name, known))


def _child(value: object, step: str | int, at: str) -> tuple[str, Any]:
    if isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            return f"{at}[{step}]", value[step]
        raise bad(f"{at}[{step}]", "is missing")
    if isinstance(value, dict) and step in value:
        return f"{at}.{step}", value[step]
    raise bad(
        f"{at}.{step}", "is missing" if isinstance(value, dict) else f"is missing: {at} is {_kind(value)}"
    )


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
