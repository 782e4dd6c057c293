"""What is measured of the gate: each row a kind of world, one simulation of it, and what is counted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gate_worlds import MARGIN, NAMES, PRIMARY, Drop, suite, world

from harness.gates.evidence import Evidence
from harness.gates.family import find_drops
from harness.measurement import compare
from harness.planning import stages_of
from harness.rehearsal import hold_gate
from harness.types import Slice

SEED = 20261125
SIZES = (200, 300, 500)
LOOKS = (0.4, 0.6, 0.8, 1.0)
ORDERS = 16
"""Orders of the documents that are drawn from; the bounds of their looks are computed once each."""
REPORTS = 200
"""Unchanged runs whose reported detectable drop is averaged."""
BINARY, GRADED, OTHER = 0, 4, 7
"""A primary metric of either kind, and one that is not primary."""
GATES = {index: f"g{index:02}" for index in PRIMARY}


class Row(NamedTuple):
    """One kind of world of n cases, how often it is drawn, and how (as ``gate_worlds.draw`` takes it)."""

    key: str
    what: str
    n: int
    times: int
    drawn: Mapping[str, Any]


def rows() -> list[Row]:
    """Every row of the long form."""
    found = []
    for n in sorted(SIZES, key=(300, 500, 200).index):  # most goals are about the first two
        whole: dict[str, tuple[str, int, dict[str, Any]]] = {
            "same": ("the same system again", 1000, {}),
            "document": ("neutral change by document", 1000, {"change": "document"}),
            "graded-5": ("5 points, one primary, graded", 300, _drop(0.05, GRADED)),
            "binary-5": ("5 points, one primary, pass/fail", 300, _drop(0.05, BINARY)),
            "binary-10": ("10 points, one primary, pass/fail", 300, _drop(0.10, BINARY)),
            "other-5": ("5 points, one other, graded", 300, _drop(0.05, OTHER)),
            "slice-20": ("20 points in a 15 % slice, 3 metrics", 300, {"drop": Drop(0.20, (4, 5, 6), 4)}),
            "margin": ("the margin, in every primary", 500, _drop(MARGIN, *PRIMARY)),
        }
        found += [
            Row(f"whole-{key}-{n}", what, n, times, drawn) for key, (what, times, drawn) in whole.items()
        ]
    found.append(Row("whole-item-300", "neutral change by item", 300, 1000, {"change": "item"}))
    for kind, metric in (("binary", BINARY), ("graded", GRADED)):
        for runs in (1, 3):
            facts = {"change": "document", "baseline_runs": runs, "candidate_runs": runs, "metric": metric}
            what = f"neutral change by document, {kind}, {runs} + {runs} runs"
            found.append(Row(f"single-{kind}-{runs}", what, 200, 6000, facts))
        for n in SIZES:
            what = f"the detectable drop, {kind}"
            found.append(Row(f"detectable-{kind}-{n}", what, n, 500, {"metric": metric}))
    return found


def _drop(size: float, *metrics: int) -> dict[str, Any]:
    return {"drop": Drop(size, metrics)}


def rng_of(row: Row, index: int) -> np.random.Generator:
    """Give the chance of one simulation: each has its own, whatever else is drawn."""
    return np.random.default_rng([SEED, zlib.crc32(row.key.encode()), index])


def prepare(row: Row) -> Row:
    """Find the drop that the gate reports as detectable where a row is of such a drop; other rows are ready.

    It is the mean of what runs of an unchanged system report, over 200 worlds apart from those of the row.
    """
    if not row.key.startswith("detectable"):
        return row
    metric, found = row.drawn["metric"], []
    for index in range(REPORTS):
        drawn = world(rng_of(row, 10_000_000 + index), row.n)
        tests = find_drops(Evidence(suite(), drawn.candidate, drawn.baseline)).tests
        found.append(tests[GATES[metric]][0].comparison.detectable or 0.0)
    return row._replace(drawn={**row.drawn, "drop": Drop(round(float(np.mean(found)), 4), (metric,))})


def simulate(row: Row, index: int) -> dict[str, float]:
    """Draw one world of a row and count what the product says of it."""
    rng = rng_of(row, index)
    kind = row.key.partition("-")[0]
    return {"whole": _whole, "single": _single, "detectable": _detectable}[kind](row, rng)


def _whole(row: Row, rng: np.random.Generator) -> dict[str, float]:
    """Run the gate with its looks: its verdict, what share of the cases was asked, and each primary's."""
    drawn = world(rng, row.n, **row.drawn)
    stages = stages_of(drawn.cases, int(rng.integers(ORDERS)), LOOKS)
    held = hold_gate(Evidence(suite(), drawn.candidate, drawn.baseline), stages)
    counted = {name: float(held.outcome == name) for name in ("fail", "pass", "inconclusive")}
    counted["asked"] = held.asked
    primary = {found.gate: found.outcome for found in held.verdicts if found.gate in GATES.values()}
    return counted | {f"pass-{gate}": float(said == "pass") for gate, said in primary.items()}


def _single(row: Row, rng: np.random.Generator) -> dict[str, float]:
    """Make one test of one metric, held against 5 %."""
    metric = row.drawn["metric"]
    drawn = {name: value for name, value in row.drawn.items() if name != "metric"}
    found = world(rng, row.n, **drawn)
    name = NAMES[metric]
    tables = found.baseline.tables[name], found.candidate.tables[name]
    identity = found.candidate.run.metrics[name]
    compared = compare(name, tables, found.cases, Slice(), identity, 0.05)
    return {"found": float((compared.p_worse or 1.0) <= 0.05)}


def _detectable(row: Row, rng: np.random.Generator) -> dict[str, float]:
    """Say whether the gate is sure of the drop once every case was asked, in one go."""
    metric = row.drawn["metric"]
    found = world(rng, row.n, drop=row.drawn["drop"])
    test = find_drops(Evidence(suite(), found.candidate, found.baseline)).tests[GATES[metric]][0]
    return {"found": float(test.is_sure), "detectable": test.comparison.detectable or 0.0}
