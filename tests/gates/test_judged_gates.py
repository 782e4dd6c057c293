"""Gates on a judge's scores: corrected by labels, advisory without, and nothing else moved by a bit."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from judged_worlds import book_of, evidence_of_world, make_world
from msgspec.structs import replace
from world import cases_of, evidence_of, suite_of

from harness.gates.decide import decide_all, overall
from harness.gates.family import find_drops
from harness.pairing import pair
from harness.types import Gate, Label, Measured, Score, Verdict

DROP = Gate(id="drop", metric="quality", max_drop=0.05)
FLOOR = Gate(id="floor", metric="quality", min=0.7)


def verdicts(*arguments: object, **named: object) -> dict[str, Verdict]:
    return {found.gate: found for found in decide_all(evidence_of_world(*arguments, **named), {})}  # type: ignore[arg-type]


def test_metrics_without_a_judge_are_not_moved_by_a_bit() -> None:
    """What is known of the judge of one metric changes no verdict on any other."""
    rng = random.Random(1)  # noqa: S311 -- a simulation
    cases = cases_of(120, 2, language=lambda i: ("en", "de")[i % 2])
    gates = [
        Gate(id="drop", metric="flaws", max_drop=0.05, primary=True),
        Gate(id="each", metric="flaws", max_drop=0.1, slice="language"),
        Gate(id="floor", metric="flaws", max=0.3),
        Gate(id="gap", metric="flaws", slice="language", max_gap=0.2),
        Gate(id="slow", metric="latency_s", max_ratio=1.1),
    ]
    suite = suite_of(*gates, metrics=("quality", "flaws", "latency_s"))
    columns = [
        {
            "quality": [float(rng.random() < 0.8) for _ in cases],
            "flaws": [float(rng.random() < 0.2) for _ in cases],
            "latency_s": [rng.random() + 0.1 for _ in cases],
        }
        for _ in range(2)
    ]
    plain = evidence_of(suite, cases, *columns)
    judged = evidence_of_world(make_world(np.random.default_rng(1)), [DROP]).judged
    with_judge = plain._replace(
        judged=judged,
        candidate=plain.candidate._replace(run=replace(plain.candidate.run, judges={"quality": "j"})),
    )
    assert decide_all(with_judge, {}) == decide_all(plain, {})
    tests = find_drops(with_judge).tests
    for name, of in (("drop", "flaws"), ("slow", "latency_s")):
        tables = plain.baseline.tables[of], plain.candidate.tables[of]  # type: ignore[union-attr]
        scale = "ratio" if name == "slow" else "difference"
        assert tests[name][0].pairs == pair(*tables, cases, plain.candidate.run.metrics[of], scale)


def test_a_corrected_gate_decides() -> None:
    """With labels of both runs' drawn cases an unchanged system passes, and says what the figure rests on."""
    found = verdicts(
        make_world(np.random.default_rng(2), n=800, drawn=400), [replace(DROP, max_drop=0.15), FLOOR]
    )
    assert {name: one.outcome for name, one in found.items() if name != "scored"} == {
        "drop": "pass",
        "floor": "pass",
    }
    assert "corrected by 4" in found["drop"].reason
    assert "λ" in found["floor"].reason
    assert found["floor"].interval is not None
    assert found["floor"].interval.method == "prediction-powered"


def test_a_drop_that_the_judge_hides_is_found() -> None:
    """30 points lost, and a judge that is lenient with the new system: naively nothing, corrected a fail."""
    rng = np.random.default_rng(3)
    world = make_world(rng, n=600, drop=0.3, kinds=((0.85, 0.9), (0.97, 0.2)), drawn=250)
    harm = find_drops(evidence_of_world(world, [DROP])).tests["drop"][0].comparison
    naive = np.mean([r.scores["quality"].value for r in world.baseline.results]) - np.mean(
        [r.scores["quality"].value for r in world.candidate.results]
    )
    truth = world.truth[0] - world.truth[1]
    assert harm.harm is not None
    assert abs(harm.harm - truth) < abs(naive - truth)
    assert verdicts(world, [DROP])["drop"].outcome == "fail"


def test_counts_of_a_corrected_drop_are_the_judges_own() -> None:
    """Worse, better and the same count cases as the judge has them; they add up to the pairs."""
    world = make_world(np.random.default_rng(4))
    found = verdicts(world, [DROP])["drop"].comparison
    assert found is not None
    before, after = (
        [r.scores["quality"].value for r in run.results] for run in (world.baseline, world.candidate)
    )
    worse = sum(
        old > new for old, new in zip(before, after, strict=True) if old is not None and new is not None
    )
    assert found.worse == worse
    assert found.worse + found.better + found.same == found.n_pairs == 400


ADVISORY: dict[str, tuple[dict[str, object], str]] = {
    "few": ({"n_labels": 99}, "calibrated on 99 labels, and it needs 100"),
    "expired": ({"expires_at": "2026-01-02T00:00:00Z"}, "expired on 2026-01-02"),
    "kappa": ({"kappa": Measured(0.59, 0.5, 0.7, 200)}, "kappa 0.590, and the suite asks for 0.600"),
    "unknown kappa": ({"kappa": Measured(None, None, None, 200)}, "by kappa —"),
    "other judge": ({"judge": "sha256:other"}, "this judge was not calibrated, another was"),
    "other version": ({"version": 2}, "this judge was not calibrated on version 1, but on 2"),
}


@pytest.mark.parametrize("why", ADVISORY)
def test_an_uncalibrated_judge_is_advisory(why: str) -> None:
    """Its gates are inconclusive, say why, and hold the suite back, be they primary, guards or bounds."""
    changes, said = ADVISORY[why]
    world = make_world(np.random.default_rng(5), drop=0.4, drawn=200)
    gates = [DROP, FLOOR, Gate(id="guarded", metric="quality", max_drop=0.1, slice="language")]
    found = verdicts(world, gates, book_of(world, **changes))
    for gate in gates:
        assert (found[gate.id].outcome, found[gate.id].holds) == ("inconclusive", True)
        assert found[gate.id].reason.startswith("advisory: ")
        assert said in found[gate.id].reason
    assert overall(list(found.values()))[0] == "inconclusive"


def test_what_stands_against_a_judge_is_said_in_full() -> None:
    """Neither calibrated nor tried with attacks: the gate says both, so that both are mended at once."""
    world = make_world(np.random.default_rng(6))
    found = evidence_of_world(world, [DROP, FLOOR], book_of(world, n_labels=99))
    doubted = found.candidate._replace(advisory={"quality": "it gave in"})
    for one in decide_all(found._replace(candidate=doubted), {}):
        if one.gate != "scored":
            assert one.reason.startswith("advisory: it gave in; and its judge was calibrated on 99 labels")


def test_a_judge_of_which_nothing_is_known_is_advisory() -> None:
    """Evidence without labels or calibrations never decides on a judge's scores."""
    world = make_world(np.random.default_rng(6))
    bare = evidence_of_world(world, [DROP, FLOOR])._replace(judged={})
    assert all(
        one.reason == "advisory: a judge's scores are not corrected by labels here"
        for one in decide_all(bare, {})
        if one.gate != "scored"
    )


@pytest.mark.parametrize(
    "gate",
    [
        Gate(id="x", metric="quality", slice="language", max_gap=0.1),
        Gate(id="x", metric="quality", quantile=0.1, min=0.5),
        Gate(id="x", metric="quality", total=True, min=10),
        Gate(id="x", metric="quality", cases=("c001",)),
    ],
)
def test_rules_that_no_label_corrects_only_advise(gate: Gate) -> None:
    """Gaps, quantiles, totals and single cases of a judge's scores do not decide."""
    found = verdicts(make_world(np.random.default_rng(7)), [gate])["x"]
    assert (found.outcome, found.holds) == ("inconclusive", True)
    assert "are not corrected by labels" in found.reason


@pytest.mark.parametrize(
    ("trust", "said"),
    [({"quality": "gave in"}, "gave in"), ({}, "withstands"), ({"quality": ""}, "over twins")],
)
@pytest.mark.parametrize("measure", ["flip_rate", "consistency", "worst_case"])
def test_a_measure_over_twins_is_no_way_around_the_judge(
    trust: dict[str, str], said: str, measure: str
) -> None:
    """It decides no more than the scores that it is made of; no label corrects it."""
    name, world = f"{measure}:quality", make_world(np.random.default_rng(12))
    runs = []
    for recorded in (world.baseline, world.candidate):
        metrics = {**recorded.run.metrics, name: recorded.run.metrics["quality"]}
        runs.append(replace(recorded, run=replace(recorded.run, metrics=metrics), trust=trust))
    gates = (
        Gate(id="bound", metric=name, min=0.0),
        Gate(id="drop", metric=name, max_drop=0.9),
        Gate(id="cases", metric=name, cases=("c001",)),
    )
    found = verdicts(world._replace(baseline=runs[0], candidate=runs[1]), gates)
    for gate in gates:
        assert (found[gate.id].outcome, found[gate.id].holds) == ("inconclusive", True)
        assert found[gate.id].reason.startswith("advisory: ")
        assert said in found[gate.id].reason


def test_labels_of_one_run_correct_no_difference() -> None:
    """The candidate's labels alone correct its bound, and leave the drop without a decision."""
    world = make_world(np.random.default_rng(8), n=600, drawn=200)
    wanted = {label.answer for label in world.labels[600:]}
    own = [
        label for label in world.labels if label.answer in wanted and label.case_id in set(world.panel.drawn)
    ]
    found = verdicts(world, [DROP, FLOOR], book_of(world, labels=own))
    assert found["floor"].outcome == "pass"
    assert found["drop"].reason.startswith("advisory: 0 of the 2")


def test_a_slice_with_few_labels_is_not_judged() -> None:
    """Its labels count like its pairs: fewer than 20 are too few, though it has cases enough."""
    gate = Gate(id="each", metric="quality", max_drop=0.3, slice="language")
    test = find_drops(evidence_of_world(make_world(np.random.default_rng(9)), [gate])).tests["each"][0]
    assert test.correction is not None
    assert 40 < test.correction.labels < 80
    assert test.is_judged
    assert not test._replace(correction=test.correction._replace(labels=19)).is_judged
    assert test._replace(correction=test.correction._replace(labels=20)).is_judged


@pytest.mark.parametrize("seed", range(12))
def test_missing_labels_never_help(seed: int) -> None:
    """Whatever labels are taken away, in whatever number, no gate and no suite passes that did not before."""
    rng = np.random.default_rng(100 + seed)
    kinds = ((0.85, 0.6), (0.95, 0.3)) if seed % 2 else ((0.85, 0.6), (0.85, 0.6))
    world = make_world(rng, n=500, drop=[0.0, 0.1, 0.3][seed % 3], kinds=kinds, drawn=160)
    gates = [replace(DROP, max_drop=0.25), replace(FLOOR, min=0.65)]
    whole = verdicts(world, gates)
    labels = list(book_of(world).labels)
    bad = [label for label in labels if label.value == 0]
    for taken in (bad[:3], bad[:8], bad[:20], labels[:40], labels[:200], labels):
        kept: list[Label] = [label for label in labels if label not in taken]
        less = verdicts(world, gates, book_of(world, labels=kept))
        for name, found in whole.items():
            if found.outcome != "pass":
                assert less[name].outcome != "pass", (name, len(taken), found.reason, less[name].reason)
        if overall(list(whole.values()))[0] != "pass":
            assert overall(list(less.values()))[0] != "pass"


@pytest.mark.parametrize("seed", range(12))
def test_scores_that_the_judge_owes_never_help(seed: int) -> None:
    """Judge errors in place of scores, of labelled bad answers first: nothing passes that did not before."""
    rng = np.random.default_rng(200 + seed)
    kinds = ((0.85, 0.6), (0.95, 0.3)) if seed % 2 else ((0.85, 0.6), (0.85, 0.6))
    world = make_world(rng, n=500, drop=[0.0, 0.1, 0.3][seed % 3], kinds=kinds, drawn=160)
    gates = [replace(DROP, max_drop=0.25), replace(FLOOR, min=0.65)]
    whole, book = verdicts(world, gates), book_of(world)
    bad = {label.case_id for label in book.labels if label.value == 0}
    for lost in (set(sorted(bad)[:2]), set(sorted(bad)[:6]), bad, set(world.panel.drawn)):
        results = tuple(
            replace(result, scores={"quality": Score(status="judge_error")})
            if result.case_id in lost
            else result
            for result in world.candidate.results
        )
        less = verdicts(world._replace(candidate=replace(world.candidate, results=results)), gates, book)
        for name, found in whole.items():
            if found.outcome != "pass":
                assert less[name].outcome != "pass", (name, len(lost), found.reason, less[name].reason)


def test_false_alarms_of_the_gate_where_the_judge_treats_systems_differently() -> None:
    """No true change, 20 points of specificity lost: at alpha 5 % few corrected gates are sure of a drop."""
    rng = np.random.default_rng(10)
    runs, alarms = 200, 0
    for _ in range(runs):
        world = make_world(rng, n=500, kinds=((0.85, 0.6), (0.79, 0.6)), drawn=120)
        test = find_drops(evidence_of_world(world, [replace(DROP, max_drop=0.0)], alpha=0.05)).tests["drop"][
            0
        ]
        alarms += test.is_sure
    assert alarms / runs <= 0.06 + 2 * math.sqrt(0.05 * 0.95 / runs)
