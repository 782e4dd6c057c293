"""Runs the harness in a world that ends at a chosen call of the operating system.

    python crashing.py POINT N ARGUMENTS...

The N-th time (from 1) that POINT is reached the process is killed as `kill -9` does it, without a last word;
or it gets the signal that is named by SIGNAL in the environment, and goes on as that lets it:

written     a line has been handed to the operating system
torn        half of a line has been handed to it
synced      a file is about to be brought to the disk
renamed     a finished file is about to take its name
linked      a new file is about to take its name
loaded      a statement of the load into the database has been executed

Where POINT is reached fewer than N times the run goes through, and its exit code tells.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any


class Countdown:
    """Reaches zero once."""

    def __init__(self, n: int) -> None:
        self.left = n

    def over(self) -> bool:
        """Whether this is the call to die at."""
        self.left -= 1
        return self.left == 0


def die() -> None:
    """End as a kill or a power cut does, or get the signal of the environment."""
    os.kill(os.getpid(), signal.Signals[os.environ.get("SIGNAL", "SIGKILL")])


def before(name: str, countdown: Countdown) -> None:
    """Die instead of making the N-th of these calls."""
    real: Callable[..., Any] = getattr(os, name)

    def call(*args: Any, **options: Any) -> Any:
        if countdown.over():
            die()
        return real(*args, **options)

    setattr(os, name, call)


def at_write(countdown: Countdown, *, torn: bool) -> None:
    """Die after the N-th line, or in the middle of it."""
    real = os.write

    def write(file: int, data: bytes) -> int:
        if not data.startswith(b'{"kind":') or not countdown.over():
            return real(file, data)
        written = real(file, data[: len(data) // 2] if torn else data)
        die()
        return written

    os.write = write


def at_load(countdown: Countdown) -> None:
    """Die after the N-th statement that loads a run."""
    from harness.store.store import Store

    real = Store._write

    def write(self: Store, statement: str, **values: Any) -> None:
        real(self, statement, **values)
        if countdown.over():
            die()

    Store._write = write  # type: ignore[method-assign]


def arm(point: str, n: int) -> None:
    """Set the world up to end there."""
    countdown = Countdown(n)
    if point in {"written", "torn"}:
        at_write(countdown, torn=point == "torn")
    elif point == "loaded":
        at_load(countdown)
    else:
        before({"synced": "fsync", "renamed": "replace", "linked": "link"}[point], countdown)


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["harness", *sys.argv[3:]]
    runpy.run_module("harness", run_name="__main__", alter_sys=True)
