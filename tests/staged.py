"""A project that is large enough to be looked at on the way: 200 cases of 200 documents, counted calls."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from project import case_of, write_lines

N_CASES = 200
SUITE = "suites/staged.yaml"
NAMED = "q-199"
"""A case that a gate names: it must be asked before the first look."""

SYSTEMS = """
import os, random, threading, time

lock = threading.Lock()

def answer(query):
    with lock, open("calls.txt", "a") as calls:
        calls.write(query.id + "\\n")
    n = int(query.id[2:])
    text = f"fact {n} is value{n}."
    return {"output": text, "retrieved": [{"doc_id": f"d{n}", "text": text}]}

def worse(query):
    found = answer(query)
    if int(query.id[2:]) % 2:
        found |= {"output": "Nobody knows.", "retrieved": [{"doc_id": "none", "text": "Nothing."}]}
    return found

def jittery(query):
    time.sleep(random.random() * 0.004)
    return worse(query)

def mended(query):
    found = answer(query)
    if query.id.endswith("3") and not os.path.exists("mended"):
        raise ValueError("the index is gone")
    return found

def slow(query):
    time.sleep(0.02)
    return answer(query)
"""

SUITE_TEXT = f"""version: 1
suite: staged
goldens:
  - path: ../goldens/cases.jsonl
system: {{ adapter: python, target: "stagedsystems:answer" }}
candidates:
  worse: {{ target: "stagedsystems:worse" }}
  jittery: {{ target: "stagedsystems:jittery" }}
  mended: {{ target: "stagedsystems:mended" }}
  slow: {{ target: "stagedsystems:slow" }}
metrics: [recall@5, required_facts, error_rate]
run: {{ max_concurrency: 4 }}
gates:
  - {{ id: recall, metric: recall@5, max_drop: 0.1 }}
  - {{ id: facts, metric: required_facts, max_drop: 0.1 }}
  - {{ id: never-worse, metric: error_rate, max: 0, cases: [{NAMED}] }}
"""


def make_staged(folder: Path) -> Path:
    """Write the project."""
    for name in ("suites", "goldens"):
        (folder / name).mkdir(parents=True)
    (folder / "stagedsystems.py").write_text(SYSTEMS, encoding="utf-8")
    (folder / SUITE).write_text(SUITE_TEXT, encoding="utf-8")
    rows = [
        {**case_of(i, {}), "document_id": f"d{i}", "evidence": [{"doc_id": f"d{i}"}]} for i in range(N_CASES)
    ]
    write_lines(folder / "goldens/cases.jsonl", rows)
    return folder


def calls_of(folder: Path) -> Counter[str]:
    """How often the system was asked for each case since the last time; begins anew."""
    path = folder / "calls.txt"
    found = Counter(path.read_text(encoding="utf-8").split()) if path.is_file() else Counter()
    path.unlink(missing_ok=True)
    return found
