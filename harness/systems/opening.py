"""Opens a system by the adapter's name, so that the engine always gets an async Query -> Response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any

from harness.errors import UsageError
from harness.registry import SYSTEMS, find_system
from harness.systems.callables import adapted
from harness.types import Query, Response

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
            yield system if adapter in SYSTEMS else adapted(system)
    elif isinstance(manager, AbstractContextManager):
        with manager as system:
            yield adapted(system)
    else:
        raise UsageError(
            f"adapter {adapter!r} gave {type(manager).__name__}, not a context manager",
            mend="decorate connect with contextlib.asynccontextmanager",
        )
