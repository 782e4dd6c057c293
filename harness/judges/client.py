"""One question to one model behind an OpenAI-compatible service, as the ``openai`` package asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from harness.deadlines import stopped
from harness.errors import JudgeFailure, MissingExtra, UsageError
from harness.judges.prompts import Message, make_messages
from harness.judges.replies import Shares, decode_strict, read_reply
from harness.types import JudgeSettings, Question
from harness.unpacking import UnreadableReply, capped

if TYPE_CHECKING:
    import openai

    from harness.engine.limits import Host

REPLY_BYTES = 1_000_000
TOP_TOKENS = 20
"""Of how many of the likeliest tokens the probability is asked."""
SHOWN = 200
question_clock: ContextVar[asyncio.Timeout] = ContextVar("question_clock")
"""What ends the question that is being asked; it stands still while a request waits for its turn. A question
sends one request after the other."""
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
        sdk: openai.AsyncOpenAI,
        hide: Callable[[str], str],
        host: Host | None,
        pay: Callable[[float], None],
    ) -> None:
        """Take what ``open_client`` made."""
        self.settings, self.hide = settings, hide
        self._sdk, self._host, self._pay = sdk, host, pay
        self._create = sdk.chat.completions.with_streaming_response.create  # imports now, not in a call

    @cached_property
    def sdk_for_others(self) -> tuple[openai.AsyncOpenAI, Any]:
        """The SDK, and what it sends by, for a library that calls it from event loops of its own.

        Its transport is the slower one: that of ``aiohttp`` belongs to one event loop.
        """
        import openai

        kind = _held(openai.DefaultAsyncHttpxClient, self._host)
        http = kind(follow_redirects=False, timeout=self.settings.timeout_s)
        return self._sdk.with_options(http_client=http), http

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
        request = {"messages": messages, **_form(self.settings, question)}
        body = decode_strict(await self._complete(request))
        if not isinstance(body, dict):
            raise JudgeFailure("the judge's reply was refused: it is not an object", answered=True)
        usage = tokens_of(body.get("usage"))
        spent.append(usage)
        self.spend(usage.prompt_tokens, usage.completion_tokens)
        if self._host is not None and self._host.counts_tokens:
            tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
            self._host.used(len(msgspec.json.encode(request)), tokens)
        shares = read_reply(body, self.settings.output, question.labels, len(question.items))
        model = body.get("model")
        return shares, self.hide(model[:SHOWN]) if isinstance(model, str) else ""

    async def _complete(self, request: dict[str, Any]) -> str:
        """Send one request, with the SDK's own retries; give the text of the reply."""
        import openai

        try:
            # What stands in extra_body is sent as it is: the SDK need not look for what it could transform.
            async with self._create(model=self.settings.model, messages=(), extra_body=request) as reply:
                received: bytes = await reply.read()
        except openai.APIStatusError as error:
            said = self.hide(error.response.text)[:SHOWN]
            raise JudgeFailure(
                f"the judge's service gave HTTP status {error.status_code}: {said!r}"
            ) from error
        except Exception as error:
            cause = error.__cause__ or error  # the SDK says only that there is none
            said = self.hide(f"{type(cause).__name__}: {cause}")[:SHOWN]
            if isinstance(cause, UnreadableReply):
                raise JudgeFailure(f"the judge's service cannot be understood: {cause}") from error
            raise JudgeFailure(f"the judge's service was not reached: {said}") from error
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
    host: Host | None = None,
    pay: Callable[[float], None] = lambda _: None,
) -> AsyncIterator[Client]:
    """Open a service.

    Args:
        settings: the judge.
        hide: takes secrets out of what it says.
        host: what holds requests back, second tries of the SDK and of ragas among them, as far as they come
            from the event loop that is running now; None: nothing does.
        pay: told what a reply cost, in US dollars.

    Raises:
        MissingExtra: ``openai`` is not installed.
        UsageError: the address is none.
    """
    try:
        import openai
    except ImportError as error:
        raise MissingExtra("openai", "openai", "a judge") from error
    if not settings.base_url.startswith(("http://", "https://")):
        raise UsageError("the base_url of a judge is not an http:// or https:// address")
    transport = _held(openai.DefaultAioHttpClient, host)
    sdk = openai.AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.api_key or "none",  # given none, the SDK would take one from the environment
        max_retries=settings.retries,
        timeout=settings.timeout_s,
        http_client=transport(follow_redirects=False, timeout=settings.timeout_s),
    )
    async with sdk:
        client = Client(settings, sdk, hide, host, pay)
        try:
            yield client
        finally:
            if "sdk_for_others" in vars(client):
                await client.sdk_for_others[0].close()


def _held(kind: Any, host: Host | None) -> Any:
    """Make of a kind of the SDK's transports one that sends each request when it is its turn.

    Of a reply no more is read than shows that it is too long. Who is among its ``hearers`` gets every reply.
    """
    kind = capped(kind, REPLY_BYTES + 1)
    home = asyncio.get_running_loop()

    async def send(self: Any, request: Any, **options: Any) -> Any:
        if host is None or asyncio.get_running_loop() is not home:
            reply = await kind.send(self, request, **options)
        else:
            with stopped(question_clock.get(None)):
                await host.admit(len(request.content))
            began = asyncio.get_running_loop().time()
            try:
                reply = await kind.send(self, request, **options)
            except asyncio.CancelledError:
                host.gave_up(began)
                raise
            except BaseException:
                host.failed()
                raise
            host.replied(began, reply.status_code, _retry_after_s(reply))
        for hear in self.hearers:
            hear(reply.text)
        return reply

    return type("Held", (kind,), {"send": send, "hearers": ()})


def _retry_after_s(reply: Any) -> float | None:
    """For how many seconds a service that refuses wants to be left alone; None where it does not say so."""
    said = reply.headers.get("retry-after", "") if reply.is_error else ""
    return float(said[:12]) if said.isascii() and said.isdigit() else None


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
