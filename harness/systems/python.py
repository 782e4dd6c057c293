"""A function of the user's as the system under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.systems.functions import Function, Isolation, open_function


@asynccontextmanager
async def connect(
    *, target: str, workers: int | None = None, isolation: Isolation = "process"
) -> AsyncIterator[Function]:
    """Connect to a function ``Query -> answer``, plain or async.

    The answer is a str (the output), a mapping with fields of a Response, or a Response. A system with
    something to open and close is an adapter of its own: name its ``module:connect`` as the adapter.

    Args:
        target: ``module:attribute`` of the function, importable from the current folder.
        workers: see ``open_function``, as for ``isolation``.
        isolation: ``process``: in processes of its own; ``none``: in this one.

    Raises:
        UsageError: the function cannot be imported or called, or ``workers`` is wrong.
    """
    async with open_function(target, "target", workers, isolation) as system:
        yield system
