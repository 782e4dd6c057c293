"""Bounds that spend an error rate over looks: published values, simulation, and what one look is."""

import numpy as np
import pytest
from scipy.special import ndtri

from harness.stats.sequential import Spending, spending_bounds, spent

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        ("obrien-fleming", (4.877, 3.357, 2.680, 2.290, 2.031)),
        ("pocock", (2.438, 2.427, 2.410, 2.397, 2.386)),
    ],
)
def test_bounds_are_the_published_ones(spending: Spending, published: tuple[float, ...]) -> None:
    """Lan-DeMets bounds for five even looks at a one-sided 0.025, to the three digits that are printed."""
    assert spending_bounds(0.025, FIFTHS, spending) == pytest.approx(published, abs=2e-3)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock", "power"])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 1e-4])
def test_all_is_spent_at_the_end(spending: Spending, alpha: float) -> None:
    """What is spent rises to alpha, and a single look is the plain test."""
    shares = [spent(alpha, fraction, spending) for fraction in FIFTHS]
    assert shares == sorted(shares)
    assert shares[-1] == alpha
    assert spending_bounds(alpha, (1.0,), spending) == pytest.approx((-ndtri(alpha),), abs=1e-9)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock", "power"])
def test_bounds_are_crossed_as_often_as_they_say(spending: Spending) -> None:
    """Random walks cross the bounds by each look as often as was spent: 200,000 walks, four errors."""
    looks, alpha, walks = (0.4, 0.6, 0.8, 1.0), 0.05, 200_000
    rng = np.random.default_rng(11)
    steps = np.diff((0.0, *looks))
    score = np.cumsum(rng.standard_normal((walks, 4)) * np.sqrt(steps), axis=1) / np.sqrt(looks)
    crossed = np.logical_or.accumulate(score >= spending_bounds(alpha, looks, spending), axis=1).mean(0)
    wanted = np.array([spent(alpha, fraction, spending) for fraction in looks])
    assert np.abs(crossed - wanted) == pytest.approx(0, abs=4 * np.sqrt(alpha / walks))


@pytest.mark.parametrize("fractions", [(), (0.5, 0.4, 1.0), (0.0, 1.0), (0.5, 1.2)])
def test_looks_must_rise(fractions: tuple[float, ...]) -> None:
    """Looks that do not rise within (0, 1] are a mistake of the caller."""
    with pytest.raises(ValueError, match="do not rise"):
        spending_bounds(0.05, fractions, "power")
