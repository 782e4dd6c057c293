"""A small run, its cases and results, as the tests of recordings write them."""

from pathlib import Path

from msgspec.structs import replace

from harness.recordings import Recording
from harness.types import (
    Case,
    Evidence,
    MetricIdentity,
    Passage,
    Query,
    Response,
    Result,
    Run,
    Score,
)

IDS = ("refund-1", "refund-2", "leak:3")


def run_of(n_cases: int = len(IDS), **changes: object) -> Run:
    run = Run(
        id="run-1",
        suite_name="support",
        started_at="2026-11-22T08:00:00Z",
        candidate="base",
        system_fingerprint="f" * 16,
        dataset_digest="d" * 16,
        dataset_name="support",
        corpus_digest=None,
        metrics={"recall@5": MetricIdentity(version=1, higher_is_better=True, low=0.0, high=None)},
        config={"system.top_k": 5, "system.model": "small", "system.rerank": False, "system.floor": 0.5},
        suite={"version": 1, "gates": [{"id": "g", "min": 0.5}]},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=7,
        repeats=2,
        n_cases=n_cases,
    )
    return replace(run, **changes)


def case_of(case_id: str, text: str = "What now?") -> Case:
    return Case(
        query=Query(id=case_id, input=text),
        expected_output=(text,),
        evidence=(Evidence(doc_id="d1", quote=text, start=3, end=9, grade=2),),
        groups={"language": "de"},
        tags=("billing",),
        metadata={"length": 3, "note": None, "share": 0.25},
    )


CASES = tuple(case_of(case_id) for case_id in IDS)
DIGESTS = {case_id: f"digest of {case_id}" for case_id in IDS}


def result_of(case_id: str = IDS[0], repeat: int = 0, text: str = "an answer") -> Result:
    return Result(
        case_id=case_id,
        repeat=repeat,
        response=Response(output=text, retrieved=(Passage(doc_id="d1", text=text, rank=1, score=0.5),)),
        scores={"recall@5": Score(1.0, details={"found": [text]})},
    )


def write(path: Path, results: list[Result], *, finish: bool = True) -> None:
    with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
        for result in results:
            recording.append(result)
        if finish:
            recording.finish()
