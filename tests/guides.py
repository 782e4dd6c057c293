"""The guides as the tests read them: sections, tables, fenced blocks, and examples made whole."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GUIDES = sorted(path.name for path in DOCS.glob("*.md"))
BASE = {
    "version": "1",
    "suite": "example",
    "goldens": "[{ path: goldens/cases.jsonl }]",
    "system": "{ adapter: reference, corpus: goldens/corpus.jsonl }",
    "metrics": "[recall@5, faithfulness, refusal_correctness, latency_s]",
    "slices": "{ language: { from: groups.language } }",
    "gates": "[{ id: complete, min_scored: 0.99 }]",
}
"""What an example that shows a part of a suite is completed with."""

Block = tuple[str, str, str]
"""Language, title and text of a fenced block."""


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The text below a heading, up to the next one of any level."""
    parts = re.split(
        r"^#+ (.+)$",
        re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL),
        flags=re.MULTILINE,
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def rows(text: str) -> list[list[str]]:
    """The rows of every table in a text, heads left out."""
    found: list[list[str]] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            continue
        if set(line) <= set("|-: "):
            found.pop()
        else:
            found.append(cells)
    return found


def blocks(name: str) -> list[Block]:
    found = re.findall(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)
    return [(language, title, text) for language, title, text in found]


def code(name: str, language: str) -> list[str]:
    return [text for found, _, text in blocks(name) if found == language]


def completed(fragment: str, folder: Path) -> Path:
    """Write a suite of an example: what it lacks comes from BASE."""
    given = set(re.findall(r"^(\w+):", fragment, re.MULTILINE))
    rest = "" if "version" in given else "".join(f"{k}: {v}\n" for k, v in BASE.items() if k not in given)
    path = folder / "suite.yaml"
    path.write_text(fragment + rest, encoding="utf-8")
    return path
