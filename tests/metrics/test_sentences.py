"""The role of each sentence of an answer, and the offsets that claims are shown by."""

from __future__ import annotations

import pytest

from harness.metrics.sentences import Role, read_sentences


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Returns are free within 30 days.", "claim"),
        ("Die Rücksendung ist kostenlos.", "claim"),
        ("返品は無料です。", "claim"),
        ("Paris", "claim"),
        ("I recommend the blue one.", "advice"),
        ("I cannot help with that.", "decline"),
        ("I don't know.", "lack"),
        ("Which one do you mean?", "ask"),
        ("Could you tell me your order number?", "ask_more"),
        ("Is there anything else?", "offer"),
        ("Why does it matter?", "aside"),
        ("Hello!", "aside"),
        ("Here are the steps:", "aside"),
        ("**Steps:**", "aside"),
        ("# Returns", "aside"),
        ("---", "aside"),
    ],
)
def test_role(text: str, role: Role) -> None:
    """Each sentence has the one role that its words and its form show."""
    (sentence,) = read_sentences(text)
    assert sentence.role == role


def test_offsets_leave_out_the_mark_of_a_list_item() -> None:
    """The number or bullet of an item is not part of what it says."""
    text = "1. Open the lid.\n- Press **start**.\n(3) Wait."
    found = [text[sentence.start : sentence.end] for sentence in read_sentences(text)]
    assert found == ["Open the lid.", "Press **start**.", "Wait."]


def test_no_text_has_no_sentences() -> None:
    """Nothing and white space hold no sentence."""
    assert read_sentences("") == read_sentences(" \n\t") == []


def test_typographic_apostrophes_and_markup_do_not_hide_a_role() -> None:
    """Curly quotes, emphasis and full-width letters are read like plain ones."""
    assert read_sentences("I **don’t** know.")[0].role == "lack"
    assert read_sentences("Ｉ ｃａｎｎｏｔ help with that.")[0].role == "decline"
