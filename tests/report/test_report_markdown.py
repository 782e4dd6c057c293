"""The Markdown report, read back with a parser: nothing that data brings is markup."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from sample import sample, sample_alone
from sample_cases import HOSTILE
from saturate import saturate

from harness.report.markdown import COMMENT_BYTES, SUMMARY_BYTES, fenced, inline, plain, render
from harness.types import Change, Report

OURS = re.compile(
    r"<!-- harness:[A-Za-z0-9._-]+ -->|<details><summary>[\w ,:]+</summary>|</?details>|</?sub>"
)
CELL = re.compile(r"(?:\\[!-/:-@\[-`{-~]|[^|])*")
"""One table cell as GitHub reads it: a backslash takes the punctuation after it along."""


def _tokens(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    flat = []
    for token in parser.parse(text):
        flat += [token, *(token.children or [])]
    return flat


def _assert_inert(text: str) -> None:
    tokens = _tokens(text)
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "s_open", "em_open"}
    assert sum(token.type == "heading_open" for token in tokens) == 1
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            assert OURS.sub("", token.content).strip() == ""
        if token.type == "text":
            assert not re.search(r"@\w|#\d|GH-\d|://|\bwww\.", token.content, re.IGNORECASE)


def test_f20_hostile_text_makes_no_markup() -> None:
    """No link, image, mention, reference, heading or tag comes from data, wherever it stands."""
    _assert_inert(render(saturate(sample(), HOSTILE)))


def test_absent_configuration_is_a_dash() -> None:
    """A key that one side lacks has no value there, and not one called None."""
    changes = (Change("top_k", None, 5), Change("prompt", "None", None))
    text = render(msgspec.structs.replace(sample(), changes=changes))
    assert "| `top_k` | — | `5` |" in text
    assert "| `prompt` | `None` | — |" in text


PIECES = [*"`|\\<>@#1w.:/*_~[]()!-+=\n a&;$", "www.", "://", "</details>", "GH-"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_f20_any_punctuation_in_every_field_makes_no_markup(text: str) -> None:
    """The same for whatever can be built from the characters that Markdown reads."""
    _assert_inert(render(saturate(sample(), text)))


@settings(max_examples=25, deadline=None)
@given(st.text())
def test_f5_any_text_in_every_field_makes_no_markup(text: str) -> None:
    """The same for any text."""
    _assert_inert(render(saturate(sample(), text)))


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.sampled_from([*"`|\\ab\n"])))
def test_every_row_of_a_table_has_the_cells_of_its_head(text: str) -> None:
    """Pipes and backslashes in data split no cell, read by GitHub's own rule."""
    width, fence = 0, ""
    for line in render(saturate(sample(), text)).split("\n"):
        opened = re.fullmatch(r"(`{3,})text", line)
        fence = opened[1] if opened and not fence else "" if line == fence else fence
        if fence or not line.startswith("|"):
            width = 0
            continue
        found = line.count("|") - sum(cell.count("|") for cell in CELL.findall(line))
        width = width or found
        assert found == width


@given(st.text())
def test_inline_code_opens_and_closes_once(text: str) -> None:
    """Inline code is one code span and nothing else, whatever backticks are inside."""
    children = MarkdownIt("commonmark").parseInline(f"x {inline(text)} y")[0].children or []
    assert [token.type for token in children] == ["text", "code_inline", "text"]


@given(st.text())
def test_a_fence_holds_all_of_its_text(text: str) -> None:
    """No line of the text closes the fence early."""
    tokens = MarkdownIt("commonmark").parse("\n".join(fenced(text)))
    assert [token.type for token in tokens] == ["fence"]


@given(st.text(alphabet=st.sampled_from([*"#-+=1.) \tab@`|<>"])))
def test_plain_text_is_one_paragraph(text: str) -> None:
    """It starts no heading, list, quote or rule."""
    kinds = {token.type for token in MarkdownIt("commonmark").parse(plain(text))}
    assert kinds <= {"paragraph_open", "inline", "paragraph_close"}


def test_verdict_and_findings_stand_before_the_table() -> None:
    """Marker, verdict, worst finding, where; then the gates that did not pass, failed first."""
    text = render(sample())
    places = [
        text.index(part) for part in ("<!-- harness:support-assistant -->", "### ✕ FAILED", "**faithfulness")
    ]
    places += [text.index(part) for part in ("31 of the 61", "| `faith` |", "| `lang-gap` |", "| `refuse` |")]
    assert places == sorted(places)


def test_a_summary_over_its_limit_loses_detail_and_says_so() -> None:
    """Sections go from the last one on; verdict, gates and foot stay; the rest is named."""
    whole, short = render(sample()), render(sample(), 4000)
    assert len(short.encode()) <= 4000 < len(whole.encode())
    assert "Left out to keep this short: " in short
    assert "| `faith` |" in short
    assert "Reproduce: " in short
    assert "Left out" not in whole


def test_a_huge_report_keeps_to_the_limit() -> None:
    """Thousands of gates, changes and slices of long texts stay below what GitHub takes."""
    long = saturate(sample(), "ü" * 3000)
    many = msgspec.structs.replace(
        long, verdicts=long.verdicts * 300, slices=long.slices * 300, changes=long.changes * 300
    )
    assert len(render(many).encode()) <= SUMMARY_BYTES
    assert len(render(many, COMMENT_BYTES).encode()) <= COMMENT_BYTES


@pytest.mark.parametrize("build", [sample, sample_alone])
def test_the_same_report_gives_the_same_text(build: type) -> None:
    """Nothing in it depends on the moment."""
    report: Report = build()
    assert render(report) == render(report)
