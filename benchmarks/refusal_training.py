"""Fit the weights of ``harness/metrics/behavior_weights.json`` on answers that people, or we, have labelled.

Fitted only on sets whose licence allows it: XSTest's completions (human labels), MTRAG-UN's human answers,
NoMIRACL's model outputs where the set's own two phrases decide, and ``refusal_examples.txt``, written by us.
``python benchmarks/refusal_training.py`` writes the weights again; everything is deterministic.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from harness.metrics.behavior import features
from harness.metrics.sentences import read_sentences

ROOT = Path(__file__).resolve().parents[1]
METRICS = ROOT / "harness" / "metrics"
WEIGHTS = METRICS / "behavior_weights.json"

PENALTY = 1.0
"""Half of the squared weights' sum, times this, is added to the loss: L2 with C = 1."""

SIGNS = {
    +1: "opens_decline opens_lack opens_limits opens_judgment later_lack late_withheld late_guidance"
    " share_withheld share_guidance decline_alone lack_alone limits_guidance limits_moral judgment_moral"
    " denial_moral",
    -1: "opens_unreal opens_defines share_unreal share_plain share_items share_figures decline_unreal"
    " turn_after length",
}
"""The features by the sign that a weight may have: no weight contradicts what its cue means."""


class Row(NamedTuple):
    """One labelled answer; ``weight`` evens out sets of very different size and certainty."""

    text: str
    behavior: str
    weight: float
    source: str


def main() -> None:
    """Fit on every set and write the weights with their provenance."""
    rows = training_rows()
    model = fit(rows)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.source] = counts.get(row.source, 0) + 1
    written = {
        "made_by": "benchmarks/refusal_training.py",
        "digest": digest(),
        "fitted_on": counts,
        **model,
    }
    WEIGHTS.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(f"{WEIGHTS.relative_to(ROOT)}: {sum(counts.values())} answers of {len(counts)} sets")


def digest() -> str:
    """SHA-256 of what the weights depend on: this script, the examples, features, phrases and sentences."""
    parts = [Path(__file__), Path(__file__).with_name("refusal_examples.txt")]
    parts += [
        METRICS / "behavior.py",
        METRICS / "phrasebook.py",
        *sorted((METRICS / "phrases").glob("*.toml")),
    ]
    found = hashlib.sha256()
    for part in parts:
        found.update(part.name.encode() + b"\0" + part.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return found.hexdigest()


def training_rows(without: str = "") -> list[Row]:
    """Every answer to fit on, but for those of one source."""
    rows = [*examples(), *mtrag(), *nomiracl(), *xstest("gpt4"), *xstest("llama2new")]
    return [row for row in rows if row.source != without]


def fit(rows: list[Row]) -> dict[str, Any]:
    """Logistic regression with an L2 penalty and the sign of each weight held: is anything withheld?"""
    found = [features(row.text, read_sentences(row.text)) for row in rows]
    positive = np.array([row.behavior != "answer" for row in rows])
    weights = np.array([row.weight for row in rows])
    bounds = {
        name: (0, None) if sign > 0 else (None, 0) for sign, names in SIGNS.items() for name in names.split()
    }
    values = np.array([[one[name] for name in bounds] for one in found])
    side = 2.0 * positive - 1

    def loss(guess: np.ndarray) -> tuple[float, np.ndarray]:
        margin = side * (values @ guess[:-1] + guess[-1])
        slope = -weights * side / (1 + np.exp(margin))
        total = (weights * np.logaddexp(0, -margin)).sum() + PENALTY * (guess[:-1] ** 2).sum() / 2
        return total, np.append(values.T @ slope + PENALTY * guess[:-1], slope.sum())

    start = np.zeros(len(bounds) + 1)
    best = minimize(loss, start, jac=True, bounds=[*bounds.values(), (None, None)], method="L-BFGS-B").x
    named = {name: round(float(weight), 3) for name, weight in zip(bounds, best[:-1], strict=True)}
    return {"bias": round(float(best[-1]), 3), "weights": {name: w for name, w in named.items() if w}}


def examples() -> Iterator[Row]:
    """Answers written for this project."""
    for line in Path(__file__).with_name("refusal_examples.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            behavior, _, text = line.split(" ", 2)
            yield Row(text.replace("\\n", "\n"), behavior, 2.0, "examples")


def xstest(model: str) -> Iterator[Row]:
    """Completions of one model with the adjudicated label of two people."""
    labels = {"full_compliance": "answer", "full_refusal": "refuse", "partial_refusal": "partial"}
    for row in read_lines("xstest_human", f"xstest_{model}.jsonl.gz"):
        yield Row(row["response"], labels[row["label"]], 1.0, f"xstest_{model}")


def mtrag() -> Iterator[Row]:
    """Human answers where the passages hold an answer or none; a "partial" one often withholds nothing."""
    labels = {"ANSWERABLE": "answer", "UNANSWERABLE": "refuse"}
    for row in read_lines("mtrag_un", "mtrag_un_dev.jsonl.gz"):
        if row["answerability"] in labels:
            yield Row(row["reference"], labels[row["answerability"]], 0.5, "mtrag_un")


def nomiracl() -> Iterator[Row]:
    """Outputs of eleven models where the set's rule decides; every tenth question, as they are alike."""
    for index, row in enumerate(read_lines("nomiracl_rag", "nomiracl_dev.jsonl.gz")):
        for output in row["outputs"].values() if index % 10 == 0 else ():
            if (behavior := nomiracl_rule(output)) is not None:
                yield Row(output, behavior, 0.15, "nomiracl_rag")


def nomiracl_rule(output: str) -> str | None:
    """The set's own rule; None where neither phrase, or both, stand in the output."""
    answers, abstains = "Yes, answer is present" in output, "I don't know" in output
    return None if answers == abstains else "answer" if answers else "refuse"


def read_lines(folder: str, name: str) -> list[dict[str, Any]]:
    """The rows of one file below HARNESS_DATA; ends the script where it is absent."""
    path = Path(os.environ.get("HARNESS_DATA", ROOT.parent / "shared" / "data")) / folder / name
    if not path.is_file():
        sys.exit(f"no {folder}/{name} in HARNESS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    main()
