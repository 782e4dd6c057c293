"""Invisible characters become visible escapes, and no line is a command."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.visible import inert_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcode, عربي, 日本語", "plain text, ünïcode, عربي, 日本語"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("one\r\ntwo\tthree", "one\\r\ntwo\tthree"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("tags \U000e0041", "tags \\U000e0041"),
        ("\ufffe\uffff\U0001fffe", "\\ufffe\\uffff\\U0001fffe"),
        ("soft\xadhyphen", "soft\\xadhyphen"),
    ],
)
def test_invisible_characters_become_escapes(text: str, shown: str) -> None:
    """Controls, bidi marks, fillers, tags, surrogates and non-characters are escaped; the rest stays."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["می‌خواهم", "क्‍ष", "👩‍💻", "❤️", "1️⃣"])
def test_joiners_that_a_script_needs_stay(text: str) -> None:
    """Persian, Indic scripts and emoji keep the joiners and selectors that make their letters."""
    assert visible(text) == text


@pytest.mark.parametrize("text", ["a\u200db", "a\u200cb", "x\ufe0f", "\u200d", "a\ufe0f\ufe0f"])
def test_joiners_that_nothing_needs_are_escaped(text: str) -> None:
    """Between other characters a joiner or selector only hides."""
    assert visible(text) != text


@given(st.text(alphabet=st.characters()))
def test_visible_text_has_no_control_and_no_lone_surrogate(text: str) -> None:
    """Whatever comes in, what comes out can be encoded, and holds no control but tab and line feed."""
    shown = visible(text)
    shown.encode()
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert "\n" not in visible(text, one_line=True)


@pytest.mark.parametrize("line", ["::error::x", "  \t::add-mask::x", "##[group]x", "a ##vso[task.complete]x"])
def test_no_line_is_a_command(line: str) -> None:
    """Runners trim blanks and look for their marker: neither is left whole."""
    inert = inert_line(line)
    assert not inert.strip().startswith("::")
    assert "##[" not in inert
    assert "##vso[" not in inert


def test_other_lines_stay_as_they_are() -> None:
    """A heading, a colon, a hash: nothing is touched that no runner obeys."""
    for line in ("## heading", "a :: b", "key: value", "# [x]"):
        assert inert_line(line) == line
