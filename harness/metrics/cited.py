"""The citations of an answer, given beside it or as marks in its text, and the passages that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.types import Passage, Response

# [1]  [1, 3]  [2-4]  [^1]  【1†source】  [Doc 2]  [refunds/cash]
_MARK = re.compile(r"\[(?P<square>[^\[\]\n]{1,200})\](?![(:])|【(?P<lens>[^【】\n]{1,200})】")
_NUMBERS = re.compile(
    r"(?:\^|(?:doc(?:ument)?|source|passage|ref(?:erence)?|quelle|dokument|fuente|出典|資料)\.?\s*)?"
    r"\d{1,3}(?:\s*[-–,;]\s*\d{1,3})*(?:†.*)?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?")
_NAMED = re.compile(r"(?:doc(?:ument)?|source|ref|id)(?:_id)?\s*[:=]\s*(?P<id>\S.*)", re.IGNORECASE)
_ID_SIGNS = re.compile(r"[/_:#]|[^\W_]-?\d|\d-?[^\W\d_]")

MOST_PASSAGES = 20
"""A range of more numbers is no citation: ``[1-300]``."""


class Cited(NamedTuple):
    """One citation: what it names, and what of the output it backs (None: all of it).

    ``doc_id`` is None for a number without a passage. ``at`` is where it stands as a mark in the output, None
    where it was given beside it. ``shown`` is how it was written.
    """

    doc_id: str | None
    shown: str
    span: tuple[int, int] | None = None
    at: tuple[int, int] | None = None


def read_citations(response: Response, given: Sequence[Passage]) -> list[Cited]:
    """Give the citations of a response in order; citations beside the answer come first.

    A citation with offsets backs those words of the output. Marks in the text back what they stand at:
    numbers count the citations given beside the answer without offsets, if there are any, else the passages
    by rank; other marks are citations where they are the id of a passage, or look like one (``[refunds/7]``,
    and not ``[sic]``). A citation without offsets that no number points at backs the whole answer. Where
    citations have offsets, the text is not searched for marks: they would say the same twice.

    Args:
        response: the answer.
        given: the passages that it could cite, in any order.
    """
    placed = [
        Cited(citation.doc_id, citation.doc_id, span=(citation.start, citation.end))
        for citation in response.citations
        if citation.start is not None and citation.end is not None
    ]
    listed = [item.doc_id for item in response.citations if item.start is None or item.end is None]
    if placed:
        return placed + [Cited(doc_id, doc_id) for doc_id in listed]
    by_rank = list(dict.fromkeys(passage.doc_id for passage in sorted(given, key=lambda one: one.rank)))
    numbered = listed or [passage.doc_id for passage in sorted(given, key=lambda one: one.rank)]
    marks = list(_marks(response.output or "", numbered, set(by_rank) | set(listed)))
    pointed = {mark.doc_id for mark in marks}
    return [Cited(doc_id, doc_id) for doc_id in listed if doc_id not in pointed] + marks


def without_marks(output: str, citations: Sequence[Cited]) -> str:
    """Blank the marks out, so that they are no words of a claim; offsets stay."""
    for cited in citations:
        if cited.at is not None:
            start, end = cited.at
            output = output[:start] + " " * (end - start) + output[end:]
    return output


def _marks(output: str, numbered: Sequence[str], known: set[str]) -> Iterator[Cited]:
    for match in _MARK.finditer(output):
        inside = (match["square"] or match["lens"]).strip()
        for doc_id, shown in _named_by(inside, numbered, known):
            yield Cited(doc_id, shown, at=match.span())


def _named_by(inside: str, numbered: Sequence[str], known: set[str]) -> list[tuple[str | None, str]]:
    """Give what a mark names, each with how it is written; nothing where it is no citation."""
    if inside in known:
        return [(inside, inside)]
    if _NUMBERS.fullmatch(inside):
        found = _counted(inside.partition("†")[0])
        if 0 in found or len(found) > MOST_PASSAGES:  # an interval, not a list of sources
            return []
        return [(numbered[n - 1] if n <= len(numbered) else None, str(n)) for n in found]
    named = _NAMED.fullmatch(inside)
    parts = [part.strip() for part in re.split("[,;]", named["id"] if named else inside)]
    if named or all(part in known or _looks_like_id(part) for part in parts):
        return [(part, part) for part in parts if part]
    return []


def _counted(inside: str) -> list[int]:
    found: list[int] = []
    for first, last in _RANGE.findall(inside):
        found += range(int(first), int(last or first) + 1) if int(last or first) - int(first) < 999 else []
    return found


def _looks_like_id(part: str) -> bool:
    return not re.search(r"\s", part) and bool(re.search(r"[^\W\d_]", part) and _ID_SIGNS.search(part))
