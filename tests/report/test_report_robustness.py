"""The table of metrics over twins: the same rows on the page and in Markdown, and data in it stays inert."""

from __future__ import annotations

from msgspec.structs import replace
from sample import sample

from harness.report import html, markdown
from harness.report.robustness_rows import robustness_rows
from harness.types import Estimate, Interval, Robustness

HOSTILE = "<img src=x onerror=alert(1)>|`::error::"


def row(variant: str, n: int = 40) -> Robustness:
    some = Estimate(0.75, n, 2, Interval(0.6, 0.9, 0.95, "t"))
    flips = Estimate(
        0.125 if n else None, n, 2 if n else 0, Interval(0.05, 0.25, 0.95, "Wilson") if n else None
    )
    return Robustness("recall@5", variant, some, some, flips, some, replace(some, value=0.5))


def test_rows_say_it_in_words() -> None:
    """Numbers as everywhere; twins without a kind are named; kinds without a pair are left out."""
    report = replace(sample(), robustness=(row("typos"), row(""), row("casing", 0)))
    first, second = robustness_rows(report)
    assert first == ("recall@5", "typos", "0.125 [0.050, 0.250]", "0.750", "0.750", "0.750", "0.500", "40/42")
    assert second.kind == "twins by hand"


def test_page_and_markdown_show_them_inert() -> None:
    """A kind is data of the goldens: no tag, no cell of its own, no command."""
    report = replace(sample(), robustness=(row("typos"), row(HOSTILE)))
    page, text = html.render(report), markdown.render(report)
    for shown in (page, text):
        assert "The same question asked otherwise" in shown
        assert "0.125 [0.050, 0.250]" in shown
    assert "<img src=x" not in page
    line = next(line for line in text.splitlines() if "onerror" in line and "0.125" in line)
    assert line.replace("\\|", "").count("|") == 9
    assert "The same question asked otherwise" not in html.render(sample())
