"""Write a report in every wanted format, and keep runs and reports in the store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordingError, UsageError, did_you_mean
from harness.registry import load_object
from harness.types import Report

FORMATS = {
    "html": ("report.html", "harness.report.html:render"),
    "md": ("report.md", "harness.report.markdown:render"),
    "json": ("report.json", "harness.report.json:render"),
    "junit": ("junit.xml", "harness.report.junit:render"),
}
"""Format to file name and renderer; a renderer is imported when its format is wanted."""

ENDINGS = {".html": "html", ".md": "md", ".json": "json", ".xml": "junit"}


def render(report: Report, formats: Iterable[str]) -> dict[str, str]:
    """Render a report; gives the text of every format."""
    return {name: load_object(FORMATS[name][1], "renderer")(report) for name in formats}


def format_of(path: Path) -> str:
    """Tell the format from a file's ending.

    Raises:
        UsageError: an ending that no format has.
    """
    if path.suffix not in ENDINGS:
        raise UsageError(f"cannot tell the format of {path.name!r}", mend=did_you_mean(path.suffix, ENDINGS))
    return ENDINGS[path.suffix]


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: an earlier one is never half overwritten.

    Raises:
        RecordingError: it cannot be written; the message names the path and what is in the way.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecordingError(
            f"cannot write {path}: {error.strerror}", mend="make room or choose another folder"
        ) from error


def write_reports(report: Report, folder: Path, formats: Iterable[str]) -> dict[str, Path]:
    """Render into a run's folder; gives the file of every format."""
    written = {}
    for name, text in render(report, formats).items():
        written[name] = folder / FORMATS[name][0]
        write_text(written[name], text)
    return written
