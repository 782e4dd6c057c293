"""Sentences, words, stems and the likely language, over many scripts."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentences_held_out import HELD_OUT, unmarked

from harness.language import content_stems, is_function_word, likely_language, sentence_spans, words


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It opens at nine. Really? Yes!", ["It opens at nine.", "Really?", "Yes!"]),
        ("Dr. Vale paid 14.50 in St. Ives. Fine.", ["Dr. Vale paid 14.50 in St. Ives.", "Fine."]),
        ("See no. 5. No. It is late.", ["See no. 5.", "No.", "It is late."]),
        ("Am 5. Mai kam er. Im 19. Jahrhundert nicht.", ["Am 5. Mai kam er.", "Im 19. Jahrhundert nicht."]),
        ("Es gilt z.B. am 3. des Monats. Danach nicht.", ["Es gilt z.B. am 3. des Monats.", "Danach nicht."]),
        ('"Why?" he asked. "No... never."', ['"Why?" he asked.', '"No... never."']),
        ("送料は無料です。返品は不可！本当？", ["送料は無料です。", "返品は不可！", "本当？"]),
        ("यह सच है। वह नहीं।", ["यह सच है।", "वह नहीं।"]),
        ("هل هذا صحيح؟ نعم۔", ["هل هذا صحيح؟", "نعم۔"]),
        ("1. First item.\n2. Second\n- third", ["1. First item.", "2. Second", "- third"]),
        ("A line that\nwraps here. Next.", ["A line that\nwraps here.", "Next."]),
        ("Steps:\nfirst", ["Steps:", "first"]),
        ("all small. no capitals. none", ["all small.", "no capitals.", "none"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    """Sentences end where a reader ends them: not at abbreviations, ordinals, numbers or wrapped lines."""
    assert sentences(text) == expected


@pytest.mark.parametrize("language", HELD_OUT)
def test_held_out_sentences(language: str) -> None:
    """In every language at least half of the lines that were never used to write the splitter are right."""
    lines = [unmarked(line) for line in HELD_OUT[language]]
    right = sum(sentences(text) == expected for text, expected in lines)
    assert right >= len(lines) / 2


def test_held_out_sentences_overall() -> None:
    """Of all held-out lines at least 85 % are right."""
    lines = [unmarked(line) for block in HELD_OUT.values() for line in block]
    assert sum(sentences(text) == expected for text, expected in lines) / len(lines) >= 0.85


@given(st.text(max_size=200))
def test_sentences_are_disjoint_and_keep_every_character(text: str) -> None:
    """Spans are in order, trimmed, never overlap, and leave out nothing but white space."""
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(text[a:b] == text[a:b].strip() for a, b in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The e-bike costs 14.5 EUR", ["the", "e-bike", "costs", "14.5", "eur"]),
        ("end.Start 1,000 12:30", ["end", "start", "1,000", "12:30"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("送料無料 X1", ["送料", "料無", "無料", "x1"]),
        ("茶", ["茶"]),
        ("ＡＢＣ １２", ["abc", "12"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("?! …", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Words are folded and whole, with their vowel signs; unspaced scripts give pairs of characters."""
    assert words(text) == expected


def test_stems_agree_across_inflection() -> None:
    """What differs by a common ending, or after six letters, has one stem; numbers have none."""
    assert len({content_stems(word)[0] for word in ("last", "lasts", "lasted", "lasting")}) == 1
    assert content_stems("Tage") == content_stems("Tagen")
    assert content_stems("international") == content_stems("internationally")
    assert content_stems("l'eau", "fr") == ["eau"]
    assert content_stems("It doesn't cost 14.5", "en") == ["cost"]


def test_function_words_are_those_of_the_language() -> None:
    """The word war says something in English and nothing in German; without a language, nothing."""
    assert not is_function_word("war", "en")
    assert is_function_word("war", "de")
    assert is_function_word("war")
    assert is_function_word("です", "ja")
    assert not is_function_word("送料", "ja")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The shop is open and it has what you need for the day.", "en"),
        ("Der Laden ist offen und hat auch das, was man für den Tag braucht.", "de"),
        ("La boutique est ouverte et elle a ce que vous cherchez pour la journée dans les rayons.", "fr"),
        ("Il negozio è aperto e ha anche gli articoli che si cercano per la giornata.", "it"),
        ("De winkel is open en heeft ook wat je voor de dag nodig hebt.", "nl"),
        ("店は開いています。", "ja"),
        ("商店今天营业。", "zh"),
        ("가게가 열려 있습니다.", "ko"),
        ("Магазин открыт.", "cyrillic"),
        ("Paris", None),
        ("14.5", None),
        ("", None),
    ],
)
def test_likely_language(text: str, expected: str | None) -> None:
    """A guess is given only where script or function words make it plain."""
    assert likely_language(text) == expected


@pytest.mark.parametrize("hostile", ["x. " * 50_000, "1. " * 50_000, "a-" * 100_000, "\n" * 100_000])
def test_time_grows_with_length_only(hostile: str) -> None:
    """No text makes splitting slow: a hundred thousand characters take about a second at most."""
    began = time.process_time()
    sentence_spans(hostile)
    words(hostile)
    assert time.process_time() - began < 5
