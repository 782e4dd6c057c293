"""``harness dataset``: golden cases made, and answers given to other tools."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal

output_option = click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where the rows go, as JSON Lines.",
)


@click.group(subcommand_metavar="COMMAND ...")
def dataset() -> None:
    """Make golden cases, or give recorded answers to other tools."""


@dataset.command(short_help="Have draft cases written from the corpus of SUITE.")
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--size", type=terminal.AT_LEAST_1, default=20, show_default=True, metavar="N", help="Cases wanted."
)
@click.option(
    "--judge",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Whose service and model write them.",
)
@output_option
def generate(suite: Path, size: int, judge: str, path: Path) -> int:
    """Have ragas' test-set generator write golden cases from the documents of SUITE's corpus.

    The package ragas and a judge with `embeddings` are needed. The cases are drafts, tagged `generated`: read
    every one of them before you gate on it.
    """
    from harness.api.datasets import generate as write_cases
    from harness.api.validating import validate
    from harness.places import shown_path

    checked = validate(suite)
    with terminal.own_output():
        count = write_cases(checked, judge, size, path)
    terminal.say(f"{count:,} cases in {shown_path(path)}: drafts, to be read before they gate anything")
    return 0


@dataset.command(short_help="Write the answers of RUN as a dataset of ragas.")
@click.argument("run", metavar="RUN")
@output_option
@terminal.reports_option
def export(run: str, path: Path, reports: Path) -> int:
    """Write the answers of RUN as rows of ragas' EvaluationDataset, to be read with its `from_jsonl`.

    The other way needs no command: goldens in ragas' fields are read as they are.
    """
    from harness.api.datasets import export as write_rows
    from harness.places import Places, shown_path
    from harness.recordings import read

    count = write_rows(read(Places(reports).find_recording(run)), path)
    terminal.say(f"{count:,} rows in {shown_path(path)}")
    return 0
