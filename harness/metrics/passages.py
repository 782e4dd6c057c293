"""Retrieved passages made ready to be searched, and the window of sentences that says most of a claim."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from heapq import nsmallest
from typing import NamedTuple

from harness.language import UNSPACED, content_stems, likely_language, sentence_spans, words
from harness.metrics.quantities import Quantities, quantities
from harness.numerals import Number, numbers
from harness.types import Passage

# A window is up to this many sentences; a wider one must cover more to be preferred.
WIDEST_WINDOW = 3
WIDTH_COST = 0.01

# What a claim's numbers add to a window that has them.
NUMBERS = 0.3

# Windows are looked for around so many sentences that share most with the claim.
MOST_LOOKED_AT = 4

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
# Citation marks and the numbers of list items state nothing, and neither does an address in a claim.
_BLANK = re.compile(
    r"\[\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|【[^【】]*】|^[ \t]*\(?\d{1,2}[.)](?=\s)|https?://\S+",
    re.MULTILINE,
)
_ADDRESS = re.compile(r"(https?://)(\S+)")
_IS_UNSPACED = re.compile(rf"[{UNSPACED}]")
_NO_LETTER = re.compile(r"\W+")


class Source(NamedTuple):
    """A passage: its plain text, also case-folded, sentence spans, the stems of each, and all numbers."""

    passage: Passage
    text: str
    folded: str
    spans: list[tuple[int, int]]
    stems: list[frozenset[str]]
    numbers: list[Number]
    number_starts: list[int]


class Window(NamedTuple):
    """Sentences in a row of one source: offsets in its text, and the share of the claim's stems they have."""

    source: Source
    start: int
    end: int
    coverage: float

    @property
    def text(self) -> str:
        """The words of the window, plain."""
        return self.source.text[self.start : self.end]


class Found(NamedTuple):
    """The best window of each source, best first, and the best share of the stems in a single sentence."""

    windows: list[Window]
    sentence_coverage: float


class Sources(NamedTuple):
    """All passages of a response: ``where`` gives for each stem its sentences, as (source, sentence)."""

    items: list[Source]
    language: str | None
    where: dict[str, list[tuple[int, int]]]
    n_sentences: int
    n_words: int
    stems: frozenset[str]
    words: frozenset[str]
    quantities: Quantities
    runs: frozenset[str]

    def weight(self, stem: str) -> float:
        """Give the rarity of a stem among the sentences retrieved, above 0; a stem in none weighs most."""
        return math.log(1 + (self.n_sentences + 1) / (len(self.where.get(stem, ())) + 0.5))


def read_sources(passages: Iterable[Passage], language: str | None = None) -> Sources:
    """Split passages into sentences and note where each word stem, number and run of characters stands.

    ``language`` is what they are taken to be in where they do not tell.
    """
    kept = [(passage, _plain_passage(passage.text)) for passage in dict.fromkeys(passages)]
    language = likely_language(" ".join(text for _, text in kept)) or language
    items = []
    for passage, text in kept:
        spans = sentence_spans(text)
        stems = _sentence_stems(text, spans, language)
        found = numbers(text)
        starts = [number.start for number in found]
        items.append(Source(passage, text, text.casefold(), spans, stems, found, starts))
    said = [words(source.text) for source in items]
    where: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, source in enumerate(items):
        for j, sentence in enumerate(source.stems):
            for stem in sentence:
                where[stem].append((i, j))
    return Sources(
        items,
        language,
        dict(where),
        sum(len(source.spans) for source in items),
        sum(map(len, said)),
        frozenset(where),
        frozenset().union(*said),
        quantities((source.text, number) for source in items for number in source.numbers),
        frozenset(run for source in items for run in runs(source.text)),
    )


def plain(text: str) -> str:
    """Blank out what states nothing, with plain apostrophes; offsets stay."""
    return _BLANK.sub(lambda match: " " * len(match.group()), text.translate(_APOSTROPHES))


def _plain_passage(text: str) -> str:
    """Do as ``plain``, but keep the words of addresses: often all that tells what a passage is about."""
    return plain(_ADDRESS.sub(lambda match: " " * len(match[1]) + re.sub(r"[\W_]", " ", match[2]), text))


def runs(text: str) -> set[str]:
    """Give the runs of five letters (two in scripts without spaces) of a text, words parted by one blank."""
    folded = f" {_NO_LETTER.sub(' ', text.casefold()).strip()} "
    length = 2 if _IS_UNSPACED.search(folded) else 5
    return {folded[i : i + length] for i in range(max(1, len(folded) - length + 1))}


def find_windows(stems: frozenset[str], stated: Sequence[Number], sources: Sources) -> Found:
    """Find in each source the window that has most of a claim's stems, rare ones first, and of its numbers.

    A source without any of either has none; at most ``MOST_LOOKED_AT`` sentences are looked around.
    """
    weights = {stem: sources.weight(stem) for stem in stems}
    total = math.fsum(weights.values())  # exact, so that the order of a set changes nothing
    shared: dict[tuple[int, int], float] = defaultdict(float)
    for stem in sorted(stems):
        for place in sources.where.get(stem, ()):
            shared[place] += weights[stem]
    looked_at = nsmallest(MOST_LOOKED_AT, shared, key=lambda place: (-shared[place], place))
    looked_at += _with_numbers(stated, sources)
    known = [number.readings for number in stated if number.readings & sources.quantities.readings]
    best: dict[int, tuple[float, Window]] = {}
    most = 0
    for i, first, last in dict.fromkeys(_around(looked_at, sources)):
        source = sources.items[i]
        here = stems & frozenset().union(*source.stems[first : last + 1])
        if first == last:
            most = max(most, len(here))
        covered = len(here) / len(stems) if stems else 1.0
        window = Window(source, source.spans[first][0], source.spans[last][1], covered)
        share = math.fsum(weights[stem] for stem in here) / total if total else 0.0
        agreed = _agreed(known, window) / len(stated) if known else 0.0
        score = share + NUMBERS * agreed - WIDTH_COST * (last - first)
        if i not in best or score > best[i][0]:
            best[i] = (score, window)
    ranked = sorted(best.values(), key=lambda found: -found[0])
    coverage = most / len(stems) if stems else float(bool(ranked))
    return Found([window for _, window in ranked], coverage)


def _around(places: Iterable[tuple[int, int]], sources: Sources) -> Iterator[tuple[int, int, int]]:
    """Give all windows with one of the sentences: source, first sentence, last sentence."""
    for i, j in places:
        n = len(sources.items[i].spans)
        for first in range(max(0, j - WIDEST_WINDOW + 1), j + 1):
            for last in range(j, min(first + WIDEST_WINDOW, n)):
                yield i, first, last


def numbers_within(window: Window) -> list[Number]:
    """Give the numbers of a window, in order."""
    starts = window.source.number_starts
    return window.source.numbers[bisect_left(starts, window.start) : bisect_left(starts, window.end)]


def _with_numbers(stated: Sequence[Number], sources: Sources) -> list[tuple[int, int]]:
    """Give the first sentences that have one of the numbers stated."""
    readings = frozenset().union(*(number.readings for number in stated))
    if not readings:
        return []
    found = []
    for i, source in enumerate(sources.items):
        starts = [start for start, _ in source.spans]
        for number in source.numbers:
            if number.readings & readings:
                found.append((i, bisect_left(starts, number.start + 1) - 1))
                if len(found) == MOST_LOOKED_AT:
                    return found
    return found


def _agreed(known: list[frozenset[Decimal]], window: Window) -> int:
    """Count the numbers that are among the window's."""
    readings = frozenset().union(*(number.readings for number in numbers_within(window)))
    return sum(bool(number & readings) for number in known)


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
