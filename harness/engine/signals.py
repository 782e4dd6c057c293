"""SIGINT and SIGTERM, and a budget that is used up, as a clean stop of everything that is asked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""The signals that stop a run; the command line takes SIGHUP for SIGTERM."""
STOP_GRACE_S = 5.0
"""Seconds that calls in flight get to finish after the first signal."""


class Told(Protocol):
    """Told that a signal came, to be shown."""

    def stopping(self) -> None:
        """It was told to stop: calls in flight get to finish, a further signal ends them."""


class Signals:
    """Turns SIGINT and SIGTERM into a clean stop; a context manager, entered inside a running event loop.

    ``number`` is the first signal that came, or None; ``spent`` says what of a budget was used up, or is
    empty. With either, ``ended`` is true: whoever asks in stages begins no further one then. A further
    signal, or ``STOP_GRACE_S`` seconds, end the calls in flight.
    """

    def __init__(self, progress: Told, let_none_begin: Callable[[], None] = lambda: None) -> None:
        """Show a stop on this progress display; ``let_none_begin`` is called when it comes."""
        self.number: int | None = None
        self.spent = ""
        self._progress = progress
        self._let_none_begin = let_none_begin
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._handled: list[int] = []

    def __enter__(self) -> Signals:
        """Take the signals over."""
        self._loop = asyncio.get_running_loop()
        for number in STOPPING:
            try:
                self._loop.add_signal_handler(number, self._on_signal, int(number))
            except (NotImplementedError, RuntimeError, ValueError):
                continue  # not the main thread, or a platform without signal handlers: the default applies
            self._handled.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for timer in self._timers:
            timer.cancel()
        for number in self._handled:
            self._loop.remove_signal_handler(number)

    @property
    def ended(self) -> bool:
        """Whether no further case is to begin."""
        return self.number is not None or bool(self.spent)

    def stop(self, why: str) -> None:
        """Stop as the first signal does; ``why`` says what of a budget is used up."""
        if not self.ended:
            self.spent = why
            self._stop()

    def stop_after(self, seconds: float, why: str) -> None:
        """Stop when so much time has passed and nothing else has ended the run."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self.stop, why))

    @contextmanager
    def ending(self, tasks: Sequence[asyncio.Task[None]]) -> Iterator[None]:
        """While this lasts, a further signal, or the end of the grace, cancels these tasks."""
        self._tasks += tasks
        try:
            yield
        finally:
            self._tasks = [task for task in self._tasks if task not in tasks]

    def _on_signal(self, number: int) -> None:
        is_first = not self.ended
        self.number = self.number or number
        if is_first:
            self._stop()
        else:
            self._cancel()

    def _stop(self) -> None:
        self._progress.stopping()
        self._let_none_begin()
        self._timers.append(self._loop.call_later(STOP_GRACE_S, self._cancel))

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


@contextmanager
def unstopped() -> Iterator[None]:
    """Processes that are begun meanwhile are not stopped by the signals that stop this one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPPING, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
