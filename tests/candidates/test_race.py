"""A race: stages of whole documents, looks that spend alpha, failures that never help."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from world import HIGHER, LOWER, cases_of, table_of

from harness.candidates.race import ALPHA, LOOKS, look_bounds, race_stages, take_look
from harness.stats.sequential import spending_bounds

CASES = cases_of(200, per_document=4)


def test_stages_are_whole_documents_in_random_order() -> None:
    """Every case once, no document in two stages; the seed alone decides, not the order of the goldens."""
    stages = race_stages(CASES, 1, LOOKS)
    assert sorted(case.id for stage in stages for case in stage) == [case.id for case in CASES]
    clusters = [{case.cluster for case in stage} for stage in stages]
    assert sum(map(len, clusters)) == 50
    assert [sum(map(len, stages[:k])) for k in range(1, 8)] == [20, 40, 60, 80, 120, 160, 200]
    assert race_stages(CASES, 1, LOOKS) == stages
    turned = race_stages(tuple(reversed(CASES)), 1, LOOKS)
    assert [{case.id for case in stage} for stage in turned] == [{case.id for case in s} for s in stages]
    assert race_stages(CASES, 2, LOOKS) != stages


@pytest.mark.parametrize("n", [1, 19, 20, 21, 50, 100])
def test_no_look_is_before_twenty_cases(n: int) -> None:
    """The first stage has twenty, or all there are."""
    stages = race_stages(cases_of(n), 0, LOOKS)
    assert len(stages[0]) >= min(n, 20)
    assert sum(map(len, stages)) == n


def test_bounds_spend_alpha_as_pocock_does_at_the_shares_really_asked() -> None:
    """Documents of other sizes move the shares, and the bounds with them."""
    stages = race_stages(CASES, 1, (0.25, 0.5, 1.0))
    shares = (sum(map(len, stages[:1])) / 200, sum(map(len, stages[:2])) / 200, 1.0)
    assert look_bounds(stages, ALPHA) == spending_bounds(ALPHA, shares, "pocock")


@pytest.mark.parametrize("metric", [HIGHER, LOWER])
def test_a_failed_call_never_helps_a_candidate(metric: object) -> None:
    """Whatever is lost of one of them: it never takes the lead, and is dropped where it was."""
    rng = np.random.default_rng(3)
    cases = CASES[:80]
    scores = {name: list((rng.random(80) < 0.8).astype(float)) for name in "abc"}
    bound = 1.5
    before, _ = take_look({n: table_of(cases, c) for n, c in scores.items()}, cases, metric, bound, 0.01)  # type: ignore[arg-type]
    for name in "abc":
        for lost in (1, 8, 40, 80):
            for status in ("system_error", "timeout", "judge_error", None):
                torn = [status if i < lost else cell for i, cell in enumerate(scores[name])]
                tables = {n: table_of(cases, torn if n == name else c) for n, c in scores.items()}
                after, _ = take_look(tables, cases, metric, bound, 0.01)  # type: ignore[arg-type]
                if before.leader != name:
                    assert after.leader != name
                if name in before.dropped:
                    assert name in after.dropped


def test_all_calls_failing_drops_the_candidate() -> None:
    """It is not kept for want of scores."""
    cases = CASES[:60]
    rng = np.random.default_rng(4)
    tables = {
        "good": table_of(cases, list((rng.random(60) < 0.8).astype(float))),
        "broken": table_of(cases, ["timeout"] * 60),
    }
    found, is_over = take_look(tables, cases, HIGHER, 2.0, 0.01)
    assert (found.leader, found.dropped, is_over) == ("good", ("broken",), True)


def benchmark() -> ModuleType:
    """The script that measures the race, as a module."""
    path = Path(__file__).parents[2] / "benchmarks/race_characteristics.py"
    spec = importlib.util.spec_from_file_location("race_characteristics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_g9_in_short() -> None:
    """Half of the calls on average, for at most ten points less on 90 draws of three fields.

    The long form (`make bench-race`) holds every field to five points; 90 draws are good to about four.
    """
    race = benchmark()
    fields = [("graded", "spaced", 200), ("graded", "tie", 200), ("binary", "tight", 200)]
    rows = [race.field(*field, 30, 7 + k) for k, field in enumerate(fields)]
    assert sum(row.calls for row in rows) / len(rows) <= 0.5
    assert sum(row.race - row.full for row in rows) / len(rows) >= -0.10
    assert race.table(rows, 30, 7).count("| graded |") == 2


def test_the_verdict_on_g9_can_fail() -> None:
    """A field that loses six points, or calls above a half, is a goal missed."""
    race = benchmark()
    row = race.Row("graded", "tight", 200, 0.9, 0.9, 0.4, 3.0)
    assert race.verdict([row]).startswith("G9 met")
    assert race.verdict([row._replace(race=0.84)]).startswith("G9 missed")
    assert race.verdict([row._replace(calls=0.6)]).startswith("G9 missed")
