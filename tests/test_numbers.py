"""How numbers are written: no two that matter look alike."""

from __future__ import annotations

import pytest

from harness import numbers


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (2.314, "2.31 s"),
        (0.05, "0.05 s"),
        (0.0142, "0.014 s"),
        (0.0053, "0.005 s"),
        (0.0003, "0.0003 s"),
        (0.0, "0.00 s"),
    ],
)
def test_short_times_are_not_rounded_away(seconds: float, written: str) -> None:
    """Below 0.015 seconds a third decimal: 5 ms are not written as 10."""
    assert numbers.number(seconds, "s") == written
