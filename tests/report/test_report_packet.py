"""A packet is one page that asks nobody, and a table that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sample_cases import HOSTILE

from harness.report.packet import render_csv, render_html
from harness.report.visible import visible
from harness.types import Message, Packet, PacketItem

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1")


def packet_of(*texts: str) -> Packet:
    items = tuple(
        PacketItem(
            f"item{i}", (Message("user", text), Message("assistant", text)), text, text, (text,), (text,)
        )
        for i, text in enumerate(texts)
    )
    return Packet("abc123", "quality", texts[0], (0.0, 1.0), items)


def test_f18_hostile_text_stays_text() -> None:
    """Tags, scripts, entities and invisible characters of every part are shown, never obeyed."""
    page = render_html(packet_of(*HOSTILE, "</script><script>alert(1)</script>", "{{7*7}}"))
    assert page.count("<script>") == page.count("</script>") == 1
    assert "{{7*7}}" in page
    assert "<img" not in page
    assert not re.search(r"\son\w+=", page.partition("<script>")[0].replace("&#39;", "'").split("<main>")[0])
    assert "\u202e" not in page


def test_f39_the_page_asks_nobody() -> None:
    """Nothing is loaded or sent: no address, no frame, no form, and a policy that allows neither."""
    page = render_html(packet_of("plain"))
    assert not re.search(
        r"https?:|<link|<iframe|<form|<img|src=|fetch\(|XMLHttpRequest|sendBeacon|import\(", page
    )
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert page == render_html(packet_of("plain"))


def test_every_value_of_the_scale_can_be_chosen() -> None:
    """Two values read yes and no; more are numbers, the best first; none is chosen beforehand."""
    page = render_html(packet_of("plain"))
    assert re.findall(r'value="([^"]*)"> (\w+)', page) == [("1", "yes"), ("0", "no")]
    graded = Packet("x", "quality", "?", (0.0, 0.5, 1.0), packet_of("plain").items)
    assert re.findall(r'type="radio" name="item0" value="([^"]*)"', render_html(graded)) == ["1", "0.5", "0"]
    assert "checked" not in page.partition("</style>")[2].partition("<script>")[0]


def test_f21_no_cell_is_a_formula() -> None:
    """Every cell that would begin as one begins with an apostrophe; texts come through whole."""
    rows = list(csv.reader(io.StringIO(render_csv(packet_of(*FORMULAS, 'plain, with "quotes"\nand lines')))))
    assert rows[0][-3:] == ["label", "comment", "rater"]
    assert len(rows) == 1 + len(FORMULAS) + 1
    for row in rows[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
    assert rows[1][3] == "'=1+1"
    assert rows[-1][3] == 'plain, with "quotes"\nand lines'


@pytest.mark.parametrize(
    "text", ["fine;=1+1", 'fine";"=1+1', "fine\n=1+1", "fine\t@SUM(A1)", "＝1+1", " =1+1"]
)
def test_no_cell_is_a_formula_whatever_the_separator(text: str) -> None:
    """A program that cuts at semicolons, tabs or lines and heeds no quotes finds no formula either."""
    shown = next(iter(csv.DictReader(io.StringIO(render_csv(packet_of(text))))))["answer"]
    for piece in re.split("[;\t\r\n]", shown):
        assert not piece.strip(' "').startswith(tuple("=+-@＝＋－＠"))
    assert shown.replace("'", "") == visible(text)
