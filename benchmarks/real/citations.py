"""ExpertQA: does the decision on a claim and its citation agree with the expert who judged it?

ALCE's public part has neither the passages nor people's labels of citations: nothing can be said on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from workbench import data_folder, read_lines, table

from harness.registry import find_metric
from harness.types import Case, Citation, Passage, Query, Response


def main() -> None:
    rows = list(read_lines(data_folder("expertqa_claims") / "expertqa_dev.jsonl.gz"))
    judged = [row for row in rows if row["label"] is not None]
    decided = [(row, decide(row)) for row in judged]
    print(f"ExpertQA: {len(judged)} claims that an expert judged with what was cited for them")
    print(
        f"left open (claims nothing, or in another language): {sum(value is None for _, value in decided)}\n"
    )
    by_system: dict[str, list[tuple[dict[str, Any], bool]]] = defaultdict(list)
    for row, value in decided:
        if value is not None:
            cited = "only addresses cited" if linked_only(row) else "texts cited"
            for name in ("all", cited, row["system"]):
                by_system[name].append((row, value))
    lines = [agreement(name, found) for name, found in by_system.items()]
    head = (
        "claims",
        "n",
        "experts: supported",
        "ours: supported",
        "of supported found",
        "of others found",
        "balanced",
    )
    table(lines, head)


def decide(row: dict[str, Any]) -> bool | None:
    """Whether what is cited supports every claim of the sentence; None where the metric says nothing."""
    retrieved = tuple(Passage(f"d{rank}", text, rank) for rank, text in enumerate(row["contexts"], 1))
    citations = tuple(Citation(passage.doc_id) for passage in retrieved)
    case = Case(Query(row["id"], row["question"]), metadata={"cite": True})
    response = Response(row["response"], retrieved, citations=citations)
    score = find_metric("citation_recall").score(case, response)
    return None if score.value is None else score.value == 1.0


def linked_only(row: dict[str, Any]) -> bool:
    """Whether the evidence is addresses without a text: there experts followed a link that is not here."""
    return all(len(text.split()) < 6 for text in row["contexts"])


def agreement(name: str, found: Sequence[tuple[dict[str, Any], bool]]) -> tuple[object, ...]:
    """Shares of claims that experts and the metric call supported, and how often the two agree."""
    supported = [value for row, value in found if row["label"] == 1]
    others = [not value for row, value in found if row["label"] == 0]
    hit, kept = sum(supported) / len(supported), sum(others) / len(others)
    share, ours = len(supported) / len(found), sum(value for _, value in found) / len(found)
    shown = (f"{number:.3f}" for number in (share, ours, hit, kept, (hit + kept) / 2))
    return name, len(found), *shown


if __name__ == "__main__":
    main()
