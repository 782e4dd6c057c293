"""Programs that answer lines with lines: started, asked in turn, and ended with all of their children."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

from harness.errors import SystemFailure, UsageError
from harness.systems.answers import SHOWN, bad, decode_text, shown, valid_text
from harness.types import Query, Response

STDERR_CHARS = 500
CLOSE_S = 2.0
"""Seconds that a program gets to end by itself once its input is closed."""
MOST_WORKERS = 64

_STDERR_BYTES = 4 * STDERR_CHARS
_EXIT_S = 0.5
_REAP_S = 2.0
_FIRST_RUN = re.compile(r"\A\S+")

Ask = Callable[[Query], Awaitable[Response]]


class Program(asyncio.SubprocessProtocol):
    """One running program: its lines, the tail of its standard error, and its end; made by ``start``."""

    transport: asyncio.SubprocessTransport

    def __init__(self, limit: int, life: int) -> None:
        """Read lines of at most ``limit`` bytes; closing ``life``, the end of a pipe, kills the group."""
        self.exited = asyncio.Event()
        self.gone = asyncio.Event()
        self.output_ended = False
        self._limit = limit
        self._out = bytearray()
        self._searched = 0
        self._err = b""
        self._line: asyncio.Future[bytes | None] | None = None
        self._life: int | None = life

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
    command: Sequence[str], *, limit: int, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Program:
    """Start a program in a process group of its own, which ends when we do, however we end.

    On Linux the kernel kills the group when the last end of a pipe that only we hold is closed, so that
    nothing stays behind even where we are killed; elsewhere a program notices it by the end of its input.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    if sys.platform == "win32":
        raise UsageError("programs are run on POSIX systems only", mend="a python system: isolation: none")
    theirs, ours = os.pipe()
    try:
        _, program = await asyncio.get_running_loop().subprocess_exec(
            lambda: Program(limit, ours),
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


class Speech(NamedTuple):
    """How one question is put to a program, and its line understood.

    ``read`` raises SystemFailure where the line is out of step: the program is replaced then. ``answer``
    makes the Response, or raises its failure; it is given the seconds since the question was sent.
    """

    write: Callable[[Query], bytes]
    read: Callable[[bytes, Query], Any]
    answer: Callable[[Any, float], Response]


class Worker:
    """A place for a program that answers one question at a time; started again after a failure."""

    def __init__(self, start_program: Callable[[], Awaitable[Program]], speech: Speech) -> None:
        """Start nothing yet."""
        self._start, self._speech = start_program, speech
        self._program: Program | None = None

    @property
    def is_live(self) -> bool:
        """Whether a program is there to be asked, as far as is known."""
        return self._program is not None and not self._program.output_ended

    def adopt(self, program: Program) -> None:
        """Take a program that is started already."""
        self._program = program

    async def start(self) -> None:
        """Start the program, unless it is there; one that has ended is replaced.

        Raises:
            OSError, ValueError, HarnessError: whatever starting it raises.
        """
        if not self.is_live:
            await self.kill()
            self._program = await self._start()

    async def ask(self, query: Query) -> Response:
        """Send one query and wait for its reply; seconds count from the sending.

        Raises:
            SystemFailure: ``process``: the program ended; ``bad_response``: its line is no reply.
        """
        if not self.is_live:
            try:
                await self.start()
            except Exception as error:
                raise SystemFailure("process", f"the program cannot be started again: {error}") from error
        program = cast("Program", self._program)
        line = self._speech.write(query)
        sent = time.perf_counter()
        try:
            program.write(line)
            said = self._speech.read(await program.read(), query)
        except BaseException:
            await self.kill()  # what it writes later would be taken for the reply to the next question
            raise
        return self._speech.answer(said, time.perf_counter() - sent)

    async def kill(self) -> None:
        """Kill the program, if there is one."""
        program, self._program = self._program, None
        if program is not None:
            await program.kill()

    async def close(self) -> None:
        """Let the program end, if there is one."""
        program, self._program = self._program, None
        if program is not None:
            await program.close()


class Pool:
    """Workers side by side, as a system: each call takes one that is idle, or waits for it.

    A call's own time begins when it has its ``place``: neither the wait nor the start of a program counts.
    """

    def __init__(self, workers: Sequence[Worker], grow_s: float = 0.0) -> None:
        """Take the workers; one without a program is started when a call has waited ``grow_s`` seconds."""
        self._workers = workers
        self._grow_s = grow_s
        self._idle: list[Worker] = []
        self._cold: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        for worker in workers:
            self._free(worker)

    @property
    def max_in_flight(self) -> int:
        """More calls than that only wait."""
        return len(self._workers)

    async def __call__(self, query: Query) -> Response:
        """Ask one worker."""
        async with self.place() as ask:
            return await ask(query)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Ask]:
        """Have a worker for oneself; give what asks it."""
        worker = await self._take()
        try:
            with suppress(Exception):  # asking tries again, and tells
                await worker.start()
            yield worker.ask
        finally:
            self._free(worker)

    async def start_all(self) -> None:
        """Start every worker.

        Raises:
            OSError, ValueError, HarnessError: what the first that cannot be started raises.
        """
        started = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        for failure in started:
            if failure is not None:
                raise failure
        cold, self._cold = self._cold, []
        for worker in cold:
            self._free(worker)

    async def close(self) -> None:
        """End all programs."""
        await asyncio.gather(*(worker.close() for worker in self._workers))

    async def _take(self) -> Worker:
        if not self._idle and 0 < len(self._cold) < len(self._workers):
            with suppress(TimeoutError):
                return await self._next_free(self._grow_s)
        for there in (self._idle, self._cold):
            if there:
                return there.pop()
        return await self._next_free(None)

    async def _next_free(self, patience_s: float | None) -> Worker:
        free: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(free)
        try:
            async with asyncio.timeout(patience_s):
                return await free
        except BaseException:
            if not free.cancelled():  # it came too late, and is somebody else's
                self._free(free.result())
            raise

    def _free(self, worker: Worker) -> None:
        """Hand a worker to who has waited longest."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(worker)
                return
        (self._idle if worker.is_live else self._cold).append(worker)


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
