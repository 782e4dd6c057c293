"""Small recordings to choose among: scores by case, what an answer cost and took, errors and a cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from world import Cell, cases_of, recorded_of, suite_of

from harness.candidates.assemble import Asked, assemble
from harness.candidates.entrants import entrant_of
from harness.types import Candidates, Choose, Recorded, Requirement, Timings, Usage

N = 120
CASES = cases_of(N, per_document=3, language=lambda i: "de" if i % 2 else "en")


def recording(
    name: str,
    quality: Sequence[Cell],
    cost: float | Sequence[float | None] | None = None,
    latency: float | Sequence[float | None] | None = None,
    cached: Sequence[int] = (),
    **fields: Any,
) -> Recorded:
    """A run with one metric; cost and latency are of every answer, or one by one."""
    recorded = recorded_of(CASES, {"quality": quality}, name, candidate=name, **fields)
    place = {case.id: i for i, case in enumerate(CASES)}
    results = []
    for result in recorded.results:
        i = place[result.case_id]
        response = replace(
            result.response,
            usage=Usage(cost_usd=_of(cost, i)),
            timings=Timings(total_s=_of(latency, i)),
            cached=i in cached,
        )
        results.append(replace(result, response=response))
    return replace(recorded, results=tuple(results))


def _of(value: float | Sequence[float | None] | None, i: int) -> float | None:
    return value if value is None or isinstance(value, (int, float)) else value[i]


def quality(mean: float, seed: int, share: float = 0.1) -> list[Cell]:
    """The same answers for every seed, but for a share of them and what the mean takes away."""
    base = np.random.default_rng(0).random(N) < 0.9
    rng = np.random.default_rng(seed)
    turned = np.where(rng.random(N) < share, rng.random(N) < 0.9, base)
    lost = rng.random(N) < max(0.0, 1 - mean / 0.9)
    return [float(good and not gone) for good, gone in zip(turned, lost, strict=True)]


def choose(*requirements: Mapping[str, Any]) -> Choose:
    """Quality and the requirements."""
    return Choose("quality", tuple(Requirement(**one) for one in requirements))


def compared(*recordings: Recorded, by: Choose | None = None) -> Candidates:
    """The candidates side by side."""
    asked = Asked(suite_of(), ("quality",), by or choose())
    return assemble([entrant_of(one) for one in recordings], asked)
