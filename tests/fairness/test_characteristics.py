"""The audit's error rates in a short form of ``make bench-fairness``: seeded, with room for chance."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "fairness_characteristics.py"
RUNS = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fairness_characteristics", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def room(rate: float) -> float:
    """Three standard errors of a share over so many runs."""
    return 3 * math.sqrt(rate * (1 - rate) / RUNS)


@pytest.mark.parametrize(
    ("design", "kind"),
    [
        ("independent", "rate 0.95"),
        ("nested", "rate 0.80"),
        ("crossed", "graded"),
        ("languages", "rate 0.80"),
    ],
)
def test_no_gap_is_no_alarm_and_intervals_hold_together(bench: ModuleType, design: str, kind: str) -> None:
    """At most 6 % of audits find a difference where there is none; in 93 % all intervals hold at once."""
    chosen = next(item for item in bench.designs(np.random.default_rng(2)) if item.name == design)
    found = bench.simulate(chosen, kind, None, 0.0, RUNS, seed=2)
    assert found.false_alarm <= 0.06 + room(0.06)
    assert found.omnibus <= 0.06 + room(0.06)
    assert found.covered >= 0.93 - room(0.93)


def test_ten_graded_points_in_a_group_of_200_are_found(bench: ModuleType) -> None:
    """In 95 % of audits, and all intervals still hold; the generator makes the gap that it says."""
    chosen = next(bench.designs(np.random.default_rng(2)))
    found = bench.simulate(chosen, "graded", 5, 0.10, RUNS, seed=3)
    assert found.power >= 0.95 - room(0.95)
    assert found.covered >= 0.93 - room(0.93)
    rng = np.random.default_rng(4)
    broken, shift = bench.harm("graded", 0.10)
    latent = rng.standard_normal(400_000)
    harmed = latent - np.where(rng.random(400_000) < broken, 3.0, shift)
    gap = bench.score("graded", latent).mean() - bench.score("graded", harmed).mean()
    assert gap == pytest.approx(0.10, abs=0.002)
