"""Worlds whose truth is known: cases, a cached baseline of several runs, and a candidate that is as said."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, ndtr, ndtri

from harness.comparison import CaseValue, RunScores
from harness.pooling import pool
from harness.types import Case, Gate, MetricIdentity, Query, Run, SliceRule, Suite

Array = np.ndarray[Any, Any]
Kind = Literal["binary", "graded", "seconds"]
Change = Literal["none", "item", "document"]

KINDS: tuple[Kind, ...] = ("binary",) * 4 + ("graded",) * 6 + ("seconds",) * 2
NAMES = tuple(f"m{index:02}-{kind}" for index, kind in enumerate(KINDS))
PRIMARY = (0, 4, 5)
MARGIN = 0.05
DOCUMENT, RUN, TOGETHER = 0.2, 0.10, 0.4
"""Shares of the latent variance: what a document's items share, what each run draws anew; and the correlation
of the metrics within each part."""
MOVED = {"none": (0.0, 0.0), "item": (0.15, 0.0), "document": (0.05, 0.10)}
"""What a change that is neutral on average moves: each item, and each whole document."""
PASS_RATE = 0.8
ZEROS, ONES, BETA = 0.04, 0.50, (4.0, 1.5)
"""Graded scores: so many at 0, so many at 1, a beta between."""
BROKEN = 3.0
"""Latent standard deviations that a broken item loses; half of a drop is such items."""
PARTS = (0.05, 0.05, 0.10, 0.10, 0.15, 0.15, 0.20, 0.20)
_GRID = np.linspace(-9, 9, 18001)


class Drop(NamedTuple):
    """A true loss on some metrics, in one slice or (None) on all cases."""

    size: float
    metrics: tuple[int, ...]
    part: int | None = None


class World(NamedTuple):
    """One draw: cases, and scores by case and metric; the baseline's runs are pooled, as the product does."""

    cases: tuple[Case, ...]
    baseline: RunScores
    candidate: RunScores


def score(kind: Kind, latent: Array) -> Array:
    """Push a standard normal through the distribution of a score."""
    if kind == "binary":
        return np.asarray(latent > ndtri(1 - PASS_RATE), dtype=float)
    if kind == "seconds":
        return np.asarray(np.exp(latent / 2))
    found: Array = np.interp(latent, _GRID, _graded())
    return found


@functools.cache
def _graded() -> Array:
    u = ndtr(_GRID)
    between = betaincinv(*BETA, np.clip((u - ZEROS) / (1 - ZEROS - ONES), 0, 1))
    found: Array = np.where(u < ZEROS, 0.0, np.where(u > 1 - ONES, 1.0, between))
    return found


def expected(kind: Kind, shift: float) -> float:
    """Mean score where the latent is lower by a shift."""
    weights = np.exp(-0.5 * _GRID**2)
    return float((score(kind, _GRID - shift) * weights).sum() / weights.sum())


@functools.cache
def drop_of(kind: Kind, size: float) -> tuple[float, float]:
    """Share of broken items and shift of the others that together lower the mean by a size, half each."""
    if size == 0:
        return 0.0, 0.0
    whole = expected(kind, 0.0)
    broken = size / 2 / (whole - expected(kind, BROKEN))
    shift = brentq(lambda s: (whole - expected(kind, s)) * (1 - broken) - size / 2, 0, 5, xtol=1e-12)
    return broken, float(shift)


@functools.cache
def documents(n: int) -> Array:
    """The document of each item: one plus Poisson(3) items each; the same for every world of n items."""
    rng, name = np.random.default_rng(n), 0
    found: list[int] = []
    while len(found) < n:
        found += [name] * int(1 + rng.poisson(3))
        name += 1
    return np.array(found[:n])


def _latent(rng: np.random.Generator, size: int) -> Array:
    together = np.sqrt(TOGETHER) * rng.standard_normal((size, 1))
    found: Array = together + np.sqrt(1 - TOGETHER) * rng.standard_normal((size, len(KINDS)))
    return found


def draw(
    rng: np.random.Generator,
    n: int,
    *,
    change: Change = "none",
    drop: Drop | None = None,
    baseline_runs: int = 5,
    candidate_runs: int = 1,
) -> tuple[Array, Array, Array]:
    """Draw the scores of every run of baseline and candidate, and the slice of every item.

    Returns:
        shapes (baseline runs, n, 12), (candidate runs, n, 12) and (n,).
    """
    of = documents(n)
    count = int(of.max()) + 1
    item, document = MOVED[change]
    parts = rng.choice(len(PARTS), n, p=PARTS)
    own = 1 - RUN - DOCUMENT - item - document
    shared = np.sqrt(DOCUMENT) * _latent(rng, count)[of] + np.sqrt(own) * _latent(rng, n)
    sides: list[Array] = []
    for runs in (baseline_runs, candidate_runs):
        side = shared
        if change != "none":
            side = side + np.sqrt(item) * _latent(rng, n) + np.sqrt(document) * _latent(rng, count)[of]
        if len(sides) == 1 and drop is not None:
            side = side - _loss(rng, parts, drop)
        drawn = [side + np.sqrt(RUN) * _latent(rng, n) for _ in range(runs)]
        sides.append(np.stack([_scored(latent) for latent in drawn]))
    return sides[0], sides[1], parts


def _scored(latent: Array) -> Array:
    return np.column_stack([score(kind, latent[:, metric]) for metric, kind in enumerate(KINDS)])


def _loss(rng: np.random.Generator, parts: Array, drop: Drop) -> Array:
    """How much lower the latent of each item is, shape (n, 12)."""
    found = np.zeros((len(parts), len(KINDS)))
    within = np.ones(len(parts)) if drop.part is None else parts == drop.part
    for metric in drop.metrics:
        broken, shift = drop_of(KINDS[metric], drop.size)
        found[:, metric] = np.where(rng.random(len(parts)) < broken, BROKEN, shift) * within
    return found


def world(rng: np.random.Generator, n: int, **drawn: Any) -> World:
    """Draw a world; ``drawn`` as ``draw`` takes it."""
    before, after, parts = draw(rng, n, **drawn)
    of = documents(n)
    cases = tuple(
        Case(
            query=Query(f"c{index:04}", ""),
            groups={"part": f"p{parts[index]}"},
            document_id=f"d{of[index]:04}",
        )
        for index in range(n)
    )
    baseline = pool([_scores("baseline", cases, values) for values in before])
    return World(cases, baseline, _scores("candidate", cases, after.mean(axis=0)))


def _scores(name: str, cases: Sequence[Case], values: Array) -> RunScores:
    tables = {
        metric: {
            case.id: CaseValue(value, "scored") for case, value in zip(cases, column.tolist(), strict=True)
        }
        for metric, column in zip(NAMES, values.T, strict=True)
    }
    return RunScores(_run(name, len(cases)), tuple(cases), tables)


@functools.cache
def _run(name: str, n: int) -> Run:
    """What identifies a run: made up, but for its metrics."""
    identities = {
        metric: MetricIdentity(1, kind != "seconds", 0.0, None if kind == "seconds" else 1.0)
        for metric, kind in zip(NAMES, KINDS, strict=True)
    }
    return Run(
        id=name, suite_name="gate-worlds", started_at="", candidate="", system_fingerprint=name,
        dataset_digest="", dataset_name="", corpus_digest=None, metrics=identities, config={}, suite={},
        suite_path="", harness_version="", seed=0, repeats=1, n_cases=n,
    )  # fmt: skip


def suite(alpha: float = 0.01) -> Suite:
    """Twelve drops over all cases, three of them primary, and the same twelve in each of eight slices.

    Only primary gates have a margin; the others fail on any drop that is beyond doubt, as in the study.
    """
    gates = []
    for index, (name, kind) in enumerate(zip(NAMES, KINDS, strict=True)):
        ratio, drop = (1.0, None) if kind == "seconds" else (None, 0.0)
        if index in PRIMARY:
            gates.append(Gate(id=f"g{index:02}", metric=name, primary=True, max_drop=MARGIN))
        else:
            gates.append(Gate(id=f"g{index:02}", metric=name, max_drop=drop, max_ratio=ratio))
        gates.append(Gate(id=f"s{index:02}", metric=name, slice="part", max_drop=drop, max_ratio=ratio))
    return Suite(
        version=1, suite="gate-worlds", goldens=(), system={}, metrics=NAMES, gates=tuple(gates),
        slices={"part": SliceRule(source="groups.part", min_n=20)}, alpha=alpha,
    )  # fmt: skip
