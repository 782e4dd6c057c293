"""Did the system answer, refuse, ask back, or answer in part; and should it have?"""

from __future__ import annotations

import re

from harness.metrics.sentences import Sentence, read_sentences
from harness.registry import metric
from harness.types import Behavior, Case, Response, Score

_TURN = re.compile(
    r"\b(?:however|nevertheless|that said|based on the|according to|allerdings|jedoch|aber|cependant|toutefois|sin embargo|pero"
    r"|no entanto|porém|tuttavia|però|echter|maar)\b|ただし|しかし|但是|不过|다만|однако",
    re.IGNORECASE,
)


def observe(response: Response) -> tuple[Behavior, str]:
    text = response.output or ""
    sentences = read_sentences(text)
    if not sentences:
        return "refuse", "empty output"
    behavior, reason = _behavior(text, sentences)
    if response.refused and behavior == "answer" and len([s for s in sentences if s.role == "claim"]) < 3:
        return "refuse", "the system says that it refused"
    return behavior, reason


def _behavior(text: str, sentences: list[Sentence]) -> tuple[Behavior, str]:
    marks = [i for i, s in enumerate(sentences) if s.role in ("decline", "lack")]
    claims = [i for i, s in enumerate(sentences) if s.role == "claim"]
    asks = [s for s in sentences[-3:] if s.role == "ask"]
    more = [s for s in sentences[-3:] if s.role == "ask_more"]
    first = sentences[marks[0]] if marks else None
    if asks and not (first and first.role == "decline") and len(claims) <= 6:
        return "clarify", asks[0].matched
    if more and not claims and not (first and first.role == "decline"):
        return "clarify", more[0].matched
    if first is None:
        return "answer", ""
    before = [i for i in claims if i < marks[0]]
    after = [i for i in claims if i > marks[0]]
    turned = [i for i in after if _TURN.search(text, sentences[i].start, sentences[i].start + 30)]
    bare = first.role == "decline" or len(text[first.start:first.end].split()) <= 6
    if before:
        return "partial", first.matched
    if turned if bare else after:
        return "partial", first.matched
    return "refuse", first.matched
