"""How requests reach a judge's service: when it is their turn, and again where another try may help."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any

from harness.deadlines import stopped
from harness.unpacking import UnreadableReply, capped, retry_after_s

if TYPE_CHECKING:
    from harness.engine.limits import JudgeLimits

REPLY_BYTES = 1_000_000
SPENT = "harness.retries_spent"
"""Extension of a reply after which there was no retry left; an error has a note. It says so in words."""
RETRYABLE = frozenset({408, 429})
"""Statuses below 500 that another try may mend; every status from 500 is retryable too."""
question_clock: ContextVar[asyncio.Timeout] = ContextVar("question_clock")
"""What ends the question that is being asked; it stands still while a request waits for its turn. A question
sends one request after the other."""


def held(kind: Any, limits: JudgeLimits, retries: int) -> Any:
    """Make of a kind of the SDK's transports one that sends when it is a request's turn, and tries again.

    Of a reply no more is read than shows that it is too long. Who is among its ``hearers`` gets every reply.

    Args:
        kind: such as ``openai.DefaultAioHttpClient``, of an SDK that is told to try nothing again itself.
        limits: what holds requests back that come from the event loop which is running now, and what may be
            tried again of all requests together.
        retries: tries after the first of one request.
    """
    kind = capped(kind, REPLY_BYTES + 1)
    home, host, budget = asyncio.get_running_loop(), limits.host, limits.retries

    async def send_once(self: Any, request: Any, options: dict[str, Any]) -> Any:
        if asyncio.get_running_loop() is not home:
            return await kind.send(self, request, **options)
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
        host.replied(began, reply.status_code, _wish_s(reply))
        return reply

    async def send(self: Any, request: Any, **options: Any) -> Any:
        budget.firsts += 1
        for number in count(1):
            wish_s = None
            try:
                reply = await send_once(self, request, options)
            except Exception as error:
                if number > retries or (isinstance(error, UnreadableReply) and not error.torn):
                    raise
                if not budget.take():
                    error.add_note(budget.spent)
                    raise
            else:
                if number > retries or not (reply.status_code in RETRYABLE or reply.status_code >= 500):
                    break
                if not budget.take():
                    reply.extensions[SPENT] = budget.spent
                    break
                wish_s = _wish_s(reply)
            await asyncio.sleep(budget.wait_s(number, wish_s))
        for hear in self.hearers:
            hear(reply.text)
        return reply

    return type("Held", (kind,), {"send": send, "hearers": ()})


def _wish_s(reply: Any) -> float | None:
    """For how many seconds a service that refuses wants to be left alone; None where it does not say so."""
    if not reply.is_error:
        return None
    milliseconds = reply.headers.get("retry-after-ms", "")[:12]
    if milliseconds.isascii() and milliseconds.isdigit():
        return float(milliseconds) / 1000
    return retry_after_s(reply.headers.get("retry-after", ""), now=time.time())
