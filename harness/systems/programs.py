"""Programs that answer lines with lines: started, asked in turn, and ended with all of their children."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from harness.errors import SystemFailure, UsageError
from harness.systems.answers import SHOWN, bad, decode_text, shown, valid_text

STDERR_CHARS = 500
CLOSE_S = 2.0
"""Seconds that a program gets to end by itself once its input is closed."""

_STDERR_BYTES = 4 * STDERR_CHARS
_EXIT_S = 0.5
_REAP_S = 2.0
_FIRST_RUN = re.compile(r"\A\S+")


class Program(asyncio.SubprocessProtocol):
    """One running program: its lines, the tail of its standard error, and its end; made by ``start``."""

    transport: asyncio.SubprocessTransport

    def __init__(self, limit: int, life: int, *, heard: bool) -> None:
        """Read lines of at most ``limit`` bytes; closing ``life``, the end of a pipe, kills the group.

        ``heard``: what comes on standard error is printed on ours.
        """
        self.exited = asyncio.Event()
        self.gone = asyncio.Event()
        self.output_ended = False
        self._limit = limit
        self._out = bytearray()
        self._searched = 0
        self._err = b""
        self._line: asyncio.Future[bytes | None] | None = None
        self._life: int | None = life
        self._heard = codecs.getincrementaldecoder("utf-8")("replace") if heard else None

    def write(self, line: bytes) -> None:
        """Send a line; to a program that has ended it is lost, which reading tells."""
        stdin = cast("asyncio.WriteTransport | None", self.transport.get_pipe_transport(0))
        if stdin is not None:
            stdin.write(line)

    async def read(self) -> bytes:
        """Wait for the next line.

        Raises:
            SystemFailure: ``process``: the output has ended, and now the program has, too;
                ``bad_response``: the line is too long.
        """
        self._line = asyncio.get_running_loop().create_future()
        self._deliver()
        line = await self._line
        if line is not None:
            return line
        await _within(_EXIT_S, self.exited)
        returncode = self.transport.get_returncode()
        await self.kill()  # only then all of its standard error has been read
        raise SystemFailure("process", self._ending(returncode))

    async def kill(self) -> None:
        """Kill the program and its process group, and wait until both are gone."""
        self.kill_group()
        try:
            await _within(_REAP_S, self.gone)  # longer: a process that left the group holds the pipes
        finally:
            self._release()

    async def close(self) -> None:
        """Close the program's input, give it time to end, then kill what is left."""
        stdin = self.transport.get_pipe_transport(0)
        if stdin is not None:
            stdin.close()
        try:
            await _within(CLOSE_S, self.exited)
        finally:
            await self.kill()

    def kill_group(self) -> None:
        """Kill every process of the group, unless it is gone: ids are used again."""
        if self.exited.is_set():
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.transport.get_pid(), signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of the program that has just been started."""
        self.transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take bytes of standard output (1) or standard error (2)."""
        if fd == 2:
            self._err = (self._err + data)[-_STDERR_BYTES:]
            if self._heard is not None:
                sys.stderr.write(self._heard.decode(data))
        elif len(self._out) <= self._limit + 1:  # what lies beyond the limit is refused, not kept
            self._out += data
            self._deliver()

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        """Note the end of standard output."""
        if fd == 1:
            self.output_ended = True
            self._deliver()

    def process_exited(self) -> None:
        """Note that the program has ended; the children that it left behind end with it."""
        self.kill_group()
        self.exited.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note that the program has ended and all its pipes are closed."""
        self.gone.set()

    def _deliver(self) -> None:
        if self._line is None or self._line.done():
            return
        end = self._out.find(b"\n", self._searched)
        self._searched = len(self._out) if end < 0 else 0
        if end > self._limit or (end < 0 and len(self._out) > self._limit + 1):
            start = shown(decode_text(bytes(self._out[: 4 * SHOWN])), cut=True)
            self._line.set_exception(bad("the line", f"is longer than response_bytes={self._limit}: {start}"))
        elif end >= 0:
            line = bytes(self._out[:end])
            del self._out[: end + 1]
            self._line.set_result(line)
        elif self.output_ended:
            self._line.set_result(None)

    def _ending(self, returncode: int | None) -> str:
        """Say how it ended, with the last 500 characters of its standard error."""
        if returncode is None:
            how = "closed its output"
        elif returncode < 0:
            how = f"was ended by {_signal_name(-returncode)}"
        else:
            how = f"ended with status {returncode}"
        return f"the program {how}: {_tail(self._err) or '(nothing on standard error)'}"

    def _release(self) -> None:
        self.transport.close()
        if self._life is not None:
            os.close(self._life)
            self._life = None


async def start(
    command: Sequence[str],
    *,
    limit: int,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    heard: bool = False,
) -> Program:
    """Start a program in a process group of its own, which ends when we do, however we end.

    It answers in lines of at most ``limit`` bytes; ``heard``: its standard error is printed on ours.

    On Linux the kernel kills the group when the last end of a pipe that only we hold is closed, so that
    nothing stays behind even where we are killed; elsewhere a program notices it by the end of its input.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    if sys.platform == "win32":
        raise UsageError("programs are run on POSIX systems only", mend="isolation: none runs a function")
    theirs, ours = os.pipe()
    try:
        _, program = await asyncio.get_running_loop().subprocess_exec(
            lambda: Program(limit, ours, heard=heard),
            *command,
            env=env,
            cwd=cwd,
            pass_fds=(theirs,),
            start_new_session=True,  # a group of its own, so that its children can be killed with it
        )
    except BaseException:
        os.close(ours)
        raise
    else:
        _tie(program.transport.get_pid(), theirs)
    finally:
        os.close(theirs)
    return program


def _tie(group: int, pipe: int) -> None:
    """Have the kernel kill a process group when nobody holds the other end of a pipe any more."""
    import fcntl  # not everywhere

    if hasattr(fcntl, "F_SETSIG"):
        with suppress(OSError):  # the program has ended already
            fcntl.fcntl(pipe, fcntl.F_SETOWN, -group)
            fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _tail(error: bytes) -> str:
    """Give the last 500 characters, without a run of non-space characters that is cut: see ``shown``."""
    text = valid_text(decode_text(error)).strip()
    kept = text[-STDERR_CHARS:]
    before = text[:-STDERR_CHARS][-1:] or ("" if len(error) < _STDERR_BYTES else "cut")
    return _FIRST_RUN.sub("…", kept) if before and not before.isspace() else kept


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
