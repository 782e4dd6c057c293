"""The JSON report: whole, versioned, every passage once."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import sample, sample_alone
from saturate import saturate

from harness.report.json import SCHEMA_VERSION, render
from harness.types import Report


def _restored(document: dict[str, Any]) -> Report:
    """Put the passages back where they were."""
    for pair in document["cases"]:
        for role in ("baseline", "candidate"):
            for passage in (pair[role] or {"response": {}})["response"].get("retrieved", ()):
                passage["text"] = document["passages"][passage.pop("passage")]
    return msgspec.convert(document, Report)


def test_nothing_of_the_report_is_lost() -> None:
    """With its passages put back, the document is the report, value for value."""
    for report in (sample(), sample_alone()):
        document = json.loads(render(report))
        assert document["schema_version"] == SCHEMA_VERSION
        assert _restored(document) == report


def test_a_passage_stands_once() -> None:
    """A text retrieved by many cases in both runs is stored once, under its digest."""
    text = render(sample())
    wanted = "Invoices are issued on the 1st of each month"
    retrieved = sum(
        wanted in passage.text
        for pair in sample().cases
        for result in (pair.baseline, pair.candidate)
        if result is not None
        for passage in result.response.retrieved
    )
    outputs = sum(
        wanted in (result.response.output or "")
        for pair in sample().cases
        for result in (pair.baseline, pair.candidate)
        if result is not None
    )
    assert retrieved > 1
    assert text.count(wanted) == 1 + outputs


def test_keys_are_sorted_and_the_document_is_one_line() -> None:
    """The same report is the same bytes, fit for a line-based tool."""
    text = render(sample())
    assert text.count("\n") == 1
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_no_number_is_unfit_for_json() -> None:
    """Absent is null; NaN and infinities do not occur."""

    def refuse(name: str) -> float:
        raise AssertionError(name)

    assert json.loads(render(sample_alone()), parse_constant=refuse)["baseline"] is None
    assert math.isfinite(json.loads(render(sample()))["verdicts"][0]["change"])


@settings(max_examples=25, deadline=None)
@given(st.text())
def test_f5_any_text_survives(text: str) -> None:
    """Any text in every field comes back as it was."""
    report = saturate(sample(), text)
    assert _restored(json.loads(render(report))) == report
