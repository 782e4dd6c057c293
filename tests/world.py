"""Small worlds to decide upon: cases, scores of a run, recordings, and the evidence they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.comparison import CaseValue, RunScores, run_scores
from harness.gates.decide import decide
from harness.gates.evidence import Evidence
from harness.gates.family import find_drops
from harness.types import (
    Case,
    Gate,
    MetricIdentity,
    Query,
    Recorded,
    Response,
    ResponseError,
    Result,
    Run,
    Score,
    SliceRule,
    Status,
    Suite,
    Verdict,
)

Cell = float | Status | None
"""A value, a status without a value, or no result at all."""

HIGHER = MetricIdentity(1, True, 0.0, 1.0)
LOWER = MetricIdentity(1, False, 0.0, 1.0)
SECONDS = MetricIdentity(1, False, 0.0, None, "s")
DOLLARS = MetricIdentity(1, False, 0.0, None, "USD")
METRICS = {"quality": HIGHER, "flaws": LOWER, "latency_s": SECONDS, "cost_usd": DOLLARS}


def cases_of(n: int, per_document: int = 1, language: Callable[[int], str] | None = None) -> tuple[Case, ...]:
    """Cases ``c000``, ``c001``, ... with so many to a document, each in a language if one is given."""
    return tuple(
        Case(
            query=Query(f"c{i:03}", f"question {i}"),
            groups={} if language is None else {"language": language(i)},
            document_id=f"d{i // per_document}",
        )
        for i in range(n)
    )


def table_of(cases: Sequence[Case], cells: Sequence[Cell]) -> dict[str, CaseValue]:
    """One metric by case."""
    table = {}
    for case, cell in zip(cases, cells, strict=True):
        if isinstance(cell, str):
            table[case.id] = CaseValue(None, cell)
        elif cell is not None:
            table[case.id] = CaseValue(float(cell), "scored")
    return table


def run_of(name: str, scored: Sequence[str], **fields: Any) -> Run:
    """A run of the metrics, with whatever else the test is about."""
    facts: dict[str, Any] = {
        "id": name,
        "suite_name": "world",
        "started_at": "2026-01-01T00:00:00Z",
        "candidate": "",
        "system_fingerprint": "f",
        "dataset_digest": "goldens",
        "dataset_name": "world",
        "corpus_digest": None,
        "metrics": {metric: METRICS.get(metric, HIGHER) for metric in scored},
        "config": {},
        "suite": {},
        "suite_path": "suites/world.yaml",
        "harness_version": "0",
        "seed": 0,
        "repeats": 1,
        "n_cases": 0,
    }
    return Run(**{**facts, **fields})


def scores_of(
    cases: Sequence[Case], cells: Mapping[str, Sequence[Cell]], name: str = "run", **fields: Any
) -> RunScores:
    """A folded run: cells by metric, in case order."""
    tables = {metric: table_of(cases, row) for metric, row in cells.items()}
    return RunScores(run_of(name, list(cells), **fields), tuple(cases), tables)


def suite_of(
    *gates: Gate, metrics: Sequence[str] = ("quality",), alpha: float = 0.01, **fields: Any
) -> Suite:
    """A suite with these gates and a slice by language."""
    rules = {"language": SliceRule(source="groups.language", min_n=20)}
    return Suite(
        version=1,
        suite="world",
        goldens=(),
        system={},
        metrics=tuple(metrics),
        gates=gates,
        alpha=alpha,
        **{"slices": rules, **fields},
    )


def evidence_of(
    suite: Suite,
    cases: Sequence[Case],
    candidate: Mapping[str, Sequence[Cell]],
    baseline: Mapping[str, Sequence[Cell]] | None = None,
) -> Evidence:
    """What the suite's gates are decided on."""
    earlier = None if baseline is None else scores_of(cases, baseline, "base")
    return Evidence(suite, scores_of(cases, candidate), earlier)


def recorded_of(
    cases: Sequence[Case],
    cells: Mapping[str, Sequence[Cell]],
    name: str = "run",
    outputs: Sequence[str] | None = None,
    details: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    **fields: Any,
) -> Recorded:
    """A recording with one repeat; a case without any cell has no result, one with an error an error."""
    results = []
    for i, case in enumerate(cases):
        row = {metric: column[i] for metric, column in cells.items()}
        if all(cell is None for cell in row.values()):
            continue
        scores = {
            metric: _score(cell, (details or {}).get(metric, [{}] * len(cases))[i])
            for metric, cell in row.items()
        }
        kind = next((cell for cell in row.values() if cell in ("system_error", "timeout")), None)
        error = None if kind is None else ResponseError("timeout" if kind == "timeout" else "exception", "no")
        output = None if error else (outputs[i] if outputs else f"answer {i}")
        results.append(Result(case.id, 0, Response(output=output, error=error), scores))
    digests = {case.id: f"digest of {case.query.input}" for case in cases}
    run = run_of(name, list(cells), **{"n_cases": len(cases), **fields})
    return Recorded(run, tuple(cases), digests, tuple(results), complete=True)


def decide_one(gate: Gate, evidence: Evidence) -> Verdict:
    """The verdict of one gate among those of the suite."""
    return decide(gate, evidence, find_drops(evidence))


def evidence_of_runs(suite: Suite, candidate: Recorded, baseline: Recorded | None) -> Evidence:
    """What the suite's gates are decided on, from recordings."""
    return Evidence(suite, run_scores(candidate), run_scores(baseline) if baseline else None)


def _score(cell: Cell, details: dict[str, Any]) -> Score:
    if cell is None:
        return Score(status="not_applicable")
    if isinstance(cell, str):
        return Score(status=cell)
    return Score(value=float(cell), details=details)
