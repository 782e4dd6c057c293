"""``harness show``: one case of a run on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.types import Case, FailedAttempt, Recorded, Result

LONGEST = 160
"""Characters of a passage that are shown; the report has all of them."""


@click.command()
@click.argument("run")
@click.argument("case", required=False)
@click.option("--errors", is_flag=True, help="List the cases that were not scored instead.")
@terminal.reports_option
@terminal.json_option
def show(run: str, case: str | None, errors: bool, reports: Path, as_json: bool) -> int:
    """Show CASE of RUN: the question, the golden answer, the answer given, what was retrieved, the scores."""
    from harness.cases import by_id, outlines
    from harness.errors import UsageError, did_you_mean
    from harness.places import Places
    from harness.recordings import read

    recorded = read(Places(reports).find_recording(run))
    if errors == (case is not None):
        raise UsageError("name a case, or list the unscored ones with --errors")
    if errors:
        return _list_errors(recorded, as_json=as_json)
    golden = by_id(recorded.cases).get(case or "")
    if golden is None:
        hint = did_you_mean(case or "", [item.id for item in outlines(recorded.cases)])
        raise UsageError(f"no case {case!r} in run {recorded.run.id!r}", mend=hint)
    results = [result for result in recorded.results if result.case_id == case]
    if as_json:
        import msgspec

        terminal.print_json(msgspec.json.encode({"case": golden, "results": results}).decode())
        return 0
    _show_case(golden)
    for result in results:
        _show_result(result, several=len(results) > 1)
    if not results:
        click.echo("\nno result: the case was not asked")
    return 0


def _list_errors(recorded: Recorded, *, as_json: bool) -> int:
    import json

    from harness.cases import outlines

    asked = {result.case_id for result in recorded.results}
    found = [
        (result.case_id, result.repeat, *_fault_of(result), result.response.failures)
        for result in recorded.results
    ]
    found += [(item.id, 0, "not asked", "", ()) for item in outlines(recorded.cases) if item.id not in asked]
    listed = [row for row in found if row[2]]
    if as_json:
        names = ("case_id", "repeat", "kind", "message")
        rows = [dict(zip(names, row[:4], strict=True)) for row in listed]
        terminal.print_json(json.dumps(rows, ensure_ascii=False))
        return 0
    for case_id, repeat, kind, message, failures in listed:
        again = f"  repeat {repeat + 1}" if recorded.run.repeats > 1 else ""
        before = f"; tried before: {', '.join(map(_named, failures))}" if failures else ""
        terminal.say(f"{case_id}{again}  {kind}  {message}{before}".rstrip())
    if not listed:
        terminal.say(f"none: all {len(found):,} answers of run {recorded.run.id} were scored")
    return 0


def _fault_of(result: Result) -> tuple[str, str]:
    """What went wrong with a result and how it was told; two empty texts where nothing did."""
    error = result.response.error
    if error is not None:
        return error.kind, error.message
    scores = result.scores.items()
    unjudged = [f"{name}: {score.reason}" for name, score in scores if score.status == "judge_error"]
    return ("judge_error", "; ".join(unjudged)) if unjudged else ("", "")


def _named(failure: FailedAttempt) -> str:
    return failure.kind if failure.http_status is None else f"{failure.kind} {failure.http_status}"


def _show_case(golden: Case) -> None:
    _field("case", golden.id)
    _field("question", golden.query.input)
    _field("expected", golden.expected_behavior + (f" ({golden.policy})" if golden.policy else ""))
    for text in golden.expected_output:
        _field("reference", text)
    for item in golden.evidence:
        _field("evidence", f"{item.doc_id}: {item.quote or ''}")


def _show_result(result: Result, *, several: bool) -> None:
    from harness.numbers import number

    response = result.response
    click.echo()
    if several:
        _field("repeat", str(result.repeat + 1))
    for failure in response.failures:
        _field("tried before", f"{_named(failure)}, then {failure.wait_s:.1f} s of waiting")
    if response.error is not None:
        _field("error", f"{response.error.kind}: {response.error.message}")
    else:
        _field("answer", response.output or "")
    for passage in response.retrieved:
        text = passage.text if len(passage.text) <= LONGEST else f"{passage.text[:LONGEST]}…"
        _field(f"passage {passage.rank}", f"{passage.doc_id}: {text}")
    for name, score in result.scores.items():
        value = number(score.value) if score.value is not None else score.status
        _field(name, f"{value}  {score.reason}".rstrip())
        for claim in score.details.get("claims", []):
            _field("", f"{claim.get('verdict', '?')}: {claim.get('text', '')}")


def _field(name: str, text: str) -> None:
    """Print a labelled text, wrapped under itself; what would steer the terminal is shown instead."""
    import textwrap

    from harness.report.visible import visible

    width = max(40, terminal.terminal_width())
    label = f"{name:<22} "
    lines = textwrap.wrap(visible(text, one_line=True), width - len(label)) or [""]
    terminal.say(label + lines[0])
    for line in lines[1:]:
        terminal.say(" " * len(label) + line)
