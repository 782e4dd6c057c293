"""NoMIRACL: eleven models' recorded answers in seventeen languages; who refuses what it should, and where.

One model is the baseline, the others are candidates. Every model is a replayed system in one suite.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import permutations
from pathlib import Path

from halves import called_regressions
from nomiracl_labels import simple_rule
from workbench import data_folder, harness, read_lines, table, workspace, write_lines

from harness.api.deciding import evidence_of
from harness.baselines import Baseline
from harness.gates.decide import decide_all
from harness.recordings import read
from harness.types import Recorded

BASELINE = "gpt-4-azure"
SUITE = """
version: 1
suite: nomiracl
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: answers/{baseline}.jsonl, fields: {{id: id, output: output}}}}
candidates:
{candidates}
slices:
  language: {{from: groups.language, min_n: 30, audit: true}}
metrics: [refusal_correctness, over_refusal_rate, under_refusal_rate, "nomiracl_labels:right"]
gates:
  - {{id: refusals, metric: refusal_correctness, max_drop: 0.05}}
  - {{id: labels, metric: "nomiracl_labels:right", max_drop: 0.05}}
  - {{id: by-language, metric: refusal_correctness, slice: language, max_drop: 0.10}}
  - {{id: language-gap, metric: refusal_correctness, slice: language, max_gap: 0.20}}
"""


def main() -> None:
    rows = list(read_lines(data_folder("nomiracl_rag") / "nomiracl_dev.jsonl.gz"))
    models = sorted(rows[0]["outputs"])
    rows = [row for row in rows if len(row["outputs"]) == len(models)]  # 13 lack one model's answer
    with workspace() as folder:
        prepare(folder, rows, models)
        reports = {model: compare(folder, model) for model in models}
        runs = {
            model: read(folder / "reports" / "runs" / f"run-{model}" / "recording.jsonl") for model in models
        }
    print(f"{len(rows)} questions, baseline {BASELINE}; 95 % intervals; verdict against the baseline\n")
    table([overall_row(rows, model, reports[model]) for model in models], OVERALL)
    languages = sorted({row["language"] for row in rows})
    table([language_row(language, reports) for language in languages], LANGUAGES)
    agreement(rows, models, reports)
    apart(rows, runs)
    called_regressions(runs)


def prepare(folder: Path, rows: list[dict], models: list[str]) -> None:
    cases = (
        {
            "id": row["id"].replace("#", "."),
            "input": row["question"],
            "should_refuse": row["should_refuse"],
            "groups": {"language": row["language"]},
        }
        for row in rows
    )
    write_lines(folder / "cases.jsonl", cases)
    for model in models:
        answers = ({"id": row["id"].replace("#", "."), "output": row["outputs"][model]} for row in rows)
        write_lines(folder / "answers" / f"{model}.jsonl", answers)
    changes = "\n".join(f'  "{model}": {{path: answers/{model}.jsonl}}' for model in models)
    (folder / "suite.yaml").write_text(SUITE.format(baseline=BASELINE, candidates=changes))
    harness(folder, "run", "suite.yaml", "--run-id", "baseline", "-q")


def compare(folder: Path, model: str) -> dict:
    code, output = harness(
        folder, "check", "suite.yaml", "--candidate", model, "--baseline", "baseline",
        "--run-id", f"run-{model}", "--no-early-stop", "--json", "-q",
    )  # fmt: skip
    report = json.loads(output)
    if report["exit_code"] != code:
        raise SystemExit(f"{model}: exit code {code}, report says {report['exit_code']}")
    return report


def apart(rows: list[dict], runs: dict[str, Recorded]) -> None:
    """Every ordered pair of models: is one called worse where the labels of people say so?

    A model is right on a question where the set's own rule finds what its human label asks for.
    """
    share = {
        model: sum(
            simple_rule(row["outputs"][model]) == ("refuse" if row["should_refuse"] else "answer")
            for row in rows
        )
        / len(rows)
        for model in runs
    }
    bands = ((0.15, 1.01, "15 points or more worse"), (0.05, 0.15, "5 to 15 worse"), (-1.01, 0.05, "others"))
    pairs = list(permutations(runs, 2))
    decided = {pair: decide_all(evidence_of(runs[pair[1]], Baseline((runs[pair[0]],))), {}) for pair in pairs}
    outcome = {
        pair: next(found.outcome for found in verdicts if found.gate == "labels")
        for pair, verdicts in decided.items()
    }
    lines = []
    for low, high, name in bands:
        chosen = [outcome[pair] for pair in pairs if low <= share[pair[0]] - share[pair[1]] < high]
        counts = [chosen.count(kind) for kind in ("fail", "inconclusive", "pass")]
        lines.append((name, len(chosen), *counts))
    table(lines, ("by the labels the candidate is", "pairs", "fail", "inconclusive", "pass"))


OVERALL = (
    "model", "refusal correctness [95 % CI]", "over-refusal", "under-refusal", "set's rule: over", "under",
    "verdict", "why",
)  # fmt: skip


def overall_row(rows: list[dict], model: str, report: dict) -> tuple[str, ...]:
    found = report["estimates"]
    correct = found["refusal_correctness"]
    seen = defaultdict(list)
    for row in rows:
        seen[row["should_refuse"]].append(simple_rule(row["outputs"][model]))
    over = seen[False].count("refuse") / len(seen[False])
    under = seen[True].count("answer") / len(seen[True])
    interval = correct["interval"]
    failed = [verdict["gate"] for verdict in report["verdicts"] if verdict["outcome"] != "pass"]
    return (
        model,
        f"{correct['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]",
        f"{found['over_refusal_rate']['value']:.3f}",
        f"{found['under_refusal_rate']['value']:.3f}",
        f"{over:.3f}",
        f"{under:.3f}",
        report["outcome"],
        ", ".join(failed),
    )


LANGUAGES = (
    "language",
    "n",
    BASELINE,
    "gpt-3.5-turbo-azure",
    "change [95 % CI]",
    "Mixtral",
    "change [95 % CI]",
)


def language_row(language: str, reports: dict[str, dict]) -> tuple[str, ...]:
    cells: list[str] = []
    for model in ("gpt-3.5-turbo-azure", "Mixtral-8x7B-Instruct-v0.1"):
        found = next(
            item
            for item in reports[model]["slices"]
            if item["metric"] == "refusal_correctness" and item["slice"]["where"] == [["language", language]]
        )
        interval = found["interval"]
        if not cells:
            cells = [language, str(found["n_pairs"]), f"{found['baseline']['value']:.3f}"]
        cells.append(f"{found['candidate']['value']:.3f}")
        cells.append(f"{found['change']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]")
    return tuple(cells)


def agreement(rows: list[dict], models: list[str], reports: dict[str, dict]) -> None:
    """How often the observed behaviour is that of the set's own rule, where that rule decides at all."""
    lines = []
    for model in models:
        cells = {(item["expected"], item["observed"]): item["n"] for item in reports[model]["refusals"]}
        refused = sum(n for (_, observed), n in cells.items() if observed == "refuse")
        rule = [simple_rule(row["outputs"][model]) for row in rows]
        lines.append((model, refused, rule.count("refuse"), rule.count("invalid")))
    table(
        lines, ("model", "refusals seen by the harness", "by the set's rule", "not decided by the set's rule")
    )


if __name__ == "__main__":
    main()
