"""Signs of text that speaks to a judge: looked for quickly, and what is found is what the table says."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import directed


def lines_of(block: str) -> list[str]:
    """The lines of a kind of signs, each as an expression."""
    named = directed._LIST
    return [named.sub(lambda name: directed._LISTS[name[1]], line) for line in block.strip().splitlines()]


@pytest.mark.parametrize("why", directed._SIGNS)
def test_the_first_sign_is_that_of_any_line(why: str) -> None:
    """However the lines are put together: the leftmost match, of the first line that has one there."""
    lines = lines_of(directed._SIGNS[why]) + lines_of(directed._IN_OTHER_LETTERS.get(why, ""))
    plain = [re.compile(line, re.MULTILINE) for line in lines]
    shown = st.sampled_from(plain).flatmap(st.from_regex)

    @given(st.lists(shown | st.text("aeg :\n#-'à判"), min_size=1, max_size=4).map("".join))
    @settings(max_examples=100, deadline=None)
    def check(text: str) -> None:
        found = directed._first(why, text)
        matches = [match for line in plain if (match := line.search(text))]
        first = min(matches, key=re.Match.start, default=None)
        assert (found and found.span()) == (first and first.span())
        assert directed._has_sign(text) or first is None

    check()


@pytest.mark.parametrize("why", directed._IN_OTHER_LETTERS)
def test_ascii_holds_no_sign_in_other_letters(why: str) -> None:
    """Texts of ASCII alone are not searched for them."""

    @given(st.from_regex(directed.expressions()[1].kinds[why], fullmatch=True))
    @settings(max_examples=200, deadline=None)
    def check(sign: str) -> None:
        assert not sign.isascii()

    check()


@pytest.mark.parametrize(
    "unit", ["=", "-", "*", "#", "\n", " \n", "забудь0", "оцени", "नियम", "mark as ", "ignore a "]
)
def test_no_text_is_looked_at_for_long(unit: str) -> None:
    """What a sign begins with, again and again: time grows with the text, not with its square."""
    text = unit * (directed.LONGEST_READ // len(unit))
    began = time.process_time()
    directed.directed_text(text)
    assert time.process_time() - began < 1.0  # some hundredths; many seconds where each start reads on
