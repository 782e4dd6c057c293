"""References to the environment in system options: resolved at call time, secrets kept out of sinks."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

from harness.errors import Fault, UsageError

REFERENCE = re.compile(r"\$\{(env|secret):([A-Za-z_][A-Za-z0-9_]*)\}")
MEANT = re.compile(r"\$\{(?:env|secret)\b[^}]*\}?")
"""What is meant as a reference, well formed or not."""
HIDDEN = "[secret]"
SHORTEST = 6
"""Secrets shorter than this are not searched for: they would hide ordinary words."""


def resolve(options: Any, *, keep_secrets: bool = False) -> tuple[Any, list[str]]:
    """Replace ``${env:NAME}`` and ``${secret:NAME}`` in every string of nested options.

    Args:
        options: as written.
        keep_secrets: leave ``${secret:NAME}`` as it is written, whether it is set or not.

    Returns:
        the options with values, and the values of the secrets.

    Raises:
        UsageError: a reference is malformed, or a variable is not set; all missing ones are named.
    """
    secrets: list[str] = []
    missing: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "secret" and keep_secrets:
            return match.group()
        value = os.environ.get(name)
        if value is None:
            missing.append(name)
            return ""
        if kind == "secret":
            secrets.append(value)
        return value

    def replaced(text: str) -> str:
        for meant in MEANT.findall(text):
            if not REFERENCE.fullmatch(meant):
                raise UsageError(f"reference {meant!r}", mend="write ${env:NAME} or ${secret:NAME}")
        return REFERENCE.sub(value_of, text)

    resolved = _map_strings(options, replaced)
    if missing:
        raise UsageError(
            [
                Fault(f"environment variable {name!r} is not set", mend="the suite refers to it")
                for name in dict.fromkeys(missing)
            ]
        )
    return resolved, secrets


def redactor(secrets: list[str]) -> Callable[[str], str]:
    """Give a function that hides the secrets in a text, also URL-encoded, JSON-escaped or in base64."""
    shapes: set[str] = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            shapes |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
            shapes |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
            # base64 of a text that contains the secret at any offset shares the middle of one of these
            for shift in range(3):
                data = b"\0" * shift + secret.encode()
                core = base64.b64encode(data).decode()[(0, 2, 3)[shift] : len(data) * 8 // 6]
                shapes |= {core, core.replace("+", "-").replace("/", "_")}
    if not shapes:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(shape) for shape in sorted(shapes, key=len, reverse=True)))
    return lambda text: pattern.sub(HIDDEN, text)


def redact(value: Any, hide: Callable[[str], str]) -> Any:
    """Hide secrets in every string of nested JSON types."""
    return _map_strings(value, hide)


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_map_strings(key, change): _map_strings(part, change) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_map_strings(part, change) for part in value)
    return value
