"""Names to functions: a table of ``module:attribute`` strings, entry points, and the ``metric`` mark."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import msgspec

from harness.errors import Place, UsageError, did_you_mean
from harness.types import TWIN_MEASURES, Case, Metric, Response, Score, metric_of, twin_measure

SYSTEMS = {
    "http": "harness.systems.http:connect",
    "openai_chat": "harness.systems.openai_chat:connect",
    "process": "harness.systems.process:connect",
    "python": "harness.systems.python:connect",
    "reference": "harness.systems.reference:connect",
    "replay": "harness.systems.replay:connect",
}

METRICS = {
    "recall": "harness.metrics.retrieval:recall",
    "precision": "harness.metrics.retrieval:precision",
    "hit_rate": "harness.metrics.retrieval:hit_rate",
    "mrr": "harness.metrics.retrieval:mrr",
    "map": "harness.metrics.retrieval:average_precision",
    "ndcg": "harness.metrics.retrieval:ndcg",
    "r_precision": "harness.metrics.retrieval:r_precision",
    "evidence_recall": "harness.metrics.evidence:evidence_recall",
    "evidence_precision": "harness.metrics.evidence:evidence_precision",
    "evidence_iou": "harness.metrics.evidence:evidence_iou",
    "faithfulness": "harness.metrics.faithfulness:faithfulness",
    "exact_match": "harness.metrics.answer:exact_match",
    "token_f1": "harness.metrics.answer:token_f1",
    "required_facts": "harness.metrics.answer:required_facts",
    "numbers_grounded": "harness.metrics.grounding:numbers_grounded",
    "answer_language": "harness.metrics.form:answer_language",
    "ends_complete": "harness.metrics.form:ends_complete",
    "instruction_leak_rate": "harness.metrics.instructions:instruction_leak_rate",
    "judged_faithfulness": "harness.metrics.judged:judged_faithfulness",
    "context_recall": "harness.metrics.judged:context_recall",
    "context_precision": "harness.metrics.judged:context_precision",
    "answer_relevancy": "harness.metrics.judged:answer_relevancy",
    "answer_correctness": "harness.metrics.judged:answer_correctness",
    "judged_refusal": "harness.metrics.judged:judged_refusal",
    "citation_valid": "harness.metrics.citations:citation_valid",
    "citation_precision": "harness.metrics.citations:citation_precision",
    "citation_recall": "harness.metrics.citations:citation_recall",
    "refusal_correctness": "harness.metrics.refusal:refusal_correctness",
    "over_refusal_rate": "harness.metrics.refusal:over_refusal_rate",
    "under_refusal_rate": "harness.metrics.refusal:under_refusal_rate",
    "latency_s": "harness.metrics.usage:latency_s",
    "input_tokens": "harness.metrics.usage:input_tokens",
    "output_tokens": "harness.metrics.usage:output_tokens",
    "cost_usd": "harness.metrics.usage:cost_usd",
    "error_rate": "harness.metrics.usage:error_rate",
}

CATCHES = {
    "recall": ("dropped_passage",),
    "evidence_recall": ("dropped_passage",),
    "faithfulness": ("borrowed_number", "wrong_name", "negation", "unsupported_sentence"),
    "numbers_grounded": ("wrong_number",),
    "answer_language": ("wrong_language",),
    "ends_complete": ("truncation",),
    "instruction_leak_rate": ("injected_instruction",),
    "citation_valid": ("invented_citation",),
    "citation_precision": ("misplaced_citation",),
    "refusal_correctness": ("needless_refusal", "forbidden_answer"),
    "over_refusal_rate": ("needless_refusal",),
    "under_refusal_rate": ("forbidden_answer",),
}
"""The planted faults that a metric answers for: it has to catch them (``harness selftest metrics``)."""

FAMILIES = {
    "ragas": "harness.judges.from_ragas:metric_named",
    "rubric": "harness.metrics.judged:rubric_named",
}
"""Beginning of a metric's name to what makes the metric of the rest: ``ragas:faithfulness``."""

RESOURCES = ("corpus", "judge", "rubrics")
"""What a metric may need beside the case and the response."""


def metric(  # noqa: PLR0913 -- what is declared of a metric, each by its name
    name: str,
    *,
    version: int,
    needs: tuple[str, ...] = (),
    higher_is_better: bool = True,
    high: float | None = 1.0,
    unit: str = "",
    cutoff: bool = False,
    on_error: bool = False,
    prompt: str = "",
) -> Callable[[Callable[..., Score]], Metric]:
    """Turn a function ``(case, response, **needs) -> Score`` into a Metric.

    The first line of the docstring is shown. ``needs`` names what the engine passes by keyword
    (``corpus``). ``cutoff`` metrics are named with one (``recall@5``) and get it as keyword ``k``.
    ``high=None`` says that the value has no upper end. ``prompt`` is the file that a metric which needs a
    ``judge`` asks with.
    """

    def declare(function: Callable[..., Score]) -> Metric:
        return Metric(
            name=name,
            score=function,
            version=version,
            doc=_first_line(function),
            needs=needs,
            higher_is_better=higher_is_better,
            high=high,
            unit=unit,
            cutoff=cutoff,
            on_error=on_error,
            prompt=prompt,
        )

    return declare


def find_metric(name: str) -> Metric:
    """Find a metric by the name a suite gives it: ``recall@5``, ``faithfulness``, ``my_rag.metrics:tone``.

    ``flip_rate:recall@5`` is a measure over twins; nothing is scored by it, case by case.

    Raises:
        UsageError: unknown name, a cut-off that is missing, not wanted or not a whole number above 0; a
            measure over twins without a metric, of another such measure, or of a metric without an upper end.
    """
    if (over_twins := twin_measure(name)) is not None:
        return _find_twin_measure(*over_twins)
    if name in TWIN_MEASURES:
        raise UsageError(f"{name!r} needs a metric", mend=f"for example {name}:required_facts")
    family, colon, rest = name.partition(":")
    if colon and family in FAMILIES:
        made: Metric = load_object(FAMILIES[family], "metric")(rest)
        return made
    stem, at, cut = name.partition("@")
    found = declared(stem)
    if found.cutoff and not at:
        raise UsageError(f"metric {name!r} needs a cut-off", mend=f"for example {name}@5")
    if at and not found.cutoff:
        raise UsageError(f"metric {stem!r} takes no cut-off", mend=f"write {stem!r}")
    if not at:
        return msgspec.structs.replace(found, name=name)
    if not re.fullmatch("[1-9][0-9]{0,8}", cut):
        raise UsageError(f"cut-off {cut!r} of metric {name!r} is not a whole number above 0")
    return msgspec.structs.replace(found, name=name, score=functools.partial(found.score, k=int(cut)))


def is_ours(name: str) -> bool:
    """Say whether a metric, or the one that a measure over twins is about, is of this package."""
    of = metric_of(name)
    return of.partition("@")[0] in METRICS or of.partition(":")[0] in FAMILIES


def _find_twin_measure(measure: str, of: str) -> Metric:
    """Give the identity of a measure over twins; its values come from those of its metric."""
    if twin_measure(of) is not None:
        raise UsageError(
            f"{measure!r} of {of!r}", mend=f"name the metric itself: {measure}:{of.partition(':')[2]}"
        )
    base = find_metric(of)
    if base.high is None:
        raise UsageError(f"{measure!r} of {of!r}, which has no upper end", mend="name a metric with a range")
    worst = measure == "worst_case"
    return Metric(
        name=f"{measure}:{of}",
        score=_not_by_case,
        version=base.version,
        doc=f"{measure} of {of} over a case and its twins.",
        higher_is_better=base.higher_is_better if worst else measure == "consistency",
        low=base.low if worst else 0.0,
        high=base.high if worst else 1.0,
        unit=base.unit if worst else "",
    )


def _not_by_case(case: Case, response: Response) -> Score:
    raise TypeError(f"a measure over twins says nothing of {case.id!r} alone ({response.attempts} attempts)")


def declared(stem: str) -> Metric:
    """Give a metric as it is declared, by its name without a cut-off.

    Raises:
        UsageError: unknown name, not a metric, or one that needs what there is not.
    """
    found = _find(stem, METRICS, group="harness.metrics", noun="metric")
    if not isinstance(found, Metric):
        raise UsageError(f"{stem!r} is not a metric", mend="mark the function with @metric(...)")
    for need in found.needs:
        if need not in RESOURCES:
            raise UsageError(f"metric {stem!r} needs {need!r}", mend=did_you_mean(need, RESOURCES))
    return found


def find_system(name: str) -> Callable[..., Any]:
    """Find an adapter's ``connect`` by name, or by ``module:attribute``.

    Raises:
        UsageError: unknown name.
    """
    found = _find(name, SYSTEMS, group="harness.systems", noun="adapter")
    if not callable(found):
        raise UsageError(f"{name!r} is not callable", mend="name a connect(**options) function")
    return found


def installed(group: str) -> tuple[str, ...]:
    """Name what installed packages bring for ``harness.metrics`` or ``harness.systems``; loads none of it."""
    return tuple(point.name for point in entry_points(group=group))


def load_object(path: str, noun: str) -> Any:
    """Import ``module:attribute`` (attributes may be dotted).

    Raises:
        UsageError: the path has no colon, the module or attribute does not exist, or the module raises.
    """
    module_name, colon, attribute = path.partition(":")
    if not colon or not module_name or module_name.startswith(".") or not attribute:
        raise UsageError(f"{noun} {path!r} is not of the form 'module:attribute'")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        own = error.name is not None and f"{module_name}.".startswith(f"{error.name}.")
        raise UsageError(
            f"{noun} {path!r}: no module named {error.name!r}",
            None if own else _place_of(error),
            "run from your project's folder, or install it",
        ) from error
    except Exception as error:
        if module_name.startswith("harness."):
            raise  # a fault of ours is not one of the user's
        raise UsageError(
            f"{noun} {path!r} cannot be imported: {type(error).__name__}: {error}", _place_of(error)
        ) from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            hint = did_you_mean(part, [name for name in dir(found) if not name.startswith("_")])
            raise UsageError(f"{noun} {path!r}: {module_name} has no {part!r}", mend=hint) from error
    return found


def _first_line(function: Callable[..., Score]) -> str:
    """The first line of the docstring, also of a function with arguments filled in."""
    whole = function.func if isinstance(function, functools.partial) else function
    return (whole.__doc__ or "").strip().partition("\n")[0]


def _place_of(error: Exception) -> Place | None:
    """Where a module of the user's raised, or cannot be read."""
    if isinstance(error, SyntaxError) and error.filename:
        return Place(error.filename, error.lineno)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return Place(trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else None


def _find(name: str, table: dict[str, str], *, group: str, noun: str) -> object:
    if name in table:
        return load_object(table[name], noun)
    if ":" in name:
        return load_object(name, noun)
    found = {point.name: point for point in entry_points(group=group)}
    if name in found:
        return found[name].load()
    raise UsageError(f"unknown {noun} {name!r}", mend=did_you_mean(name, [*table, *found]))
