"""A project whose system can move by itself: 160 cases of 40 documents, and calls that say who was asked."""

from __future__ import annotations

from pathlib import Path

from project import case_of, write_lines

N_CASES, PER_DOCUMENT = 160, 4
SUITE = "suites/fresh.yaml"

SYSTEMS = """
import os, threading, time

lock = threading.Lock()

def found(query, who, lost):
    with lock, open("calls.txt", "a") as calls:
        calls.write(f"{who}:{query.id}\\n")
    n = int(query.id[2:])
    if os.path.exists("slow"):
        time.sleep(0.03)
    if os.path.exists("failing") and who == "own" and n % 5 == 0:
        raise ValueError("the index is gone")
    if lost(n):
        return {"output": "Nobody knows.", "retrieved": [{"doc_id": "none", "text": "Nothing."}]}
    text = f"fact {n} is value{n}."
    return {"output": text, "retrieved": [{"doc_id": f"d{n // 4}", "text": text}]}

def own(query):
    moved = os.path.exists("moved")
    return found(query, "own", lambda n: n % 10 == 0 or (moved and n % 3 == 0))

def better(query):
    return found(query, "better", lambda n: n % 20 == 0)

def worse(query):
    return found(query, "worse", lambda n: n % 2 == 0)
"""

SUITE_TEXT = """version: 1
suite: fresh
goldens:
  - path: ../goldens/cases.jsonl
system: { adapter: python, target: "freshsystems:own" }
candidates:
  better: { target: "freshsystems:better" }
  worse: { target: "freshsystems:worse" }
metrics: [recall@5, required_facts, error_rate]
run: { max_concurrency: 4 }
baseline: { runs: 1, stale_after_days: null }
gates:
  - { id: recall, metric: recall@5, max_drop: 0.1 }
  - { id: facts, metric: required_facts, max_drop: 0.1 }
"""


def make_fresh(folder: Path) -> Path:
    """Write the project."""
    for name in ("suites", "goldens"):
        (folder / name).mkdir(parents=True)
    (folder / "freshsystems.py").write_text(SYSTEMS, encoding="utf-8")
    (folder / SUITE).write_text(SUITE_TEXT, encoding="utf-8")
    rows = [
        {
            **case_of(i, {}),
            "document_id": f"d{i // PER_DOCUMENT}",
            "evidence": [{"doc_id": f"d{i // PER_DOCUMENT}"}],
        }
        for i in range(N_CASES)
    ]
    write_lines(folder / "goldens/cases.jsonl", rows)
    return folder


def calls_of(folder: Path) -> list[tuple[str, str]]:
    """Who was asked what since the last time, in order; begins anew."""
    path = folder / "calls.txt"
    lines = path.read_text(encoding="utf-8").split() if path.is_file() else []
    path.unlink(missing_ok=True)
    return [(who, case_id) for who, _, case_id in (line.partition(":") for line in lines)]
