"""Suite files written for a test, and what loading them gives."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import Fault, SuiteError
from harness.suites.suite import SuiteFile, load_suite

BASE = """\
version: 1
suite: demo
goldens:
  - path: cases.jsonl
system:
  adapter: http
  url: http://localhost/ask
metrics: [recall@5, latency_s]
slices:
  language: { from: groups.language }
  topic: { from: metadata.topic }
gates:
  - id: recall
    metric: recall@5
    min: 0.5
"""
"""A whole suite of 15 lines."""

NEEDED = {
    "http": "{ adapter: http, url: http://localhost/ask }",
    "openai_chat": "{ adapter: openai_chat, base_url: http://localhost/v1, model: m, prompt: p.txt }",
    "process": "{ adapter: process, command: [cat] }",
    "python": "{ adapter: python, target: my.app:answer }",
    "reference": "{ adapter: reference, corpus: corpus.jsonl }",
    "replay": "{ adapter: replay, path: answers.jsonl }",
}
"""Every adapter with the options that it cannot do without."""


def changed(*changes: tuple[str, str], text: str = BASE) -> str:
    """Replace parts of the whole suite; each must be there exactly once. An empty part adds at the end."""
    for old, new in changes:
        assert not old or text.count(old) == 1, old
        text = text.replace(old, new) if old else text + new + "\n"
    return text


def with_system(spec: str) -> str:
    """The whole suite with its system in one line, which is line 5."""
    return changed(("system:\n  adapter: http\n  url: http://localhost/ask\n", f"system: {spec}\n"))


def load(folder: Path, text: str | bytes) -> SuiteFile:
    """Load a suite with this text."""
    path = folder / "suite.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_suite(path)


def faults(folder: Path, text: str | bytes) -> tuple[Fault, ...]:
    """What is wrong with this text; fails the test where nothing is."""
    with pytest.raises(SuiteError) as caught:
        load(folder, text)
    return caught.value.faults


def told(found: Sequence[Fault]) -> list[str]:
    """Faults as ``line:column what | mend``."""
    return [
        f"{fault.place.line}:{fault.place.column} {fault.what} | {fault.mend}"
        for fault in found
        if fault.place is not None
    ]
