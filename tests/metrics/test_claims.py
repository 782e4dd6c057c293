"""Claims of an answer: what is one, in many languages, what is set aside and why, and where it stands."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.claims import read_claims


def claims(answer: str) -> list[str]:
    return [claim.text for claim in read_claims(answer).claims]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("It costs 14.50 EUR. It ships in 3 days [1].", ["It costs 14.50 EUR.", "It ships in 3 days [1]."]),
        ("Dr. Vale lives in St. Ives. She is 44.", ["Dr. Vale lives in St. Ives.", "She is 44."]),
        ('He wrote: "It works." Nobody read it.', ['He wrote: "It works."', "Nobody read it."]),
        ("Free of charge.[2] Open daily.", ["Free of charge.[2]", "Open daily."]),
        ("1. Open the lid.\n2. Press start", ["Open the lid.", "Press start"]),
        ("| part | price |\n|---|---|\n| lid | 4 EUR |", ["| part | price |", "| lid | 4 EUR |"]),
        ("Es gilt ab dem 1. April. Davor nicht.", ["Es gilt ab dem 1. April.", "Davor nicht."]),
        ("Le prix est de 12,50 €. C'est gratuit.", ["Le prix est de 12,50 €.", "C'est gratuit."]),
        ("¡Hola! El plazo es de 14 días.", ["El plazo es de 14 días."]),
        ("返品は無料です。期限は30日です。", ["返品は無料です。", "期限は30日です。"]),
        ("退货免费。期限为30天！", ["退货免费。", "期限为30天！"]),
        ("वापसी मुफ्त है। समय 30 दिन है।", ["वापसी मुफ्त है।", "समय 30 दिन है।"]),
        ("المدة 30 يوما. الإرجاع مجاني. هل هذا واضح؟", ["المدة 30 يوما.", "الإرجاع مجاني."]),
        ("반품은 무료입니다. 기간은 30일입니다.", ["반품은 무료입니다.", "기간은 30일입니다."]),
        ("It may take 30 days.", ["It may take 30 days."]),
        ("Ada", ["Ada"]),
        ("30", ["30"]),
    ],
)
def test_claims(answer: str, expected: list[str]) -> None:
    """A claim is one statement as a reader ends it, without the mark of a list item; hedged ones count."""
    assert claims(answer) == expected


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Hello!", "greeting"),
        ("Which model do you mean?", "question"),
        ("何をお探しですか？", "question"),
        ("هل هذا صحيح؟", "question"),
        ("Is there anything else?", "offers more"),
        ("I cannot help with that.", "refuses"),
        ("The documents do not mention it.", "says what is missing"),
        ("わかりません。", "says what is missing"),
        ("Here are the steps:", "lead-in"),
        ("# Returns", "heading"),
        ("It depends.", "hedge"),
        ("Das kommt ganz darauf an.", "hedge"),
        ("Ça dépend.", "hedge"),
        ("No estoy segura.", "hedge"),
        ("場合によります。", "hedge"),
        ("Sources: [1], [2]", "about the answer"),
        ("See section 4 of the handbook.", "about the answer"),
        ("This summary is based on the documents.", "about the answer"),
        ("Diese Antwort stützt sich auf zwei Quellen.", "about the answer"),
        ("---", "no content"),
    ],
)
def test_what_claims_nothing_is_set_aside_with_a_reason(sentence: str, reason: str) -> None:
    """Every sentence that is no claim is kept with what it does instead."""
    reading = read_claims(sentence)
    assert reading.claims == []
    assert [(sentence[aside.start : aside.end], aside.reason) for aside in reading.asides] == [
        (sentence, reason)
    ]


@pytest.mark.parametrize("answer", ["", " \n\t"])
def test_no_text_claims_nothing(answer: str) -> None:
    """Nothing has neither claims nor asides."""
    assert read_claims(answer) == ([], [])


PIECES = st.sampled_from(
    [
        "It costs 3 EUR.",
        "Why?",
        " ",
        "\n",
        "- ",
        "1. ",
        "退货免费。",
        "[1]",
        '"',
        "No. 5",
        "Dr. ",
        "हाँ।",
        "...",
    ]
)


@given(st.one_of(st.text(max_size=150), st.lists(PIECES, max_size=12).map("".join)))
def test_offsets_give_the_text_and_never_overlap(answer: str) -> None:
    """``answer[start:end]`` is the claim's text; claims and asides are in order, trimmed and disjoint."""
    reading = read_claims(answer)
    for claim in reading.claims:
        assert answer[claim.start : claim.end] == claim.text == claim.text.strip() != ""
    spans = sorted([part[:2] for part in reading.claims] + [part[:2] for part in reading.asides])
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@given(
    st.lists(
        st.sampled_from(["Returns are free.", "It opens at 9.", "返品は無料です。"]), min_size=1, max_size=5
    )
)
def test_claims_of_joined_lines_are_those_of_each_line(lines: list[str]) -> None:
    """What stands on lines of its own is read as if alone."""
    assert claims("\n".join(lines)) == [claim for line in lines for claim in claims(line)]


@pytest.mark.parametrize(
    "sign", ["It costs 3 EUR. ", "退货免费。", "- a\n", "I depend ", "see the document "]
)
def test_a_long_answer_takes_no_more_than_a_moment(sign: str) -> None:
    """100,000 characters are read in well under two seconds of CPU."""
    answer = (sign * (100_000 // len(sign) + 1))[:100_000]
    began = time.process_time()
    read_claims(answer)
    assert time.process_time() - began < 2
