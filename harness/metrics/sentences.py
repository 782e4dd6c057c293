"""What each sentence of an answer does: it declines, says that something is missing, asks, or claims."""

from __future__ import annotations

import functools
import re
from typing import Literal, NamedTuple, get_args

from harness.language import sentence_spans, words
from harness.metrics.phrasebook import CUES, Found, find, plain

Role = Literal["decline", "lack", "offer", "ask", "ask_more", "aside", "advice", "claim"]

_ROLES: tuple[Role, ...] = get_args(Role)
_QUESTIONS = ("offer", "ask", "ask_more")
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$|(?:すか|ょうか|のか)(?:（[^（]*）)?。?$")
_MARKER = re.compile(r"(?:[-*•+>]|\(?\d{1,2}[.)])\s+(?=\S)")


class Sentence(NamedTuple):
    """What a sentence does, by offsets in the answer (without the mark of a list item), and what shows it.

    ``cues`` holds every cue of the phrasebook that the sentence shows; ``role`` is the first that tells.
    """

    start: int
    end: int
    role: Role
    matched: str = ""
    language: str = ""
    cues: frozenset[str] = frozenset()
    is_item: bool = False


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
    sentence = plain(text[start:end])
    asks = bool(_QUESTION.search(text[max(start, end - 80) : end]))
    found = _find_cues(sentence, asks)
    shown = frozenset(found)
    for role in _ROLES:
        if role in found:
            words_shown, language = found[role]
            return Sentence(start, end, role, words_shown, language, shown, bool(marker))
    is_aside = asks or heading or text[start:end].rstrip("*_ ").endswith((":", "：")) or not words(sentence)
    return Sentence(start, end, "aside" if is_aside else "claim", "", "", shown, bool(marker))


@functools.lru_cache(maxsize=1024)
def _find_cues(sentence: str, asks: bool) -> dict[str, Found]:
    """Give what a ``plain`` sentence shows; only a question asks."""
    sought = [cue for cue in CUES if asks or cue not in _QUESTIONS]
    return {cue: found for cue in sought if (found := find(cue, sentence))}
