"""Statistics stay cheap: many times faster than SciPy's resampling in the same run, without scipy.stats."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from harness.stats.exact import sign_flip_test
from harness.stats.paired import clustered_mean, two_sided_limits


def least_cpu(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.slow
def test_interval_and_test_are_ten_times_faster_than_scipys() -> None:
    """1,000 graded cases, 4,000 resamples, CPU time of one process: the goal is ten, a hundred is usual."""
    rng = np.random.default_rng(61)
    before = rng.random(1000)
    after = np.clip(before + rng.normal(0, 0.1, 1000), 0, 1)
    harms, names = (before - after).tolist(), [f"case-{index:04}" for index in range(1000)]

    def ours() -> None:
        two_sided_limits(clustered_mean(harms, names), 0.95)
        sign_flip_test(harms, names, flips=4000)

    def scipys() -> None:
        both = {"vectorized": True, "n_resamples": 4000}
        scipy.stats.bootstrap(
            (before, after), lambda x, y, axis: (x - y).mean(axis), paired=True, method="BCa", **both
        )
        scipy.stats.permutation_test(
            (before, after), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples", **both
        )

    ours()
    assert least_cpu(scipys, 2) >= 10 * least_cpu(ours, 5)


def test_scipy_stats_is_not_loaded() -> None:
    """Every module of statistics together loads scipy.special, and not scipy.stats, which costs a second."""
    code = (
        "import importlib, pkgutil, sys, harness.stats as package\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'harness.stats.{module.name}')\n"
        "print('scipy.special' in sys.modules, 'scipy.stats' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
