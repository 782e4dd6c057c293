"""A judge held against people: kappa, error rates by slice, raters among each other, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from judged_worlds import book_of, calibration_of, make_world
from msgspec.structs import replace
from world import run_of

from harness.calibration.agreement import agree, rated_answers
from harness.calibration.standing import why_advisory
from harness.types import CalibrationSettings, SliceRule

LANGUAGE = {"language": SliceRule(source="groups.language")}
SCALE = (0.0, 1.0)


def test_error_rates_are_those_of_all_cases() -> None:
    """Answers that the judge doubts are labelled more often, and count no more."""
    rng = np.random.default_rng(1)
    found, plain = [], []
    for _ in range(30):
        world = make_world(rng, n=600, kinds=((0.85, 0.6), (0.85, 0.6)), drawn=200)
        rated = rated_answers([world.candidate], book_of(world), "quality")
        agreed = agree(rated, SCALE, LANGUAGE)
        good = [one for one in rated if one.labels["ann"] == 1]
        plain.append(np.mean([one.score for one in good]))
        found.append(agreed.rates[0].sensitivity.value)
    assert np.mean(found) == pytest.approx(0.85, abs=0.015)
    assert np.mean(plain) < 0.83


def test_rates_are_told_by_slice() -> None:
    """All answers first, then every value of every slice; the parts add up."""
    world = make_world(np.random.default_rng(2), drawn=200)
    agreed = agree(rated_answers([world.candidate], book_of(world), "quality"), SCALE, LANGUAGE)
    assert [row.slice for row in agreed.rates] == ["all", "language=de", "language=en"]
    assert sum(row.n for row in agreed.rates[1:]) == agreed.rates[0].n == agreed.n == 200
    assert sum(sum(row) for row in agreed.confusion) == 200
    assert agreed.rates[0].sensitivity.n + agreed.rates[0].specificity.n == 200
    assert agreed.kappa == agreed.rates[0].kappa


def test_raters_are_held_against_each_other() -> None:
    """A second rater differs on ten answers: alpha is high, and every pair has its kappa."""
    world = make_world(np.random.default_rng(3), drawn=150)
    book = book_of(world)
    wrong = set(world.panel.drawn[:10])
    second = [
        replace(label, rater="bob", value=1 - label.value if label.case_id in wrong else label.value)
        for label in book.labels
    ]
    agreed = agree(
        rated_answers([world.candidate], book._replace(labels=(*book.labels, *second)), "quality"), SCALE, {}
    )
    assert agreed.raters == ("ann", "bob")
    assert [(first, other) for first, other, _ in agreed.pairs] == [
        ("judge", "ann"),
        ("judge", "bob"),
        ("ann", "bob"),
    ]
    assert agreed.alpha.value is not None
    assert 0.6 < agreed.alpha.value < 0.95
    assert agreed.alpha.n == 150


def test_scores_between_two_values_count_as_the_nearer() -> None:
    """A judge's 0.6 is 1 on a scale of 0 and 1, halfway is the lower; a scale of three weighs how far."""
    world = make_world(np.random.default_rng(4), n=120, drawn=120)
    rated = rated_answers([world.candidate], book_of(world), "quality")
    shifted = [one._replace(score=0.6 if one.score else 0.4) for one in rated]
    assert agree(shifted, SCALE, {}).kappa == agree(rated, SCALE, {}).kappa
    halfway = [one._replace(score=0.5) for one in rated]
    assert sum(row[1] for row in agree(halfway, SCALE, {}).confusion) == 0
    near = [one._replace(score=0.5 if one.labels["ann"] else 0.0) for one in rated]
    far = [one._replace(score=0.0) for one in rated]
    graded = (0.0, 0.5, 1.0)
    assert (agree(near, graded, {}).kappa.value or 0) > (agree(far, graded, {}).kappa.value or 0)


def test_an_answer_of_several_runs_counts_once() -> None:
    """Runs that repeat an answer do not make more of its label; answers of two runs count each."""
    world = make_world(np.random.default_rng(5), drawn=150)
    book = book_of(world)
    once = rated_answers([world.candidate], book, "quality")
    assert rated_answers([world.candidate, world.candidate], book, "quality") == once
    assert len(rated_answers([world.candidate, world.baseline], book, "quality")) == 300


def test_standing_is_of_one_judge_at_one_time() -> None:
    """The same judge and version, not expired when the run was started, kappa at the floor: it may decide."""
    run = run_of("run", ["quality"], judges={"quality": "sha256:judge"})
    settings = CalibrationSettings()
    known = [calibration_of(), calibration_of(judge="sha256:other", n_labels=3)]
    assert why_advisory("quality", run, known, settings, "2026-03-31T23:59:59Z") == ""
    assert "expired on 2026-04-01" in why_advisory("quality", run, known, settings, "2026-04-01T00:00:00Z")
    never = [calibration_of(expires_at=None)]
    assert why_advisory("quality", run, never, settings, "2036-01-01T00:00:00Z") == ""
    floor = replace(settings, min_kappa=0.8)
    assert why_advisory("quality", run, known, floor, "2026-02-01T00:00:00Z") == ""
    assert why_advisory("quality", run, known, replace(settings, min_kappa=0.81), "2026-02-01T00:00:00Z")


def test_standing_is_of_the_models_that_were_labelled() -> None:
    """The same judge by its name behind which the service put another model was not calibrated."""
    run = run_of("run", ["quality"], judges={"quality": "sha256:judge"})
    known, at = [calibration_of(served=("model-1",))], "2026-02-01T00:00:00Z"
    for served, said in (
        (frozenset({"model-1"}), ""),
        (frozenset({"model-1", "model-2"}), "judged by 'model-2', on which its judge was not calibrated"),
    ):
        found = why_advisory("quality", run, known, CalibrationSettings(), at, served)
        assert said in found
        assert bool(said) == bool(found)
