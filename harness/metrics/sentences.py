"""What each sentence of an answer does: it declines, says that something is missing, asks, or claims."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal, NamedTuple

from harness.language import sentence_spans, words
from harness.metrics import phrases_aside, phrases_refusing

Role = Literal["decline", "lack", "offer", "ask", "ask_more", "aside", "advice", "claim"]

# What a sentence does shows early; the limit bounds the time that a hostile answer can take.
LONGEST_LOOK = 600

_ROLES: dict[Role, dict[str, str]] = {
    "decline": phrases_refusing.DECLINE,
    "lack": phrases_refusing.LACK,
    "offer": phrases_aside.OFFER,
    "ask": phrases_aside.ASK,
    "ask_more": phrases_aside.ASK_MORE,
    "aside": phrases_aside.POLITE,
    "advice": phrases_aside.ADVICE,
}
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": None, "*": None, "_": None, "#": None, "\n": " "})
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$|(?:すか|ょうか|のか)(?:（[^（）]*）)?。?$")
_MARKER = re.compile(r"(?:[-*•+>]|\(?\d{1,2}[.)])\s+(?=\S)")


class Sentence(NamedTuple):
    """What a sentence does, by offsets in the answer (without the mark of a list item), and what shows it."""

    start: int
    end: int
    role: Role
    matched: str = ""


def read_sentences(text: str) -> list[Sentence]:
    """Give the sentences of an answer in order, each with its role.

    Questions are an ``offer``, an ``ask`` (which of several things is meant?), an ``ask_more`` or an
    ``aside``. Asides are also greetings, headings and lead-ins that end with a colon. ``advice`` is a claim
    that is no answer where it follows a refusal. What is nothing of these is a ``claim``.
    """
    return [_read(text, start, end) for start, end in sentence_spans(text)]


def _read(text: str, start: int, end: int) -> Sentence:
    heading = text[start] == "#"
    marker = _MARKER.match(text, start, end)
    start = marker.end() if marker else start
    raw = text[start : min(end, start + LONGEST_LOOK)]
    plain = unicodedata.normalize("NFKC", raw).casefold().translate(_PLAIN).strip()
    asks = bool(_QUESTION.search(text[max(start, end - 80) : end]))
    for role in _ROLES:
        if role in ("offer", "ask", "ask_more") and not asks:
            continue
        match = _expression(role).search(plain)
        if match:
            return Sentence(start, end, role, match.group().strip())
    if asks or heading or text[start:end].rstrip("*_ ").endswith((":", "：")) or not words(plain):
        return Sentence(start, end, "aside")
    return Sentence(start, end, "claim")


@functools.cache
def _expression(role: Role) -> re.Pattern[str]:
    """Join the lines of all languages for one role."""
    lines: list[str] = []
    for language, block in _ROLES[role].items():
        filled = block.strip()
        for name, pattern in phrases_refusing.LISTS.get(language, {}).items():
            filled = filled.replace(f"<{name}>", pattern)
        lines += filled.splitlines()
    return re.compile("|".join(lines))
