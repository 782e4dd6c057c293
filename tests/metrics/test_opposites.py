"""Opposites and strong words, by language."""

from __future__ import annotations

import pytest

from harness.metrics.opposites import opposite, says_more


@pytest.mark.parametrize(
    ("claim", "text", "language", "word"),
    [
        ("costs increased", "costs decreased", "en", "increased"),
        ("costs increased", "costs increased", "en", ""),
        ("costs increased", "costs decreased and increased", "en", ""),
        ("the entry is illegal", "the entry is legal", "en", "illegal"),
        ("he was unhappy", "he was happy", "en", "unhappy"),
        ("the income grew", "they come", "en", ""),
        ("an unexpected end", "an expected end", "en", "unexpected"),
        ("die versand ist kostenlos", "der versand ist kostenpflichtig", "de", "kostenlos"),
        ("le musée est ouvert", "le musée est fermé", "fr", "ouvert"),
        ("está permitido", "está prohibido", "es", "permitido"),
        ("送料 無料", "送料 有料", "ja", "無料"),
        ("higher", "lower", "fi", ""),
    ],
)
def test_opposite(claim: str, text: str, language: str, word: str) -> None:
    """A word whose opposite stands in the text, and which the text has not itself; also by a prefix."""
    said, there = set(claim.split()), set(text.split())
    assert opposite(said, there, frozenset(there), language) == word


@pytest.mark.parametrize(
    ("claim", "text", "language", "more"),
    [
        ("all parts", "parts", "en", True),
        ("all parts", "every part", "en", False),
        ("only parts", "parts", "en", True),
        ("it helps", "it may help", "en", True),
        ("it may help", "it may help", "en", False),
        ("it is better", "it is good", "en", True),
        ("alle teile", "teile", "de", True),
        ("uniquement", "", "fr", True),
        ("ayuda", "podría ayudar", "es", True),
        ("all parts", "parts", "fi", False),
    ],
)
def test_says_more(claim: str, text: str, language: str, more: bool) -> None:
    """Words of all, none or only, a comparison, or no "may" where the text has one."""
    assert says_more(set(claim.split()), set(text.split()), language) is more
