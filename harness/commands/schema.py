"""``harness schema``: print a JSON Schema."""

from __future__ import annotations

import click

from harness.commands import terminal


@click.command()
@click.argument("what", type=click.Choice(["suite", "golden"]))
def schema(what: str) -> int:
    """Print the JSON Schema of a suite file or of a golden case, for editors and other tools."""
    import json

    from harness.suites.schema import golden_schema, suite_schema

    found = suite_schema() if what == "suite" else golden_schema()
    terminal.print_json(json.dumps(found, indent=2, ensure_ascii=False))
    return 0
