"""Opens a system by the adapter's name, so that the engine always gets an async Query -> Response."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any

from harness.errors import UsageError
from harness.registry import SYSTEMS, find_system
from harness.systems.answers import to_response
from harness.types import Query, Response, System

Ask = Callable[[Query], Awaitable[Response]]


@asynccontextmanager
async def open_system(adapter: str, options: Mapping[str, Any]) -> AsyncIterator[Ask]:
    """Connect with the adapter's options; adapters of the user's own may yield any System.

    Raises:
        UsageError: unknown adapter, options it does not take, or a connect that is no context manager.
    """
    connect = find_system(adapter)
    try:
        manager = connect(**options)
    except TypeError as error:
        raise UsageError(f"adapter {adapter!r} does not take these options: {error}") from error
    if isinstance(manager, AbstractAsyncContextManager):
        async with manager as system:
            yield system if adapter in SYSTEMS else _adapted(system)
    elif isinstance(manager, AbstractContextManager):
        with manager as system:
            yield _adapted(system)
    else:
        raise UsageError(
            f"adapter {adapter!r} gave {type(manager).__name__}, not a context manager",
            mend="decorate connect with contextlib.asynccontextmanager",
        )


def _adapted(system: System) -> Ask:
    async def answer(query: Query) -> Response:
        if inspect.iscoroutinefunction(system):
            return to_response(await system(query))
        found = await asyncio.to_thread(system, query)
        return to_response(await found if inspect.isawaitable(found) else found)

    return answer
