"""SIGINT and SIGTERM as a clean stop, over everything that is asked in one go or in several."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

STOP_GRACE_S = 5.0
"""Seconds that calls in flight get to finish after the first signal."""


class Told(Protocol):
    """Told that a signal came, to be shown."""

    def stopping(self) -> None:
        """A signal came: calls in flight get to finish, a second signal ends them."""


class Signals:
    """Turns SIGINT and SIGTERM into a clean stop; a context manager, entered inside a running event loop.

    ``number`` is the first signal that came, or None: whoever asks in stages begins no further one then.
    A second signal, or ``STOP_GRACE_S`` seconds, end the calls in flight.
    """

    def __init__(self, progress: Told) -> None:
        """Show what a signal does on this progress display."""
        self.number: int | None = None
        self._progress = progress
        self._tasks: list[asyncio.Task[None]] = []
        self._handled: list[int] = []

    def __enter__(self) -> Signals:
        """Take the signals over."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._loop.add_signal_handler(number, self._on_signal, int(number))
            except (NotImplementedError, RuntimeError, ValueError):
                continue  # not the main thread, or a platform without signal handlers: the default applies
            self._handled.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number in self._handled:
            self._loop.remove_signal_handler(number)

    @contextmanager
    def ending(self, tasks: Sequence[asyncio.Task[None]]) -> Iterator[None]:
        """While this lasts, a second signal cancels these tasks."""
        self._tasks += tasks
        try:
            yield
        finally:
            self._tasks = [task for task in self._tasks if task not in tasks]

    def _on_signal(self, number: int) -> None:
        if self.number is None:
            self.number = number
            self._progress.stopping()
            self._loop.call_later(STOP_GRACE_S, self._cancel)
        else:
            self._cancel()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
