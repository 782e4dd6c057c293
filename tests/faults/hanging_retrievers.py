"""The systems of ``hanging_systems`` as retrievers: one passage, if anything; and two that are slow."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import hanging_systems


def _retrieving(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def later(query: Any) -> list[str]:
        return [await function(query)]

    return later if inspect.iscoroutinefunction(function) else lambda query: [function(query)]


spinning = _retrieving(hanging_systems.spinning)
sleeping_with_the_lock = _retrieving(hanging_systems.sleeping_with_the_lock)
backtracking = _retrieving(hanging_systems.backtracking)
blocking_its_loop = _retrieving(hanging_systems.blocking_its_loop)
heedless = _retrieving(hanging_systems.heedless)
awaiting = _retrieving(hanging_systems.awaiting)
ending = _retrieving(hanging_systems.ending)
ending_later = _retrieving(hanging_systems.ending_later)


def slow(query: Any) -> list[str]:
    time.sleep(0.3)
    return ["fine"]


def naming(query: Any) -> list[str]:
    time.sleep(0.05)
    return [query.id]
