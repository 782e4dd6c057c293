"""What the verbs that put candidates side by side share: where they write and how they print."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.places import Places
    from harness.types import Candidates

ENDINGS = {".html": "html", ".json": "json"}


def _check_endings(
    context: click.Context, option: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    """Refuse an ending that no format has before anything is done."""
    del context, option
    for path in paths:
        if path.suffix not in ENDINGS:
            raise UsageError(f"cannot tell the format of {path.name!r}", mend="end it with .html or .json")
    return paths


output_option = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_check_endings,
    help="Also write the page here; the ending (.html .json) chooses the format. Repeatable.",
)


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
        write_text(path, rendered[ENDINGS[path.suffix]])
    if as_json:
        terminal.print_json(rendered["json"])
    else:
        terminal.print_candidates(found, [("page", shown_path(folder / FORMATS["html"][0]))])
