"""How often intervals of a judge's corrected rates cover, and corrected gates alarm falsely: its own code.

People would call a share of the answers good; a judge says so with a known sensitivity and specificity. The
cases to label are drawn as ``harness label export`` draws them, 100 of 1000 (of 600 for pairs), and the
figures are made as the gates make them; beside them stand the judge's own, uncorrected. In pairs a tenth of
the answers turn from good to bad or back, so that nothing changes on average, unless a drop is said.

    python benchmarks/judge_correction.py [--runs 4000] [--seed 1]

Ends with 1 where a goal is missed: 95 % intervals cover at least 93.5 %, and at most 6 % of tests at 5 %
alarm, give or take two Monte Carlo errors.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from harness.calibration.correction import Correction, Side, correct, pair_corrected
from harness.calibration.drawing import draw_panel, strata_of
from harness.calibration.labelled import Told
from harness.calibration.standing import Judged
from harness.comparison import CaseValue, RunScores, Table, estimate
from harness.gates.decide import decide
from harness.gates.evidence import Evidence
from harness.gates.family import DropTests
from harness.measurement import measure
from harness.pairing import Pairs, pair
from harness.types import (
    Case,
    Comparison,
    Estimate,
    Gate,
    Interval,
    MetricIdentity,
    Panel,
    Query,
    Run,
    Slice,
    Suite,
    Verdict,
)

METRIC = MetricIdentity(1, True, 0.0, 1.0)
LABELS, CASES, PAIRS = 100, 1000, 600
COVERAGE, ALARMS = 0.935, 0.06
FLOOR = Gate(id="floor", metric="quality", min=0.5)
SUITE = Suite(version=1, suite="bench", goldens=(), system={}, metrics=("quality",), gates=(FLOOR,))
RUN = Run(
    id="run",
    suite_name="bench",
    started_at="",
    candidate="",
    system_fingerprint="",
    dataset_digest="goldens",
    dataset_name="bench",
    corpus_digest=None,
    metrics={"quality": METRIC},
    config={},
    suite={},
    suite_path="",
    harness_version="",
    seed=0,
    repeats=1,
    n_cases=CASES,
    judges={"quality": "judge"},
)

Array = np.ndarray


class Judge(NamedTuple):
    """How often a judge calls good what is good, and bad what is bad."""

    sensitivity: float
    specificity: float


class World(NamedTuple):
    """What is simulated: judges of baseline and candidate, the share that is good, the drop, documents."""

    name: str
    judges: tuple[Judge, ...]
    rate: float = 0.8
    drop: float = 0.0
    per_document: int = 1


class Level(NamedTuple):
    """One world of single runs: shares and means over all simulations."""

    world: World
    covered: float
    width: float
    naive_covered: float
    naive_bias: float
    rate: float
    worth: float


class Paired(NamedTuple):
    """One world of pairs: how often each test at 5 % says worse, and better."""

    world: World
    worse: float
    better: float
    naive_worse: float
    naive_better: float
    rate: float


LEVELS = (
    World("80 %, symmetric (.80/.80)", (Judge(0.80, 0.80),)),
    World("80 %, lenient (.90/.40)", (Judge(0.90, 0.40),)),
    World("80 %, strict (.78/.88)", (Judge(0.78, 0.88),)),
    World("90 % (.92/.82)", (Judge(0.92, 0.82),)),
    World("90 % (.92/.82), 95 % good", (Judge(0.92, 0.82),), rate=0.95),
    World("80 %, symmetric, 4 to a document", (Judge(0.80, 0.80),), per_document=4),
)
ALIKE, LENIENT, HARSH = Judge(0.85, 0.60), Judge(0.85, 0.40), Judge(0.79, 0.60)
PAIRED = (
    World("no change, judge alike", (ALIKE, ALIKE)),
    World("no change, specificity -0.20 on the candidate", (ALIKE, LENIENT)),
    World("no change, sensitivity -0.06 on the candidate", (ALIKE, HARSH)),
    World("no change, specificity -0.20, 4 to a document", (ALIKE, LENIENT), per_document=4),
    World("drop of 10 points, judge alike", (ALIKE, ALIKE), drop=0.10),
    World("drop of 10 points, specificity -0.20 on the candidate", (ALIKE, LENIENT), drop=0.10),
)


# -- worlds ------------------------------------------------------------------------------------------------


def cases_of(n: int, per_document: int) -> tuple[Case, ...]:
    return tuple(Case(Query(f"c{i}", "?"), document_id=f"d{i // per_document}") for i in range(n))


def _good(rng: np.random.Generator, world: World, n: int) -> Array:
    """Which answers people call good; documents are easier or harder than the average."""
    if world.per_document == 1:
        return rng.random(n) < world.rate
    apart = rng.choice([-0.15, 0.15], -(-n // world.per_document)).repeat(world.per_document)[:n]
    return rng.random(n) < world.rate + apart


def _turned(rng: np.random.Generator, good: Array, world: World) -> Array:
    """Turn 5 % of the good answers and as many of the bad ones; more good ones for a drop."""
    back = 0.05 * world.rate / (1 - world.rate)
    return good ^ (rng.random(len(good)) < np.where(good, 0.05 + world.drop / world.rate, back))


def _judged(rng: np.random.Generator, good: Array, judge: Judge) -> Array:
    chance = rng.random(len(good))
    return np.where(good, chance < judge.sensitivity, chance > judge.specificity)


def _side(cases: Sequence[Case], good: Array, says: Array) -> Side:
    table = {case.id: CaseValue(float(value), "scored") for case, value in zip(cases, says, strict=True)}
    told = {
        case.id: Told(float(label), float(seen)) for case, label, seen in zip(cases, good, says, strict=True)
    }
    return Side(table, told)


def corrected(rng: np.random.Generator, cases: Sequence[Case], sides: Sequence[Side]) -> Correction:
    """Draw the cases to be labelled and correct by their labels."""
    tables: list[Table] = [side.table for side in sides]
    empty = Panel("quality", "?", (0.0, 1.0), "goldens", int(rng.integers(1 << 40)), (), ())
    panel = draw_panel(empty, strata_of(cases, tables, METRIC), LABELS)
    drawn = set(panel.drawn)
    labelled = [
        Side(side.table, {case_id: one for case_id, one in side.told.items() if case_id in drawn})
        for side in sides
    ]
    found = correct(panel, cases, labelled)
    if isinstance(found, str):
        raise SystemExit(found)
    return found


# -- what is measured --------------------------------------------------------------------------------------


def simulate_level(world: World, runs: int, seed: int) -> Level:
    """Intervals of one run's rate, as the gate on a bound makes them, and of the judge's own."""
    rng = np.random.default_rng(seed)
    cases = cases_of(CASES, world.per_document)
    rows = []
    for _ in range(runs):
        good = _good(rng, world, CASES)
        side = _side(cases, good, _judged(rng, good, world.judges[0]))
        correction = corrected(rng, cases, [side])
        scores = RunScores(RUN, cases, {"quality": side.table})
        evidence = Evidence(SUITE, scores, None, judged={"quality": Judged("", correction)})
        found = interval_of(decide(FLOOR, evidence, DropTests({}, {}, {})))
        naive = estimate(side.table, cases, METRIC)
        rows.append(
            (
                found.low <= world.rate <= found.high,
                found.high - found.low,
                interval_of(naive).low <= world.rate <= interval_of(naive).high,
                (naive.value or 0.0) - world.rate,
                correction.fit.slope,
                correction.fit.effective_n,
            )
        )
    return Level(world, *(float(value) for value in np.mean(rows, axis=0)))


def interval_of(found: Verdict | Estimate) -> Interval:
    if found.interval is None:
        raise SystemExit("there is no interval")
    return found.interval


def simulate_paired(world: World, runs: int, seed: int) -> Paired:
    """Tests of a drop and of a rise at 5 %, as the gate on a drop makes them, corrected and not."""
    rng = np.random.default_rng(seed)
    cases = cases_of(PAIRS, world.per_document)
    rows = []
    for _ in range(runs):
        before = _good(rng, world, PAIRS)
        sides = [
            _side(cases, good, _judged(rng, good, judge))
            for good, judge in zip((before, _turned(rng, before, world)), world.judges, strict=True)
        ]
        correction = corrected(rng, cases, sides)
        ours = p_worse(pair_corrected(correction, cases, METRIC))
        naive = p_worse(pair(sides[0].table, sides[1].table, cases, METRIC))
        rows.append((ours <= 0.05, ours >= 0.95, naive <= 0.05, naive >= 0.95, correction.fit.slope))
    return Paired(world, *(float(value) for value in np.mean(rows, axis=0)))


def p_worse(pairs: Pairs) -> float:
    """The one-sided p-value of a drop, as the gate measures it."""
    none = Estimate(None, 0, 0)
    found = measure(pairs, Comparison("quality", Slice(), none, none), 0.05)
    return 1.0 if found.p_worse is None else found.p_worse


# -- tables and goals --------------------------------------------------------------------------------------


def error(rate: float, runs: int) -> float:
    """Monte Carlo standard error of a share."""
    return math.sqrt(rate * (1 - rate) / runs)


def misses(levels: Sequence[Level], paired: Sequence[Paired], runs: int) -> Iterator[str]:
    """Name the goals that are missed by more than two Monte Carlo errors."""
    for row in levels:
        if row.covered < COVERAGE - 2 * error(COVERAGE, runs):
            yield f"{row.world.name}: 95 % intervals cover {row.covered:.1%}"
    for pair_row in paired:
        alarm = max(pair_row.worse, pair_row.better)
        if pair_row.world.drop == 0 and alarm > ALARMS + 2 * error(ALARMS, runs):
            yield f"{pair_row.world.name}: {alarm:.1%} false alarms"


def tables(levels: Sequence[Level], paired: Sequence[Paired]) -> Iterator[str]:
    """Write both tables."""
    yield "| judge | covers | width | judge's own covers | bias, points | λ | labels are worth |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for row in levels:
        yield (
            f"| {row.world.name} | {row.covered:.1%} | {row.width:.3f} | {row.naive_covered:.1%}"
            f" | {100 * row.naive_bias:+.1f} | {row.rate:.2f} | {row.worth:.0f} |"
        )
    yield ""
    yield "| pairs | says worse | says better | judge's own: worse | better | λ |"
    yield "|---|--:|--:|--:|--:|--:|"
    for one in paired:
        yield (
            f"| {one.world.name} | {one.worse:.1%} | {one.better:.1%} | {one.naive_worse:.1%}"
            f" | {one.naive_better:.1%} | {one.rate:.2f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.process_time()
    levels = [simulate_level(world, given.runs, given.seed) for world in LEVELS]
    paired = [simulate_paired(world, given.runs, given.seed) for world in PAIRED]
    for line in tables(levels, paired):
        print(line)
    missed = list(misses(levels, paired, given.runs))
    spent = time.process_time() - start
    print(f"\n{given.runs:,} simulations a row, seed {given.seed}; Monte Carlo error at 95 % and 5 %: "
          f"{error(0.05, given.runs):.2%}; {spent:,.0f} s")  # fmt: skip
    for line in missed:
        print(f"missed: {line}")
    print("every goal is met" if not missed else f"{len(missed)} goals are missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
