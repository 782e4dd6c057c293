"""Sentences, words and numbers of a text in any language, without a model."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

# Scripts written without spaces: kana, Han, Thai, Lao, Khmer, Burmese. Their words are taken as
# overlapping pairs of characters, the usual model-free stand-in for segmentation.
UNSPACED = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f"
)
_WORD = re.compile(
    rf"[{UNSPACED}]+"
    rf"|(?:(?![{UNSPACED}])\w)+(?:(?:(?<=\d)[.,:](?=\d)|['’\-](?![{UNSPACED}])(?=\w))(?:(?![{UNSPACED}])\w)+)*"
)
_IS_UNSPACED = re.compile(rf"[{UNSPACED}]")

# Before a full stop these do not end a sentence: the first always, the second only before a digit.
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|drs|prof|st|vs|e\.g|i\.e|z\.b|d\.h|u\.a|p\.ex|sra?|srta|mme|mlle|bzw|vgl|inkl|approx|jr)"
    r"|\b[^\W\d_])\.$",
    re.IGNORECASE,
)
_NUMBER_SIGN = re.compile(
    r"\b(?:no|nr|n|art|abs|fig|tab|ca|pp?|vol|sec|ch|tel|núm|num|pos|kap|ziff|max|min)\.$", re.IGNORECASE
)
# German ordinals: "im 19. Jahrhundert", "am 3. Oktober".
_ORDINAL_AFTER = re.compile(r"\b(?:der|die|das|dem|den|des|im|zum|vom|beim) \d{1,2}\.$", re.IGNORECASE)
_MONTH_NEXT = re.compile(r" ?(?:Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez)")

# A sentence ends at a full stop of a script that needs no space after it, at . ! ? … before white space,
# or at a line break.
_END = re.compile(r"[。！？｡؟۔।॥።]+[」』”’)\]]*|[.!?…]+[\"'”’»)\]*_]*(?=\s|$)|\n+")
_LIST_NUMBER = re.compile(r"\W*(?:\d{1,3}|[a-zA-Z])")


class Number(NamedTuple):
    """A number in a text: where it stands and what it may mean (``1.000`` is a thousand, or one)."""

    start: int
    end: int
    readings: frozenset[Decimal]


def words(text: str) -> list[str]:
    """Split into case-folded words (NFKC); numbers and hyphenated words stay whole (``14.5``, ``e-bike``).

    Runs of a script without spaces give overlapping character pairs; a single character stands alone.
    """
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match.group()
        if _IS_UNSPACED.match(word) and len(word) > 1:
            found.extend(word[i : i + 2] for i in range(len(word) - 1))
        else:
            found.append(word)
    return found


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Give (start, end) offsets of the sentences, in order, without surrounding white space."""
    spans: list[tuple[int, int]] = []
    # Where nothing is capitalised, a small letter after a full stop says nothing.
    has_capitals = any(character.isupper() for character in text)
    start = 0
    for match in _END.finditer(text):
        if _is_abbreviation(text, start, match) or _is_list_number(text, start, match):
            continue
        if has_capitals and _goes_on(text, match):
            continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def numbers(text: str) -> list[Number]:
    """Find the numbers of a text: digits in any script, with separators and a word of scale, and words.

    ``1,000``, ``1.000``, ``1 000`` and ``1'000`` share the reading 1000; ``14.5`` and ``14,5`` are 14.5;
    ``1.5 million`` is 1500000. Number words count in 7 languages (``two``, ``zwei``), kanji before a counter
    (``三十日``). Dates and version numbers give their parts. Digits inside a name (``H2O``) give none.
    """
    found = [number for match in _DIGITS.finditer(text) for number in _read(text, match)]
    in_words = [(match, _NUMBER_WORDS[match.group().casefold()]) for match in _NUMBER_WORD.finditer(text)]
    in_kanji = [(match, _kanji(match.group())) for match in _KANJI_NUMBER.finditer(text)]
    found += [Number(*match.span(), frozenset({Decimal(value)})) for match, value in in_words + in_kanji]
    return sorted(found, key=lambda number: number.start)


_SEPARATOR = "[.,'’٫٬．，\u00a0\u202f\u2009]"
_DIGITS = re.compile(rf"(?<![A-Za-z\d])(?:\d{{1,3}}(?: \d{{3}})+(?!\d)|\d+(?:{_SEPARATOR}\d+)*)")
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
_KANJI_NUMBER = re.compile(r"[一二三四五六七八九十百千]+(?=[日月年時分秒円人個件回歳週か箇ヶ%％])")


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


def _is_abbreviation(text: str, start: int, stop: re.Match[str]) -> bool:
    if stop.group() != ".":
        return False
    begin, end = max(start, stop.start() - 12), stop.start() + 1
    if _ABBREVIATION.search(text, begin, end) or _ORDINAL_AFTER.search(text, begin, end):
        return True
    if _MONTH_NEXT.match(text, end) and text[begin : end - 1][-1:].isdigit():
        return True
    return bool(_NUMBER_SIGN.search(text, begin, end)) and text[end : end + 2].strip().isdigit()


def _is_list_number(text: str, start: int, stop: re.Match[str]) -> bool:
    """``2.`` at the start of a line numbers an item; it is not a sentence."""
    return stop.group() == "." and bool(_LIST_NUMBER.fullmatch(text, start, stop.start()))


def _goes_on(text: str, stop: re.Match[str]) -> bool:
    """No end before a small letter: ``am 5. des Monats``, ``"Why?" he asked``, a wrapped line."""
    if stop.group() != "\n" and stop.group()[0] not in ".!?…":
        return False
    if stop.group() == "\n" and text[: stop.start()][-1:] in (":", ";", ""):
        return False
    following = _LETTER_NEXT.match(text, stop.end())
    return following is not None and following.group(1).islower()


_LETTER_NEXT = re.compile(r" *([^\W\d_])")


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
