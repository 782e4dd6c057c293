"""Two runs that a judge scored, what people would say of their answers, and labels of a drawn part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from world import HIGHER, cases_of, recorded_of, suite_of

from harness.calibration.drawing import draw_panel, strata_of
from harness.calibration.labelled import Book, answer_digest, rubric_digest
from harness.calibration.standing import Compared, judged_metrics
from harness.comparison import run_scores
from harness.gates.evidence import Evidence
from harness.types import Calibration, CalibrationSettings, Gate, Label, Measured, Panel, Recorded, Suite

JUDGE = "sha256:judge"
RUBRIC, SCALE = "Is it good?", (0.0, 1.0)
NOW = "2026-01-02T00:00:00Z"
Kinds = tuple[float, float]
"""Sensitivity and specificity of the judge on one system's answers."""


class World(NamedTuple):
    """Runs of baseline and candidate; labels of everybody's answer to every case; the drawn cases."""

    baseline: Recorded
    candidate: Recorded
    labels: tuple[Label, ...]
    panel: Panel
    truth: tuple[float, float]


def make_world(
    rng: np.random.Generator,
    n: int = 400,
    drop: float = 0.0,
    kinds: tuple[Kinds, Kinds] = ((0.85, 0.6), (0.85, 0.6)),
    drawn: int = 120,
    per_document: int = 1,
) -> World:
    """Draw it: 80 % of the baseline's answers are good, 8 % of all turn, and ``drop`` more for worse."""
    cases = cases_of(n, per_document, language=lambda i: ("en", "de")[i % 2])
    before = rng.random(n) < 0.8
    turned = rng.random(n) < np.where(before, 0.05 + drop / 0.8, 0.2)
    after = before ^ turned
    runs = []
    for name, good, (sensitivity, specificity) in zip(("base", "run"), (before, after), kinds, strict=True):
        says = np.where(good, rng.random(n) < sensitivity, rng.random(n) > specificity).astype(float)
        outputs = [f"{name} {i}" for i in range(n)]
        facts = {"judges": {"quality": JUDGE}, "started_at": "2026-01-01T00:00:00Z"}
        recorded = recorded_of(cases, {"quality": says.tolist()}, name, outputs, **facts)
        runs.append(replace(recorded, trust={"quality": ""}))  # it withstood its canaries
    labels = tuple(
        label_of(result.case_id, answer_digest(run.digests[result.case_id], result.response), float(value))
        for run, good in zip(runs, (before, after), strict=True)
        for result, value in zip(run.results, good, strict=True)
    )
    tables = [run_scores(run).tables["quality"] for run in runs]
    strata = strata_of(cases, tables, HIGHER)
    seed = int(rng.integers(1 << 30))
    panel = draw_panel(Panel("quality", RUBRIC, SCALE, "goldens", seed, ("base", "run"), ()), strata, drawn)
    return World(runs[0], runs[1], labels, panel, (float(before.mean()), float(after.mean())))


def label_of(case_id: str, answer: str, value: float, rater: str = "ann") -> Label:
    return Label(
        "p", answer[:12], rater, value, NOW, "quality", rubric_digest(RUBRIC, SCALE), case_id, answer
    )


def calibration_of(**changes: object) -> Calibration:
    """A calibration with which the judge may decide."""
    sure = Measured(0.8, 0.7, 0.9, 200)
    found = Calibration(
        metric="quality", version=1, judge=JUDGE, scale=(0.0, 1.0), n_labels=200, n_raters=1, kappa=sure,
        raters=Measured(None, None, None, 0), rates=(), confusion=(), runs=("base",), scored_at=NOW,
        expires_at="2026-04-01T00:00:00Z",
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def book_of(world: World, *, labels: Sequence[Label] | None = None, **changes: object) -> Book:
    """All that is known: labels of the drawn cases (or those given), a panel, a calibration."""
    if labels is None:
        wanted = set(world.panel.drawn)
        labels = [label for label in world.labels if label.case_id in wanted]
    return Book({"quality": world.panel}, tuple(labels), (calibration_of(**changes),))


def evidence_of_world(
    world: World, gates: Sequence[Gate], book: Book | None = None, **suite: object
) -> Evidence:
    """What the gates are decided on, with what is known of the judge."""
    whole: Suite = suite_of(*gates, **suite)  # type: ignore[arg-type]
    candidate, baseline = run_scores(world.candidate), run_scores(world.baseline)
    found = Evidence(whole, candidate, baseline)
    ours = Compared([world.candidate], candidate, candidate.cases)
    theirs = Compared([world.baseline], baseline, candidate.cases)
    settings = CalibrationSettings()
    judged = judged_metrics(ours, {"baseline": theirs}, book or book_of(world), settings, NOW)
    return found._replace(judged=judged)


def without(world: World, labels: Mapping[str, object]) -> list[Label]:
    """The labels of the drawn cases without those of these cases."""
    wanted = set(world.panel.drawn) - set(labels)
    return [label for label in world.labels if label.case_id in wanted]
