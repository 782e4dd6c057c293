"""A judge's own figures are called so, and stand beside those that labels make of them."""

from __future__ import annotations

import numpy as np
import pytest
from judged_worlds import book_of, evidence_of_world, label_of, make_world
from world import HIGHER, suite_of

from harness.findings import ungated_harms
from harness.gates.decide import decide_all
from harness.judged import judged_figures
from harness.measurement import compare
from harness.types import Comparison, Estimate, Gate, Slice

FLOOR = Gate(id="floor", metric="quality", min=0.5)


def test_corrected_figures_are_those_that_gates_decide_on() -> None:
    """Mean and interval of a bound over all cases; the judge's own differ, and are kept."""
    world = make_world(np.random.default_rng(3), n=500, drawn=200)
    evidence = evidence_of_world(world, [FLOOR])
    assert evidence.baseline is not None
    tables = evidence.baseline.tables["quality"], evidence.candidate.tables["quality"]
    own = compare("quality", tables, evidence.candidate.cases, Slice(), HIGHER, 0.01)
    (row,) = judged_figures(evidence, [own], decide_all(evidence, {}))
    verdict = next(one for one in decide_all(evidence, {}) if one.gate == "floor")
    assert row.corrected is not None
    assert (row.corrected.value, row.corrected.interval) == (verdict.candidate, verdict.interval)
    assert abs(row.corrected.value - world.truth[1]) < abs(row.own.value - world.truth[1])  # type: ignore[operator]
    assert row.own_change == own
    assert row.corrected_change is not None
    assert row.corrected_change.interval is not None
    assert row.corrected_change.change == pytest.approx(world.truth[1] - world.truth[0], abs=0.1)
    assert (row.n_labels, row.n_labels_change, row.advisory, row.lacking) == (200, 200, "", "")


def test_nothing_is_corrected_where_a_judge_is_advisory() -> None:
    """Few labels, a low kappa, doubts of canaries: the own figures alone, and why."""
    world = make_world(np.random.default_rng(4))
    for evidence, why in (
        (evidence_of_world(world, [FLOOR], book_of(world, n_labels=99)), "calibrated on 99 labels"),
        (evidence_of_world(world, [FLOOR], book_of(world, labels=[])), ""),
    ):
        doubted = evidence._replace(candidate=evidence.candidate._replace(advisory={"quality": "gave in"}))
        for found in (evidence, doubted):
            (row,) = judged_figures(found, [], decide_all(found, {}))
            assert (row.corrected, row.corrected_change, row.n_labels) == (None, None, 0)
            assert why in row.advisory
            assert row.own.value is not None
        assert "gave in" in row.advisory
    assert "0 of the" in row.lacking


def test_labels_of_another_answer_or_case_correct_nothing() -> None:
    """A label belongs to the answer that the rater saw: neither its case nor its rater stretches it."""
    world = make_world(np.random.default_rng(5))
    foreign = [label_of(label.case_id, f"other {label.answer}", 0.0) for label in world.labels]
    found = evidence_of_world(world, [FLOOR], book_of(world, labels=foreign))
    (row,) = judged_figures(found, [], ())
    assert row.corrected is None
    assert "0 of the" in row.lacking


def test_a_harm_by_a_judges_own_scores_is_called_so() -> None:
    """Nobody takes the notice for a corrected figure."""
    fell = Comparison("quality", Slice(), Estimate(0.8, 60, 0), Estimate(0.6, 60, 0), p_worse=1e-6)
    (plain,) = ungated_harms([fell], suite_of())
    assert plain == "quality got worse (0.800 → 0.600) and no gate on a drop is about it"
    (judged,) = ungated_harms([fell], suite_of(), {"quality"})
    assert "(0.800 → 0.600, by the own scores of its judge)" in judged
