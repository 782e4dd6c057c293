"""Runs whose answers can be labelled, in a project folder, and what raters make of a packet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from world import cases_of, recorded_of, suite_of

from harness.types import Gate, Packet, Passage, Recorded

JUDGE = "sha256:judge-1"
SUITE = "suites/world.yaml"


def judged_run(
    name: str,
    scores: list[float],
    outputs: list[str],
    *gates: Gate,
    judge: str = JUDGE,
    started_at: str = "2026-01-01T00:00:00Z",
    per_document: int = 1,
    **suite: Any,
) -> Recorded:
    """A run whose metric ``quality`` a judge scored; every answer has one passage."""
    cases = cases_of(len(scores), per_document, language=lambda i: ("en", "de")[i % 2])
    plain = msgspec.to_builtins(suite_of(*gates, **suite))
    recorded = recorded_of(
        cases,
        {"quality": scores},
        name,
        outputs,
        judges={"quality": judge},
        started_at=started_at,
        suite=plain,
        suite_path=SUITE,
    )
    results = tuple(
        replace(
            result,
            response=replace(result.response, retrieved=(Passage("doc-secret", f"about {i}", 1, 0.90731),)),
        )
        for i, result in enumerate(recorded.results)
    )
    return replace(recorded, results=results)


def answered(packet: Packet, says: Callable[[str], float], rater: str = "ann") -> str:
    """The file that the page saves, with a label for every answer by its text."""
    lines = [
        json.dumps({"item": item.id, "label": says(item.output), "comment": ""}) for item in packet.items
    ]
    head = f'  "packet": "{packet.id}",\n  "rater": "{rater}",\n  "saved_at": "2026-01-02T10:00:00.000Z",\n'
    return "{\n" + head + '  "answers": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"


def send_back(folder: Path, packet: Packet, truth: Mapping[str, float], rater: str = "ann") -> Path:
    """Write the file of a rater who knows the truth of every output."""
    path = folder / f"from-{rater}.json"
    path.write_text(answered(packet, lambda output: truth[output], rater))
    return path
