"""Public sets in which people judged whether texts support a claim, from HARNESS_DATA, in one form."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One judged text: ``source`` is what rows share (document, question or claim), for resampling.

    ``contradicted`` is None where the set does not tell it from unsupported. ``unit`` is what is scored as
    one (the best of its rows counts), the row itself where empty.
    """

    id: str
    source: str
    question: str
    contexts: tuple[str, ...]
    text: str
    supported: bool
    contradicted: bool | None
    unit: str = ""


class LabelledSet(NamedTuple):
    """Where a set lies, its licence, whether weights may be fitted on it, and how its lines are read."""

    folder: str
    licence: str
    shipped: bool
    read: Callable[[dict[str, Any]], Row | None]


def load_sets() -> dict[str, list[Row]]:
    """Read every set that is there; sets that are absent are named and left out."""
    data = data_folder()
    found = {}
    for name, labelled in SETS.items():
        rows = [row for line in lines(data / labelled.folder) if (row := labelled.read(line))]
        if rows:
            found[name] = rows
        else:
            print(f"{name}: not in HARNESS_DATA, left out")
    if not found:
        sys.exit(f"no labelled set in {data}: set HARNESS_DATA")
    return found


def data_folder() -> Path:
    """Give the folder of all sets."""
    return Path(os.environ.get("HARNESS_DATA", Path(__file__).parents[2] / "shared" / "data"))


def detectors() -> dict[str, list[tuple[bool, bool]]]:
    """Give for each published detector of FaithBench (human label, its verdict at 0.5) over the rows."""
    found: dict[str, list[tuple[bool, bool]]] = {}
    for line in lines(data_folder() / "faithbench"):
        for name, value in line["detectors"].items():
            if value is not None:
                found.setdefault(name, []).append((bool(line["label"]), float(value) >= 0.5))
    return found


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a set as they are written."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def _row(line: dict[str, Any], source: str, contradicted: bool | None = None, unit: str = "") -> Row | None:
    if line["label"] is None:
        return None
    contexts, question = tuple(line["contexts"]), line.get("question") or ""
    return Row(
        line["id"], source, question, contexts, line["response"], line["label"] == 1, contradicted, unit
    )


def _mtrag(line: dict[str, Any]) -> Row | None:
    """Three people rate 1 to 4; a mean of at least 3.5 counts as supported."""
    rated = {**line, "label": int(line["label"] >= 3.5)}
    return _row(rated, line["task_id"].split("<")[0])


def _summedits(line: dict[str, Any]) -> Row | None:
    """An edit that only adds is unsupported, every other wrong edit changes what the document says."""
    edits = set(line["edit_types"])
    wrong = line["label"] == 0
    contradicted = wrong and edits != {"hallucinated_fact_insertion"}
    return _row(line, line["contexts"][0], None if wrong and not edits else contradicted)


SETS = {
    "expertqa_claims": LabelledSet(
        "expertqa_claims", "MIT", True, lambda line: _row(line, line["question_id"], contradicted=False)
    ),
    "mtrag_human_eval": LabelledSet("mtrag_human_eval", "Apache-2.0", True, _mtrag),
    "summedits": LabelledSet("summedits", "Apache-2.0", True, _summedits),
    "wice": LabelledSet(
        "wice", "ODC-BY, text CC BY-SA 4.0", True,
        lambda line: _row(line, line["claim_id"], contradicted=False, unit=line["claim_id"]),
    ),
    "begin_dialogue": LabelledSet(
        "begin_dialogue", "CC BY 4.0, CDLA-Sharing 1.0, MIT", True,
        lambda line: _row(line, "".join(line["contexts"])),
    ),
    "factcheckgpt_stance": LabelledSet(
        "factcheckgpt_stance", "Apache-2.0", True,
        lambda line: _row(line, line["response"], contradicted=line["label_raw"] == "refute"),
    ),
    "faithbench": LabelledSet(
        "faithbench", "CC BY-NC-SA 4.0", False, lambda line: _row(line, line["contexts"][0])
    ),
    "qags": LabelledSet("qags", "none stated", False, lambda line: _row(line, line["contexts"][0])),
    "healthver": LabelledSet(
        "healthver", "none stated", False,
        lambda line: _row(line, line["contexts"][0], contradicted=line["label_raw"] == "Refutes"),
    ),
    "climate_fever": LabelledSet(
        "climate_fever", "none stated", False,
        lambda line: _row(line, line["claim_id"], contradicted=line["label_raw"] == "REFUTES"),
    ),
}  # fmt: skip
