"""A chat model behind an OpenAI-compatible service, with a retriever of the user's or given passages."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import SystemFailure, UsageError
from harness.openai_service import Service, open_service
from harness.systems.answers import bad, decode_text, shown, to_response
from harness.systems.functions import Ask, Function, Isolation, open_function
from harness.systems.http_status import status_failure, too_long, unreadable
from harness.systems.json_paths import decode_json, json_path
from harness.systems.prompts import read_prompt
from harness.types import Query, Response, Timings, Usage
from harness.unpacking import UnreadableReply, capped


class _Price(NamedTuple):
    """US dollars per million tokens."""

    input: float
    output: float


_MESSAGE = json_path("$.choices[0].message", "reply")


@asynccontextmanager
async def connect(  # noqa: PLR0913 -- every one is an option of the suite
    *,
    base_url: str,
    model: str,
    prompt: Path,
    api_key: str | None = None,
    retriever: str | None = None,
    workers: int | None = None,
    isolation: Isolation = "process",
    temperature: float | None = 0.0,
    max_tokens: int | None = None,
    usd_per_million_tokens: dict[str, float] | None = None,
    response_bytes: int = 2_000_000,
) -> AsyncIterator[Ask]:
    """Connect to a chat completions service. The package ``openai`` is needed.

    A retriever runs in processes of its own, as a ``python`` system does. A case has its place there, and its
    time begins, before it is asked; the place is free as soon as its passages are found.

    Args:
        base_url: the service, with its version: ``https://host/v1``.
        model: the model's name there.
        prompt: the file that the messages are made from (see ``prompts.read_prompt``).
        api_key: the key; None for a service without.
        retriever: ``module:attribute`` of a function ``Query -> passages``, plain or async; None: the
            passages that the case gives.
        workers: processes of the retriever, see ``open_function``, as for ``isolation``.
        isolation: ``process``: the retriever runs in processes of its own; ``none``: in this one.
        temperature: None leaves it to the service.
        max_tokens: the longest output; None leaves it to the service.
        usd_per_million_tokens: the prices ``input`` and ``output``; with them the cost is recorded.
        response_bytes: the longest reply that is read, after decompression, in bytes.

    Raises:
        MissingExtra: ``openai`` is not installed.
        UsageError: an option is wrong.
    """
    if not base_url.startswith(("http://", "https://")):
        raise UsageError(f"base_url {base_url!r} is not an http:// or https:// address")
    template = read_prompt(prompt)
    if retriever is None and (workers is not None or isolation == "none"):
        option = "isolation" if workers is None else "workers"
        what = f"system.{option} is of a retriever, and there is none"
        raise UsageError(what, mend="name one with 'retriever', or leave it out")
    price = _price(usd_per_million_tokens)
    settings = {"temperature": temperature, "max_tokens": max_tokens}
    body = {"model": model} | {name: value for name, value in settings.items() if value is not None}

    async def answer(query: Query, found: Response) -> Response:
        started = time.perf_counter()
        messages = template.messages(query, found.retrieved)
        text = await _complete(service, body | {"messages": messages}, response_bytes)
        timings = Timings(retrieve_s=found.timings.total_s, generate_s=time.perf_counter() - started)
        return _response(text, found, timings, price)

    async with open_service(
        base_url,
        api_key,
        kind=partial(capped, most=response_bytes + 1),
        needed_for="the system openai_chat",
    ) as service:
        if retriever is None:
            yield lambda query: answer(query, Response(retrieved=query.contexts))
        else:
            async with open_function(retriever, "retriever", workers, isolation) as function:
                yield _WithRetriever(function, answer)


class _WithRetriever:
    """Asks a model with what a retriever finds, and holds a place of that no longer than it takes."""

    def __init__(self, retriever: Function, answer: Callable[[Query, Response], Awaitable[Response]]) -> None:
        self._retriever, self._answer = retriever, answer

    async def __call__(self, query: Query) -> Response:
        async with self.place() as ask:
            return await ask(query)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Ask]:
        """Have a place of the retriever, for one call."""
        async with AsyncExitStack() as held:
            retrieve = await held.enter_async_context(self._retriever.place())

            async def ask(query: Query) -> Response:
                try:
                    found = await retrieve(query)
                except SystemFailure as failure:
                    raise _of_retriever(failure) from failure
                await held.aclose()
                return await self._answer(query, found)

            yield ask


def _of_retriever(failure: SystemFailure) -> SystemFailure:
    """Say whose it is; a status is not passed on, it would be taken for one of the model's host."""
    message = f"the retriever: {failure.message}"
    return SystemFailure(failure.kind, message, retry=failure.retry, retry_after_s=failure.retry_after_s)


def _price(prices: dict[str, float] | None) -> _Price | None:
    if prices is None:
        return None
    if set(prices) != {"input", "output"} or not all(0 <= price < 1e9 for price in prices.values()):
        raise UsageError("usd_per_million_tokens needs the prices 'input' and 'output', from 0")
    return _Price(**prices)


async def _complete(service: Service, body: dict[str, Any], limit: int) -> str:
    """Send one request; give the text of the reply."""
    try:
        reply = await service.complete(msgspec.json.encode(body))
    except UnreadableReply as error:
        raise unreadable(error) from error
    except Exception as error:
        raise SystemFailure("connection", f"{type(error).__name__}: {error}", retry=True) from error
    if not reply.is_success:
        raise status_failure(reply.status_code, reply.text, reply.headers.get("retry-after"))
    received: bytes = reply.content
    if len(received) > limit:
        raise too_long(received, limit)
    return decode_text(received)


def _response(text: str, found: Response, timings: Timings, price: _Price | None) -> Response:
    body = decode_json(text, "the reply")
    message = _MESSAGE.value(body)
    if not isinstance(message, dict):
        raise bad("$.choices[0].message", f"is not an object: {shown(message)}")
    refusal = message.get("refusal")
    usage = {} if body.get("usage") is None else body["usage"]
    if not isinstance(usage, dict):
        raise bad("$.usage", f"is not an object: {shown(usage)}")
    response = to_response(
        {
            "output": refusal or message.get("content"),
            "refused": True if refusal else None,
            "usage": {
                "input_tokens": usage.get("prompt_tokens"),
                "output_tokens": usage.get("completion_tokens"),
            },
        }
    )
    return msgspec.structs.replace(
        response,
        retrieved=found.retrieved,
        usage=_with_cost(response.usage, price),
        timings=timings,
        attempts=found.attempts,
        text_repaired=response.text_repaired or found.text_repaired,
    )


def _with_cost(usage: Usage, price: _Price | None) -> Usage:
    read, written = usage.input_tokens, usage.output_tokens
    if read is None or written is None or price is None:
        return usage
    return msgspec.structs.replace(usage, cost_usd=(read * price.input + written * price.output) / 1e6)
