"""The text renderings as they were looked at and found right; HARNESS_WRITE_SNAPSHOTS=1 writes them again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sample import sample, sample_alone

from harness.report import junit, markdown, text

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENDERINGS: dict[str, Callable[[], str]] = {
    "console-80.txt": lambda: text.render(sample(), 80, False, False),
    "console-80-ascii.txt": lambda: text.render(sample(), 80, False, True),
    "console-80-color.txt": lambda: text.render(sample(), 80, True, False),
    "console-60.txt": lambda: text.render(sample(), 60, False, False),
    "console-60-ascii.txt": lambda: text.render(sample(), 60, False, True),
    "console-60-color.txt": lambda: text.render(sample(), 60, True, False),
    "console-120.txt": lambda: text.render(sample(), 120, False, False),
    "console-120-ascii.txt": lambda: text.render(sample(), 120, False, True),
    "console-120-color.txt": lambda: text.render(sample(), 120, True, False),
    "console-120-alone.txt": lambda: text.render(sample_alone(), 120, False, False),
    "report.md": lambda: markdown.render(sample()),
    "report-alone.md": lambda: markdown.render(sample_alone()),
    "junit.xml": lambda: junit.render(sample()),
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_rendering_is_as_last_looked_at(name: str) -> None:
    """A change of a rendering is seen in review, line by line."""
    found, file = RENDERINGS[name](), SNAPSHOTS / name
    if os.environ.get("HARNESS_WRITE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8", newline="\n")
    assert found == file.read_bytes().decode()
