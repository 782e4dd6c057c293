"""Whether two texts state the same quantity: the number however written, its unit, and how exactly."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from harness.numerals import Number

# Units by what they measure, each with its size in the smallest of them; lower case, in five languages.
_UNITS = {
    "time": {
        "seconds?|secs?|sekunden?|secondes?|segundos?|秒": 1,
        "minutes?|mins?|minuten?|minutos?|分": 60,
        "hours?|hrs?|stunden?|std|heures?|horas?|時間": 3600,
        "(?:working |business )?days?|(?:werk|arbeits)?tage?n?|jours?|días?|dias?|(?:営業)?日": 86400,
        "weeks?|wochen?|semaines?|semanas?|週間?": 604800,
    },
    "clock": {":[0-5]\\d(?!\\d)": 1},
    "calendar": {
        "months?|monate?n?|mois|mes(?:es)?|[かヶ]月": 1,
        "years?|jahre?n?|ans?|années?|años?|年間": 12,
        "decades?|jahrzehnte?|décennies?|décadas?": 120,
    },
    "length": {
        "mm": 1,
        "cm": 10,
        "m|met(?:er|re)s?|metern?|mètres?|metros?": 1000,
        "km|kilomet(?:er|re)s?": 1000000,
    },
    "distance": {"miles?|meilen?|millas?": 1},
    "mass": {"mg": 1, "g|grams?|gramm|grammes?|gramos?": 1000, "kg|kilos?|kilograms?": 1000000},
    "weight": {"lbs?|pounds?|pfund": 1},
    "money": {"€|eur|euros?": 1},
    "dollars": {r"\$|usd|dollars?": 1},
    "sterling": {"£|gbp": 1},
    "yen": {"¥|円|jpy|yen(?:e?s)?": 1},
    "heat": {"° ?c|℃|degrees celsius|grad celsius": 1},
    "fahrenheit": {"° ?f|℉|degrees fahrenheit": 1},
    "share": {"%|percent|per cent|prozent|pour cent|por ciento|パーセント": 1},
}
# Quantities of one group are told apart by their unit.
_KINDS = {
    "time": "time", "calendar": "time", "length": "length", "distance": "length", "mass": "mass",
    "weight": "mass", "money": "money", "dollars": "money", "sterling": "money", "yen": "money",
    "clock": "clock", "heat": "heat", "fahrenheit": "heat", "share": "share",
}  # fmt: skip
_UNIT = [
    (re.compile(rf"[\s\-]{{0,3}}(?:{names})(?![a-zà-ÿ])"), measure, size)
    for measure, sizes in _UNITS.items()
    for names, size in sizes.items()
]
_SIGN_BEFORE = re.compile(r"([€$£¥])\s?$")
# The unit of a range stands after its upper end.
_RANGE = re.compile(r"(?: ?[-–~～〜] ?| (?:to|bis|à|a) )(?=\d)[\d.,]*\d|\+(?= ?[^\W\d])")
_ABOUT = re.compile(
    r"(?:\b(?:about|around|approximately|approx\.?|roughly|nearly|almost|over|under|more than|less than|up to"
    r"|some|etwa|rund|ungefähr|ca\.?|fast|knapp|über|mehr als|environ|presque|près de|plus de"
    r"|aproximadamente|unos|unas|casi|cerca de|más de)\s(?:[€$£]\s?)?|[~≈約]|およそ|ほぼ)$",
    re.IGNORECASE,
)
ABOUT = Decimal("0.05")
"""By how much, in proportion, a number may differ from one that is said to be about as large."""


class _Unit(NamedTuple):
    """What a unit measures, its size, and where the number with it stands."""

    measure: str
    size: int
    start: int
    end: int


class Quantities(NamedTuple):
    """The numbers that texts state: all readings, in order, and those with a unit in its smallest size.

    ``measures`` is what these units measure.
    """

    readings: frozenset[Decimal]
    ordered: list[Decimal]
    sized: frozenset[tuple[str, Decimal]]
    measures: frozenset[str]


def quantities(found: Iterable[tuple[str, Number]]) -> Quantities:
    """Gather numbers, each with the text it stands in."""
    readings: set[Decimal] = set()
    sized: set[tuple[str, Decimal]] = set()
    for text, number in found:
        readings |= number.readings
        unit = unit_of(text, number)
        if unit:
            sized |= {(unit[0], reading * unit[1]) for reading in number.readings}
    return Quantities(
        frozenset(readings), sorted(readings), frozenset(sized), frozenset(measure for measure, _ in sized)
    )


def unit_of(text: str, number: Number) -> tuple[str, int] | None:
    """Give what the number's unit measures and its size, or None where no known unit stands beside it."""
    found = _find_unit(text, number)
    return found and (found.measure, found.size)


def _find_unit(text: str, number: Number) -> _Unit | None:
    """Find the unit of a number before it, after it, or after the upper end of its range."""
    sign = _SIGN_BEFORE.search(text, max(0, number.start - 2), number.start)
    upper = None if sign else _RANGE.match(text, number.end)
    end = upper.end() if upper else number.end
    after = sign.group(1) if sign else text[end : end + 20].casefold()
    if not after.strip():
        return None
    for pattern, measure, size in _UNIT:
        match = pattern.match(after)
        if match:
            return _Unit(measure, size, *((sign.start(), end) if sign else (number.start, end + match.end())))
    return None


def states(claim: str, number: Number, known: Quantities) -> bool:
    """Tell whether one of the known quantities is that of a claim's number.

    It is if they have a reading in common, if units make them equal (14 days, 2 weeks), or if the claim says
    that it is about as large (within ``ABOUT``).
    """
    if number.readings & known.readings:
        return True
    unit = unit_of(claim, number)
    if unit and any((unit[0], reading * unit[1]) in known.sized for reading in number.readings):
        return True
    return nearly_states(claim, number, known)


def nearly_states(claim: str, number: Number, known: Quantities) -> bool:
    """Tell whether a claim says of a number that it is about as large, and one of the known ones is."""
    if not _ABOUT.search(claim[max(0, number.start - 20) : number.start]):
        return False
    for reading in number.readings:
        low, high = reading * (1 - ABOUT), reading * (1 + ABOUT)
        if bisect_left(known.ordered, low) < bisect_right(known.ordered, high):
            return True
    return False


def in_other_units(claim: str, number: Number, known: Quantities) -> bool:
    """Tell whether texts have a claim's number only as something else than the claim does: a year, not euros.

    It takes the claim's unit, and other numbers of the texts that measure the same.
    """
    unit = unit_of(claim, number)
    if unit is None or unit[0] not in known.measures or not number.readings & known.readings:
        return False
    same = any((unit[0], reading * unit[1]) in known.sized for reading in number.readings)
    return not same and not nearly_states(claim, number, known)


def with_unit(text: str, number: Number) -> str:
    """Give a number as written, with its unit where there is one."""
    unit = _find_unit(text, number)
    return text[unit.start : unit.end] if unit else text[number.start : number.end]


def other_unit(claim: str, number: Number, text: str, found: Iterable[Number]) -> str:
    """Say which unit a text gives to the claim's number instead of the claim's, or "" if none.

    A text that has the number with the claim's unit, or with none, says nothing against it.
    """
    unit = unit_of(claim, number)
    if unit is None:
        return ""
    against = ""
    for other in found:
        if not other.readings & number.readings:
            continue
        theirs = unit_of(text, other)
        if theirs is None or theirs == unit or _KINDS[theirs[0]] != _KINDS[unit[0]]:
            return ""
        against = against or with_unit(text, other)
    return against
