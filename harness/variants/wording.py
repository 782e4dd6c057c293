"""The same question in other letters: typos, casing, spacing, paraphrase, disfluency."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from harness.language import UNSPACED, is_function_word
from harness.types import Case
from harness.variants.draw import Draw
from harness.variants.protected import Span, is_free, language_of, merged, protected_spans
from harness.variants.tables import FILLERS, LAYOUTS, PARAPHRASES, neighbours

TYPO_RATE = 0.1
"""Typos per word of the question, at least one."""
MOST_PARAPHRASED = 2
TRIES = 20

_WORD = re.compile(r"[^\W\d_]+")
_LONG = re.compile(r"[^\W\d_]{4,}")
_UNSPACED_PAIR = re.compile(f"(?<=[{UNSPACED}])(?=[{UNSPACED}])")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_]) (?=[^\W\d_])")
_DOTTED_I = ("tr", "az", "lt")
"""Languages whose small and capital letters are paired otherwise than Unicode's default."""

Changed = str | None
"""A changed question, or None where nothing in it could be changed."""


def typos(case: Case, draw: Draw, words: frozenset[str]) -> Changed:
    """Mistype words of four letters and more: a key beside, a letter dropped, doubled or swapped.

    Function words (and with them negations), names, and first letters stay; what becomes another word of
    ``words`` is not taken.
    """
    language = language_of(case) or ""
    keys, text = neighbours(LAYOUTS[language]), case.query.input
    spans = protected_spans(case, names=True)
    places = [
        match.span()
        for match in _LONG.finditer(text)
        if is_free(*match.span(), spans) and not is_function_word(match.group().casefold(), language)
    ]
    wanted = max(1, round(TYPO_RATE * len(_WORD.findall(text))))
    edits: list[tuple[int, int, str]] = []
    for start, end in draw.some(places, len(places)):
        if len(edits) == wanted:
            break
        mistyped = _mistyped(text[start:end], keys, draw, words)
        if mistyped:
            edits.append((start, end, mistyped))
    return _edited(text, edits)


def _mistyped(word: str, keys: dict[str, str], draw: Draw, words: frozenset[str]) -> str:
    """Give a word with one typo that makes no other word, or ''."""
    for _ in range(TRIES):
        at = 1 + draw.below(len(word) - 1)
        slips = [word[:at] + word[at] + word[at:]]
        if at + 1 < len(word):  # the last letter may be all that makes a plural
            slips += [word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :]]
        beside = keys.get(word[at].lower(), "")
        if beside:
            letter = draw.one(beside)
            slips.append(word[:at] + (letter.upper() if word[at].isupper() else letter) + word[at + 1 :])
        slip = draw.one(slips)
        if slip != word and slip.casefold() not in words and not is_function_word(slip.casefold()):
            return slip
    return ""


def casing(case: Case, draw: Draw, words: frozenset[str]) -> Changed:
    """Write everything small, or everything in capitals."""
    del words
    if language_of(case) in _DOTTED_I:
        return None
    text, spans = case.query.input, protected_spans(case)
    ways = [_outside(text, spans, str.lower), _outside(text, spans, str.upper)]
    ways = [way for way in ways if way != text and way.casefold() == text.casefold()]
    return draw.one(ways) if ways else None


def spacing(case: Case, draw: Draw, words: frozenset[str]) -> Changed:
    """Double some spaces, join two words, leave spaces at the ends; in scripts without spaces put some in."""
    del words
    text, spans = case.query.input, protected_spans(case)
    gaps = [match.span() for match in _BETWEEN_WORDS.finditer(text) if _is_clear(match.span(), spans)]
    chosen = draw.some(gaps, 3)
    edits = [(*gap, "  ") for gap in chosen[1:]] + [(*gap, "") for gap in chosen[:1]]
    inner = [match.span() for match in _UNSPACED_PAIR.finditer(text) if _is_clear(match.span(), spans)]
    edits += [(*place, " ") for place in draw.some(inner, 2)]
    changed = _edited(text, edits)
    return " " * draw.below(3) + (text if changed is None else changed) + " " * (1 + draw.below(2))


def paraphrase(case: Case, draw: Draw, words: frozenset[str]) -> Changed:
    """Say up to two phrases in other words, by the table of the language."""
    del words
    text, spans = case.query.input, protected_spans(case)
    edits: list[tuple[int, int, str]] = []
    groups = PARAPHRASES[language_of(case) or ""]
    for group in draw.some(groups, len(groups)):
        taken = merged([*spans, *((start, end) for start, end, _ in edits)])
        found = [
            (match, phrase)
            for phrase in group
            if phrase[0] != ">"
            for match in _phrase(phrase.lstrip("<")).finditer(text)
            if is_free(*match.span(), taken)
        ]
        if found and len(edits) < MOST_PARAPHRASED:
            match, phrase = max(found, key=lambda item: (len(item[1]), -item[0].start()))
            other = draw.one([one for one in group if one != phrase and one[0] != "<"])
            edits.append((*match.span(), _like(match.group(), other.lstrip(">"))))
    return _edited(text, edits)


def _phrase(phrase: str) -> re.Pattern[str]:
    pattern = re.escape(phrase).replace("'", "['’]")
    spaced = not re.search(f"[{UNSPACED}]", phrase)
    return re.compile(rf"(?<![\w'’-]){pattern}(?![\w'’-])" if spaced else pattern, re.IGNORECASE)


def _like(model: str, phrase: str) -> str:
    """Begin a phrase with a capital where the one that it stands for does."""
    return phrase[0].upper() + phrase[1:] if model[0].isupper() and not phrase[0].isupper() else phrase


def disfluency(case: Case, draw: Draw, words: frozenset[str]) -> Changed:
    """Speak haltingly: a filler at the start, one in the middle, a word said twice; nothing is taken away."""
    del words
    language = language_of(case) or ""
    text, spans, fillers = case.query.input, protected_spans(case, names=True), FILLERS[language]
    comma = "、" if language == "ja" else ", "
    edits = [(0, 0, _like("A", draw.one(fillers)) + comma)]
    stops = [match.start() for match in re.finditer(r"(?<=、)|(?<=。)(?=\S)", text)]
    gaps = [match.start() for match in _BETWEEN_WORDS.finditer(text) if _is_clear(match.span(), spans)]
    if language == "ja":
        edits += [(place, place, draw.one(fillers) + comma) for place in draw.some(stops, 1)]
    elif gaps:
        place = draw.one(gaps)
        edits.append((place, place, f", {draw.one(fillers)},"))
        said = [
            match
            for match in _WORD.finditer(text)
            if is_function_word(match.group().casefold(), language)
            and is_free(*match.span(), spans)
            and text[match.end() : match.end() + 1] == " "
            and match.end() != place
        ]
        edits += [(match.end(), match.end(), " " + match.group().lower()) for match in draw.some(said, 1)]
    return _edited(text, edits)


def _is_clear(span: Span, spans: Sequence[Span]) -> bool:
    """Tell whether neither a stretch of text nor what is beside it is protected."""
    return is_free(span[0] - 1, span[1] + 1, spans)


def _outside(text: str, spans: Sequence[Span], change: Callable[[str], str]) -> str:
    """Change the text between the protected spans."""
    pieces, at = [], 0
    for start, end in spans:
        pieces += [change(text[at:start]), text[start:end]]
        at = end
    return "".join([*pieces, change(text[at:])])


def _edited(text: str, edits: Iterable[tuple[int, int, str]]) -> Changed:
    """Apply edits by offsets that do not overlap; None where there are none."""
    ordered = sorted(edits, reverse=True)
    for start, end, piece in ordered:
        text = text[:start] + piece + text[end:]
    return text if ordered else None
