"""Cuts documents into passages along sentences, and ranks passages with BM25."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harness.language import sentence_spans, words
from harness.types import Document

K1 = 0.9
B = 0.4
"""The values customary for passages: little weight on repetition and on length."""

STEM_CHARS = 5
"""Words longer than this also count by their first letters: a stemmer that needs no language."""

_UNSEGMENTED = re.compile(r"\w+")

Tokenize = Callable[[str], list[str]]


class Chunk(NamedTuple):
    """A passage: ``start`` is the offset of its text in the document, ``sentences`` are offsets in it."""

    document: Document
    start: int
    text: str
    sentences: tuple[tuple[int, int], ...]


def segmented(text: str) -> list[str]:
    """Give the words of a text, and the stems of the long ones; Japanese gives pairs of characters."""
    return _with_stems(words(text))


def unsegmented(text: str) -> list[str]:
    """Give what stands between spaces and punctuation: in Japanese whole phrases, of which few match."""
    return _with_stems(_UNSEGMENTED.findall(unicodedata.normalize("NFKC", text).casefold()))


def cut(document: Document, size: int, overlap: int) -> list[Chunk]:
    """Cut a document into chunks of whole sentences.

    A chunk has at most ``size`` words unless its first sentence alone is longer; it repeats as many of
    the last sentences of the chunk before as have at most ``overlap`` words together.
    """
    spans = sentence_spans(document.text)
    lengths = [len(words(document.text[start:end])) for start, end in spans]
    chunks: list[Chunk] = []
    first = 0
    while first < len(spans):
        stop, total = first + 1, lengths[first]
        while stop < len(spans) and total + lengths[stop] <= size:
            total += lengths[stop]
            stop += 1
        start, end = spans[first][0], spans[stop - 1][1]
        sentences = tuple((a - start, b - start) for a, b in spans[first:stop])
        chunks.append(Chunk(document, start, document.text[start:end], sentences))
        if stop == len(spans):
            break
        first = _step_back(lengths, first, stop, overlap)
    return chunks


def _step_back(lengths: Sequence[int], first: int, stop: int, overlap: int) -> int:
    repeated = 0
    while stop > first + 1 and repeated + lengths[stop - 1] <= overlap:
        stop -= 1
        repeated += lengths[stop]
    return stop


def _with_stems(found: Iterable[str]) -> list[str]:
    terms: list[str] = []
    for word in found:
        terms.append(word)
        if len(word) > STEM_CHARS:
            terms.append(word[:STEM_CHARS] + "*")
    return terms


class Index:
    """Okapi BM25 over texts given as lists of terms; an inverted index with the impacts worked out.

    The score of a text is the sum over the query's terms of idf * tf (k1 + 1) / (tf + k1 (1 - b + b
    length / mean length)), with idf = ln(1 + (N - df + 0.5) / (df + 0.5)): Robertson and Zaragoza 2009,
    with the idf that is never negative.
    """

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """Index the texts; they are known by their position from here on."""
        mean = sum(map(len, texts)) / len(texts) if texts else 1.0
        postings: dict[str, list[tuple[int, float]]] = {}
        for position, terms in enumerate(texts):
            norm = K1 * (1 - B + B * len(terms) / (mean or 1.0))
            for term, count in Counter(terms).items():
                postings.setdefault(term, []).append((position, count * (K1 + 1) / (count + norm)))
        self._size = len(texts)
        self._idf = {term: self._weight(len(found)) for term, found in postings.items()}
        self._postings = postings

    def _weight(self, df: int) -> float:
        return math.log(1 + (self._size - df + 0.5) / (df + 0.5))

    def idf(self, term: str) -> float:
        """Give the weight of a term, 0 for one that occurs nowhere."""
        return self._idf.get(term, 0.0)

    def rank(self, query: Iterable[str], k: int) -> list[tuple[int, float]]:
        """Give the ``k`` best texts and their scores above 0, best first; ties in the order of the texts.

        A term of the query counts once.
        """
        scores: dict[int, float] = {}
        for term in dict.fromkeys(query):
            idf = self.idf(term)
            for position, impact in self._postings.get(term, ()):
                scores[position] = scores.get(position, 0.0) + idf * impact
        return sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:k]

    def rare_terms(self, score: float) -> float:
        """Give a score in units of one term that occurs in one text only."""
        return score / self._weight(1) if self._size else 0.0
