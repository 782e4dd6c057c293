"""Whether the numbers of an answer are those of its passages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations

from harness.language import sentence_spans
from harness.numerals import Number, digit_numbers, numbers
from harness.registry import metric
from harness.types import Case, Response, Score

MOST_SENTENCES, MOST_NUMBERS = 500, 20
"""Of an answer, and of each of its sentences: bounds the time that a hostile answer can take."""
_CITATION_MARK = re.compile(r"\[\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|【[^【】]*】|https?://\S+")


@metric("numbers_grounded", version=1)
def numbers_grounded(case: Case, response: Response) -> Score:
    """Share of the numbers of an answer that its passages or the question state, 0..1.

    Numbers written in digits count, by value, each value once: ``1,000`` is ``1.000`` and ``one thousand``
    is 1000, but the marks of lists and citations are no numbers. Passages are those retrieved and those
    given with the question; its history counts as the question. A number is also grounded where its sentence
    shows how it was computed: as the sum, difference or product of two others in it that are grounded.
    Whether it is the right number for the thing is not looked at. ``not_applicable`` where the case expects
    no answer, or the answer states no number. ``details["ungrounded"]`` lists the others.
    """
    if case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    output = _CITATION_MARK.sub(lambda mark: " " * len(mark.group()), response.output or "")
    sentences = [output[start:end] for start, end in sentence_spans(output)]
    if not any(map(digit_numbers, sentences)):
        return Score(status="not_applicable", reason="the answer states no number in digits")
    sources = (
        *(passage.text for passage in (*response.retrieved, *case.query.contexts)),
        *(turn.content for turn in case.query.history),
        case.query.input,
    )
    known = _readings(number for text in sources for number in numbers(text))
    stated: dict[frozenset[Decimal], str] = {}
    grounded: set[frozenset[Decimal]] = set()
    for sentence in sentences[:MOST_SENTENCES]:
        operands = [number for number in numbers(sentence)[:MOST_NUMBERS] if number.readings & known]
        shown = known | _computed({max(number.readings) for number in operands})
        for number in digit_numbers(sentence)[:MOST_NUMBERS]:
            stated.setdefault(number.readings, sentence[number.start : number.end])
            grounded |= {number.readings} if number.readings & shown else set()
    wrong = [text for readings, text in stated.items() if readings not in grounded]
    return Score(value=1 - len(wrong) / len(stated), details={"stated": len(stated), "ungrounded": wrong})


def _readings(found: Iterable[Number]) -> frozenset[Decimal]:
    return frozenset().union(*(number.readings for number in found))


def _computed(values: set[Decimal]) -> frozenset[Decimal]:
    """Give the sums, differences and products of two of some values."""
    return frozenset(found for a, b in combinations(sorted(values), 2) for found in (a + b, b - a, a * b))
