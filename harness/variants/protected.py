"""What of a question no variant may touch: numbers, ids, quoted strings, addresses, and expected facts."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from harness.language import UNSPACED, likely_language
from harness.numerals import numbers
from harness.types import Case

_QUOTED = (
    re.compile(r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|»[^«\n]{1,300}«"),
    re.compile(r"「[^」\n]{1,300}」|『[^』\n]{1,300}』|(?<!\w)['‘][^'’\n]{1,300}['’](?!\w)|`[^`\n]{1,300}`"),
)
_TOKEN = re.compile(rf"[^\s{UNSPACED}\u3000-\u303f]+")
_CODE = re.compile(r"\d|\w[/_@#]\w|://|^www\.")
_EDGES = ".,;:!?()[]{}<>¿¡…\"'“”„‘’«»*"
_WITHIN_SENTENCE = re.compile(r"(?<=[^\s.!?:;¿¡\"“„«(]) +([^\W\d_][\w'’-]*)")

Span = tuple[int, int]


def language_of(case: Case) -> str | None:
    """Give the language of a case's question as a code: its group ``language``, else what the text shows."""
    said = case.groups.get("language", "").strip().casefold()
    if said:
        return re.split(r"[-_ ]", said)[0]
    return likely_language(" ".join([*(turn.content for turn in case.query.history), case.query.input]))


def facts_of(case: Case) -> tuple[str, ...]:
    """Give the texts that decide whether an answer is right: facts, reference answers, quotes."""
    quotes = (piece.quote for piece in case.evidence if piece.quote)
    return (*case.must_include, *case.must_not_include, *case.expected_output, *quotes)


def protected_spans(case: Case, *, names: bool = False) -> list[Span]:
    """Give the offsets in the question that must stay as they are, sorted and without overlap.

    ``names``: also words that a capital within a sentence shows to be names (not in German, where it shows
    nothing).
    """
    text = case.query.input
    spans = [match.span() for pattern in _QUOTED for match in pattern.finditer(text)]
    spans += list(_codes(text))
    spans += [(number.start, number.end) for number in numbers(text)]
    spans += list(_places(text, facts_of(case)))
    if names and language_of(case) != "de":
        spans += [match.span(1) for match in _WITHIN_SENTENCE.finditer(text) if match[1][0].isupper()]
    return merged(span for span in spans if span[0] < span[1])


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch or overlap."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def is_free(start: int, end: int, spans: Sequence[Span]) -> bool:
    """Tell whether a stretch of text touches none of the spans, which are as ``merged`` gives them."""
    behind = bisect_left(spans, end, key=lambda span: span[0])
    return behind == 0 or spans[behind - 1][1] <= start


def lost(case: Case, changed: str) -> str:
    """Say what is protected in a case's question and no longer in the changed one, or give ''."""
    text, at = case.query.input, 0
    for start, end in protected_spans(case):
        found = changed.find(text[start:end], at)
        if found < 0:
            return f"it would change {text[start:end]!r}"
        at = found + end - start
    if _readings(text) != _readings(changed):
        return "it would change a number"
    return ""


def states(text: str, fact: str) -> bool:
    """Tell whether a text has a fact word for word, but for case and white space."""
    wanted = _plain(fact)
    return bool(wanted) and wanted in _plain(text)


def _readings(text: str) -> list[frozenset[object]]:
    return [frozenset(number.readings) for number in numbers(text)]


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _codes(text: str) -> Iterator[Span]:
    """Give codes, ids and addresses: with a digit, signs between letters, or a capital within a word."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        start = match.start() + len(token) - len(token.lstrip(_EDGES))
        if _CODE.search(token) or any(b.isupper() and a.isalpha() for a, b in pairwise(token)):
            yield start, max(start, match.start() + len(token.rstrip(_EDGES)))


def _places(text: str, facts: Iterable[str]) -> Iterator[Span]:
    for fact in facts:
        words = fact.split()
        if words:
            pattern = r"\s+".join(map(re.escape, words))
            yield from (match.span() for match in re.finditer(pattern, text, re.IGNORECASE))
