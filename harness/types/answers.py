"""What a system answers: its text, what it retrieved and cited, what it took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from harness.types.goldens import Passage, Query


class Citation(Struct, frozen=True, omit_defaults=True):
    """A source named by the answer; ``start``/``end`` delimit the words of the output that it backs."""

    doc_id: str
    start: int | None = None
    end: int | None = None


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens and money spent on one response, where the system says."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


class Timings(Struct, frozen=True, omit_defaults=True):
    """Seconds of the successful attempt: in all, retrieving, generating."""

    total_s: float | None = None
    retrieve_s: float | None = None
    generate_s: float | None = None


FailureKind = Literal[
    "timeout",
    "http_status",
    "connection",
    "bad_response",
    "exception",
    "process",
    "retry_budget",
    "not_recorded",
]
"""How a call fails; ``retry_budget``: it could be tried again, and the run has no retries left;
``not_recorded``: nobody was asked, and no answer is kept."""


class ResponseError(Struct, frozen=True):
    """Why there is no answer; kind ``timeout`` gives status ``timeout``, every other ``system_error``."""

    kind: FailureKind
    message: str


class FailedAttempt(Struct, frozen=True, omit_defaults=True):
    """An attempt that failed and was followed by another: how, and seconds from its end until that one."""

    kind: FailureKind
    wait_s: float
    http_status: int | None = None


class Response(Struct, frozen=True, omit_defaults=True):
    """What the system under test gave for one query: an output, or an error.

    ``refused`` is what the system says of itself, or None; the refusal metrics decide. ``failures`` are the
    attempts before the last.
    """

    output: str | None = None
    retrieved: tuple[Passage, ...] = ()
    refused: bool | None = None
    citations: tuple[Citation, ...] = ()
    usage: Usage = Usage()
    timings: Timings = Timings()
    attempts: int = 1
    error: ResponseError | None = None
    cached: bool = False
    text_repaired: bool = False
    failures: tuple[FailedAttempt, ...] = ()


Answer = Response | str | Mapping[str, Any]
System = Callable[[Query], Answer | Awaitable[Answer]]
"""The system under test: a plain or async callable. A str is an output, a mapping holds Response fields."""
