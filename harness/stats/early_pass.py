"""How soon a run in which nothing changed is seen to be unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri


class Shown(NamedTuple):
    """A drop that has to be shown to be within a margin: its error and one pair's part, over all cases.

    ``suspicious`` is the p-value up to which it withholds an early pass.
    """

    error: float
    one_pair: float
    margin: float
    suspicious: float


def early_pass(
    tests: Sequence[Shown],
    fractions: Sequence[float],
    levels: Sequence[float],
    *,
    worlds: int = 4000,
    seed: int = 0,
) -> tuple[float, ...]:
    """Probability that all limits lie within their margins at a look, and at none before, if nothing changed.

    Over a share f of the cases a mean harm is ``error W(f) / f`` with W a Wiener process, its error
    ``error / sqrt(f)``; the limit is ``mean + z sqrt(error^2 / f + (one_pair / f)^2)``, at least
    ``3 one_pair / f``, and no test may be suspicious before the last look. Simulated, the tests independent
    of each other: of correlated ones more pass together.

    Args:
        tests: at least one.
        fractions: share of the cases at each look, rising.
        levels: one-sided confidence that each look asks for.
        worlds: how many are simulated.
        seed: of the simulation.

    Returns:
        one probability a look; what is missing to 1 does not pass.
    """
    rng = np.random.default_rng(seed)
    steps = np.sqrt(np.diff((0.0, *fractions)))
    waiting, found = np.ones(worlds, dtype=bool), []
    process = np.zeros((worlds, len(tests)))
    errors, pairs, margins, suspicious = (np.array(column) for column in zip(*tests, strict=True))
    for look, (fraction, level) in enumerate(zip(fractions, levels, strict=True)):
        process += steps[look] * rng.standard_normal(process.shape)
        spread = np.sqrt(errors**2 / fraction + (pairs / fraction) ** 2)
        limits = np.maximum(errors * process / fraction + ndtri(level) * spread, 3 * pairs / fraction)
        passes = (limits <= margins).all(axis=1)
        if look < len(fractions) - 1:
            passes &= (process / np.sqrt(fraction) < ndtri(1 - suspicious)).all(axis=1)
        found.append(float((waiting & passes).mean()))
        waiting &= ~passes
    return tuple(found)
