"""Changes to the wording of an answer: a number, a name, a negation, its end; None where it has no place."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable
from decimal import Decimal

from harness.language import is_function_word, sentence_spans
from harness.numerals import digit_numbers, numbers
from harness.planting.negations import RULES

TRIES = 60
"""Numbers that are drawn before a place is given up: near ones first, then longer ones."""
CUT_FROM, CUT_TO = 0.4, 0.85
"""The part of an answer, by characters, in which it is cut off."""
SHORTEST = 20
"""Characters below which an answer is not cut."""

_NAME = re.compile(r"(?<![\w'’-])[A-ZÀ-ÖØ-Þ][\w'’-]{2,}")
_LATIN_START = re.compile(r"[.!?:;•\-\n]\s*[\"'“„«(\[*_]*$")
_ENDS = ".!?…。！？｡"
_WORD_END = re.compile(r"(?<=\S)(?=\s)|(?<=[\u3040-\u30ff\u4e00-\u9fff])(?=[\u3040-\u30ff\u4e00-\u9fff])")


def readings_of(texts: Iterable[str]) -> frozenset[Decimal]:
    """Give everything that the numbers of some texts may mean."""
    return frozenset().union(*(number.readings for text in texts for number in numbers(text)))


def change_number(text: str, taken: Collection[Decimal], chance: random.Random) -> str | None:
    """Write another number in the place of one in digits: one that means nothing of what is ``taken``."""
    places = digit_numbers(text)
    chance.shuffle(places)
    for place in places:
        for attempt in range(TRIES):
            numeral = text[place.start : place.end]
            other = _near(numeral, chance) if attempt < TRIES // 2 else f"{chance.randint(1, 9)}{numeral}"
            read = readings_of([other])
            if len(numbers(other)) == 1 and not read & place.readings and not read & frozenset(taken):
                return text[: place.start] + other + text[place.end :]
    return None


def borrow_number(text: str, sources: Iterable[str], chance: random.Random) -> str | None:
    """Write a number of the sources, which the text does not state, in the place of one of its own."""
    places, stated = digit_numbers(text), readings_of([text])
    others = sorted(
        {
            source[number.start : number.end]
            for source in sources
            for number in digit_numbers(source)
            if not number.readings & stated
        }
    )
    if not places or not others:
        return None
    place = chance.choice(places)
    return text[: place.start] + chance.choice(others) + text[place.end :]


def names_in(text: str) -> list[tuple[int, int]]:
    """Give (start, end) of the capitalised words within sentences: names, where nouns have no capital."""
    return [
        match.span()
        for match in _NAME.finditer(text)
        if match.start()
        and not _LATIN_START.search(text, 0, match.start())
        and not (match.group().isupper() and len(match.group()) <= 4)  # EUR, JPY
        and not is_function_word(match.group().casefold())
    ]


def change_name(text: str, names: Collection[str], known: str, chance: random.Random) -> str | None:
    """Write another name in the place of one: one of ``names`` that neither the text nor ``known`` has."""
    places = [(start, end) for start, end in names_in(text) if text[start:end] in names]
    others = sorted(name for name in names if name not in text and name not in known)
    if not places or not others:
        return None
    start, end = chance.choice(places)
    old = text[start:end]
    return re.sub(rf"(?<![\w'’-]){re.escape(old)}(?![\w'’-])", chance.choice(others), text)


def negate(text: str, language: str, chance: random.Random) -> str | None:
    """Take one negation away, or add one where there is none, by the rules of a language."""
    places = [
        (match.start(), match.end(), match.expand(new))
        for old, new in RULES[language]
        for match in re.finditer(old, text)
    ]
    if not places:
        return None
    start, end, new = chance.choice(places)
    return text[:start] + new + text[end:]


def cut_off(text: str, chance: random.Random) -> str | None:
    """Cut an answer off between two words (characters, without spaces), and not where a sentence ends."""
    first, last = CUT_FROM * len(text), CUT_TO * len(text)
    places = [match.start() for match in _WORD_END.finditer(text) if first <= match.start() <= last]
    inside = [place for place in places if text[place - 1] not in _ENDS and text[place:].strip()]
    return text[: chance.choice(inside)] if len(text) >= SHORTEST and inside else None


def add_sentence(text: str, sentence: str, language: str, chance: random.Random) -> str:
    """Put a sentence after one of an answer's own."""
    spans = sentence_spans(text)
    end = chance.choice(spans)[1] if spans else len(text)
    gap = "" if language == "ja" else " "
    return text[:end] + gap + sentence + text[end:]


def _near(numeral: str, chance: random.Random) -> str:
    """Give a numeral with one digit changed."""
    place = chance.choice([index for index, sign in enumerate(numeral) if sign.isdigit()])
    digits = [digit for digit in "123456789" if digit != numeral[place]]
    return numeral[:place] + chance.choice(digits) + numeral[place + 1 :]
