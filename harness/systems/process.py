"""A program of the user's that answers JSON lines on its standard input with JSON lines on its output."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import msgspec

from harness.errors import SystemFailure, UsageError
from harness.systems.answers import SHOWN, bad, decode_text, query_fields, shown, to_response, valid_text
from harness.systems.json_paths import decode_json
from harness.types import Query, Response

ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "USER",
    "VIRTUAL_ENV",
)
"""The variables that a program inherits; everything else, secrets above all, it is given by name."""

STDERR_CHARS = 500
CLOSE_S = 2.0
"""Seconds that a program gets to end by itself once its input is closed."""

_STDERR_BYTES = 4 * STDERR_CHARS
_EXIT_S = 0.5
_REAP_S = 2.0
_FIRST_RUN = re.compile(r"\A\S+")


@asynccontextmanager
async def connect(
    *,
    command: list[str],
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    workers: int = 1,
    response_bytes: int = 2_000_000,
) -> AsyncIterator[Callable[[Query], Awaitable[Response]]]:
    """Start a program and ask it one question a line.

    It reads ``{"id", "input", "history", "contexts"}`` and writes ``{"id", "output", ...}``, with the
    same id and fields of a Response. Standard output carries replies only; print to standard error. A
    worker that dies, answers out of step or runs past the deadline is killed with its process group,
    and started afresh for the next question. A run keeps no more questions in flight than there are
    workers. ``timings.total_s`` (where the program says none) starts when the line is sent.

    Args:
        command: program and arguments; no shell reads them.
        env: variables beside the few that are passed on (``ENVIRONMENT``).
        cwd: the folder it runs in; None: the current one.
        workers: programs to start, 1 to 64; each answers one question at a time.
        response_bytes: the longest line that is read, in bytes.

    Raises:
        UsageError: an option is wrong, or the program cannot be started.
    """
    if not command or not 1 <= workers <= 64:
        raise UsageError("process needs a command, and 1 to 64 workers")
    inherited = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    pool = [_Worker(command, {**inherited, **(env or {})}, cwd, response_bytes) for _ in range(workers)]
    idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
    for worker in pool:
        idle.put_nowait(worker)

    async def answer(query: Query) -> Response:
        worker = await idle.get()
        try:
            return await worker.ask(query)
        finally:
            idle.put_nowait(worker)

    try:
        for worker in pool:
            try:
                await worker.start()
            except (OSError, ValueError) as error:
                raise UsageError(f"command {command[0]!r} cannot be started: {error}") from error
        yield answer
    finally:
        await asyncio.gather(*(worker.close() for worker in pool))


class _Worker:
    """One place for a program, which is started again after a failure."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path | None, limit: int) -> None:
        self._command = command
        self._env = env
        self._cwd = cwd
        self._limit = limit
        self._program: _Program | None = None

    async def start(self) -> _Program:
        _, self._program = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Program(self._limit),
            *self._command,
            env=self._env,
            cwd=self._cwd,
            start_new_session=True,  # a group of its own, so that its children can be killed with it
        )
        return self._program

    async def ask(self, query: Query) -> Response:
        """Send one query and wait for its reply; seconds count from the sending.

        Raises:
            SystemFailure: ``process``: the program ended; ``bad_response``: its line is no reply.
        """
        if self._program is not None and self._program.output_ended:
            await self.kill()
        try:
            program = self._program or await self.start()
        except OSError as error:
            raise SystemFailure("process", f"the program cannot be started again: {error}") from error
        sent = time.perf_counter()
        try:
            fields = await self._exchange(program, query)
        except BaseException:
            await self.kill()  # what it writes later would be taken for the reply to the next question
            raise
        total_s = time.perf_counter() - sent
        response = to_response(fields)
        if response.timings.total_s is not None:
            return response
        timings = msgspec.structs.replace(response.timings, total_s=total_s)
        return msgspec.structs.replace(response, timings=timings)

    async def _exchange(self, program: _Program, query: Query) -> dict[str, Any]:
        line = await program.ask(json.dumps(query_fields(query)).encode() + b"\n")
        if line is not None:
            return _fields(decode_text(line), query)
        await _within(_EXIT_S, program.exited)
        returncode = program.transport.get_returncode()
        await self.kill()  # only then all of its standard error has been read
        raise SystemFailure("process", program.ending(returncode))

    async def kill(self) -> None:
        """Kill the program and its process group, and wait until both are gone."""
        if self._program is None:
            return
        program, self._program = self._program, None
        if not program.exited.is_set():
            program.kill_group()
        try:
            await _within(_REAP_S, program.gone)  # longer: a process that left the group holds the pipes
        finally:
            program.transport.close()

    async def close(self) -> None:
        """Close the program's input, give it time to end, then kill what is left."""
        if self._program is None:
            return
        stdin = self._program.transport.get_pipe_transport(0)
        if stdin is not None:
            stdin.close()
        try:
            await _within(CLOSE_S, self._program.exited)
        finally:
            await self.kill()


class _Program(asyncio.SubprocessProtocol):
    """One running program: its lines, the tail of its standard error, and its end."""

    transport: asyncio.SubprocessTransport

    def __init__(self, limit: int) -> None:
        self.exited = asyncio.Event()
        self.gone = asyncio.Event()
        self.output_ended = False
        self._limit = limit
        self._out = bytearray()
        self._searched = 0
        self._err = b""
        self._line: asyncio.Future[bytes | None] | None = None

    async def ask(self, line: bytes) -> bytes | None:
        """Write a line and wait for one; None when the output ends instead."""
        self._line = asyncio.get_running_loop().create_future()
        stdin = cast("asyncio.WriteTransport | None", self.transport.get_pipe_transport(0))
        if stdin is not None:
            stdin.write(line)
        self._deliver()
        return await self._line

    def ending(self, returncode: int | None) -> str:
        """Say how it ended, with the last 500 characters of its standard error."""
        how = "closed its output" if returncode is None else f"ended with status {returncode}"
        return f"the program {how}: {_tail(self._err) or '(nothing on standard error)'}"

    def kill_group(self) -> None:
        """Kill every process of the group; the group must not be long gone, ids are used again."""
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
        if end > self._limit or len(self._out) > self._limit + 1:
            start = shown(decode_text(bytes(self._out[: 4 * SHOWN])), cut=True)
            self._line.set_exception(bad("the line", f"is longer than response_bytes={self._limit}: {start}"))
        elif end >= 0:
            line = bytes(self._out[:end])
            del self._out[: end + 1]
            self._line.set_result(line)
        elif self.output_ended:
            self._line.set_result(None)


def _fields(line: str, query: Query) -> dict[str, Any]:
    reply = decode_json(line, "the program's line")
    if not isinstance(reply, dict) or "id" not in reply:
        raise bad("id", f"is missing: {shown(line)}")
    if reply["id"] != query.id:
        raise bad("id", f"is {shown(reply['id'])}, not that of the question, {query.id!r}")
    return {name: value for name, value in reply.items() if name != "id"}


def _tail(error: bytes) -> str:
    """Give the last 500 characters, without a run of non-space characters that is cut: see ``shown``."""
    text = valid_text(decode_text(error)).strip()
    kept = text[-STDERR_CHARS:]
    before = text[:-STDERR_CHARS][-1:] or ("" if len(error) < _STDERR_BYTES else "cut")
    return _FIRST_RUN.sub("…", kept) if before and not before.isspace() else kept


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
