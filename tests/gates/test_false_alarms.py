"""The gate as a whole: how often it fails an unchanged system, and how often it finds a real loss."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from world import Cell, cases_of, evidence_of, suite_of

from harness.gates.decide import decide_all, overall
from harness.types import Gate

METRICS = tuple(f"metric{i}" for i in range(6))
GATES = (
    *(Gate(id=f"all-{i}", metric=name, max_drop=0.05) for i, name in enumerate(METRICS)),
    *(Gate(id=f"each-{i}", metric=name, max_drop=0.1, slice="language") for i, name in enumerate(METRICS)),
)
N = 240
CASES = cases_of(N, 4, lambda i: ("en", "de", "fr", "ja")[i // 4 % 4])


Columns = dict[str, list[Cell]]


def world(rng: np.random.Generator, by_document: bool, lost: float = 0.0) -> tuple[Columns, Columns]:
    """Baseline and candidate on six correlated metrics, half of them rates; documents may move up or down."""
    easy = rng.random(N)
    baseline: Columns = {}
    candidate: Columns = {}
    for i, name in enumerate(METRICS):
        moved = np.repeat(rng.choice([-0.1, 0.1], N // 4), 4) if by_document else np.zeros(N)
        for column, shift in ((baseline, np.zeros(N)), (candidate, moved - lost * (i == 0))):
            drawn = np.where(rng.random(N) < 0.2, rng.random(N), easy)
            values = (drawn < 0.8 + shift) if i % 2 else 0.2 + 0.6 * drawn + shift
            column[name] = values.astype(float).tolist()
    return baseline, candidate


def failures(runs: int, alpha: float, by_document: bool, lost: float = 0.0) -> int:
    """How many of so many gates fail."""
    rng = np.random.default_rng(21)
    suite = suite_of(*GATES, metrics=METRICS, alpha=alpha)
    found = 0
    for _ in range(runs):
        baseline, candidate = world(rng, by_document, lost)
        verdicts = decide_all(evidence_of(suite, CASES, candidate, baseline), {})
        found += overall(verdicts)[0] == "fail"
    return found


@pytest.mark.parametrize(("alpha", "by_document"), [(0.01, True), (0.2, False)])
def test_false_alarms_stay_below_alpha(alpha: float, by_document: bool) -> None:
    """6 metrics over all cases and in 4 slices: an unchanged system fails in at most alpha of gates."""
    runs = 60
    assert failures(runs, alpha, by_document) <= scipy.stats.binom.ppf(0.999, runs, alpha)


def test_a_loss_of_ten_points_is_found() -> None:
    """Among 30 tests at 1 %, a loss of 10 points on one graded metric is found nearly always."""
    runs = 20
    assert failures(runs, 0.01, by_document=False, lost=0.1) >= scipy.stats.binom.ppf(0.001, runs, 0.95)
