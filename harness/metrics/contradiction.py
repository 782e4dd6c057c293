"""Whether a text says the opposite of a claim: another number in the same place, or the other polarity."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from harness.language import content_stems, sentence_spans
from harness.numerals import Number, numbers

Place = tuple[str, str]

# Share of a clause's weight that another clause must have to say the same, or the opposite.
SAME_CLAUSE = 0.6
NEARLY = 0.1

# Bounds on the time that a hostile text can take; honest sentences stay below them.
MOST_FACTS = 20
MOST_CLAUSES = 60
LONGEST_LOOK = 4000

_NEGATION = re.compile(
    r"\b(?:not(?! only| just| merely)|no(?!\.? ?\d|[,:;])|never|none|neither|nor|nothing|nobody|without"
    r"|cannot|nicht(?! nur)|kein\w*|nie|niemals|nichts|ohne|weder|pas|jamais|aucune?|rien|sans"
    r"|nunca|jamás|ning[uú]n[ao]?|sin|tampoco|não|nem|sem|nenhum\w*|non(?![,:;])|senza|nessun\w*|niente"
    r"|niet|geen|nooit|niets|zonder|inte|aldrig|ingen|nie|bez|nigdy|не|нет|ни|без|никогда|değil|yok"
    r"|لا|لم|لن|ليس\w*|غير|بدون)\b|n't\b|않|없|못하|아니|不|没|沒|无|無|未|ない|なく|なかっ|ません",
    re.IGNORECASE,
)
# Words that deny without a negation, in five languages.
_DENIAL = re.compile(
    r"\b(?:fail\w*|lack\w*|absen(?:t|ce)|refus\w+|reject\w+|den(?:y|ies|ied)|forb[ia]d\w*|prohibit\w*"
    r"|ban(?:s|ned)?|insufficient\w*|unable|unlikely|impossible|hardly|barely|rarely|seldom|little|few|instead"
    r"|other than|rather than|only|except\w*|unless|otherwise|against|waive\w*|avoid\w*|prevent\w*"
    r"|stop(?:s|ped)?|off|closed|free|nur|sonst|außer|verboten|kaum|geschlossen|kostenlos|untersagt"
    r"|ne|ni|seulement|interdit\w*|sauf|sinon|gratuit\w*|fermée?s?|solo|sólo|salvo|prohibid\w+|cerrad\w+|gratis)\b"
    r"|禁止|休み|無料|以外|のみ|だけ|限り",
    re.IGNORECASE,
)
_PORTUGUESE_NO = re.compile(r"\bno\b", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[,;:()–—、，；。！？\n]|[.!?](?=\s|$)|\b(?:but|and|while|although|though|because|which|who|if|unless|aber|und|oder|weil|obwohl"
    r"|wenn|mais|et|pero|y|mas|ma|maar)\b",
    re.IGNORECASE,
)


class _Clause(NamedTuple):
    """The content stems of a clause, and those next to its negations (empty: it is not negated)."""

    stems: frozenset[str]
    negated: frozenset[str]


def other_number(claim: str, stated: Sequence[Number], text: str, passage: str, language: str | None) -> str:
    """Say which number a text has in the place of one of the claim's, or "" if none.

    Two numbers stand in the same place if the content words before and after them in the sentence are the
    same. A sentence that has the claim's number too (``one in 2 days, two in 4 days``) says nothing against
    it, and no sentence does if the passage around the text has that number in that place.
    """
    read = frozenset().union(*(number.readings for number in stated))
    standing: dict[Place, set[Decimal]] | None = None
    for number in stated[:MOST_FACTS]:
        place = _neighbours(claim, number, language)
        for sentence, found in _sentences(text):
            if any(other.readings & number.readings for other in found):
                continue
            for other in found:
                if other.readings & read or _neighbours(sentence, other, language) != place:
                    continue
                standing = _standing(passage, language) if standing is None else standing
                if not number.readings & standing.get(place, set()):
                    had, said = sentence[other.start : other.end], claim[number.start : number.end]
                    return f"the passage has {had}, not {said}"
    return ""


def polarity_differs(claim: str, text: str, weight: Callable[[str], float], language: str | None) -> bool:
    """Tell whether a clause of the claim stands in the text only with the other polarity.

    A clause stands there if another has most of its weight. It has the other polarity if exactly one of them
    is negated, and the word next to the negation is in the other. A clause of the same polarity that has
    nearly as much speaks for the claim. ``weight`` gives the weight of a stem, above 0.
    """
    others = _clauses(text, language)
    for clause in _clauses(claim, language):
        # A pair of characters of an unspaced script is about half a word.
        if sum(1.0 if len(stem) > 2 else 0.5 for stem in clause.stems) < 2:
            continue
        total = math.fsum(map(weight, clause.stems))
        shares = [(math.fsum(map(weight, clause.stems & other.stems)) / total, other) for other in others]
        best = max((share for share, _ in shares), default=0.0)
        near = [other for share, other in shares if share >= max(best - NEARLY, SAME_CLAUSE)]
        if near and all(_opposed(clause, other) for other in near):
            return True
    return False


def denies(claim: str, text: str, language: str | None) -> bool:
    """Tell whether a claim is negated and nothing in a text is, not even by a word like "fail" or "only"."""
    return bool(
        negations(claim, language)
        and not negations(text, language)
        and not _DENIAL.search(text[:LONGEST_LOOK])
    )


def negations(text: str, language: str | None) -> int:
    """Count the words of negation in a text, in fifteen languages."""
    spared = _PORTUGUESE_NO.sub("", text) if language == "pt" else text
    return sum(1 for _ in _NEGATION.finditer(spared[:LONGEST_LOOK]))


def _standing(passage: str, language: str | None) -> dict[Place, set[Decimal]]:
    """Give what the numbers of a passage may mean, by their places."""
    found: dict[Place, set[Decimal]] = {}
    for sentence, inside in _sentences(passage):
        for number in inside:
            found.setdefault(_neighbours(sentence, number, language), set()).update(number.readings)
    return found


def _sentences(text: str) -> Iterator[tuple[str, list[Number]]]:
    """Give each sentence with its numbers, within the bounds."""
    for start, end in sentence_spans(text):
        sentence = text[start : min(end, start + LONGEST_LOOK)]
        yield sentence, numbers(sentence)[:MOST_FACTS]


def _neighbours(text: str, number: Number, language: str | None) -> Place:
    """Give the content stems before and after a number in its sentence, "" where there is none."""
    before = content_stems(text[max(number.start - 40, 0) : number.start], language)
    after = content_stems(text[number.end : number.end + 40], language)
    return (before[-1] if before else ""), (after[0] if after else "")


def _opposed(left: _Clause, right: _Clause) -> bool:
    if bool(left.negated) == bool(right.negated):
        return False
    return bool(left.negated & right.stems or right.negated & left.stems)


def _clauses(text: str, language: str | None) -> list[_Clause]:
    clauses = []
    for part in _CLAUSE_END.split(text[:LONGEST_LOOK], maxsplit=MOST_CLAUSES)[:MOST_CLAUSES]:
        stems = frozenset(content_stems(part, language))
        if stems:
            clauses.append(_Clause(stems, frozenset(_negated(part, language))))
    return clauses


def _negated(part: str, language: str | None) -> Iterator[str]:
    """Give for each negation the next content word, or the one before it at the end of a clause."""
    if language == "pt":  # "no" is "in the"
        part = _PORTUGUESE_NO.sub("", part)
    for match in itertools.islice(_NEGATION.finditer(part), MOST_FACTS):
        after = content_stems(part[match.end() :], language)
        before = after or content_stems(part[: match.start()], language)
        if before:
            yield after[0] if after else before[-1]
