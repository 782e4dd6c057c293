"""What a response cost: seconds, tokens, money, and whether it failed."""

from __future__ import annotations

from harness.registry import metric
from harness.types import Case, Response, Score


@metric("latency_s", version=1, higher_is_better=False, high=None, unit="s")
def latency_s(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """Seconds from question to answer of the attempt that succeeded; a cached response has none.

    ``not_applicable`` where the response came from a cache.
    """
    if response.cached:
        return Score(status="not_applicable", reason="the response came from the cache")
    return _said(response.timings.total_s, "no time was recorded")


@metric("input_tokens", version=1, higher_is_better=False, high=None, unit="tokens")
def input_tokens(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """Tokens sent to the model, as the system counts them.

    ``not_applicable`` where it does not say.
    """
    return _said(response.usage.input_tokens, "the system does not say how many input tokens it used")


@metric("output_tokens", version=1, higher_is_better=False, high=None, unit="tokens")
def output_tokens(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """Tokens that the model wrote, as the system counts them.

    ``not_applicable`` where it does not say.
    """
    return _said(response.usage.output_tokens, "the system does not say how many output tokens it used")


@metric("cost_usd", version=1, higher_is_better=False, high=None, unit="USD")
def cost_usd(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """US dollars spent on the response, as the system says.

    ``not_applicable`` where it does not say.
    """
    return _said(response.usage.cost_usd, "the system does not say what the response cost")


@metric("error_rate", version=1, higher_is_better=False, on_error=True)
def error_rate(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """1 if the system gave an error instead of an answer, else 0.

    Every response has a value: errors are its business.
    """
    if response.error is None:
        return Score(value=0.0)
    return Score(value=1.0, reason=f"{response.error.kind}: {response.error.message}")


def _said(value: float | None, reason: str) -> Score:
    if value is None:
        return Score(status="not_applicable", reason=reason)
    return Score(value=float(value))
