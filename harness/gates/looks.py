"""What a look on the way may spend, and how sure it has to be: all is held against all looks so far."""

from __future__ import annotations

from harness.comparison import LEVEL, Looks

PASS_ERROR = 1 - LEVEL
"""How often a drop as large as the margin may pass, over all looks."""


def spent_by(looks: Looks, alpha: float) -> tuple[float, ...]:
    """How much of a false-alarm rate each look so far may have spent: the power family, exponent 1.5."""
    from harness.stats.sequential import spent

    return tuple(spent(alpha, fraction, "power") for fraction in looks.fractions)


def reach_of(looks: Looks) -> float:
    """How many times as far as its 95 % limits an interval reaches at the level of this look.

    The ratio of normal quantiles, 1 without looks: for intervals that cannot be made again at another level.
    """
    if looks.fractions == (1.0,):
        return 1.0
    from scipy.special import ndtri

    error = PASS_ERROR / 2
    return float(ndtri(level_of(looks, error)) / ndtri(1 - error))


def least_bound(looks: Looks, alpha: float) -> float:
    """Give the weighted p-value that would be found at this look if tests had nothing in common."""
    if looks.fractions == (1.0,):
        return alpha
    from scipy.special import ndtr

    from harness.stats.sequential import spending_bounds

    return float(ndtr(-spending_bounds(alpha, looks.fractions, "power")[-1]))


def is_partial(looks: Looks) -> bool:
    """Say whether more cases were planned than have been asked by now."""
    return looks.fractions[-1] < 1


def level_of(looks: Looks, error: float) -> float:
    """One-sided confidence that a limit needs at this look, so that all looks together err that often.

    By O'Brien and Fleming's spending: at a first look at 40 % of the cases 99.8 % for an error of 5 %.
    """
    if looks.fractions == (1.0,):
        return 1 - error
    from scipy.special import ndtr

    from harness.stats.sequential import spending_bounds

    return float(ndtr(spending_bounds(error, looks.fractions, "obrien-fleming")[-1]))
