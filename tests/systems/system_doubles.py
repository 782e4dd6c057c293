"""Doubles of systems under test: a loopback server, a program, functions; all echo, fail or hang on demand.

What a question starts with decides: ``raise``, ``hang``, ``show`` (answer with all that was received);
anything else is echoed with one passage.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web

from harness.types import Query, Response

System = Callable[[Query], Awaitable[Response]]
WORKER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("system_worker.py"))]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end, and fail when tasks are left."""

    async def checked() -> Any:
        result = await work
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(checked())


def threads_left() -> int:
    """Count the threads that the package started and that still run, after a moment to end."""
    deadline = time.monotonic() + 2
    while True:
        left = sum(thread.name == "harness-system" for thread in threading.enumerate())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.005)


def echo(query: Query) -> dict[str, Any]:
    if query.input.startswith("raise"):
        raise RuntimeError("told to raise")
    if query.input.startswith("hang"):
        time.sleep(0.6)
    output = repr(query) if query.input.startswith("show") else query.input
    return {"output": output, "retrieved": [{"doc_id": "d", "text": query.input}]}


async def echo_async(query: Query) -> dict[str, Any]:
    if query.input.startswith("hang"):
        await asyncio.sleep(3600)
    await asyncio.sleep(0)
    return echo(query)


def search(query: Query) -> list[dict[str, str]]:
    """Retrieve what is echoed."""
    found: list[dict[str, str]] = echo(query)["retrieved"]
    return found


async def http_echo(request: web.Request) -> web.StreamResponse:
    body = await request.text()
    fields = json.loads(body)
    if fields["input"].startswith("raise"):
        return web.Response(status=500, text="<h1>broken</h1>")
    if fields["input"].startswith("hang"):
        await asyncio.sleep(3600)
    output = body if fields["input"].startswith("show") else fields["input"]
    return web.json_response({"answer": output, "sources": [{"id": "d", "text": fields["input"]}]})


async def chat_echo(request: web.Request) -> web.StreamResponse:
    body = await request.text()
    question = json.loads(body)["messages"][-1]["content"].removeprefix("Q: ")
    if question.startswith("raise"):
        return web.Response(status=503, text="busy", headers={"Retry-After": "7"})
    if question.startswith("hang"):
        await asyncio.sleep(3600)
    output = body if question.startswith("show") else question
    return web.json_response(
        {
            "choices": [{"message": {"role": "assistant", "content": output}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4},
        }
    )


@contextlib.asynccontextmanager
async def served(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], path: str = "/ask"
) -> AsyncIterator[str]:
    """Serve one handler on the loopback for any method; give the address without the path."""
    app = web.Application()
    app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
