"""Who judges answers, by which rubric, and how several are made one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Scripted(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of a judge's script: the verdict on items that hold a text; the empty text is in all."""

    verdict: str
    has: str = ""


class JudgeSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model that judges answers, behind an OpenAI-compatible service.

    ``output`` is how it gives its verdicts: JSON by a schema that the server enforces, JSON, lines of
    text, or the probability of one token. ``repeats`` is how often it is asked the same. ``timeout_s`` is
    for one question in all, ``retries`` are tries after the first. ``max_concurrency`` is how many
    requests are in flight (None: as many as the run has calls), ``requests_per_minute`` and
    ``tokens_per_minute`` what the judge may be asked (None: any number); waiting for that is no part of
    ``timeout_s``. ``embeddings`` is the model for those metrics of ragas that need one. With ``script``
    nobody is asked: ``base_url`` is ``script:``.
    """

    base_url: str
    model: str
    api_key: str | None = None
    output: Literal["json_schema", "json", "text", "logprob"] = "json_schema"
    temperature: float | None = 0.0
    max_tokens: int | None = None
    repeats: int = 1
    timeout_s: float = 60.0
    retries: int = 3
    max_concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    usd_per_million_tokens: dict[str, float] | None = None
    embeddings: str | None = None
    script: tuple[Scripted, ...] | None = None


class Judging(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who judges a metric where it is not the judge ``default``, and how several are combined."""

    judges: tuple[str, ...]
    combine: Literal["mean", "majority"] = "mean"


class Rubric(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an answer is graded by, from ``low`` to ``high``.

    ``poor`` is an answer that must get a grade in the lower half, ``fine`` one in the upper half.
    """

    text: str
    poor: str
    fine: str
    low: int = 1
    high: int = 5
