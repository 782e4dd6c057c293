"""What speaks for and against a claim being supported by passages: a few numbers that each say one thing."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.language import content_stems, is_function_word, words
from harness.metrics.contradiction import denies, negations, other_number, polarity_differs
from harness.metrics.opposites import opposite, says_more
from harness.metrics.passages import Sources, Window, find_windows, numbers_within, plain, runs
from harness.metrics.quantities import (
    in_other_units,
    nearly_states,
    other_unit,
    quantities,
    states,
    with_unit,
)
from harness.numerals import Number, numbers

# Bounds the time that a hostile text can take; honest sentences stay below it.
LONGEST_CLAIM = 2000

# Share of a claim's words that a window must have to be about the same matter, so that what differs
# contradicts it; and that one sentence must have for a number or a name to be all that is missing.
SAME_MATTER = 0.6
NUMBER_MISSING = 0.45
NAME_MISSING = 0.6

# Of so many words of passages it tells most that a number or a name is in none; of fewer, in proportion less.
MUCH_TEXT = 400

_WORD = re.compile(r"(?<![\w'-])[^\W\d_][\w'-]+")
_MONTH_NAMES = """
january february march april may june july august september october november december
"""
_MONTHS = {name: n for n, month in enumerate(_MONTH_NAMES.split(), 1) for name in (month, month[:3])}


class Signals(NamedTuple):
    """What a model weighs, each 0..1; the first two speak for support, the others against it.

    - ``characters``: share of the claim's runs of five letters that the passages have (word forms, phrases);
    - ``coverage``: share of its content words that the best single sentence has;
    - ``numbers``: a number in digits is nowhere in the passages, whatever its unit or format;
    - ``names``: a capitalised name is neither there nor in the question; the more text, the more both count;
    - ``polarity``: the best window says the same with the other polarity;
    - ``negation``: that, or one of the two is negated and the other is not;
    - ``opposite``: a word's opposite stands in the window, and the word does not;
    - ``strength``: the claim says "all", "only" or "more", or leaves out "may", where the window does not;
    - ``numbers_differ``: the window has another number, or another unit, in the place of one of the claim's.
    """

    characters: float
    coverage: float
    numbers: float
    names: float
    polarity: float
    negation: float
    opposite: float
    strength: float
    numbers_differ: float


class Look(NamedTuple):
    """A look at a claim: its signals, windows of passages, best first, and the plainest thing against it.

    ``against`` is in words, "" if nothing is; ``contradicts`` tells whether the window says otherwise,
    rather than nothing; ``retrieved``, whether there is any passage at all.
    """

    signals: Signals
    windows: list[Window]
    against: str
    contradicts: bool
    retrieved: bool = True


def look_at(claim: str, sources: Sources, question: str = "") -> Look:
    """Hold one claim against the passages. Claims beyond ``LONGEST_CLAIM`` are read to there."""
    text = plain(claim[:LONGEST_CLAIM])
    language = sources.language
    stems = frozenset(content_stems(text, language))
    stated = [number for number in numbers(text) if not _in_name(text, number)]
    windows, coverage = find_windows(stems, stated, sources)
    own = runs(text)
    characters = len(own & sources.runs) / len(own)
    if not windows:
        nothing = Signals(characters, 0.0, *[0.0] * (len(Signals._fields) - 2))
        retrieved = any(source.spans for source in sources.items)
        why = "none of its words is in the passages" if retrieved else "nothing was retrieved"
        return Look(nothing, [], why, contradicts=False, retrieved=retrieved)
    window = windows[0]
    said, there = set(words(text)), set(words(window.text))
    same_matter = window.coverage >= SAME_MATTER
    differs = (same_matter and _number_differs(text, stated, window, language)) or ""
    polarity = polarity_differs(text, window.text, sources.weight, language)
    negated = polarity or bool(negations(text, language)) != bool(negations(window.text, language))
    other = opposite(said, there, sources.words, language)
    digits = [number for number in stated if text[number.start].isdigit()]
    number = next((number for number in digits if not states(text, number, sources.quantities)), None)
    misread = next((number for number in digits if in_other_units(text, number, sources.quantities)), None)
    name = _unknown_name(text, sources, plain(question))
    telling = min(1.0, sources.n_words / MUCH_TEXT)
    signals = Signals(
        characters,
        coverage,
        telling if number else 0.0,
        telling if name else 0.0,
        float(polarity),
        float(negated),
        float(bool(other)),
        float(says_more(said, there, language)),
        float(bool(differs)),
    )
    if differs:
        return Look(signals, windows, differs, contradicts=True)
    if same_matter and (polarity or denies(text, window.text, language)):
        return Look(signals, windows, "one is negated, the other is not", contradicts=True)
    if other and same_matter:
        return Look(signals, windows, f"the passage says the opposite of {other}", contradicts=True)
    against = ""
    if number and coverage >= NUMBER_MISSING:
        against = f"{text[number.start : number.end]} is not in the passages"
    elif misread:
        against = f"{with_unit(text, misread)} is not in the passages"
    elif name and coverage >= NAME_MISSING:
        against = f"{name} is not in the passages"
    return Look(signals, windows, against, contradicts=False)


def _in_name(text: str, number: Number) -> bool:
    """``COVID-19`` states no number."""
    return (
        text[number.start - 1 : number.start] == "-" and text[number.start - 2 : number.start - 1].isalpha()
    )


def _number_differs(text: str, stated: list[Number], window: Window, language: str | None) -> str:
    """Say which number or unit the window has in the place of one of the claim's, or "" if none."""
    source = window.source.text
    there = numbers_within(window)
    for number in stated:
        unit = other_unit(text, number, source, there)
        if unit:
            return f"the passage has {unit}, not {with_unit(text, number)}"
    known = quantities((source, number) for number in there)
    exact = [number for number in stated if not nearly_states(text, number, known)]
    return other_number(text, exact, window.text, source, language)


def _unknown_name(claim: str, sources: Sources, question: str) -> str:
    """Give a capitalised word within the claim that neither passages nor question have, or "".

    Not where capitals are no sign of names: at the beginning, in German, headings, text in capitals. Of a
    name the first letters count, of a month also its number.
    """
    names = [match for match in _WORD.finditer(claim) if match.group()[0].isupper()]
    if sources.language == "de" or len(names) > len(_WORD.findall(claim)) / 2:
        return ""
    asked = question.casefold()
    for match in names:
        before = claim[: match.start()].rstrip(" \"'“„«([*_")
        name = match.group().casefold().removesuffix("'s")
        if not before or before[-1] in ".!?:;-•\n" or is_function_word(name, sources.language):
            continue
        start = name[: max(4, len(name) - 2)]
        if start in asked or any(start in source.folded for source in sources.items):
            continue
        if _MONTHS.get(name) not in sources.quantities.readings:
            return match.group()
    return ""
