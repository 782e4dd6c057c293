"""One question to one model behind an OpenAI-compatible service, as the ``openai`` package asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import JudgeFailure, UsageError
from harness.judges.prompts import Message, make_messages
from harness.judges.replies import Shares, decode_strict, read_reply
from harness.judges.transport import REPLY_BYTES, SPENT, held, question_clock
from harness.openai_service import Service, open_service
from harness.types import JudgeSettings, Question
from harness.unpacking import UnreadableReply

if TYPE_CHECKING:
    import openai

    from harness.engine.limits import JudgeLimits

TOP_TOKENS = 20
"""Of how many of the likeliest tokens the probability is asked."""
SHOWN = 200
NOT_RECORDED = "no verdict is kept for this question; run once without --cache-only, and with the judge's key"


class Reading(msgspec.Struct, frozen=True):
    """The verdicts of one question as one model gave them, and what that took, second tries included.

    ``served`` is the model that the service says it used. Tokens are None where the service does not say.
    """

    shares: Shares
    served: str
    input_tokens: int | None = None
    output_tokens: int | None = None


class Tokens(msgspec.Struct):
    """What a service says that a reply took; None where it does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Client:
    """A service that is open; made by ``open_client``."""

    def __init__(
        self,
        settings: JudgeSettings,
        service: Service,
        hide: Callable[[str], str],
        limits: JudgeLimits,
        pay: Callable[[float], None],
    ) -> None:
        """Take what ``open_client`` made."""
        self.settings, self.hide = settings, hide
        self._service, self._limits, self._pay = service, limits, pay

    @cached_property
    def sdk_for_others(self) -> tuple[openai.AsyncOpenAI, Any]:
        """The SDK, and what it sends by, for a library that calls it from event loops of its own.

        Its transport is the slower one: that of ``aiohttp`` belongs to one event loop.
        """
        import openai

        kind = held(openai.DefaultAsyncHttpxClient, self._limits, self.settings.retries)
        timeout_s = self.settings.timeout_s
        http = kind(follow_redirects=False, timeout=timeout_s)
        return self._service.sdk.with_options(http_client=http, timeout=timeout_s), http

    def spend(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Say what a reply cost, as far as that is known."""
        cost = cost_usd(self.settings, input_tokens, output_tokens)
        if cost is not None:
            self._pay(cost)

    async def ask(self, question: Question, marker: str) -> Reading:
        """Ask once; once more if the reply is no verdict, saying why.

        Raises:
            JudgeFailure: no reply within the time and the retries, or twice one that is no verdict.
        """
        messages = make_messages(question, self.settings.output, marker)
        spent: list[Tokens] = []
        try:
            async with asyncio.timeout(self.settings.timeout_s) as clock:
                question_clock.set(clock)
                try:
                    shares, served = await self._try(messages, question, spent)
                except JudgeFailure as failure:
                    if not failure.answered:
                        raise
                    again = f"Once before, {failure.message}. Keep exactly to the form that is wanted."
                    instructions, *data = messages
                    content = f"{instructions['content']}\n\n{again}"
                    messages = [{**instructions, "content": content}, *data]
                    shares, served = await self._try(messages, question, spent)
        except TimeoutError:
            raise JudgeFailure(f"the judge gave no verdict within {self.settings.timeout_s:g} s") from None
        return Reading(
            shares,
            served,
            known_sum([usage.prompt_tokens for usage in spent]),
            known_sum([usage.completion_tokens for usage in spent]),
        )

    async def _try(
        self, messages: list[Message], question: Question, spent: list[Tokens]
    ) -> tuple[Shares, str]:
        request = msgspec.json.encode({"messages": messages, **_form(self.settings, question)})
        body = decode_strict(await self._complete(request))
        if not isinstance(body, dict):
            raise JudgeFailure("the judge's reply was refused: it is not an object", answered=True)
        usage = tokens_of(body.get("usage"))
        spent.append(usage)
        self.spend(usage.prompt_tokens, usage.completion_tokens)
        told = [count for count in (usage.prompt_tokens, usage.completion_tokens) if count is not None]
        if self._limits.host.counts_tokens and told:
            self._limits.host.used(len(request), sum(told))
        shares = read_reply(body, self.settings.output, question.labels, len(question.items))
        model = body.get("model")
        return shares, self.hide(model[:SHOWN]) if isinstance(model, str) else ""

    async def _complete(self, request: bytes) -> str:
        """Send one request; give the text of the reply."""
        try:
            reply = await self._service.complete(request)
        except UnreadableReply as error:
            raise JudgeFailure(f"the judge's service cannot be understood: {error}") from error
        except Exception as error:
            said = self.hide(f"{type(error).__name__}: {error}")[:SHOWN]
            said += "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
            raise JudgeFailure(f"the judge's service was not reached: {said}") from error
        if not reply.is_success:
            said = self.hide(reply.text)[:SHOWN]
            why = f"; {spent}" if (spent := reply.extensions.get(SPENT)) else ""
            raise JudgeFailure(f"the judge's service gave HTTP status {reply.status_code}: {said!r}{why}")
        received: bytes = reply.content
        if len(received) > REPLY_BYTES:
            raise JudgeFailure(f"the judge's reply is longer than {REPLY_BYTES} bytes")
        return received.decode("utf-8", "replace")


def cost_usd(settings: JudgeSettings, input_tokens: int | None, output_tokens: int | None) -> float | None:
    """What so many tokens cost at a judge; None where its prices or the tokens are not known."""
    prices = settings.usd_per_million_tokens
    if prices is None or input_tokens is None or output_tokens is None:
        return None
    return (input_tokens * prices["input"] + output_tokens * prices["output"]) / 1e6


class Absent:
    """Stands for a client where nobody may be asked: every verdict that is not kept is missing."""

    def __init__(self, settings: JudgeSettings) -> None:
        """Take the settings as written: no reference in them is resolved."""
        self.settings = settings
        self.hide: Callable[[str], str] = str  # there is nothing to hide

    @property
    def sdk_for_others(self) -> tuple[openai.AsyncOpenAI, Any]:
        """There is none."""
        raise JudgeFailure(NOT_RECORDED)

    async def ask(self, question: Question, marker: str) -> Reading:  # noqa: ARG002 -- as a client is asked
        """Give nothing."""
        raise JudgeFailure(NOT_RECORDED)


@asynccontextmanager
async def open_client(
    settings: JudgeSettings,
    hide: Callable[[str], str],
    limits: JudgeLimits,
    pay: Callable[[float], None] = lambda _: None,
) -> AsyncIterator[Client]:
    """Open a service.

    Args:
        settings: the judge.
        hide: takes secrets out of what it says.
        limits: what holds requests back, also those of ragas, and says how many may be tried again.
        pay: told what a reply cost, in US dollars.

    Raises:
        MissingExtra: ``openai`` is not installed.
        UsageError: the address is none.
    """
    if not settings.base_url.startswith(("http://", "https://")):
        raise UsageError("the base_url of a judge is not an http:// or https:// address")
    async with open_service(
        settings.base_url,
        settings.api_key,
        kind=partial(held, limits=limits, retries=settings.retries),
        needed_for="a judge",
    ) as service:
        client = Client(settings, service, hide, limits, pay)
        try:
            yield client
        finally:
            if "sdk_for_others" in vars(client):
                await client.sdk_for_others[0].close()


def _form(settings: JudgeSettings, question: Question) -> dict[str, Any]:
    """Everything of a request but its messages."""
    form: dict[str, Any] = {"model": settings.model}
    if settings.temperature is not None:
        form["temperature"] = settings.temperature
    if settings.output == "logprob":
        return {**form, "max_tokens": 1, "logprobs": True, "top_logprobs": TOP_TOKENS}
    if settings.max_tokens is not None:
        form["max_tokens"] = settings.max_tokens
    if settings.output == "json":
        form["response_format"] = {"type": "json_object"}
    if settings.output == "json_schema":
        schema = {"name": "verdicts", "strict": True, "schema": _schema(question.labels)}
        form["response_format"] = {"type": "json_schema", "json_schema": schema}
    return form


def _schema(labels: tuple[str, ...]) -> dict[str, Any]:
    verdict = {
        "type": "object",
        "properties": {"item": {"type": "integer"}, "verdict": {"type": "string", "enum": list(labels)}},
        "required": ["item", "verdict"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"verdicts": {"type": "array", "items": verdict}},
        "required": ["verdicts"],
        "additionalProperties": False,
    }


def tokens_of(value: object) -> Tokens:
    """What a reply says of its tokens, as far as it is believable."""
    fields = value if isinstance(value, dict) else {}
    counts = [fields.get(name) for name in Tokens.__struct_fields__]
    return Tokens(*(count if type(count) is int and 0 <= count < 2**53 else None for count in counts))


def known_sum(counts: Sequence[int | None]) -> int | None:
    """Give the sum, None where one of them is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
