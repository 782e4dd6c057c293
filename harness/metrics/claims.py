"""What an answer claims, sentence by sentence, and what it says besides, with offsets in the answer."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.language import content_stems, likely_language
from harness.metrics.sentences import Sentence, read_sentences
from harness.numerals import numbers

LONGEST_LOOK = 600
"""Characters of a sentence that are looked at for what it does."""
_ROLES = {
    "decline": "refuses",
    "lack": "says what is missing",
    "offer": "offers more",
    "ask": "question",
    "ask_more": "question",
}

# A sentence that takes no stand, and one about the answer or its sources: whole, case-folded, a line each.
_HEDGES = r"""
(?:well, |but )?(?:it|that|this)(?: really| all)? (?:depends|varies|may vary)
(?:but )?i(?:'m| am) not (?:\w+ )?(?:sure|certain)(?: about (?:this|that))?
i think so|maybe|perhaps|probably|possibly
(?:das |es )?(?:kommt (?:ganz )?darauf an|hängt davon ab)
(?:da )?(?:bin ich mir|ich bin mir)(?: da)? nicht (?:ganz )?sicher|vielleicht|möglicherweise
(?:ça|cela) dépend|je n'en suis pas (?:tout à fait |vraiment )?sûre?|peut-être
depende|no estoy (?:del todo |muy )?segur[oa]|quizás?|tal vez
場合によ(?:ります|る)|たぶん|おそらく|確かではありません
"""
_REMARKS = r"""
(?:this|the|my) (?:above )?(?:answer|summary|response|list|overview)(?: \w+)? (?:is|was) based on\b.*
i(?:'ve| have)? (?:checked|read|looked (?:at|through|into|up)|searched|reviewed|consulted)\b.*
(?:please )?(?:see|refer to|cf\.?)(?: also)? (?:the )?(?:documents?|sections?|pages?|links?|tables?)\b.*
(?:please )?(?:see|refer to|cf\.?)(?: also)? (?:the )?(?:figures?|sources?|references?|above|below)\b.*
(?:sources?|references?|citations?|quellen?)\b[:\s\d\[\],.]*
in (?:summary|short|conclusion)|to (?:summari[sz]e|sum up)|note|summary|answer
(?:based on|according to) the (?:\w+ )?(?:documents?|context|passages?|sources?|information)
diese (?:antwort|übersicht|zusammenfassung|angaben?) (?:beruh|stütz|stamm)\w*\b.*
(?:bitte )?siehe (?:auch )?(?:dokument|abschnitt|seite|quelle|tabelle|oben|unten)\b.*
cette réponse (?:se fonde|repose|est tirée)\b.*
voir (?:aussi )?(?:le document|la page|la section|la source)\b.*
esta respuesta se basa\b.*
(?:ver|véase|consulte) (?:también )?(?:el documento|la página|la sección|la fuente)\b.*
(?:この|上記の)(?:回答|要約|情報)は.*(?:基づい|もとづい).*
(?:出典|参照|参考)[:：].*
"""
_HEDGE, _REMARK = (re.compile("|".join(block.split("\n")[1:-1])) for block in (_HEDGES, _REMARKS))
_EDGES = " \t\n.!…。！｡,;:*_\"'”’»)]["


class Claim(NamedTuple):
    """A statement that can be checked: offsets in the answer and the text between them."""

    start: int
    end: int
    text: str


class Aside(NamedTuple):
    """A sentence that claims nothing, and what it does instead (``question``, ``refuses`` ...)."""

    start: int
    end: int
    reason: str


class Reading(NamedTuple):
    """An answer's claims and what was set aside, each in order."""

    claims: list[Claim]
    asides: list[Aside]


def read_claims(answer: str, language: str | None = None) -> Reading:
    """Part an answer into claims and asides; together they are all its sentences and list items, in order.

    Set aside are refusals, what the answer says to be missing, questions, offers, greetings, headings and
    lead-ins, bare hedges, remarks about the answer or its sources, and what has neither a content word nor a
    number. ``language`` is that of the answer, as ``likely_language`` gives it, where the text does not tell.
    A hedged statement ("it may take 30 days") is a claim. The mark of a list item is no part of it.
    """
    claims: list[Claim] = []
    asides: list[Aside] = []
    spoken = likely_language(answer) or language
    for sentence in read_sentences(answer):
        text = answer[sentence.start : sentence.end]
        reason = _aside_reason(sentence, text, spoken)
        if reason:
            asides.append(Aside(sentence.start, sentence.end, reason))
        else:
            claims.append(Claim(sentence.start, sentence.end, text))
    return Reading(claims, asides)


def _aside_reason(sentence: Sentence, text: str, language: str | None) -> str:
    """Say why a sentence claims nothing, "" if it claims something."""
    if sentence.role in _ROLES:
        return _ROLES[sentence.role]
    plain = text[:LONGEST_LOOK].casefold().replace("’", "'").strip(_EDGES)
    if _HEDGE.fullmatch(plain):
        return "hedge"
    if _REMARK.fullmatch(plain):
        return "about the answer"
    if sentence.role == "aside" or (text[0] in "¡¿" and _is_aside(text[1:])):
        return _form(text)
    return "" if numbers(text) or content_stems(text, language or "en") else "no content"


def _is_aside(text: str) -> bool:
    return [sentence.role for sentence in read_sentences(text)] == ["aside"]


def _form(text: str) -> str:
    """Name an aside by its form."""
    bare = text.rstrip("*_ \"'”’»)]")
    if bare.endswith(("?", "？", "؟")):
        return "question"
    if text.startswith("#"):
        return "heading"
    if bare.endswith((":", "：")):
        return "lead-in"
    return "greeting" if any(sign.isalpha() for sign in text) else "no content"
