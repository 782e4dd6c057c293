"""Plain values to typed ones, with the line and column of whatever does not fit."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import json
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import Fault, did_you_mean
from harness.suites.yaml import Document, KeyPath


def decode(value: Any, wanted: Any, path: KeyPath, document: Document, faults: list[Fault]) -> Any:
    """Convert to a Struct, dict, tuple or plain type; every misfit is appended to ``faults``.

    Gives None for what did not fit: look at ``faults`` before using the result.
    """
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _decode_struct(value, wanted, path, document, faults)
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in {typing.Union, types.UnionType} and len(args) == 2 and value is not None:
        some = [arg for arg in args if arg is not types.NoneType]
        if len(some) == 1:  # an optional value that is there: look inside, so that faults are placed inside
            return decode(value, some[0], path, document, faults)
    if origin is dict and args[1] is not Any and isinstance(value, dict):
        return {key: decode(part, args[1], (*path, key), document, faults) for key, part in value.items()}
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis and isinstance(value, list):
        return tuple(
            decode(part, args[0], (*path, index), document, faults) for index, part in enumerate(value)
        )
    try:
        return msgspec.convert(value, wanted, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        what = str(error).partition(" - at ")[0]
        mend = did_you_mean(str(value), args) if origin is typing.Literal and str(args[0]) in args else ""
        if "str" in what.partition(", got")[0] and isinstance(value, (int, float, bool)):
            mend = f'write "{json.dumps(value)}" if it is text'
        said = f"{path_text(path)!r}: {what[0].lower()}{what[1:]}"
        faults.append(Fault(said, document.place(path), mend))
        return None


def _decode_struct(
    value: Any, wanted: type[msgspec.Struct], path: KeyPath, document: Document, faults: list[Fault]
) -> Any:
    place = document.place(path)
    if not isinstance(value, dict):
        found = "nothing" if value is None else type(value).__name__
        where = path_text(path) or "the suite"
        faults.append(Fault(f"expected keys and values in {where}, found {found}", place))
        return None
    before = len(faults)
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    for key in value:
        if key not in fields:
            at = document.place((*path, key), key=True)
            where = f" in {path_text(path)}" if path else ""
            faults.append(Fault(f"unknown key {key!r}{where}", at, did_you_mean(key, fields)))
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[field.name] = decode(value[name], field.type, (*path, name), document, faults)
        elif field.required:
            faults.append(Fault(f"key {name!r} is missing in {path_text(path) or 'the suite'}", place))
    return wanted(**arguments) if len(faults) == before else None


def options_type(connect: Callable[..., Any], name: str) -> type[msgspec.Struct]:
    """Make a Struct of an adapter's keyword options, so that one mechanism checks and documents them."""
    function = inspect.unwrap(connect)
    hints = _parameter_types(function)
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, hints.get(parameter.name, Any)))
        elif isinstance(parameter.default, (dict, list)):
            fields.append(
                (
                    parameter.name,
                    hints.get(parameter.name, Any),
                    msgspec.field(default_factory=functools.partial(copy.deepcopy, parameter.default)),
                )
            )
        else:
            fields.append((parameter.name, hints.get(parameter.name, Any), parameter.default))
    fields.sort(key=len)
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True)


def _parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function's parameters; one that has none, or that cannot be resolved, may be anything.

    Each is resolved alone: what a function returns is often named for the type checker only.
    """
    found: dict[str, Any] = {}
    for name, annotation in inspect.get_annotations(function).items():
        if name == "return":
            continue
        holder = type("holder", (), {"__annotations__": {name: annotation}})
        with contextlib.suppress(NameError):
            found |= typing.get_type_hints(holder, globalns=getattr(function, "__globals__", {}))
    return found


def path_text(path: KeyPath) -> str:
    """``('gates', 2, 'min')`` reads ``gates[2].min``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def is_path(wanted: Any) -> bool:
    """Say whether an option is a file or folder: ``Path`` or ``Path | None``."""
    if typing.get_origin(wanted) in {typing.Union, types.UnionType}:
        return Path in typing.get_args(wanted)
    return wanted is Path


def _to_path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected a path, got {type(value).__name__}")
