"""FinanceBench: sixteen configurations with human labels; does the verdict agree with what people said?

Every configuration is a replayed system. The same gate is asked twice for every ordered pair: on the human
labels, and on metrics that the harness computes itself.
"""

from __future__ import annotations

import json
import os
from itertools import permutations
from pathlib import Path

from financebench_labels import answer_key
from halves import called_regressions
from msgspec.structs import replace
from workbench import data_folder, harness, read_lines, table, workspace, write_lines

from harness.api.deciding import evidence_of
from harness.baselines import Baseline
from harness.gates.decide import decide_all
from harness.recordings import read
from harness.types import Recorded

BASELINE = "gpt-4-1106-preview_oracle"
MARGIN = 0.05
SUITE = """
version: 1
suite: financebench
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: answers/{baseline}.jsonl}}
candidates:
{candidates}
slices:
  sector: {{from: metadata.sector, min_n: 20}}
  type: {{from: metadata.question_type, min_n: 20}}
metrics: ["financebench_labels:correct", "financebench_labels:refused", refusal_correctness, token_f1]
gates:
  - {{id: people, metric: "financebench_labels:correct", max_drop: {margin}}}
  - {{id: refusals, metric: refusal_correctness, max_drop: {margin}}}
"""


def main() -> None:
    folder_of_data = data_folder("financebench_systems")
    questions = list(read_lines(folder_of_data / "questions_dev.jsonl.gz"))
    answers = list(read_lines(folder_of_data / "answers_dev.jsonl.gz"))
    systems = sorted({row["system"] for row in answers})
    labels = {(row["system"], row["question_id"]): row["label"] for row in answers}
    with workspace() as folder:
        prepare(folder, questions, answers, systems)
        recordings = {
            name: folder / "reports" / "runs" / f"run-{name}" / "recording.jsonl" for name in systems
        }
        for name in systems:
            harness(folder, "run", "suite.yaml", "--candidate", name, "--run-id", f"run-{name}", "-q")
        shown = {name: against_baseline(folder, name) for name in systems}
        decided = every_pair(recordings)
        runs = {name: read(path) for name, path in recordings.items()}
    print(f"{len(questions)} questions, {len(systems)} systems; baseline {BASELINE}, margin {MARGIN}\n")
    table([row(name, shown[name], labels, questions) for name in systems], HEADER)
    summary(decided, labels, questions)
    called_regressions({name: only(recorded, "people") for name, recorded in runs.items()})


def prepare(folder: Path, questions: list[dict], answers: list[dict], systems: list[str]) -> None:
    cases = (
        {
            "id": row["id"],
            "input": row["question"],
            "expected_output": row["answer"],
            "document_id": row["doc_name"],
            "metadata": {"sector": row["sector"], "question_type": row["question_type"]},
        }
        for row in questions
    )
    write_lines(folder / "cases.jsonl", cases)
    for name in systems:
        mine = [row for row in answers if row["system"] == name]
        lines = ({"id": row["question_id"], "output": row["response"]} for row in mine)
        write_lines(folder / "answers" / f"{name}.jsonl", lines)
    changes = "\n".join(f'  "{name}": {{path: answers/{name}.jsonl}}' for name in systems)
    suite = SUITE.format(baseline=BASELINE, candidates=changes, margin=MARGIN)
    (folder / "suite.yaml").write_text(suite)
    known: dict[str, str] = {}
    for row in answers:  # a text that two systems gave and people labelled differently keeps its first label
        known.setdefault(answer_key(row["question_id"], row["response"]), row["label"])
    differ = sum(known[answer_key(row["question_id"], row["response"])] != row["label"] for row in answers)
    print(f"{differ} of {len(answers)} answers have the same text as one with another label\n")
    (folder / "labels.json").write_text(json.dumps(known))
    os.environ["FINANCEBENCH_LABELS"] = str(folder / "labels.json")


def against_baseline(folder: Path, name: str) -> dict:
    _, output = harness(folder, "gate", f"run-{name}", "--baseline", f"run-{BASELINE}", "--json")
    return json.loads(output)


def every_pair(recordings: dict[str, Path]) -> list[tuple[str, str, str, str]]:
    """Decide every ordered pair: baseline, candidate, verdict on labels, verdict on computed refusals.

    Each of the two gates by itself, with the whole of alpha: they are two questions, not one gate.
    """
    runs = {name: read(path) for name, path in recordings.items()}
    found = []
    for before, after in permutations(runs, 2):
        outcomes = [
            decide_all(evidence_of(only(runs[after], name), Baseline((runs[before],))), {})[0].outcome
            for name in ("people", "refusals")
        ]
        found.append((before, after, *outcomes))
    return found


def only(recorded: Recorded, gate_id: str) -> Recorded:
    """The run with one of its gates."""
    gates = [item for item in recorded.run.suite["gates"] if item["id"] == gate_id]
    return replace(recorded, run=replace(recorded.run, suite={**recorded.run.suite, "gates": gates}))


HEADER = (
    "system",
    "people: correct",
    "change",
    "gate on labels",
    "people: refused",
    "seen",
    "gate on refusals",
)


def row(name: str, report: dict, labels: dict, questions: list[dict]) -> tuple[str, ...]:
    outcome = {item["gate"]: item for item in report["verdicts"]}
    found = report["estimates"]
    refused = [labels[name, question["id"]] == "Refusal" for question in questions]
    return (
        name,
        f"{found['financebench_labels:correct']['value']:.3f}",
        f"{outcome['people']['change']:+.3f}",
        outcome["people"]["outcome"],
        f"{sum(refused) / len(refused):.3f}",
        f"{1 - found['refusal_correctness']['value']:.3f}",
        outcome["refusals"]["outcome"],
    )


def summary(decided: list[tuple[str, str, str, str]], labels: dict, questions: list[dict]) -> None:
    """Verdicts on the human labels by the size of the difference that people saw."""
    bands = (
        (0.15, 1.01, "15 points or more worse"),
        (0.05, 0.15, "5 to 15 worse"),
        (-0.05, 0.05, "within 5"),
        (-1.01, -0.05, "better by 5 or more"),
    )
    for index, title in ((2, "gate on human labels"), (3, "gate on computed refusals, by people's refusals")):
        wanted, sign = ("Correct Answer", 1) if index == 2 else ("Refusal", -1)
        shares = {name: share(labels, name, questions, wanted) for item in decided for name in item[:2]}
        rows = []
        for low, high, name in bands:
            chosen = [
                item[index] for item in decided if low <= sign * (shares[item[0]] - shares[item[1]]) < high
            ]
            counts = [chosen.count(outcome) for outcome in ("fail", "inconclusive", "pass")]
            rows.append((name, len(chosen), *counts))
        print(title)
        table(rows, ("people saw the candidate", "pairs", "fail", "inconclusive", "pass"))


def share(labels: dict, system: str, questions: list[dict], label: str) -> float:
    return sum(labels[system, question["id"]] == label for question in questions) / len(questions)


if __name__ == "__main__":
    main()
