"""How soon an unchanged run is seen to be unchanged, foreseen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

from harness.stats.early_pass import Shown, early_pass

LOOKS = (0.4, 0.6, 0.8, 1.0)
LEVELS = (0.998, 0.99, 0.975, 0.96)


def test_one_look_is_the_power_of_non_inferiority() -> None:
    """P(mean + z sqrt(se^2 + floor^2) <= margin), in closed form."""
    (found,) = early_pass([Shown(0.02, 0.005, 0.05, 0.01)], (1.0,), (0.95,), worlds=200_000)
    limit = (0.05 - 1.6448536 * math.hypot(0.02, 0.005)) / 0.02
    assert found == pytest.approx(float(ndtr(limit)), abs=4 * math.sqrt(0.25 / 200_000))


def test_a_small_error_passes_at_the_first_look() -> None:
    """But for the share of worlds in which a drop looks bad by chance."""
    found = early_pass([Shown(1e-6, 0.0, 0.05, 0.01)], LOOKS, LEVELS, worlds=50_000)
    assert found[0] == pytest.approx(0.99, abs=0.002)
    assert sum(found) == pytest.approx(1.0)


def test_a_margin_below_three_pairs_never_passes() -> None:
    """The rule of three: not even at the end."""
    assert early_pass([Shown(1e-6, 0.02, 0.05, 0.01)], LOOKS, LEVELS) == (0.0, 0.0, 0.0, 0.0)


def test_more_tests_pass_later_and_less_often() -> None:
    """All of them have to pass at one look."""
    one = np.cumsum(early_pass([Shown(0.015, 0.002, 0.05, 0.01)], LOOKS, LEVELS))
    two = np.cumsum(early_pass([Shown(0.015, 0.002, 0.05, 0.01)] * 2, LOOKS, LEVELS))
    assert (two < one).all()


def test_the_same_seed_gives_the_same() -> None:
    """Whatever is foreseen does not change from call to call."""
    tests = [Shown(0.015, 0.002, 0.05, 0.01)]
    assert early_pass(tests, LOOKS, LEVELS) == early_pass(tests, LOOKS, LEVELS)
