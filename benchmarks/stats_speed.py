"""CPU time of an interval and a test of paired scores, beside SciPy's resampling of the same numbers."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy
import scipy.stats

from harness.stats.exact import mcnemar_test, sign_flip_test
from harness.stats.paired import clustered_mean, two_sided_limits
from harness.stats.quantiles import quantile_change
from harness.stats.rates import newcombe_paired_ci

Array = np.ndarray[Any, np.dtype[np.float64]]
LEVEL = 0.95


Found = tuple[float, float, float | None]
"""Limits of a difference, and the one-sided p-value of a drop (None: not asked)."""


class Question(NamedTuple):
    """What both sides compute of the same scores, by the number of resamples, and the goal in CPU seconds."""

    name: str
    ours: Callable[[int], Found]
    scipys: Callable[[int], Found]
    goal_s: float | None


def graded_scores(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Scores in 0 to 1; the candidate is worse by a standard error, so that p-values are neither 0 nor 1."""
    before = rng.random(n)
    return before, np.clip(before + rng.normal(-0.1 / math.sqrt(n), 0.1, n), 0, 1)


def pass_fail_scores(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """A tenth of the cases change, losses a little more often than wins."""
    before = (rng.random(n) < 0.8).astype(float)
    flips = rng.random(n) < np.where(before == 1, 0.0625, 0.25 - 0.5 / math.sqrt(n))
    return before, np.where(flips, 1 - before, before)


def scipys_pair(before: Array, after: Array, resamples: int) -> Found:
    """SciPy's paired BCa bootstrap and paired permutation test of the mean difference."""
    batch = max(1, min(resamples, 25_000_000 // len(before)))

    def drop(x: Array, y: Array, axis: int = -1) -> Array:
        found: Array = (x - y).mean(axis)
        return found

    limits = scipy.stats.bootstrap(
        (before, after), drop, n_resamples=resamples, paired=True, vectorized=True, method="BCa",
        confidence_level=LEVEL, batch=batch, rng=np.random.default_rng(7),
    ).confidence_interval  # fmt: skip
    p = scipy.stats.permutation_test(
        (before, after), drop, permutation_type="samples", vectorized=True, n_resamples=resamples,
        alternative="greater", batch=batch, rng=np.random.default_rng(8),
    ).pvalue  # fmt: skip
    return float(limits.low), float(limits.high), float(p)


def mean_and_test(harms: list[float], clusters: list[str], flips: int) -> Found:
    """The cluster-robust t interval and the studentised sign-flip test."""
    low, high = two_sided_limits(clustered_mean(harms, clusters), LEVEL)
    return low, high, sign_flip_test(harms, clusters, flips=flips)


def rate_and_test(before: Array, after: Array) -> Found:
    """Newcombe's interval and McNemar's exact test, from the four counts."""
    was, now = before > 0, after > 0
    losses, wins = int((was & ~now).sum()), int((now & ~was).sum())
    both = int((was & now).sum())
    low, high = newcombe_paired_ci(both, losses, wins, len(was) - both - losses - wins, LEVEL)
    return low, high, mcnemar_test(losses, wins, mid=False)


def scipys_quantile(before: Array, after: Array, resamples: int) -> Found:
    """SciPy's paired percentile bootstrap of how far the 95th percentile rose."""

    def rise(x: Array, y: Array, axis: int = -1) -> Array:
        found: Array = np.quantile(y, 0.95, axis=axis) - np.quantile(x, 0.95, axis=axis)
        return found

    limits = scipy.stats.bootstrap(
        (before, after), rise, n_resamples=resamples, paired=True, vectorized=True, method="percentile",
        confidence_level=LEVEL, batch=max(1, 500_000 // len(before)), rng=np.random.default_rng(9),
    ).confidence_interval  # fmt: skip
    return float(limits.low), float(limits.high), None


def questions(n: int) -> list[Question]:
    """What is asked of n cases, each a cluster of its own, as SciPy has no clusters."""
    rng = np.random.default_rng(0)
    names = [f"case-{index:06}" for index in range(n)]
    graded, rates = graded_scores(rng, n), pass_fail_scores(rng, n)
    seconds = rng.lognormal(0, 0.5, n)
    latency = seconds, seconds * rng.lognormal(0.1, 0.3, n)
    harms = [(before - after).tolist() for before, after in (graded, rates)]
    before_s, after_s = (side.tolist() for side in latency)

    def quantiles(resamples: int) -> Found:
        return *quantile_change(before_s, after_s, names, 0.95, resamples=resamples).difference_limits, None

    small = n <= 1000
    graded_s, rate_s = (0.1, 0.005) if small else (5.0, 0.01)
    return [
        Question(
            "graded: t limits and sign flips",
            lambda count: mean_and_test(harms[0], names, count),
            lambda count: scipys_pair(*graded, count),
            graded_s,
        ),
        Question(
            "pass/fail: t limits and sign flips",
            lambda count: mean_and_test(harms[1], names, count),
            lambda count: scipys_pair(*rates, count),
            rate_s,
        ),
        Question(
            "pass/fail: Newcombe and McNemar",
            lambda _: rate_and_test(*rates),
            lambda count: scipys_pair(*rates, count),
            rate_s,
        ),
        Question(
            "95th percentile: bootstrap", quantiles, lambda count: scipys_quantile(*latency, count), None
        ),
    ]


def least_cpu(call: Callable[[int], Found], resamples: int, rounds: int) -> tuple[Found, float]:
    """What a call finds, and the least CPU time of some rounds: what other work adds is noise."""
    found, times = call(resamples), []
    for _ in range(rounds):
        start = time.process_time()
        found = call(resamples)
        times.append(time.process_time() - start)
    return found, min(times)


def disagreement(ours: Found, scipys: Found, resamples: int) -> str:
    """How the answers differ by more than resampling explains; empty where they do not.

    A resampled p-value has the error ``sqrt(p (1-p) / R)``; both sides have one. A limit at 2.5 % of R
    resamples has about 2.7 standard errors of the estimate over ``sqrt(R)``; the width of the interval is
    about four of them. Allowed are four such errors and, for t and Newcombe against BCa, a fiftieth of the
    width, which is how far these methods themselves are apart on skewed scores.
    """
    width = scipys[1] - scipys[0]
    room = width * (4 * 2.7 / 4 / math.sqrt(resamples) + 0.02)
    if max(abs(ours[0] - scipys[0]), abs(ours[1] - scipys[1])) > room:
        return f"limits {ours[:2]} and {scipys[:2]}"
    if ours[2] is None or scipys[2] is None:
        return ""
    p = min(max(scipys[2], 1 / resamples), 1 - 1 / resamples)
    if abs(ours[2] - scipys[2]) > 4 * math.sqrt(2 * p * (1 - p) / resamples):
        return f"p-values {ours[2]:.4f} and {scipys[2]:.4f}"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=10_000, help="R of both sides (10000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the fastest counts (3)")
    parser.add_argument("--small-only", action="store_true", help="1,000 cases only")
    options = parser.parse_args(arguments)
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, R = {options.resamples}, seed 0, CPU ms")
    print("| cases | what | ours | goal | SciPy | SciPy / ours | p: ours | p: SciPy |")
    print("|---|---|---|---|---|---|---|---|")
    differ = []
    for n in (1000,) if options.small_only else (1000, 100_000):
        for question in questions(n):
            found, cpu = least_cpu(question.ours, options.resamples, options.rounds)
            goal = "-" if question.goal_s is None else f"{question.goal_s * 1e3:g}"
            if question.goal_s is not None:
                goal += " met" if cpu <= question.goal_s else " missed"
            cells = [f"{n}", question.name, f"{cpu * 1e3:.2f}", goal, "not run", "", shown(found[2]), ""]
            if n <= 1000:  # at 100,000 SciPy's BCa alone needs more than ten minutes
                known, peer = least_cpu(question.scipys, options.resamples, options.rounds)
                cells[4:6], cells[7] = [f"{peer * 1e3:.0f}", f"{peer / cpu:.0f}"], shown(known[2])
                if problem := disagreement(found, known, options.resamples):
                    differ.append(f"{question.name}: {problem}")
            print(f"| {' | '.join(cells)} |", flush=True)
    print("\n".join(differ) if differ else "All limits and p-values agree to resampling error.")
    return 1 if differ else 0


def shown(p: float | None) -> str:
    return "" if p is None else f"{p:.4f}"


if __name__ == "__main__":
    sys.exit(main())
