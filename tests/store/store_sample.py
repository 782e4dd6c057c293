"""A small recording and a report on it, as the store gets them."""

from pathlib import Path
from typing import Any

import duckdb
from msgspec.structs import replace

from harness.store import Store
from harness.types import (
    Accounting,
    Case,
    Change,
    Citation,
    Comparison,
    Estimate,
    Evidence,
    Interval,
    Passage,
    Query,
    Recorded,
    Report,
    Response,
    ResponseError,
    Result,
    Run,
    Score,
    Slice,
    Timings,
    Usage,
    Verdict,
)

CASES = (
    Case(
        query=Query(id="c1", input="What now?"),
        expected_output=("This.", "That."),
        evidence=(Evidence(doc_id="d1", quote="this", start=3, end=7),),
        groups={"language": "de"},
        tags=("billing",),
        metadata={"length": 3},
        document_id="d1",
    ),
    Case(query=Query(id="c2", input="Who?"), expected_behavior="refuse"),
)
SHARED = Passage(doc_id="d1", text="a text that is retrieved again and again", rank=1, score=0.5, start=7)
ANSWERED = Result(
    case_id="c1",
    repeat=0,
    response=Response(
        output="This, says d1.",
        retrieved=(SHARED, Passage(doc_id="d2", text="another", rank=2)),
        refused=False,
        citations=(Citation(doc_id="d1", start=0, end=4),),
        usage=Usage(input_tokens=10, output_tokens=3, cost_usd=0.5),
        timings=Timings(total_s=1.5, retrieve_s=0.5),
        attempts=2,
    ),
    scores={
        "recall@5": Score(1.0, details={"found": ["d1"]}),
        "faithfulness": Score(status="not_applicable", reason="no claims"),
    },
)
FAILED = Result(
    case_id="c2",
    repeat=0,
    response=Response(error=ResponseError("timeout", "60 s"), retrieved=(SHARED,)),
    scores={"recall@5": Score(status="timeout")},
)


def recorded(run_id: str = "run-1", **changes: Any) -> Recorded:
    run = Run(
        id=run_id,
        suite_name="support",
        started_at="2026-11-22T08:00:00Z",
        candidate="base",
        system_fingerprint="f",
        dataset_digest="d",
        dataset_name="support",
        corpus_digest=None,
        metrics={},
        config={"system.top_k": 5},
        suite={"version": 1},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=7,
        repeats=1,
        n_cases=len(CASES),
    )
    whole = Recorded(run, CASES, {"c1": "one", "c2": "two"}, (ANSWERED, FAILED), complete=True)
    return replace(whole, **changes)


def report(run: Run, **changes: Any) -> Report:
    interval = Interval(-0.06, -0.02, 0.95, "bca")
    estimate = Estimate(0.9, n=2, n_unscored=1)
    comparison = Comparison(
        metric="recall@5",
        slice=Slice(),
        baseline=estimate,
        candidate=Estimate(None, n=0, n_unscored=2),
        change=-0.04,
        interval=interval,
        p_worse=0.01,
        n_pairs=2,
    )
    whole = Report(
        title="support",
        outcome="fail",
        exit_code=1,
        headline=("recall@5 fell",),
        run=run,
        baseline=replace(run, id="run-0"),
        verdicts=(
            Verdict(
                "first", "drop ≤ 0.02", "fail", "it fell", metric="recall@5", interval=interval, limit=0.02
            ),
            Verdict("second", "never", "pass", "none did", cases=("c1",), line=41),
        ),
        estimates={},
        comparisons=(comparison,),
        slices=(replace(comparison, slice=Slice((("language", "de"), ("register", "plain")))),),
        slice_estimates={},
        gaps=(),
        attribution=None,
        refusals=(),
        refusals_before=(),
        accounting=Accounting(selected=2, answered=1, system_error=0, timeout=1, missing=0),
        changes=(Change("system.top_k", 8, 5), Change("system.model", None, "small")),
        regressions=(),
        cases=(),
    )
    return replace(whole, **changes)


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as con:
        return con.execute(sql).fetchall()


def load(path: Path, *recordings: Recorded) -> list[bool]:
    with Store(path) as store:
        return [store.load(each) for each in recordings]
