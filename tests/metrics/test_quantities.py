"""The same quantity however it is written, and what is another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.quantities import in_other_units, other_unit, quantities, states, unit_of, with_unit
from harness.numerals import numbers


def stated(claim: str, text: str) -> bool:
    (number,) = numbers(claim)
    return states(claim, number, quantities((text, found) for found in numbers(text)))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It weighs 1,200 grams.", "weight 1200 g"),
        ("Es wiegt 1,2 kg.", "1.200 Gramm"),
        ("It takes 2 weeks.", "within 14 days"),
        ("within 36 hours", "1.5 days"),
        ("It lasts 24 months.", "a warranty of 2 years"),
        ("about 15 hours", "14.5 hours"),
        ("etwa 1.000 Euro", "1.020 €"),
        ("約30日", "31日"),
        ("$5", "5 dollars"),
        ("5 %", "5 percent"),
    ],
)
def test_the_same_quantity(claim: str, text: str) -> None:
    """Format, unit and an "about" do not make another quantity."""
    assert stated(claim, text)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It weighs 1,200 grams.", "1,300 g"),
        ("15 hours", "14.5 hours"),
        ("about 15 hours", "13 hours"),
        ("It takes 3 weeks.", "within 14 days"),
        ("2 weeks", "14 months"),
        ("30", ""),
    ],
)
def test_another_quantity(claim: str, text: str) -> None:
    """Without a reading in common, an equal size or an "about" that fits, it is another."""
    assert not stated(claim, text)


@pytest.mark.parametrize(
    ("claim", "text", "against"),
    [
        ("30 weeks", "within 30 days of it", "30 days"),
        ("30 km", "it is 30 miles", "30 miles"),
        ("5 dollars", "it costs 5 €", "5 €"),
        ("30 days", "within 30 days, or 30 weeks", ""),
        ("30 days", "30 of them", ""),
        ("30 days", "30 km", ""),
        ("30 boxes", "30 days", ""),
    ],
)
def test_another_unit_of_the_same_kind_contradicts(claim: str, text: str, against: str) -> None:
    """Only where the text has the number with another unit of that kind, and nowhere with the claim's."""
    (number,) = numbers(claim)
    assert other_unit(claim, number, text, numbers(text)) == against


@pytest.mark.parametrize(
    ("claim", "text", "so"),
    [
        ("30 euros", "page 30, 40 euros", True),
        ("30 weeks", "30 days, 2 weeks", True),
        ("4 weeks", "4 months, 28 days", False),
        ("30 euros", "page 30", False),
        ("30 euros", "30 to 40 euros", False),
        ("30 euros", "40 euros", False),
        ("about 39 euros", "page 39, 40 euros", False),
        ("page 30", "30 euros", False),
    ],
)
def test_a_number_in_other_units_only(claim: str, text: str, so: bool) -> None:
    """The number is there, amounts in its unit are there, and never together, also not converted."""
    (number,) = numbers(claim)
    assert in_other_units(claim, number, quantities((text, found) for found in numbers(text))) is so


@pytest.mark.parametrize(
    ("text", "unit", "whole"),
    [
        ("10-24 years", ("calendar", 12), "10-24 years"),
        ("10 to 24 years", ("calendar", 12), "10 to 24 years"),
        ("10+ years", ("calendar", 12), "10+ years"),
        ("a 10 - year - old", ("calendar", 12), "10 - year"),
        ("10:30", ("clock", 1), "10:30"),
        ("10 working days", ("time", 86400), "10 working days"),
        ("€10 to 24", ("money", 1), "€10"),
        ("10 of 24 years", None, "10"),
    ],
)
def test_the_unit_of_a_range_a_time_and_a_sign(text: str, unit: tuple[str, int] | None, whole: str) -> None:
    """After the upper end, after the colon, and before the number."""
    assert unit_of(text, numbers(text)[0]) == unit
    assert with_unit(text, numbers(text)[0]) == whole


@pytest.mark.parametrize("text", ["5 European towns", "5 months ago", "5 minced", "5"])
def test_a_unit_is_a_whole_word(text: str) -> None:
    """``eur`` is not in "European", ``min`` not in "minced"; what follows is shown with its unit only."""
    (number,) = numbers(text)
    assert unit_of(text, number) in (None, ("calendar", 1))
    assert with_unit(text, number) in ("5", "5 months")


@given(st.integers(1, 10**6), st.sampled_from(["days", "km", "EUR", "%", ""]))
def test_a_quantity_is_its_own(value: int, unit: str) -> None:
    """Whatever the number and unit, a text states what it says itself."""
    text = f"{value:,} {unit}"
    assert stated(text, text)
