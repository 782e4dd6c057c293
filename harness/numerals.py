"""The numbers that a text states, in digits or words, however they are written."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_SEPARATOR = "[.,'’٫٬．，\u00a0\u202f\u2009]"
_DIGITS = re.compile(rf"(?<![A-Za-z\d])(?:\d{{1,3}}(?: \d{{3}})+(?!\d)|\d+(?:{_SEPARATOR}\d+)*)")
_TIME = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])")
_ITEM_MARK = re.compile(r"^[ \t]*\(?\d{1,2}[.)](?=\s)", re.MULTILINE)
_SCALES = {
    "thousand|tausend|mille|mila|duizend|тысяч[аи]?|千": 3,
    "million(?:s|en|es)?|mio|mln|millón|millones|milh(?:ão|ões)|milion[ei]|miljoen|миллион(?:а|ов)?|млн": 6,
    "billions?|bn|milliarden?|milliards?|mrd|mld|miliardo|miliardi|miljard|миллиард(?:а|ов)?|млрд": 9,
    "trillions?|兆": 12,
    "lakhs?": 5,
    "crores?": 7,
    "[万萬만]": 4,
    "[億亿억]": 8,
}
_SCALE = re.compile(
    r"[\s\-]?(?:" + "|".join(f"(?P<e{power}>{names})" for names, power in _SCALES.items()) + r")(?![a-z])",
    re.IGNORECASE,
)
_WORDS_FROM_2 = (
    "two|zwei|deux|dos|dois|duas|twee",
    "three|drei|trois|tres|três|tre|drie",
    "four|vier|quatre|cuatro|quatro|quattro",
    "five|fünf|cinq|cinco|cinque|vijf",
    "six|sechs|seis|zes",
    "seven|sieben|siete|sete|sette|zeven",
    "eight|acht|huit|ocho|oito",
    "nine|neun|nueve|nove|negen",
    "ten|zehn|dix|diez|dez|dieci|tien",
    "eleven|onze|undici",
    "twelve|zwölf|douze|doce|doze|dodici|twaalf",
)
_NUMBER_WORDS = {word: n for n, names in enumerate(_WORDS_FROM_2, start=2) for word in names.split("|")}
_NUMBER_WORDS |= {
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
_KANJI_DIGITS = {digit: n for n, digit in enumerate("一二三四五六七八九", start=1)}
_KANJI_UNITS = {"十": 10, "百": 100, "千": 1000}
_KANJI_NUMBER = re.compile(
    r"(?<![一二三四五六七八九十百千])[一二三四五六七八九十百千]+(?=[日月年時分秒円人個件回歳週か箇ヶ%％])"
)


class Number(NamedTuple):
    """A number in a text: where it stands and what it may mean (``1.000`` is a thousand, or one)."""

    start: int
    end: int
    readings: frozenset[Decimal]


def numbers(text: str) -> list[Number]:
    """Find the numbers of a text: digits in any script, with separators and a word of scale, and words.

    ``1,000``, ``1.000``, ``1 000`` and ``1'000`` share the reading 1000; ``14.5`` and ``14,5`` are 14.5;
    ``1.5 million`` is 1500000. ``13:30`` gives 13 (or 1) and 30, ``10:00`` only 10. Number words count in
    7 languages (``two``, ``zwei``), kanji before a counter (``三十日``). Dates and version numbers give their
    parts. Digits inside a name (``H2O``) give none.
    """
    times = [number for match in _TIME.finditer(text) for number in _read_time(match)]
    rest = _TIME.sub(lambda match: " " * len(match.group()), text)
    found = times + [number for match in _DIGITS.finditer(rest) for number in _read(rest, match)]
    in_words = [(match, _NUMBER_WORDS[match.group().casefold()]) for match in _NUMBER_WORD.finditer(text)]
    in_kanji = [(match, _kanji(match.group())) for match in _KANJI_NUMBER.finditer(text)]
    found += [Number(*match.span(), frozenset({Decimal(value)})) for match, value in in_words + in_kanji]
    return sorted(found, key=lambda number: number.start)


def digit_numbers(text: str) -> list[Number]:
    """Find the numbers that are written in digits, without those that only mark the items of a list."""
    marks = [match.span() for match in _ITEM_MARK.finditer(text)]
    return [
        number
        for number in numbers(text)
        if text[number.start].isdigit() and not any(start <= number.start < end for start, end in marks)
    ]


def _read_time(match: re.Match[str]) -> list[Number]:
    """Read hours and minutes: afternoon hours may count from noon, full hours need no minutes."""
    hour, minute = (Decimal(part) for part in match.groups())
    hours = Number(*match.span(1), frozenset({hour, hour - 12} if hour > 12 else {hour}))
    return [hours, Number(*match.span(2), frozenset({minute}))] if minute else [hours]


def _read(text: str, match: re.Match[str]) -> list[Number]:
    """Read one run of digits and separators; where it is no single number, read its parts."""
    start, end = match.span()
    groups = re.split(r"\D", match.group())
    signs = [sign for sign in match.group() if not sign.isdigit()]
    readings = _readings(groups, signs)
    if not readings:
        places = [part.span() for part in re.finditer(r"\d+", match.group())]
        return [Number(start + a, start + b, frozenset({Decimal(match.group()[a:b])})) for a, b in places]
    scale = _SCALE.match(text, end)
    if scale and scale.lastgroup:
        readings = {reading.scaleb(int(scale.lastgroup[1:])) for reading in readings}
        end = scale.end()
    return [Number(start, end, frozenset(readings))]


def _readings(groups: list[str], signs: list[str]) -> set[Decimal]:
    """Give what digit groups between separators may mean as one number; nothing if they are none."""
    whole = Decimal("".join(groups))
    if not signs:
        return {whole}
    thousands = len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(group) == 3 for group in groups[1:])
    if len(signs) == 1 and signs[0] in ".,٫．，":
        decimal = Decimal(f"{groups[0]}.{groups[1]}")
        return {decimal, whole} if thousands else {decimal}
    if len(set(signs)) == 1:
        indian = signs[0] == "," and all(len(group) == 2 for group in groups[1:-1]) and len(groups[-1]) == 3
        return {whole} if thousands or indian else set()
    grouped = len(set(signs[:-1])) == 1 and all(len(group) == 3 for group in groups[1:-1])
    return {Decimal(f"{''.join(groups[:-1])}.{groups[-1]}")} if grouped else set()


def _kanji(digits: str) -> int:
    total, digit = 0, 0
    for sign in digits:
        if sign in _KANJI_UNITS:
            total += max(digit, 1) * _KANJI_UNITS[sign]
            digit = 0
        else:
            digit = digit * 10 + _KANJI_DIGITS[sign]
    return total + digit
