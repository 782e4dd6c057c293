"""What the verbs that put candidates side by side share: where they write and how they print."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import terminal
from harness.commands.outputs import PAGE

if TYPE_CHECKING:
    from harness.places import Places
    from harness.types import Candidates


def publish(found: Candidates, places: Places, outputs: Iterable[Path], *, as_json: bool) -> None:
    """Write the page in every format, and print it."""
    from harness.api.choosing import FORMATS, candidates_folder, render_candidates
    from harness.api.rendering import write_text
    from harness.places import shown_path

    rendered = render_candidates(found)
    folder = candidates_folder(found, places)
    for name, (file_name, _) in FORMATS.items():
        write_text(folder / file_name, rendered[name])
    for path in outputs:
        write_text(path, rendered[PAGE[path.suffix]])
    if as_json:
        terminal.print_json(rendered["json"])
    else:
        terminal.print_candidates(found, [("page", shown_path(folder / FORMATS["html"][0]))])
