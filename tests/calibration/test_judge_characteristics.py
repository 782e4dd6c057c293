"""Coverage and false alarms of corrected figures in a short form of ``make bench-judges``: seeded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "judge_correction.py"
RUNS = 150

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge_correction", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("index", range(6))
def test_corrected_intervals_cover(bench: ModuleType, index: int) -> None:
    """95 % intervals hold the true rate in at least 93.5 %, give or take chance; the judge's own do not."""
    found = bench.simulate_level(bench.LEVELS[index], RUNS, 5)
    assert list(bench.misses([found], [], RUNS)) == []
    assert found.naive_covered < 0.6


@pytest.mark.parametrize("index", range(4))
def test_corrected_tests_keep_their_level(bench: ModuleType, index: int) -> None:
    """At most 6 % of tests at 5 % alarm, give or take chance, however the judge treats the systems."""
    found = bench.simulate_paired(bench.PAIRED[index], RUNS, 5)
    assert list(bench.misses([], [found], RUNS)) == []
    if index:
        assert max(found.naive_worse, found.naive_better) > 0.3


def test_a_missed_goal_is_named(bench: ModuleType) -> None:
    """The check itself can fail: low coverage, and too many alarms."""
    low = bench.Level(bench.LEVELS[0], 0.90, 0.1, 0.0, 0.0, 0.5, 100.0)
    loud = bench.Paired(bench.PAIRED[0], 0.02, 0.09, 0.0, 0.0, 0.5)
    assert len(list(bench.misses([low], [loud], 4000))) == 2
