"""A small project whose answers are judged: five cases, a python system, a judge on the loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from project import write_lines

from harness.types import Case, Evidence, Passage, Query, Response

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
