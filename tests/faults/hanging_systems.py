"""Systems that hang, each in its own way, on the question "hang"; each has a child process besides."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"


def _note(pid: int) -> None:
    with Path(os.environ["PIDS"]).open("a") as pids:
        pids.write(f"{pid}\n")


def with_child() -> None:
    """Note this process, and one child of it that ignores SIGTERM and holds all pipes open."""
    _note(os.getpid())
    _note(subprocess.Popen([sys.executable, "-S", "-c", CHILD]).pid)


def spinning(query: Any) -> str:
    if query.input == "hang":
        with_child()
        while True:
            pass
    return "fine"


def sleeping_with_the_lock(query: Any) -> str:
    """Sleep in C without letting any other thread run."""
    if query.input == "hang":
        with_child()
        ctypes.PyDLL(None).sleep(3600)
    return "fine"


def backtracking(query: Any) -> str:
    """Match a pattern that takes for ever; the match holds the lock, too."""
    if query.input == "hang":
        with_child()
        re.match(r"(a+)+$", "a" * 60 + "b")
    return "fine"


async def blocking_its_loop(query: Any) -> str:
    if query.input == "hang":
        with_child()
        time.sleep(3600)  # noqa: ASYNC251 -- that is the fault
    await asyncio.sleep(0.01)
    return "fine"


async def heedless(query: Any) -> str:
    """Catch the cancellation, and go on."""
    while query.input == "hang":
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(0.01)
    return "fine"


async def awaiting(query: Any) -> str:
    if query.input == "hang":
        await asyncio.sleep(3600)
    return "fine"


def ending(query: Any) -> str:
    """End the process in the way that the question says, or print."""
    print("spoken by the function")
    if query.input == "exit":
        print("no index at /data", file=sys.stderr)
        os._exit(3)
    if query.input == "crash":
        ctypes.string_at(0)
    if query.input == "fork":
        with_child()
        os._exit(0)
    if query.input == "read":
        return f"read {sys.stdin.read()!r}"
    return "fine"


async def ending_later(query: Any) -> str:
    await asyncio.sleep(0.05)
    return ending(query)


if __name__ == "__main__":  # as a program that answers lines
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["input"] == "hang":
            with_child()
            time.sleep(3600)
        print(json.dumps({"id": asked["id"], "output": "fine"}), flush=True)
