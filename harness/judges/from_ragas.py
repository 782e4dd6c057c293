"""The metrics of ragas by name, and the door to the package; ``ragas_sets`` has its datasets.

Nothing else knows ragas, and it is imported when it is used, with its telemetry switched off before.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cache import Cache, key_of
from harness.errors import JudgeFailure, MissingExtra, UsageError, did_you_mean
from harness.judges.client import Client, Reading
from harness.judges.replies import decode_strict
from harness.judges.transport import question_clock
from harness.registry import load_object, metric
from harness.types import Case, JudgeSettings, Metric, Response, Score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.judges.asking import Asking, One

MAX_TOKENS = 4096
"""Of one reply, where the judge does not say: ragas' own 1024 cut long lists of statements off."""
SHOWN = 200


class _Kind(NamedTuple):
    """A metric of ragas: its class, what of a sample it takes, and whether it takes embeddings, too."""

    name: str
    takes: tuple[str, ...]
    embeds: bool = False
    higher_is_better: bool = True


_KINDS = {
    "faithfulness": _Kind("Faithfulness", ("user_input", "response", "retrieved_contexts")),
    "context_recall": _Kind("ContextRecall", ("user_input", "retrieved_contexts", "reference")),
    "context_precision": _Kind("ContextPrecision", ("user_input", "reference", "retrieved_contexts")),
    "context_utilization": _Kind("ContextUtilization", ("user_input", "response", "retrieved_contexts")),
    "context_entity_recall": _Kind("ContextEntityRecall", ("reference", "retrieved_contexts")),
    "context_relevance": _Kind("ContextRelevance", ("user_input", "retrieved_contexts")),
    "response_groundedness": _Kind("ResponseGroundedness", ("response", "retrieved_contexts")),
    "answer_accuracy": _Kind("AnswerAccuracy", ("user_input", "response", "reference")),
    "factual_correctness": _Kind("FactualCorrectness", ("response", "reference")),
    "noise_sensitivity": _Kind(
        "NoiseSensitivity", ("user_input", "response", "reference", "retrieved_contexts"), False, False
    ),
    "answer_relevancy": _Kind("AnswerRelevancy", ("user_input", "response"), embeds=True),
    "answer_correctness": _Kind("AnswerCorrectness", ("user_input", "response", "reference"), embeds=True),
    "semantic_similarity": _Kind("SemanticSimilarity", ("reference", "response"), embeds=True),
}
"""Those that judge a single answer by a model; the rest of ragas computes what is here already."""

_heard: contextvars.ContextVar[list[Mapping[str, Any]]] = contextvars.ContextVar("_heard")
"""The replies that came while one answer is scored."""


def metric_named(name: str) -> Metric:
    """Make the metric ``ragas:NAME``; ragas itself is not imported for it.

    Raises:
        UsageError: ragas has no such metric that judges a single answer.
    """
    if name not in _KINDS:
        raise UsageError(f"unknown metric 'ragas:{name}'", mend=did_you_mean(name, _KINDS))
    declare = metric(
        f"ragas:{name}",
        version=1,
        needs=("judge",),
        higher_is_better=_KINDS[name].higher_is_better,
        prompt=f"ragas/{ragas_version()}",
    )
    return declare(partial(_score, name))


def needs_embeddings(metric_name: str) -> bool:
    """Whether ``ragas:NAME`` needs a judge with ``embeddings``."""
    kind = _KINDS.get(metric_name.removeprefix("ragas:"))
    return kind is not None and kind.embeds


def _score(name: str, case: Case, response: Response, *, judge: Asking) -> Score:
    """What ragas says of the answer, 0..1."""
    kind, one = _KINDS[name], judge.only()
    sample = sample_of(case, response)
    if (why := _nothing_to_judge(kind, case, response, sample)) is not None:
        return why
    taken = {field: sample[field] for field in kind.takes}
    cache: Cache[Reading] = one.cache
    key = key_of(one.fingerprint, {"metric": name, **taken}, 0)
    kept = cache.get(key)
    reading = kept or judge.wait_for(_ask(name, kind, one, taken))
    if kept is None:
        cache.put(key, reading)
    judge.spent(one.name, reading, cached=kept is not None)
    return Score(value=reading.shares[0][0])


def sample_of(case: Case, response: Response) -> dict[str, Any]:
    """Give a case and its answer as the fields of ragas' ``SingleTurnSample``; the first reference answer."""
    passages = sorted(response.retrieved, key=lambda passage: passage.rank)
    return {
        "user_input": case.query.input,
        "response": response.output or "",
        "retrieved_contexts": [passage.text for passage in passages],
        "reference": case.expected_output[0] if case.expected_output else "",
    }


def _nothing_to_judge(kind: _Kind, case: Case, response: Response, sample: Mapping[str, Any]) -> Score | None:
    """The score where ragas would have nothing to go by: it gives NaN there, or raises."""
    if "reference" in kind.takes and case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    if "reference" in kind.takes and not sample["reference"].strip():
        return Score(status="not_applicable", reason="the case has no expected output")
    if "response" in kind.takes:
        behavior, matched = load_object("harness.metrics.refusal:observe", "function")(response)
        if behavior in ("refuse", "clarify"):
            did = "refused" if behavior == "refuse" else "asked back"
            return Score(status="not_applicable", reason=f"the system {did}: {matched}")
    if "retrieved_contexts" in kind.takes and not any(map(str.strip, sample["retrieved_contexts"])):
        worst = 0.0 if kind.higher_is_better else 1.0
        return Score(value=worst, reason="nothing was retrieved")
    return None


async def _ask(name: str, kind: _Kind, one: One, taken: Mapping[str, Any]) -> Reading:
    """Have ragas score one sample with the judge's own client.

    Raises:
        JudgeFailure: ragas raised, was too late, or gave no number from 0 to 1.
    """
    client = one.client
    if not isinstance(client, Client):
        raise JudgeFailure(f"ragas:{name} asks a service, and judge {one.name!r} is none")
    settings = client.settings
    replies: list[Mapping[str, Any]] = []
    token = _heard.set(replies)
    sdk, http = client.sdk_for_others
    http.hearers = (_hear,)
    try:
        async with asyncio.timeout(settings.timeout_s) as clock:
            question_clock.set(clock)
            found = await _made(kind, settings, sdk).ascore(**taken)
    except TimeoutError:
        raise JudgeFailure(f"ragas gave no score within {settings.timeout_s:g} s") from None
    except Exception as error:  # ragas and what it stands on raise of all kinds
        said = client.hide(f"{type(error).__name__}: {error}")[:SHOWN]
        raise JudgeFailure(f"ragas:{name} failed: {said}") from error
    finally:
        _heard.reset(token)
    value = found.value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e-9 <= value <= 1 + 1e-9:
        raise JudgeFailure(f"ragas:{name} gave {str(value)[:20]}, no number from 0 to 1", answered=True)
    value = min(1.0, max(0.0, float(value)))
    reading = Reading(((value, 1 - value),), *_told(replies, client.hide))
    client.spend(reading.input_tokens, reading.output_tokens)
    return reading


def _made(kind: _Kind, settings: JudgeSettings, sdk: Any) -> Any:
    """Make a metric of ragas on a client."""
    collections = import_ragas("ragas.metrics.collections")
    models = {} if kind.name == "SemanticSimilarity" else {"llm": language_model(settings, sdk)}
    if kind.embeds:
        models["embeddings"] = embedding_model(settings, sdk)
    return getattr(collections, kind.name)(**models)


def language_model(settings: JudgeSettings, sdk: Any) -> Any:
    """Make what ragas asks, on a client that is open."""
    options: dict[str, Any] = {"max_tokens": settings.max_tokens or MAX_TOKENS}
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    return import_ragas("ragas.llms").llm_factory(settings.model, client=sdk, **options)


def embedding_model(settings: JudgeSettings, sdk: Any) -> Any:
    """Make what ragas has embeddings from.

    Raises:
        UsageError: the judge names no model for them.
    """
    if settings.embeddings is None:
        raise UsageError("the judge has no model for embeddings", mend="name one with `embeddings:`")
    factory = import_ragas("ragas.embeddings.base").embedding_factory
    return factory("openai", model=settings.embeddings, client=sdk, interface="modern")


def _hear(reply: str) -> None:
    """Note what the service replied to the sample that is being scored."""
    heard = _heard.get(None)
    if heard is None:
        return
    try:
        body = decode_strict(reply)
    except JudgeFailure:
        return
    if isinstance(body, dict):
        heard.append(body)


def _told(
    replies: Sequence[Mapping[str, Any]], hide: Callable[[str], str]
) -> tuple[str, int | None, int | None]:
    """Which models the service says it used, and how many tokens; None where it does not say."""
    names = [body.get("model") for body in replies]
    models = dict.fromkeys(hide(name)[:SHOWN] for name in names if isinstance(name, str))
    counts: list[int | None] = []
    for name in ("prompt_tokens", "completion_tokens"):
        each = [(body.get("usage") or {}).get(name, 0) for body in replies]
        known = bool(each) and all(type(count) is int and count >= 0 for count in each)
        counts.append(sum(each) if known else None)
    return "; ".join(models), counts[0], counts[1]


def import_ragas(module: str) -> Any:
    """Import a module of ragas, its telemetry and that of what it brings switched off before.

    Raises:
        MissingExtra: ragas is not installed.
    """
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in ("LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING"):
        os.environ[name] = "false"
    for name in ("ragas", "instructor"):  # what they log holds what services say: data, and keys
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    with quiet():
        try:
            load_object(f"{module}:__name__", "module")
        except UsageError as error:
            raise MissingExtra("ragas", "ragas", "what is had from ragas") from error
    return sys.modules[module]


@contextmanager
def quiet() -> Iterator[None]:
    """What ragas and its own dependencies deprecate is no concern of the user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ragas_version() -> str:
    """The version that is installed, in words where none is."""
    try:
        return version("ragas")
    except PackageNotFoundError:
        return "not installed"
