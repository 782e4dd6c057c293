"""Functions under test for harness.systems.python."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import Any

from harness.errors import SystemFailure
from harness.types import Passage, Query, Response

NOT_CALLABLE = 5
LOOPS: list[int] = []


def text(query: Query) -> str:
    return query.input


def response(query: Query) -> Response:
    return Response(output=query.input, retrieved=(Passage("d", "t", 1),))


def later(query: Query) -> Any:
    """Give an awaitable from a plain function."""
    return asyncio.sleep(0, query.input)


class Service:
    async def __call__(self, query: Query) -> str:
        await asyncio.sleep(0)
        return f"service {query.input}"

    async def answer(self, query: Query) -> str:
        return f"method {query.input}"


service = Service()


async def loop_id(_: Query) -> str:
    LOOPS.append(id(asyncio.get_running_loop()))
    return threading.current_thread().name


def failing(query: Query) -> str:
    _fail(query)
    return "unreachable"


async def failing_async(query: Query) -> str:
    _fail(query)
    return "unreachable"


def _fail(query: Query) -> None:
    if query.input == "exit":
        sys.exit("bye")
    if query.input == "cancelled":
        raise asyncio.CancelledError("mine")
    if query.input == "interrupt":
        raise KeyboardInterrupt
    if query.input == "stop":
        raise StopIteration
    if query.input == "surrogate":
        raise ValueError("a\ud800b")
    if query.input == "own":
        raise SystemFailure("http_status", "told", retry=True, retry_after_s=2.0)
    raise RuntimeError("told to raise")


async def blocking(query: Query) -> str:
    """Block the loop it runs on, as async functions do that call synchronous clients."""
    if query.input == "block":
        time.sleep(2.0)  # noqa: ASYNC251 - that is the fault
    return query.input


def no_argument() -> str:
    return "x"


async def no_argument_async() -> str:
    return "x"


def retrieve(query: Query) -> list[dict[str, Any]]:
    time.sleep(0.02)
    return [{"doc_id": "r1", "text": f"about {query.input}", "score": 0.5}, {"doc_id": "r2", "text": "more"}]


async def retrieve_wrongly(_: Query) -> dict[str, Any]:
    return {"hits": []}


def retrieve_broken(_: Query) -> list[str]:
    return ["a\ud800b"]


def retrieve_later(_: Query) -> list[str]:
    raise SystemFailure("http_status", "busy", retry=True, retry_after_s=2.0, http_status=429)
