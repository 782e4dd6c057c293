"""The Pareto front of quality, cost and latency: which candidates another one makes superfluous."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Point = Sequence[float | None]
"""One candidate by objective, each turned so that lower is better; None: not known."""


def dominated_by(points: Mapping[str, Point]) -> dict[str, tuple[str, ...]]:
    """Name for each candidate those at least as good in every objective and better in one, in order.

    What is not known counts as the worst there is: it is never the cheapest or the fastest, and cannot keep a
    candidate on the front. An objective that is known of nobody decides nothing.

    Args:
        points: candidate to its objectives, as many for each.
    """
    known = {name: [math.inf if x is None else x for x in point] for name, point in points.items()}
    return {name: tuple(other for other in known if _dominates(known[other], known[name])) for name in known}


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
