"""Adapters of the user's own whose systems take their time over the question "hang"."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

LATE_S = 2.5


@contextmanager
def waiting() -> Iterator[Callable[[Any], str]]:
    """A plain system."""

    def answer(query: Any) -> str:
        time.sleep(LATE_S if query.input == "hang" else 0)
        return "fine"

    yield answer


@asynccontextmanager
async def heeding() -> AsyncIterator[Any]:
    """An async system that is cancelled in its wait."""

    async def answer(query: Any) -> str:
        await asyncio.sleep(3600 if query.input == "hang" else 0)
        return "fine"

    yield answer


@asynccontextmanager
async def heedless() -> AsyncIterator[Any]:
    """An async system that catches its cancellation and goes on."""

    async def answer(query: Any) -> str:
        until = time.monotonic() + (LATE_S if query.input == "hang" else 0)
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return "fine"

    yield answer


@asynccontextmanager
async def blocking() -> AsyncIterator[Any]:
    """An async system that blocks the loop, from when others are in flight."""

    async def answer(query: Any) -> str:
        await asyncio.sleep(0.05)
        if query.input == "hang":
            time.sleep(LATE_S)  # noqa: ASYNC251 -- that is the fault
        return "fine"

    yield answer
