"""The answer against what the golden case wants: a reference answer, and facts it must or must not state."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable

from harness.language import UNSPACED
from harness.metrics.refusal import observe
from harness.numerals import numbers
from harness.registry import metric
from harness.types import Case, Response, Score

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_UNSPACED_CHARACTER = re.compile(f"([{UNSPACED}])")
_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‑": "-"})
_NUMERAL = re.compile(r"\d+(?:[.,']\d+)*")
_NOT_ASCII_DIGIT = re.compile(r"[^\D0-9]")
_SHORT_START = re.compile(rf"(?:(?![{UNSPACED}])[^\W\d_]){{1,3}}(?!\w)")
_SHORT_END = re.compile(rf"(?<!\w)(?:(?![{UNSPACED}])[^\W\d_]){{1,3}}$")


@metric("exact_match", version=2)
def exact_match(case: Case, response: Response) -> Score:
    """1 if the answer is one of the expected outputs after SQuAD's normalisation, else 0.

    ``not_applicable`` where the case expects ``refuse`` or ``clarify`` or has no ``expected_output``, and
    where the system refused or asked back.
    """
    return _best(case, response, lambda given, expected: float(given == expected))


@metric("token_f1", version=2)
def token_f1(case: Case, response: Response) -> Score:
    """F1 of shared tokens between answer and the nearest expected output, as in SQuAD.

    ``not_applicable`` where the case expects ``refuse`` or ``clarify`` or has no ``expected_output``, and
    where the system refused or asked back.
    """
    return _best(case, response, _f1)


@metric("required_facts", version=1)
def required_facts(case: Case, response: Response) -> Score:
    """Share of ``must_include`` that the answer states; 0 if it states anything of ``must_not_include``.

    Facts are literal: compared after NFKC, case folding, and making white space, quotes, dashes and the
    writing of numbers alike (``1,000`` = ``1.000`` = ``1000``; ``14.5`` = ``14,5``). A number never matches
    within a longer one, nor a word of up to three letters at either end of a fact within a longer word;
    longer words may (``refund`` in ``refunds``). A refusal is scored like any other text: what it should
    have told is missing. ``not_applicable`` where the case lists no facts.
    """
    if not case.must_include and not case.must_not_include:
        return Score(status="not_applicable", reason="the case lists no facts")
    text = _plain(response.output or "")
    missing = [fact for fact in case.must_include if not _states(text, fact)]
    forbidden = [fact for fact in case.must_not_include if _states(text, fact)]
    share = 1 - len(missing) / len(case.must_include) if case.must_include else 1.0
    return Score(
        value=0.0 if forbidden else share,
        details={"missing": missing, "forbidden": forbidden},
    )


def normalised(text: str, *, english: bool = True) -> str:
    """Normalise as SQuAD does: lower case, no punctuation, no English articles, single spaces.

    Beyond SQuAD: punctuation of every script goes, compatible characters are one (NFKC), and each character
    of a script without spaces stands alone. ``english=False`` keeps the articles: elsewhere they are other
    words.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(sign for sign in folded if not _is_punctuation(sign))
    if english:
        bare = _ARTICLES.sub(" ", bare)
    return " ".join(_UNSPACED_CHARACTER.sub(r" \1 ", bare).split())


def _best(case: Case, response: Response, value: Callable[[str, str], float]) -> Score:
    """Score against every expected output and take the best; not_applicable unless the system answered."""
    if case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    if not case.expected_output:
        return Score(status="not_applicable", reason="the case has no expected output")
    behavior, matched = observe(response)
    if behavior in ("refuse", "clarify"):
        did = "refused" if behavior == "refuse" else "asked back"
        return Score(status="not_applicable", reason=f"the system {did}: {matched}")
    english = _is_english(case)
    given = normalised(response.output or "", english=english)
    values = [value(given, normalised(output, english=english)) for output in case.expected_output]
    best = max(range(len(values)), key=values.__getitem__)
    return Score(value=values[best], details={"nearest": case.expected_output[best]})


def _f1(given: str, expected: str) -> float:
    answer, reference = given.split(), expected.split()
    if not answer or not reference:
        return float(answer == reference)
    shared = sum((Counter(answer) & Counter(reference)).values())
    return 2 * shared / (len(answer) + len(reference))


def _is_english(case: Case) -> bool:
    """The articles of an unknown language are taken for English ones, as SQuAD does."""
    language = case.groups.get("language", "").strip().casefold()
    return not language or re.split(r"[-_ ]", language)[0] in ("en", "eng", "english")


def _is_punctuation(sign: str) -> bool:
    return sign in string.punctuation or unicodedata.category(sign).startswith("P")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_SIGNS)
    return _NOT_ASCII_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), folded)


def _states(text: str, fact: str) -> bool:
    wanted = _plain(fact).strip()
    return bool(wanted) and re.search(_pattern(wanted), text) is not None


def _pattern(fact: str) -> str:
    """Turn a fact into an expression in which numbers and white space may be written in any way."""
    pieces = _NUMERAL.split(fact)
    numerals = _NUMERAL.findall(fact)
    parts = [_spaced(pieces[0])]
    for numeral, piece in zip(numerals, pieces[1:], strict=True):
        parts += [_any_writing(numeral), _spaced(piece)]
    first, last = _SHORT_START.match(fact), _SHORT_END.search(fact)
    return (r"(?<!\w)" if first else "") + r"\s*".join(filter(None, parts)) + (r"(?!\w)" if last else "")


def _spaced(piece: str) -> str:
    return r"\s+".join(re.escape(word) for word in piece.split())


def _any_writing(numeral: str) -> str:
    """Match a number however it is grouped, but not within a longer one; of two readings, the thousands."""
    read = numbers(numeral)
    if len(read) != 1:
        return re.escape(numeral)
    whole, _, fraction = format(max(read[0].readings), "f").partition(".")
    head = len(whole) % 3 or 3
    groups = [whole[:head], *(whole[i : i + 3] for i in range(head, len(whole), 3))]
    written = r"[.,'\s]?".join(groups)
    fraction = fraction.rstrip("0")
    # Three zeros after a separator are thousands: "5.000" does not state 5.
    tail = rf"[.,]{fraction}0*" if fraction else r"(?:[.,](?:0{1,2}|0{4,}))?"
    return rf"(?<!\d)(?<!\d[.,])0*{written}{tail}(?!\d)(?![.,]\d)"
