"""A small project whose answers are judged: five cases, a python system, a judge on the loopback."""

from __future__ import annotations

import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml
from project import write_lines

from harness.cli import run_command
from harness.recordings import read
from harness.types import Case, Evidence, Passage, Query, Response, Score

SYSTEM = """
def answer(query):
    n = int(query.id[1:])
    text = f"Order {n} is sent within {n + 10} days."
    said = text if n % 5 else f"Order {n} is sent within 99 days."
    with open("calls.txt", "a") as calls:
        calls.write(query.id + "\\n")
    return {"output": said, "retrieved": [{"doc_id": f"d{n}", "text": text + " Returns are free."}]}
"""


def case_of(n: int) -> dict[str, Any]:
    return {
        "id": f"c{n}",
        "input": f"When is order {n} sent?",
        "expected_output": f"Order {n} is sent within {n + 10} days.",
        "document_id": f"d{n}",
        "metadata": {"half": str(n % 2)},
    }


def write_project(folder: Path, url: str, n_cases: int = 6, **changes: Any) -> Path:
    """Write goldens, system and suite; ``changes`` replace keys of the suite, ``judge`` of the judge."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / "cases.jsonl", map(case_of, range(1, n_cases + 1)))
    (folder / "judged_system.py").write_text(SYSTEM)
    judge = {"base_url": url, "model": "m", "retries": 0, "timeout_s": 5.0, **changes.pop("judge", {})}
    suite = {
        "version": 1,
        "suite": "judged",
        "goldens": [{"path": "cases.jsonl"}],
        "system": {"adapter": "python", "target": "judged_system:answer"},
        "metrics": ["judged_faithfulness"],
        "judges": {"default": judge},
        "run": {"max_concurrency": 2},
        "gates": [{"id": "faithful", "metric": "judged_faithfulness", "min": 0.5, "bound": "point"}],
        **changes,
    }
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite))
    return folder


CASE = Case(
    query=Query("c1", "When is order 1 sent?"),
    expected_output=("Order 1 is sent within 11 days.",),
    evidence=(Evidence("d1"),),
)
PASSAGES = (Passage("d1", "Order 1 is sent within 11 days. Returns are free.", 1),)
GOOD = Response(output="Order 1 is sent within 11 days.", retrieved=PASSAGES)
BAD = Response(output="Order 1 is sent within 90 days.", retrieved=PASSAGES)

EVERY = [
    "judged_faithfulness",
    "context_recall",
    "context_precision",
    "answer_relevancy",
    "answer_correctness",
    "judged_refusal",
    "rubric:tone",
]
RUBRICS = {"tone": {"text": "Says how many days.", "poor": "No idea.", "fine": "In 3 days."}}


def scores_of(folder: Path, run: str) -> dict[tuple[str, str], Score]:
    recorded = read(folder / "reports/runs" / run / "recording.jsonl")
    return {
        (result.case_id, name): score for result in recorded.results for name, score in result.scores.items()
    }


def harness(folder: Path, *arguments: str) -> int:
    """Call in this process, which has the packages loaded already."""
    try:
        with chdir(folder):
            return run_command(list(arguments))
    finally:
        sys.modules.pop("judged_system", None)


def run_and_read(folder: Path, run: str, *options: str) -> dict[tuple[str, str], Score]:
    assert harness(folder, "run", "suite.yaml", "-q", "--run-id", run, *options) == 0
    return scores_of(folder, run)
