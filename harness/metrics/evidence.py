"""How much of the gold text was retrieved, by characters, so that labels and values survive re-chunking.

Only characters that are not white space count, because splitters trim and re-flow white space, and a
character counts once, however many passages hold it. A value therefore depends on which text the first k
passages cover, not on how that text was cut. Evidence counts with grade 1 or more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harness.metrics.retrieval import ordered
from harness.registry import metric
from harness.types import Case, Corpus, Evidence, Passage, Response, Score

# A passage whose text is not that of its document must share runs of this many characters with gold text
# (or all of a shorter gold text): shorter runs occur in any two texts of one language.
SHORTEST_RUN = 16

# Repeated boilerplate: more places than this are not looked at.
MOST_PLACES = 50

Span = tuple[int, int]


class Overlap(NamedTuple):
    """Counts of characters without white space, each character once; ``gold`` is 1 or more.

    ``gold_hit`` is gold that was retrieved, ``retrieved_hit`` what was retrieved and is gold. They differ
    only where a passage's text is not that of its document.
    """

    gold: int
    gold_hit: int
    retrieved: int
    retrieved_hit: int


class _Gold(NamedTuple):
    """Gold of one document: spans of its squeezed text, and squeezed quotes that stand nowhere in it."""

    spans: list[Span]
    quotes: list[str]


class _Piece(NamedTuple):
    """A retrieved text without white space, and its span in the squeezed document where it stands there."""

    text: str
    span: Span | None


@metric("evidence_recall", version=1, needs=("corpus",), cutoff=True)
def evidence_recall(case: Case, response: Response, *, corpus: Corpus | None, k: int) -> Score:
    """Share of the gold characters that the first k passages cover.

    ``not_applicable`` where there is no corpus, or the case has no evidence with a quote or offsets.
    """
    return _score(case, response, corpus, k, lambda found: found.gold_hit / found.gold)


@metric("evidence_precision", version=1, needs=("corpus",), cutoff=True)
def evidence_precision(case: Case, response: Response, *, corpus: Corpus | None, k: int) -> Score:
    """Share of the characters of the first k passages that are gold; 0 where nothing was retrieved.

    ``not_applicable`` where there is no corpus, or the case has no evidence with a quote or offsets.
    """
    return _score(case, response, corpus, k, lambda found: found.retrieved_hit / max(found.retrieved, 1))


@metric("evidence_iou", version=1, needs=("corpus",), cutoff=True)
def evidence_iou(case: Case, response: Response, *, corpus: Corpus | None, k: int) -> Score:
    """Characters that are gold and retrieved / characters that are gold or in the first k passages.

    ``not_applicable`` where there is no corpus, or the case has no evidence with a quote or offsets.
    """
    return _score(case, response, corpus, k, _iou)


def measure(case: Case, passages: Sequence[Passage], corpus: Corpus, k: int) -> Overlap | None:
    """Compare the gold text with the first k passages; None if no evidence has a quote or offsets.

    A passage lies at its ``start`` if it has one, else where its text stands in the document (white space
    aside; of several places, the one with most gold). If it stands nowhere, gold text is covered where its
    runs of 16 characters or more are in the passage. Evidence without quote and offsets is left out.
    """
    gold = _gold_by_document(case.evidence, corpus)
    if not gold:
        return None
    pieces: dict[str, dict[_Piece, None]] = {}
    for passage in ordered(passages)[:k]:
        spans = gold[passage.doc_id].spans if passage.doc_id in gold else []
        piece = _Piece(_squeeze(passage.text), _locate(passage, corpus, spans))
        pieces.setdefault(passage.doc_id, {})[piece] = None
    counts = [
        _count(gold.get(doc_id, _Gold([], [])), list(pieces.get(doc_id, ())), _text(doc_id, corpus))
        for doc_id in {**gold, **pieces}
    ]
    return Overlap(*(sum(column) for column in zip(*counts, strict=True)))


def _score(
    case: Case, response: Response, corpus: Corpus | None, k: int, value: Callable[[Overlap], float]
) -> Score:
    if corpus is None:
        return Score(status="not_applicable", reason="the dataset has no corpus to find the evidence in")
    found = measure(case, response.retrieved, corpus, k)
    if found is None:
        return Score(status="not_applicable", reason="the case has no evidence with a quote or offsets")
    return Score(value=value(found), details=found._asdict())


def _iou(found: Overlap) -> float:
    both = min(found.gold_hit, found.retrieved_hit)
    return both / (found.gold + found.retrieved - both)


def _gold_by_document(evidence: Sequence[Evidence], corpus: Corpus) -> dict[str, _Gold]:
    gold: dict[str, _Gold] = {}
    for item in evidence:
        span, quote = _place(item, corpus), _squeeze(item.quote or "")
        if item.grade < 1 or (span is None and not quote):
            continue
        entry = gold.setdefault(item.doc_id, _Gold([], []))
        if span is not None:
            entry.spans.append(span)
        elif quote not in entry.quotes:
            entry.quotes.append(quote)
    return {doc_id: entry._replace(spans=_merge(entry.spans)) for doc_id, entry in gold.items()}


def _place(item: Evidence, corpus: Corpus) -> Span | None:
    """Give the span of evidence in the squeezed document, or None where it has none."""
    document = corpus.documents.get(item.doc_id)
    if document is None:
        return None
    if item.start is not None and item.end is not None:
        start, end = (_squeezed_offset(document.text, at) for at in (item.start, item.end))
        return (start, end) if start < end else None
    quote = _squeeze(item.quote or "")
    start = _squeeze(document.text).find(quote) if quote else -1
    return (start, start + len(quote)) if start >= 0 else None


def _locate(passage: Passage, corpus: Corpus, gold: list[Span]) -> Span | None:
    """Give the span of a passage in the squeezed document, or None where its text stands nowhere."""
    whole, piece = _text(passage.doc_id, corpus), _squeeze(passage.text)
    if not whole or not piece:
        return None
    places: list[int] = []
    at = whole.find(piece)
    while at >= 0 and len(places) < MOST_PLACES:
        places.append(at)
        at = whole.find(piece, at + 1)
    if passage.start is not None and passage.start >= 0:
        said = _squeezed_offset(corpus.documents[passage.doc_id].text, passage.start)
        if whole.startswith(piece, said) or (not places and said < len(whole)):
            return said, min(said + len(piece), len(whole))
        places.sort(key=lambda place: abs(place - said))
        return (places[0], places[0] + len(piece)) if places else None
    if not places:
        return None
    best = max(places, key=lambda place: _size(_intersect([(place, place + len(piece))], gold)))
    return best, best + len(piece)


def _count(gold: _Gold, pieces: list[_Piece], whole: str) -> Overlap:
    """Count one document's gold and retrieved characters."""
    held = _merge(piece.span for piece in pieces if piece.span)
    inside = _intersect(held, gold.spans)
    quote_hit, retrieved_hit = 0, _size(inside)
    for piece in pieces:
        if piece.span is not None:
            continue
        shared: list[Span] = []
        for start, end in gold.spans:
            runs = _runs(whole[start:end], piece.text)
            inside += [(start + a, start + b) for a, b in runs]
            shared += _runs(piece.text, whole[start:end])
        for quote in gold.quotes:
            shared += _runs(piece.text, quote)
        retrieved_hit += _size(_merge(shared))
    for quote in gold.quotes:
        quote_hit += _size(_merge(run for piece in pieces for run in _runs(quote, piece.text)))
    return Overlap(
        gold=_size(gold.spans) + sum(map(len, gold.quotes)),
        gold_hit=_size(_merge(inside)) + quote_hit,
        retrieved=_size(held) + sum(len(piece.text) for piece in pieces if piece.span is None),
        retrieved_hit=retrieved_hit,
    )


def _runs(text: str, other: str) -> list[Span]:
    """Give the parts of ``text`` that stand in ``other`` in runs of 16 or more, or all of a shorter one."""
    length = min(SHORTEST_RUN, len(text), len(other))
    if not length:
        return []
    known = {other[i : i + length] for i in range(len(other) - length + 1)}
    starts = (i for i in range(len(text) - length + 1) if text[i : i + length] in known)
    return _merge((i, i + length) for i in starts)


def _text(doc_id: str, corpus: Corpus) -> str:
    document = corpus.documents.get(doc_id)
    return _squeeze(document.text) if document else ""


@functools.lru_cache(maxsize=256)
def _squeeze(text: str) -> str:
    """Take out all white space, so that an offset counts what is measured."""
    return "".join(text.split())


def _squeezed_offset(text: str, offset: int) -> int:
    return sum(map(len, text[: max(offset, 0)].split()))


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _intersect(left: list[Span], right: list[Span]) -> list[Span]:
    pairs = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return [(start, end) for start, end in pairs if start < end]


def _size(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
