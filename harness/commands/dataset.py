"""``harness dataset``: golden cases made, and answers given to other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.variants.make import Made

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


@dataset.command(short_help="Ask the questions of GOLDENS otherwise: typos, other names.")
@click.argument("goldens", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--kinds", metavar="KIND,KIND", default="", help="Kinds of variants. [default: all that can be made]"
)
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Golden file to write.",
)
@click.option(
    "--corpus",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The documents. [default: corpus.jsonl beside the goldens]",
)
@click.option(
    "--n", type=terminal.AT_LEAST_1, default=1, show_default=True, metavar="N", help="Variants of each kind."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of the first of each kind."
)
@click.option("--force", is_flag=True, help="Write over an existing file.")
@terminal.json_option
def variants(
    goldens: Path, kinds: str, out: Path, corpus: Path | None, n: int, seed: int, force: bool, as_json: bool
) -> int:
    """Write variants of the cases of GOLDENS: the same question in other letters, or from someone else.

    Kinds: typos, casing, spacing, paraphrase, disfluency; distractors, context_order and injection, where
    passages are given with the question; name_swap, pronoun_swap. Numbers, ids, quoted strings and expected
    facts are never touched: where a variant would touch them, or the language is not known, it is skipped and
    counted with the reason.

    Each variant is a case of its own, `twin_of` its original, with the kind in `metadata.variant`. Name the
    file under `goldens:` of the suite, beside GOLDENS.
    """
    import json

    from harness.api.varying import vary, write_variants
    from harness.places import shown_path
    from harness.types import GoldenSource

    source = GoldenSource(str(goldens.resolve()), corpus=None if corpus is None else str(corpus.resolve()))
    chosen = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    found = vary(source, Path.cwd(), chosen, seed=seed, n=n)
    write_variants(found.made, out, force=force)
    rows, reasons = _counts(found.made)
    if as_json:
        facts = {
            "out": str(out),
            "cases": len(found.dataset.cases),
            "variants": rows,
            "skipped": [{"kind": kind, "reason": why, "n": count} for (kind, why), count in reasons],
        }
        terminal.print_json(json.dumps(facts, ensure_ascii=False))
        return 0
    terminal.say(
        f"{shown_path(out)}: {len(found.made.cases):,} variants of {len(found.dataset.cases):,} cases"
    )
    for kind, count in rows.items():
        click.echo(f"  {count:>6,}  {kind}")
    if reasons:
        click.echo("skipped")
    for (kind, why), count in reasons:
        terminal.say(f"  {count:>6,}  {kind}: {why}")
    if found.dataset.corpus is not None and out.resolve().parent != goldens.resolve().parent:
        click.echo("  note: the corpus lies elsewhere: name it beside the path, with `corpus:`")
    return 0


def _counts(made: Made) -> tuple[dict[str, int], list[tuple[tuple[str, str], int]]]:
    """Count the variants of each kind, and what was skipped by kind and reason, the most frequent first."""
    from collections import Counter

    from harness.types import VARIANT

    kinds = Counter(str(case.metadata[VARIANT]) for case in made.cases)
    reasons = Counter((skipped.kind, skipped.reason) for skipped in made.skipped)
    return dict(kinds), sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


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
