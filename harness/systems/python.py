"""A function of the user's as the system under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from harness.systems.answers import to_response
from harness.systems.callables import imported
from harness.types import Query, Response


@asynccontextmanager
async def connect(*, target: str) -> AsyncIterator[Callable[[Query], Awaitable[Response]]]:
    """Connect to a function ``Query -> answer``, plain or async.

    The answer is a str (the output), a mapping with fields of a Response, or a Response. A system with
    something to open and close is an adapter of its own: name its ``module:connect`` as the adapter.

    Args:
        target: ``module:attribute`` of the function, importable from the current folder.

    Raises:
        UsageError: the function cannot be imported or called.
    """
    async with imported(target, "target") as ask:

        async def answer(query: Query) -> Response:
            return to_response(await ask(query))

        yield answer
