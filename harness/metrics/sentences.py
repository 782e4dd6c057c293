"""What each sentence of an answer does: it declines, says that something is missing, asks, or claims."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal, NamedTuple

from harness.language import sentence_spans, words
from harness.metrics import phrases_aside, phrases_refusing

Role = Literal["decline", "lack", "ask", "ask_more", "advice", "aside", "claim"]


class Sentence(NamedTuple):
    """A sentence by its offsets in the answer, what it does, and the words that show it."""

    start: int
    end: int
    role: Role
    matched: str = ""


_ROLES: tuple[tuple[Role, dict[str, str]], ...] = (
    ("decline", phrases_refusing.DECLINE),
    ("lack", phrases_refusing.LACK),
    ("ask", phrases_aside.ASK),
    ("ask_more", phrases_aside.ASK_MORE),
    ("aside", phrases_aside.POLITE),
    ("advice", phrases_aside.ADVICE),
)
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": None, "*": None, "_": None, "#": None, "\n": " "})
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$|[かの]。?$")
_MARKER = re.compile(r"^\s*(?:[-•+>]|\(?\d{1,2}[.)])\s+")


def read_sentences(text: str) -> list[Sentence]:
    """Give the sentences of an answer in order, each with its role.

    A question that asks for nothing to go on is an aside, as are greetings, headings and lead-ins that end
    with a colon; advice is a claim of its own kind.
    """
    return [_read(text, start, end) for start, end in sentence_spans(text)]


def _read(text: str, start: int, end: int) -> Sentence:
    raw = text[start:end]
    plain = _MARKER.sub("", unicodedata.normalize("NFKC", raw).casefold().translate(_PLAIN)).strip()
    asks = bool(_QUESTION.search(plain))
    for role, _ in _ROLES:
        if role in ("ask", "ask_more") and not asks:
            continue
        match = _expression(role).search(plain)
        if match:
            return Sentence(start, end, role, match.group().strip())
    if asks or raw.lstrip().startswith("#") or plain.endswith((":", "：")) or not words(plain):
        return Sentence(start, end, "aside")
    return Sentence(start, end, "claim")


@functools.cache
def _expression(role: Role) -> re.Pattern[str]:
    """Join all lines of all languages of one role."""
    table = dict(_ROLES)[role]
    lines = []
    for language, block in table.items():
        for name, pattern in phrases_refusing.LISTS.get(language, {}).items():
            block = block.replace(f"<{name}>", pattern)
        lines += block.strip().splitlines()
    return re.compile("|".join(lines))
