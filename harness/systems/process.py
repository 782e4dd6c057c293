"""A program of the user's that answers JSON lines on its standard input with JSON lines on its output."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.systems.answers import bad, decode_text, query_fields, shown, timed, to_response
from harness.systems.json_paths import decode_json
from harness.systems.pool import MOST_WORKERS, Pool, Speech, Worker
from harness.systems.programs import start
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


@asynccontextmanager
async def connect(
    *,
    command: list[str],
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    workers: int = 1,
    response_bytes: int = 2_000_000,
) -> AsyncIterator[Pool]:
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
    if not command or not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"process needs a command, and 1 to {MOST_WORKERS} workers")
    inherited = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    start_program = partial(start, command, limit=response_bytes, env={**inherited, **(env or {})}, cwd=cwd)
    pool = Pool([Worker(start_program, _SPEECH) for _ in range(workers)])
    try:
        try:
            await pool.start_all()
        except (OSError, ValueError) as error:
            raise UsageError(f"command {command[0]!r} cannot be started: {error}") from error
        yield pool
    finally:
        await pool.close()


def _line(query: Query) -> bytes:
    return json.dumps(query_fields(query)).encode() + b"\n"


def _fields(raw: bytes, query: Query) -> dict[str, Any]:
    line = decode_text(raw)
    reply = decode_json(line, "the program's line")
    if not isinstance(reply, dict) or "id" not in reply:
        raise bad("id", f"is missing: {shown(line)}")
    if reply["id"] != query.id:
        raise bad("id", f"is {shown(reply['id'])}, not that of the question, {query.id!r}")
    return {name: value for name, value in reply.items() if name != "id"}


def _response(fields: dict[str, Any], total_s: float) -> Response:
    return timed(to_response(fields), total_s)


_SPEECH = Speech(_line, _fields, _response)
