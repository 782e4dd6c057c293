"""A report in every wanted format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.recordings import write_whole
from harness.registry import load_object
from harness.types import Report

FORMATS = {
    "html": ("report.html", "harness.report.html:render"),
    "md": ("report.md", "harness.report.markdown:render"),
    "json": ("report.json", "harness.report.json:render"),
    "junit": ("junit.xml", "harness.report.junit:render"),
}
"""Format to file name and renderer; a renderer is imported when its format is wanted."""


def render(report: Report, formats: Iterable[str]) -> dict[str, str]:
    """Render a report; gives the text of every format."""
    return {name: load_object(FORMATS[name][1], "renderer")(report) for name in formats}


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: an earlier one is never half overwritten.

    Raises:
        RecordingError: it cannot be written; the message names the path and what is in the way.
    """
    write_whole(path, text.encode())
