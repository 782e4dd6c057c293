"""Whether the numbers of an answer are those of its passages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations

from harness.numerals import Number, numbers
from harness.registry import metric
from harness.types import Case, Response, Score

MOST_NUMBERS = 200
"""Bounds the time that a hostile answer can take; honest ones stay below it."""
_LIST_MARK = re.compile(r"(?:^|\n)[ \t]*\(?$")
_CITATION_MARK = re.compile(r"\[\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|【[^【】]*】|https?://\S+")


@metric("numbers_grounded", version=1)
def numbers_grounded(case: Case, response: Response) -> Score:
    """Share of the numbers of an answer that its passages or the question state, 0..1.

    Numbers written in digits count, by value, each value once: ``1,000`` is ``1.000`` and ``one thousand``
    is 1000, but the marks of lists and citations are no numbers. Passages are those retrieved and those
    given with the question; its history counts as the question. A number is also grounded where the answer
    shows how it was computed: as the sum, difference or product of two others that it states and that are
    grounded. Whether it is the right number for the thing is not looked at. ``not_applicable`` where the
    case expects no answer, or the answer states no number. ``details["ungrounded"]`` lists the others.
    """
    if case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    output = _CITATION_MARK.sub(lambda mark: " " * len(mark.group()), response.output or "")
    stated = {number.readings: output[number.start : number.end] for number in _in_digits(output)}
    if not stated:
        return Score(status="not_applicable", reason="the answer states no number in digits")
    sources = (
        *(passage.text for passage in (*response.retrieved, *case.query.contexts)),
        *(turn.content for turn in case.query.history),
        case.query.input,
    )
    known = _readings(number for text in sources for number in numbers(text))
    shown = _computed(_readings(numbers(output)[:MOST_NUMBERS]) & known)
    wrong = [text for readings, text in stated.items() if not readings & (known | shown)]
    return Score(value=1 - len(wrong) / len(stated), details={"stated": len(stated), "ungrounded": wrong})


def _in_digits(text: str) -> list[Number]:
    found = [
        number
        for number in numbers(text)
        if text[number.start].isdigit() and not _LIST_MARK.search(text, 0, number.start)
    ]
    return found[:MOST_NUMBERS]


def _readings(found: Iterable[Number]) -> frozenset[Decimal]:
    return frozenset().union(*(number.readings for number in found))


def _computed(values: frozenset[Decimal]) -> frozenset[Decimal]:
    """Give the sums, differences and products of two of some values."""
    pairs = [*combinations(sorted(values), 2), *((value, value) for value in values)]
    return frozenset(result for a, b in pairs for result in (a + b, b - a, a * b))
