"""Keys of services that are written out in a suite: they would be recorded, and stand in every report."""

from __future__ import annotations

import re
from typing import Any, Protocol

from harness.suites.yaml import KeyPath
from harness.types import Suite

SECRET = re.compile(r"\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}")
OPTIONS = frozenset({"api_key", "apikey", "token", "access_token", "auth_token", "password", "secret"})
"""Options of systems that are keys, whoever's adapter it is."""
HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "api-key", "apikey", "x-api-key", "x-auth-token"}
)
"""Headers that are keys, in small letters."""


class FaultAt(Protocol):
    """Notes a fault at a path in the suite."""

    def __call__(self, path: KeyPath, what: str, mend: str = "") -> None:
        """Say what is wrong at the path, and how to mend it."""


def check_keys(suite: Suite, fault: FaultAt) -> None:
    """Refuse a key that is written out, in the options or the headers of a system or of a candidate."""
    _check(suite.system, ("system",), fault)
    for name, changes in suite.candidates.items():
        _check(changes, ("candidates", name), fault)


def _check(options: dict[str, Any], path: KeyPath, fault: FaultAt) -> None:
    headers = options.get("headers")
    found = [((*path, name), value) for name, value in options.items() if name.lower() in OPTIONS]
    if isinstance(headers, dict):
        found += [
            ((*path, "headers", name), value) for name, value in headers.items() if name.lower() in HEADERS
        ]
    for place, value in found:
        if isinstance(value, str) and value and not SECRET.search(value):
            fault(place, "a key in the suite would be recorded", "write ${secret:NAME}")
