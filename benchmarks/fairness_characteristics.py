"""How often the fairness audit cries wolf, covers and finds: its own code on scores of which all is known.

Eight groups of 20 to 400 cases (n = 1200), or five languages of the same 60 questions. One latent normal per
case, with a part shared by the case's document, is pushed through a rate or through a graded score with
many zeros and ones. A gap of 10 points is half broken answers, half a shift. A false alarm is any difference
found, worse or better; "found" is the group with the gap found worse.

    python benchmarks/fairness_characteristics.py [--runs 1000] [--seed 1]
"""

from __future__ import annotations

import argparse
import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from harness.comparison import CaseValue
from harness.fairness.gaps import gap_between_groups
from harness.types import Case, MetricIdentity, Query

METRIC = MetricIdentity(1, True, 0.0, 1.0)
SIZES = (20, 30, 50, 80, 120, 200, 300, 400)
GRID = np.linspace(-6, 6, 4001)
SHARED = 0.3
"""Part of the latent variance that the cases of one document share."""

Array = np.ndarray


class Design(NamedTuple):
    """Which group and which document each case is of."""

    name: str
    groups: Array
    documents: Array


class Found(NamedTuple):
    """Shares of simulated audits."""

    design: str
    score: str
    gap: str
    false_alarm: float
    omnibus: float
    covered: float
    power: float
    runs: int


# -- scores ------------------------------------------------------------------------------------------------


@functools.cache
def _graded_quantiles() -> Array:
    """A faithfulness-like score: 4 % zeros, half ones, the rest Beta(4, 1.5); by latent place."""
    place = stats.norm.cdf(GRID)
    middle = np.clip((place - 0.04) / (1 - 0.04 - 0.50), 0, 1)
    return np.where(place < 0.04, 0.0, np.where(place > 0.50, 1.0, stats.beta.ppf(middle, 4.0, 1.5)))


def score(kind: str, latent: Array) -> Array:
    """``graded``, or ``rate 0.80``: 1 with that probability."""
    if kind == "graded":
        return np.interp(latent, GRID, _graded_quantiles())
    return (latent > stats.norm.ppf(1 - float(kind.split()[1]))).astype(float)


@functools.cache
def mean_score(kind: str, shift: float = 0.0) -> float:
    """Expected score when every case is shifted down by so much."""
    grid = np.linspace(-8, 8, 20001)
    weight = stats.norm.pdf(grid)
    return float((score(kind, grid - shift) * weight).sum() / weight.sum())


@functools.cache
def harm(kind: str, gap: float) -> tuple[float, float]:
    """Share of broken answers and shift of the others that lower the mean by ``gap``, half by each."""
    mean = mean_score(kind)
    broken = gap / 2 / (mean - mean_score(kind, 3.0))
    shift = optimize.brentq(lambda by: (mean - mean_score(kind, by)) * (1 - broken) - gap / 2, 0, 5)
    return broken, float(shift)


# -- designs -----------------------------------------------------------------------------------------------


def designs(rng: np.random.Generator) -> Iterator[Design]:
    """Independent cases; documents of one group each; documents in several groups; all languages of each."""
    groups = np.repeat(np.arange(len(SIZES)), SIZES)
    yield Design("independent", groups, np.arange(len(groups)))
    nested: list[int] = []
    for size in SIZES:  # about two cases to a document in small groups, so that there are ten, else four
        left = size
        while left:
            taken = min(left, 1 + int(rng.poisson(1 if size < 50 else 3)))
            nested += [nested[-1] + 1 if nested else 0] * taken
            left -= taken
    yield Design("nested", groups, np.array(nested))
    yield Design("crossed", groups, np.concatenate([rng.choice(400, size, replace=False) for size in SIZES]))
    yield Design("languages", np.tile(np.arange(5), 60), np.repeat(np.arange(60), 5))


# -- audits ------------------------------------------------------------------------------------------------


def simulate(design: Design, kind: str, worse: int | None, gap: float, runs: int, seed: int) -> Found:
    """Audit so many simulated runs; ``worse`` is the group that has the gap, None for none."""
    rng = np.random.default_rng(seed)
    names = [f"g{group}" for group in range(int(design.groups.max()) + 1)]
    cases = [
        Case(query=Query(f"c{at}", ""), document_id=f"d{document}")
        for at, document in enumerate(design.documents)
    ]
    members = {
        name: [case for case, group in zip(cases, design.groups, strict=True) if group == at]
        for at, name in enumerate(names)
    }
    truth = _deficits(design, worse, gap)
    alarms = omnibus = covered = power = 0
    for _ in range(runs):
        latent = _latent(design, rng)
        if worse is not None:
            here = design.groups == worse
            broken, shift = harm(kind, gap)
            latent[here] -= np.where(rng.random(int(here.sum())) < broken, 3.0, shift)
        values = score(kind, latent)
        table = {
            case.id: CaseValue(float(value), "scored") for case, value in zip(cases, values, strict=True)
        }
        found = gap_between_groups("score", "group", table, members, METRIC, 20)
        rows = {row.group: row for row in found.groups if row.interval is not None}
        alarms += found.verdict == "difference found"
        omnibus += (found.p_omnibus or 1.0) <= 0.05
        covered += all(row.interval.low <= truth[name] <= row.interval.high for name, row in rows.items())
        power += worse is not None and rows[names[worse]].verdict == "difference found"
    told = "none" if worse is None else f"{100 * gap:.0f} points in {int((design.groups == worse).sum())}"
    return Found(design.name, kind, told, alarms / runs, omnibus / runs, covered / runs, power / runs, runs)


def _latent(design: Design, rng: np.random.Generator) -> Array:
    shared = rng.standard_normal(int(design.documents.max()) + 1)[design.documents]
    own = rng.standard_normal(len(design.documents))
    return math.sqrt(SHARED) * shared + math.sqrt(1 - SHARED) * own


def _deficits(design: Design, worse: int | None, gap: float) -> dict[str, float]:
    """The true deficit of every group: how far its mean lies below that of all others."""
    size = np.bincount(design.groups).astype(float)
    mean = np.zeros(len(size))
    if worse is not None:
        mean[worse] = -gap
    rest = (size @ mean - size * mean) / (size.sum() - size)
    return {f"g{at}": float(rest[at] - mean[at]) for at in range(len(size))}


def scenarios(seed: int) -> Iterator[tuple[Design, str, int | None, float]]:
    """Nothing wrong in every design; then 10 points in groups of 50, 120 and 200."""
    found = {design.name: design for design in designs(np.random.default_rng(seed))}
    for design in found.values():
        for kind in ("rate 0.80", "rate 0.95", "graded"):
            yield design, kind, None, 0.0
    for kind in ("rate 0.80", "graded"):
        for worse in (2, 4, 5):
            yield found["independent"], kind, worse, 0.10
    for name in ("nested", "crossed"):
        yield found[name], "graded", 5, 0.10


def table(runs: int, seed: int, tell: Callable[[str], None]) -> None:
    """Print one line per scenario as it is done."""
    tell("| cases | score | true gap | false alarm | omnibus | all intervals hold | found |")
    tell("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for at, (design, kind, worse, gap) in enumerate(scenarios(seed)):
        found = simulate(design, kind, worse, gap, runs, seed * 1000 + at)
        alarm = _share(found.false_alarm, runs) if worse is None else ""
        power = _share(found.power, runs) if worse is not None else ""
        shares = " | ".join((alarm, _share(found.omnibus, runs), _share(found.covered, runs), power))
        tell(f"| {design.name} | {kind} | {found.gap} | {shares} |")


def _share(value: float, runs: int) -> str:
    return f"{100 * value:.1f} ± {100 * math.sqrt(value * (1 - value) / runs):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    start = time.perf_counter()
    print(f"fairness audit: R = {asked.runs} simulated runs a line, seed {asked.seed}, ± Monte Carlo error\n")
    table(asked.runs, asked.seed, lambda line: print(line, flush=True))
    print(f"\n{time.perf_counter() - start:,.0f} s")


if __name__ == "__main__":
    main()
