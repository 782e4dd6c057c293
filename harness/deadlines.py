"""A deadline whose clock can be stopped while what it limits waits for others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped(clock: asyncio.Timeout | None) -> Iterator[None]:
    """Let no time of a deadline pass; None, or one that is over or has no end, stays as it is."""
    loop = asyncio.get_running_loop()
    ends_at = clock.when() if clock is not None else None
    if clock is None or ends_at is None or clock.expired():
        yield
        return
    left = ends_at - loop.time()
    clock.reschedule(None)
    try:
        yield
    finally:
        clock.reschedule(loop.time() + left)
