"""``harness report``: write the report of a recorded run again."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal
from harness.commands.outputs import REPORT, output_option


@click.command()
@click.argument("run")
@terminal.baseline_option
@terminal.intersect_option
@output_option(REPORT, "the report")
@terminal.reports_option
def report(
    run: str, baselines: tuple[str, ...], intersect: bool, outputs: tuple[Path, ...], reports: Path
) -> int:
    """Write the report of RUN in every format; the same run gives the same bytes. Exits with 0."""
    from harness.api import deciding, references
    from harness.api.rendering import FORMATS, render, write_text
    from harness.places import Places, shown_path
    from harness.recordings import read

    places = Places(reports)
    wanted = [(path, REPORT[path.suffix]) for path in outputs]
    path = places.find_recording(run)
    recorded, fresh = read(path), references.fresh_beside(path)
    suite_path, name = Path(recorded.run.suite_path), recorded.run.suite_name
    earlier, why_none = references.find_baseline(baselines, suite_path, name, places)
    anchor = references.find_anchor(suite_path, name)
    found = deciding.gate(
        recorded, earlier, no_baseline=why_none, anchor=anchor, intersect=intersect, fresh=fresh
    )
    folder = places.run_folder(recorded.run.id)
    targets = wanted or [(folder / file_name, name) for name, (file_name, _) in FORMATS.items()]
    rendered = render(found, {name for _, name in targets})
    for path, name in targets:
        write_text(path, rendered[name])
        terminal.say(shown_path(path))
    return 0
