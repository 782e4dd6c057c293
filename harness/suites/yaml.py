"""Strict YAML: plain values with the line and column of each; every trap of YAML 1.1 is an error."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Place, SuiteError

MAX_BYTES = 5_000_000
MAX_DEPTH = 50
MAX_ALIASES = 50
MAX_VALUES = 50_000

KeyPath = tuple[str | int, ...]

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# What YAML 1.1 reads as something else than it looks: yes/no, octal, base 60, dates.
_TRAPS = (
    (re.compile(r"y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF"), "is a truth value in YAML 1.1"),
    (re.compile(r"[-+]?0[0-9_]+"), "is an octal number in YAML 1.1"),
    (re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+"), "is a number in another base"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "is a base-60 number in YAML 1.1"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9]*)?"), "is a number in YAML 1.1"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "is a date in YAML 1.1"),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), "is not a finite number"),
)


class Document(NamedTuple):
    """A YAML document as plain values; ``places`` has every key and value by its path from the root."""

    value: Any
    places: dict[KeyPath, Place]
    keys: dict[KeyPath, Place]

    def place(self, path: KeyPath, *, key: bool = False) -> Place:
        """Give where a value (or its key) stands, or the nearest thing around it that stands somewhere."""
        table = self.keys if key else self.places
        while path and path not in table:
            path = path[:-1]
            table = self.places
        return table[path]


def load_yaml(path: Path) -> Document:
    """Read one YAML document.

    Raises:
        SuiteError: with line and column: not YAML, not UTF-8, too large or deep, a tag, an anchor bomb,
            a duplicate key, a key that is not text, or a scalar that YAML 1.1 reads as something else.
    """
    import yaml

    try:
        data = path.read_bytes()
    except OSError as error:
        raise SuiteError(f"cannot read the file: {error.strerror}", Place(str(path))) from error
    if len(data) > MAX_BYTES:
        raise SuiteError(f"{len(data):,} bytes; at most {MAX_BYTES:,} are read", Place(str(path)))
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Place(str(path), line, error.start - data.rfind(b"\n", 0, error.start))
        raise SuiteError("not UTF-8", place, "save the file as UTF-8") from error
    try:
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader), path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise SuiteError(f"not YAML: {what}", place) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(str(path), before.count("\n") + 1, error.position - before.rfind("\n"))
        raise SuiteError(f"not YAML: {error.reason}", place, f"take U+{error.character:04X} out") from error
    document = Document(None, {(): Place(str(path), 1, 1)}, {})
    value = _value(node, (), document, str(path)) if node is not None else None
    return document._replace(value=value)


def _check_events(events: Any, path: Path) -> None:
    """Refuse depth, aliases and tags before anything is built."""
    depth = aliases = 0
    for event in events:
        name = type(event).__name__
        place = Place(str(path), event.start_mark.line + 1, event.start_mark.column + 1)
        if name in {"MappingStartEvent", "SequenceStartEvent"}:
            depth += 1
            if depth > MAX_DEPTH:
                raise SuiteError(f"nested more than {MAX_DEPTH} deep", place)
        elif name in {"MappingEndEvent", "SequenceEndEvent"}:
            depth -= 1
        elif name == "AliasEvent":
            aliases += 1
            if aliases > MAX_ALIASES:
                raise SuiteError(f"more than {MAX_ALIASES} aliases", place, "write the values out")
        if getattr(event, "tag", None) is not None:
            raise SuiteError(f"tag {event.tag!r}", place, "tags are not allowed; write a plain value")


def _value(node: Any, path: KeyPath, document: Document, file: str) -> Any:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if len(path) > MAX_DEPTH:
        raise SuiteError(f"an alias nests more than {MAX_DEPTH} deep, or contains itself", place)
    document.places[path] = place
    if len(document.places) > MAX_VALUES:
        raise SuiteError(f"more than {MAX_VALUES:,} values, aliases written out", place)
    kind = type(node).__name__
    if kind == "ScalarNode":
        return _scalar(node, place)
    if kind == "SequenceNode":
        return [_value(item, (*path, index), document, file) for index, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = Place(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        key = _scalar(key_node, at) if type(key_node).__name__ == "ScalarNode" else None
        if not isinstance(key, str):
            shown = repr(key_node.value) if type(key_node).__name__ == "ScalarNode" else "that is no word"
            raise SuiteError(f"key {shown} is not text", at, "put it in quotes")
        if key == "<<":
            raise SuiteError("merge key '<<'", at, "write the keys out")
        if key in found:
            first = document.keys[(*path, key)]
            raise SuiteError(f"duplicate key {key!r}, first in line {first.line}", at, "keep one of them")
        document.keys[(*path, key)] = at
        found[key] = _value(value_node, (*path, key), document, file)
    return found


def _scalar(node: Any, place: Place) -> Any:
    """Resolve a scalar by the YAML 1.2 core schema; quoted and block scalars are text."""
    text: str = node.value
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise SuiteError("a NUL or half a surrogate pair", place, "replace the escape")
    if node.style is not None:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise SuiteError(
                f"number {text[:20]} does not fit 64 bits", place, "put it in quotes if it is text"
            )
        return int(text)
    for pattern, why in _TRAPS:
        if pattern.fullmatch(text):
            raise SuiteError(
                f"unquoted {text!r} {why}", place, f'write "{text}" in quotes, or mean it plainly'
            )
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise SuiteError(f"number {text[:20]} is too large", place, "put it in quotes if it is text")
        return value
    return text
