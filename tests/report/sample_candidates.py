"""Candidates to render: near and far, dear and cheap, failing, silent about cost, hostile in name."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from world import cases_of, recorded_of, suite_of

from harness.candidates.assemble import Asked, assemble
from harness.candidates.entrants import entrant_of
from harness.types import Candidates, Choose, Race, RaceLook, Recorded, Requirement, Timings, Usage

HOSTILE = "<img src=x onerror=alert(1)> \x1b[31m\u202eevil ##[error] --><script>"
N = 150
CASES = cases_of(N, per_document=3, language=lambda i: ("de", "en", "fr")[i % 3])
MAKE = (
    ("plain", 0.90, 2.0, 1.2),
    ("big-model", 0.93, 9.0, 3.1),
    ("small-model", 0.86, 0.4, 0.5),
    ("reranked", 0.92, 2.4, 1.9),
    ("no-rerank", 0.62, 1.8, 0.9),
    (HOSTILE, 0.80, None, 0.8),
)
"""Name, share right, dollars per 1,000, and seconds; None: it does not say."""


def recordings() -> list[Recorded]:
    """One run each, the fifth with failed calls."""
    base = np.random.default_rng(1).random(N)
    return [_recording(k, base, *spec) for k, spec in enumerate(MAKE)]


def _recording(
    k: int, base: np.ndarray, name: str, share: float, cost: float | None, seconds: float
) -> Recorded:
    rng = np.random.default_rng(10 + k)
    right = np.where(rng.random(N) < 0.15, rng.random(N), base) < share
    cells = ["timeout" if k == 4 and i < 4 else float(good) for i, good in enumerate(right)]
    length = [float(100 + 40 * k + i % 7) for i in range(N)]
    length_cells = ["timeout" if isinstance(cell, str) else x for cell, x in zip(cells, length, strict=True)]
    columns = {"quality": cells, "cost_usd": length_cells}
    recorded = recorded_of(CASES, {"quality": columns["quality"]}, f"run-{k}", candidate=name)
    results = tuple(
        replace(
            result,
            response=replace(
                result.response,
                usage=Usage(cost_usd=None if cost is None else cost / 1000 * (1 + i % 3 / 10)),
                timings=Timings(total_s=seconds * (1 + (i * 7 % 11) / 10)),
            ),
        )
        for i, result in enumerate(recorded.results)
    )
    run = replace(recorded.run, config={"system.model": name, "system.top_k": 5})
    return replace(recorded, run=run, results=results)


def sample(race: Race | None = None, runs: list[Recorded] | None = None) -> Candidates:
    """All of them side by side under three requirements."""
    choose = Choose(
        "quality",
        (
            Requirement("quality", min=0.75),
            Requirement("latency_s", quantile=0.95, max=4.5),
            Requirement("quality", slice="language", max_gap=0.3),
        ),
    )
    suite = replace(suite_of(), description="Support assistant", choose=choose)
    asked = Asked(suite, ("quality",), choose)
    return assemble([entrant_of(one) for one in runs or recordings()], asked, race=race)


def raced() -> Race:
    """A race that dropped one."""
    names = tuple(f"run-{k}" for k in range(6))
    first = RaceLook(60, "run-1", {**dict.fromkeys(names, 0.05), "run-4": -0.12, "run-1": 0.0}, ("run-4",))
    left = tuple(name for name in names if name != "run-4")
    last = RaceLook(150, "run-1", {**dict.fromkeys(left, 0.008), "run-1": 0.0}, ())
    return Race("quality", 0.2, 0.01, 0, 150, 1, (first, last), left, 810, 90, "every case was asked")
