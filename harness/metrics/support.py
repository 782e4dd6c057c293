"""How well retrieved passages support one claim, by its words, numbers, negations and names; no model."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from harness.language import content_stems, is_function_word, likely_language, sentence_spans
from harness.metrics.contradiction import other_number, polarity_differs
from harness.numerals import Number, numbers
from harness.types import Passage

Verdict = Literal["supported", "unsupported", "contradicted"]

# Share of a claim's weight that a window must cover to support it, and to be about the same matter, so that
# a differing number or negation contradicts. Chosen on human-labelled claims of six public sets.
SUPPORTS = 0.45
SAME_MATTER = 0.6

# A window is up to this many sentences; a wider one must cover more to be preferred.
WIDEST_WINDOW = 3
WIDTH_COST = 0.01

# What words elsewhere in the passage (its title, say) count, and what a claim's numbers add to a window.
ELSEWHERE = 0.5
NUMBERS = 0.3

# Bounds the time that a hostile text can take; honest sentences stay below it.
LONGEST_CLAIM = 2000

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
# Addresses, citation marks and the numbers of list items state nothing.
_BLANK = re.compile(
    r"https?://\S+|\[\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|【[^【】]*】|^[ \t]*\(?\d{1,2}[.)](?=\s)",
    re.MULTILINE,
)
_WORD = re.compile(r"(?<![\w'-])[^\W\d_][\w'-]+")


class Finding(NamedTuple):
    """The verdict on a claim and why; the best window by offsets in its passage's text; coverage 0..1."""

    verdict: Verdict
    why: str
    coverage: float
    passage: Passage | None = None
    start: int = 0
    end: int = 0


class _Source(NamedTuple):
    """A passage: its text with plain apostrophes, sentence spans, the stems of each, and all numbers."""

    passage: Passage
    text: str
    spans: list[tuple[int, int]]
    stems: list[frozenset[str]]
    numbers: list[Number]


class Sources(NamedTuple):
    """Passages ready to be searched: in how many of all their sentences each stem occurs."""

    items: list[_Source]
    language: str | None
    occurrences: Counter[str]
    n_sentences: int

    def weight(self, stem: str) -> float:
        """Give the rarity of a stem among the sentences retrieved, above 0; a stem in none weighs most."""
        return math.log(1 + (self.n_sentences + 1) / (self.occurrences[stem] + 0.5))


class _Window(NamedTuple):
    score: float
    coverage: float
    source: _Source
    start: int
    end: int


def read_sources(passages: Iterable[Passage]) -> Sources:
    """Split passages into sentences and count in how many each word stem occurs."""
    kept = [(passage, _plain(passage.text)) for passage in passages]
    language = likely_language(" ".join(text for _, text in kept))
    items = []
    for passage, text in kept:
        spans = sentence_spans(text)
        items.append(_Source(passage, text, spans, _sentence_stems(text, spans, language), numbers(text)))
    occurrences = Counter(stem for source in items for stems in source.stems for stem in stems)
    return Sources(items, language, occurrences, sum(len(source.spans) for source in items))


def _sentence_stems(text: str, spans: list[tuple[int, int]], language: str | None) -> list[frozenset[str]]:
    """Give the content stems of each sentence; a row of a table says what it says with the table's head."""
    found: list[frozenset[str]] = []
    head: frozenset[str] | None = None
    for start, end in spans:
        stems = frozenset(content_stems(text[start:end], language))
        if text[start] != "|":
            head = None
        elif head is None:
            head = stems
        found.append(stems | (head or frozenset()))
    return found


def has_content(text: str) -> bool:
    """Tell whether a text has a content word or a number: something to look for in a passage."""
    plain = _plain(text)
    return bool(numbers(plain) or content_stems(plain, likely_language(plain)))


def check_claim(claim: str, sources: Sources, question: str = "") -> Finding:
    """Judge one claim against the window of sentences that covers most of it.

    Coverage is the share of the claim's content words, weighted by their rarity, that stand in the window;
    words elsewhere in the passage count half. In order:

    - ``contradicted``: the window covers the claim well but has other numbers, or the other polarity;
    - ``unsupported``: too little is covered, or a number is nowhere in the passage, or a capitalised name
      neither there nor in the question;
    - ``supported`` otherwise.
    """
    text = _plain(claim[:LONGEST_CLAIM])
    stems = frozenset(content_stems(text, sources.language))
    stated = numbers(text)
    window = _best_window(stems, stated, sources)
    if window is None:
        why = "none of its words is in the passages" if sources.items else "nothing was retrieved"
        return Finding("unsupported", why, 0.0)
    verdict, why = _judge(text, stated, window, sources, _plain(question))
    coverage = round(min(window.coverage, 1.0), 4)
    return Finding(verdict, why, coverage, window.source.passage, window.start, window.end)


def _best_window(stems: frozenset[str], stated: list[Number], sources: Sources) -> _Window | None:
    weights = {stem: sources.weight(stem) for stem in stems}
    total = math.fsum(weights.values())  # exact, so that the order of a set changes nothing
    best: _Window | None = None
    for source in sources.items:
        number_starts = [number.start for number in source.numbers]
        hits = [stems & sentence for sentence in source.stems]
        anywhere = math.fsum(weights[stem] for stem in frozenset().union(*hits))
        for first in range(len(hits)):
            found: frozenset[str] = frozenset()
            for last in range(first, min(first + WIDEST_WINDOW, len(hits))):
                found |= hits[last]
                if not found and not stated:
                    continue
                start, end = source.spans[first][0], source.spans[last][1]
                here = math.fsum(weights[stem] for stem in found)
                inside = slice(bisect_left(number_starts, start), bisect_left(number_starts, end))
                agreed = _agreed(stated, source.numbers[inside])
                coverage = (here + ELSEWHERE * (anywhere - here)) / total if total else agreed
                score = coverage - WIDTH_COST * (last - first) + NUMBERS * agreed
                if best is None or score > best.score:
                    best = _Window(score, coverage, source, start, end)
    return best


def _judge(
    claim: str, stated: list[Number], window: _Window, sources: Sources, question: str
) -> tuple[Verdict, str]:
    text = window.source.text[window.start : window.end]
    if window.coverage >= SAME_MATTER:
        other = other_number(claim, stated, text, window.source.text, sources.language)
        if other:
            return "contradicted", other
        if polarity_differs(claim, text, sources.weight, sources.language):
            return "contradicted", "one is negated, the other is not"
    if window.coverage < SUPPORTS:
        return "unsupported", "too few of its words are in the passages"
    there = frozenset().union(*(number.readings for number in window.source.numbers))
    for number in stated:
        if claim[number.start].isdigit() and not number.readings & there:
            return "unsupported", f"{claim[number.start : number.end]} is not in the passage"
    name = _unknown_name(claim, window.source.text, question, sources.language)
    if name:
        return "unsupported", f"{name} is not in the passage"
    return "supported", "its words are in the passage"


def _unknown_name(claim: str, text: str, question: str, language: str | None) -> str:
    """Give a capitalised word within the claim that neither passage nor question has, or "".

    Not where capitals are no sign of names: German, headings, text in capitals.
    """
    names = [match for match in _WORD.finditer(claim) if match.group()[0].isupper()]
    if language == "de" or len(names) > 0.4 * len(claim.split()):
        return ""
    known = f"{text} {question}".casefold()
    for match in names:
        before = claim[: match.start()].rstrip(" \"'“„«([*_")
        name = match.group().casefold().removesuffix("'s")
        if not before or before[-1] in ".!?:;-•\n" or is_function_word(name, language):
            continue
        if name[: max(4, len(name) - 2)] not in known:
            return match.group()
    return ""


def _plain(text: str) -> str:
    """Blank out what states nothing; offsets stay."""
    return _BLANK.sub(lambda match: " " * len(match.group()), text.translate(_APOSTROPHES))


def _agreed(stated: Sequence[Number], found: Sequence[Number]) -> float:
    """Give the share of the stated numbers that are among those found; 0 if none is stated."""
    readings = frozenset().union(*(number.readings for number in found))
    return sum(bool(number.readings & readings) for number in stated) / len(stated) if stated else 0.0
