"""Numbers in a text: every way of writing one, and what is no number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.numerals import numbers


def readings(text: str) -> list[set[str]]:
    return [{format(reading.normalize(), "f") for reading in number.readings} for number in numbers(text)]


@pytest.mark.parametrize(
    "text", ["1,000", "1.000", "1 000", "1'000", "1\u202f000", "1000", "１０００", "一千円"]
)
def test_a_thousand_however_written(text: str) -> None:
    """Every way to write a thousand has the reading 1000."""
    (number,) = numbers(text)
    assert Decimal(1000) in number.readings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14.5", [{"14.5"}]),
        ("14,5", [{"14.5"}]),
        ("1.000,50", [{"1000.5"}]),
        ("1,234,567.5", [{"1234567.5"}]),
        ("1,00,000", [{"100000"}]),
        ("0.125", [{"0.125"}]),
        ("1.5 million", [{"1500000"}]),
        ("3 Mio. und 2 Mrd.", [{"3000000"}, {"2000000000"}]),
        ("10万円", [{"100000"}]),
        ("5%", [{"5"}]),
        ("10mg", [{"10"}]),
        ("two of zwölf", [{"2"}, {"12"}]),
        ("三十日と二千五百円", [{"30"}, {"2500"}]),
        ("٣٠", [{"30"}]),
        ("2024-05-01", [{"2024"}, {"5"}, {"1"}]),
        ("01.05.2024", [{"1"}, {"5"}, {"2024"}]),
        ("12:30", [{"12"}, {"30"}]),
        ("H2O and B2B", []),
        ("一般", []),
        ("none", []),
    ],
)
def test_readings(text: str, expected: list[set[str]]) -> None:
    """Separators, scales, words and scripts are read; dates give their parts, names nothing."""
    assert readings(text) == expected


@given(st.text(max_size=60))
def test_offsets_lie_in_the_text_and_in_order(text: str) -> None:
    """Whatever the text, every number has a span within it and at least one reading."""
    found = numbers(text)
    assert all(0 <= n.start < n.end <= len(text) and n.readings for n in found)
    assert [n.start for n in found] == sorted(n.start for n in found)


@given(st.integers(0, 10**12))
def test_grouping_never_hides_a_number(value: int) -> None:
    """A whole number grouped with commas, points or thin spaces reads as itself."""
    for sign in (",", ".", "\u2009"):
        (number,) = numbers(f"{value:,}".replace(",", sign))
        assert Decimal(value) in number.readings
