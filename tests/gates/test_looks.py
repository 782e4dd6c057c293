"""Looks on the way: what each may spend, when one is enough, and what a part of the cases cannot say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import ndtr
from world import Cell, cases_of, evidence_of, suite_of

from harness.comparison import Looks
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.gates.looks import level_of, spent_by
from harness.gates.stopping import why_stop
from harness.stats.sequential import spending_bounds
from harness.types import Gate

N = 400
PRIMARY = Gate(id="drop", metric="quality", max_drop=0.05, primary=True)
GUARD = Gate(id="each", metric="quality", max_drop=0.05, slice="language")


def looked(
    before: Sequence[float], after: Sequence[float], *gates: Gate, fractions: tuple[float, ...] = (0.4,)
) -> Evidence:
    """The first so many cases of N, two to a document, at the last of these looks."""
    asked = round(fractions[-1] * N)
    cases = cases_of(N, 2, lambda i: ("en", "de")[i // 2 % 2])[:asked]
    columns: list[dict[str, list[Cell]]] = [{"quality": list(row[:asked])} for row in (before, after)]
    built = evidence_of(suite_of(*(gates or (PRIMARY, GUARD))), cases, columns[1], columns[0])
    ends = [round(fraction * N) for fraction in fractions]
    stages = {case.id: sum(i >= end for end in ends) for i, case in enumerate(cases)}
    return built._replace(candidate=built.candidate._replace(looks=Looks(stages, fractions)))


def graded(seed: int, shift: float = 0.0) -> list[float]:
    return np.clip(np.random.default_rng(seed).normal(0.7 + shift, 0.08, N), 0, 1).tolist()


def test_a_run_without_looks_is_held_at_its_plain_levels() -> None:
    """One look at everything spends all and needs no more than the plain level."""
    assert spent_by(Looks(), 0.01) == (0.01,)
    assert level_of(Looks(), 0.05) == 0.95


def test_looks_spend_more_and_more() -> None:
    """What looks may spend rises to alpha, and the level that a pass needs falls to a little above plain."""
    fractions = (0.4, 0.6, 0.8, 1.0)
    rates = spent_by(Looks({}, fractions), 0.01)
    assert rates == pytest.approx((0.01 * 0.4**1.5, 0.01 * 0.6**1.5, 0.01 * 0.8**1.5, 0.01))
    levels = [level_of(Looks({}, fractions[: n + 1]), 0.05) for n in range(4)]
    assert levels == pytest.approx(ndtr(spending_bounds(0.05, fractions, "obrien-fleming")))
    assert levels[0] > 0.998
    assert levels == sorted(levels, reverse=True)
    assert 0.95 < levels[3] < 0.96


def test_a_proven_drop_stops_the_run() -> None:
    """A loss of 20 points is beyond doubt at 40 % of the cases: the gate that failed is named."""
    assert why_stop(looked(graded(1), graded(2, -0.2))) == "gates drop, each failed"


def test_what_is_shown_stops_the_run() -> None:
    """The same answers again are shown to be the same early; a guard that cannot tell holds nothing back."""
    assert why_stop(looked(graded(1), graded(1))) == "every gate passes, and no metric looks bad"


def test_what_looks_bad_goes_on() -> None:
    """Within the margin, but with a drop that looks real: more cases are asked before anything passes."""
    before = graded(1)
    after = [value - 0.004 + 0.01 * math.sin(i) for i, value in enumerate(before)]
    evidence = looked(before, after)
    verdicts = decide_all(evidence, {})
    assert verdicts[0].outcome == "pass"
    assert verdicts[0].comparison is not None
    assert (verdicts[0].comparison.p_worse or 1.0) < 0.01
    assert why_stop(evidence) == ""


@pytest.mark.parametrize("where", ["all", "de"])
def test_what_no_gate_is_about_looks_bad_too(where: str) -> None:
    """A metric without a gate that fell, over all cases or in a slice, keeps the run going."""
    same = looked(graded(1), graded(1))
    cases, looks = same.candidate.cases, same.candidate.looks
    before: list[Cell] = list(graded(1)[: len(cases)])
    hit = [where == "all" or case.groups["language"] == where for case in cases]
    falls = [0.01 * (i % 3) * fell for i, fell in enumerate(hit)]
    after: list[Cell] = [float(value or 0) - fall for value, fall in zip(before, falls, strict=True)]
    built = evidence_of(
        same.suite, cases, {"quality": before, "other": after}, {"quality": before, "other": before}
    )
    assert why_stop(built._replace(candidate=built.candidate._replace(looks=looks))) == ""


def test_a_bound_that_fails_waits_for_all_cases() -> None:
    """A look is for drops, whose error rate counts all looks; another gate's fail does not end the run."""
    floor = Gate(id="floor", metric="quality", min=0.9)
    evidence = looked(graded(1), graded(1), PRIMARY, floor)
    assert [verdict.outcome for verdict in decide_all(evidence, {})][:2] == ["pass", "fail"]
    assert why_stop(evidence) == ""


@pytest.mark.parametrize(
    ("gate", "partial", "whole"),
    [
        (Gate(id="sum", metric="quality", total=True, max=300), "inconclusive", "pass"),
        (Gate(id="sum", metric="quality", total=True, min=200), "inconclusive", "pass"),
        (Gate(id="spent", metric="quality", total=True, max=80), "fail", "fail"),
        (Gate(id="low", metric="quality", quantile=0.05, min=0.53), "inconclusive", "pass"),
        (Gate(id="mean", metric="quality", bound="point", min=0.695), "inconclusive", "pass"),
    ],
)
def test_a_part_of_the_cases_is_not_all(gate: Gate, partial: str, whole: str) -> None:
    """Plain limits on sums, quantiles and means pass on all cases, not on the part that was asked first."""
    part = decide_all(looked(graded(3), graded(3), gate), {})[0]
    full = decide_all(looked(graded(3), graded(3), gate, fractions=(0.4, 1.0)), {})[0]
    assert (part.outcome, full.outcome) == (partial, whole)


def test_a_gap_is_held_at_the_level_of_the_look() -> None:
    """A gap that passes with all cases in one go may need more of them at a look."""
    gap = Gate(id="gap", metric="quality", slice="language", max_gap=0.02)
    alone = looked(graded(3), graded(3), gap, fractions=(1.0,))
    looks = alone.candidate.looks._replace(fractions=(0.4,))
    early = alone._replace(candidate=alone.candidate._replace(looks=looks))
    assert [decide_all(evidence, {})[0].outcome for evidence in (alone, early)] == ["pass", "inconclusive"]


def test_earlier_looks_count() -> None:
    """The same cases at a second look have to be surer than at a single one."""
    alone = looked(graded(4), graded(5, -0.015), PRIMARY, fractions=(1.0,))
    later = looked(graded(4), graded(5, -0.015), PRIMARY, fractions=(0.4, 0.6, 0.8, 1.0))
    first, second = (decide_all(evidence, {})[0].comparison for evidence in (alone, later))
    assert first is not None
    assert second is not None
    assert (first.p_adjusted or 0) < (second.p_adjusted or 0)
    assert (first.harm_limit or 0) < (second.harm_limit or math.inf)
    assert first.detectable is not None
    assert first.detectable < (second.detectable or 0)
