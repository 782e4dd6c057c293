"""``harness validate``: check a suite and its goldens."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands import terminal


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@terminal.json_option
def validate(suite: Path, as_json: bool) -> int:
    """Check SUITE, its goldens and its corpus; nothing is run and none of your code is imported."""
    import json
    from collections import Counter

    from harness.api.validating import validate as check_suite
    from harness.cases import outlines
    from harness.gates.decide import SCORED, all_gates

    plan = check_suite(suite)
    cases, gates = outlines(plan.dataset.cases), all_gates(plan.file.suite)
    behaviors = dict(sorted(Counter(case.expected_behavior for case in cases).items()))
    facts = {
        "suite": plan.file.suite.suite,
        "cases": len(cases),
        "behaviors": behaviors,
        "documents": len(plan.dataset.corpus.documents) if plan.dataset.corpus else 0,
        "metrics": len(plan.file.suite.metrics),
        "gates": len(gates),
        "dataset_digest": plan.dataset.digest,
        "notices": list(plan.dataset.notices),
        "warnings": list(plan.warnings),
    }
    if as_json:
        terminal.print_json(json.dumps(facts, ensure_ascii=False))
        return 0
    shown = ", ".join(f"{count} {name}" for name, count in behaviors.items())
    terminal.say(f"{facts['suite']}: valid")
    terminal.say(f"  {facts['cases']:,} cases ({shown}), {facts['documents']:,} documents")
    added = " (one is `scored`, which every suite has)" if SCORED in gates else ""
    click.echo(f"  {facts['metrics']} metrics, {facts['gates']} gates{added}")
    for notice in plan.dataset.notices:
        terminal.say(f"  note: {notice}")
    for warning in plan.warnings:
        terminal.say(f"  warning: {warning}")
    return 0
