"""What is missing can never help: errors in place of scores never make a gate pass that did not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from world import METRICS, Cell, cases_of, evidence_of, recorded_of, scores_of, suite_of

from harness.comparison import Looks, run_scores
from harness.gates.decide import decide_all, overall
from harness.gates.evidence import Evidence
from harness.pooling import pool
from harness.types import Case, Gate, SliceRule

Columns = dict[str, list[Cell]]
LOST: tuple[Cell, ...] = ("system_error", "timeout", "judge_error", None)
GATES = {
    "drop": [
        Gate(id=f"drop-{metric}-{margin}", metric=metric, max_drop=margin)
        for metric, margin in [("quality", 0.0), ("quality", 0.1), ("flaws", 0.25), ("latency_s", 0.1)]
    ],
    "drop in slices": [
        Gate(id=f"slices-{metric}", metric=metric, max_drop=0.3, slice="language")
        for metric in ("quality", "flaws")
    ],
    "drop with roles": [
        Gate(id="first", metric="quality", max_drop=0.2, primary=True),
        Gate(id="guard", metric="flaws", max_drop=0.02),
        Gate(id="slow", metric="latency_s", max_ratio=1.02),
        Gate(id="each", metric="flaws", max_drop=0.05, slice="language"),
    ],
    "bound": [
        Gate(id=f"{bound}-{metric}", metric=metric, bound=bound, min=low, max=high)
        for bound in ("interval", "point")
        for metric, low, high in [("quality", 0.7, None), ("flaws", None, 0.2), ("latency_s", 0.5, 1.3)]
    ],
    "quantile or total": [
        Gate(id="p05", metric="quality", quantile=0.05, min=0.5),
        Gate(id="p95", metric="latency_s", quantile=0.95, max=1.5),
        Gate(id="sum", metric="quality", total=True, min=60),
        Gate(id="seconds", metric="latency_s", total=True, max=100),
    ],
    "gap": [
        Gate(id=f"{how}-{metric}", metric=metric, slice="language", max_gap=limit, insufficient=how)
        for how in ("inconclusive", "fail", "warn")
        for metric, limit in [("quality", 0.2), ("flaws", 0.3), ("latency_s", 0.2)]
    ],
    "gap of groups that overlap": [
        Gate(id=f"{how}-{limit}", metric="quality", slice="tags", max_gap=limit, insufficient=how)
        for how in ("inconclusive", "warn")
        for limit in (0.1, 0.3)
    ],
    "scored or cases": [
        Gate(id="most", min_scored=0.9),
        Gate(id="most-quality", min_scored=0.95, metric="quality"),
        Gate(id="never", metric="quality", cases=("c001", "c002", "c030"), min=0.3),
    ],
}
SLICES = {"language": SliceRule(source="groups.language"), "tags": SliceRule(source="tags")}
LANGUAGES = (
    lambda i: ("en", "de")[i % 2],
    lambda i: ("en", "de", "fr")[i // 2 % 3],
    lambda i: "en" if i >= 40 else "de",
    lambda i: "en" if i >= 25 else "de" if i > 3 else "fr",
)


class World(NamedTuple):
    """Two runs, and the same with scores of one or both replaced by errors or taken away."""

    cases: tuple[Case, ...]
    before: tuple[Columns, Columns]
    after: tuple[Columns, Columns]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Runs around the edges of the gates, with the best, the worst or any scores lost."""
    rng = draw(st.randoms(use_true_random=True))
    n, per = draw(st.sampled_from([60, 90, 160])), draw(st.sampled_from([1, 2, 4]))
    language = draw(st.sampled_from(LANGUAGES))
    level, graded = draw(st.sampled_from([0.5, 0.8, 0.95, 1.0])), draw(st.booleans())
    drop, gap = draw(st.sampled_from([0.0, 0.05, 0.3])), draw(st.sampled_from([0.0, 0.3]))
    not_applicable = draw(st.sampled_from([0.0, 0.1]))

    def quality(i: int, down: float) -> float:
        mean = level - down - (gap if language(i) == "de" else 0)
        if graded:
            return min(1.0, max(0.0, round(mean + rng.gauss(0, 0.1), 2)))
        return float(rng.random() < mean)

    def columns(down: float) -> Columns:
        row = [quality(i, down) if rng.random() >= not_applicable else None for i in range(n)]
        return {
            "quality": ["not_applicable" if value is None else value for value in row],
            "flaws": ["not_applicable" if value is None else 1 - value for value in row],
            "latency_s": [round(1 + down + rng.expovariate(5), 3) for _ in range(n)],
        }

    before = columns(0.0), columns(drop)
    after: tuple[Columns, Columns] = tuple({m: list(row) for m, row in run.items()} for run in before)  # type: ignore[assignment]
    k = draw(st.sampled_from([1, 1, 2, 3, 8, 25, n]))
    which = draw(st.sampled_from(["best", "worst", "any"]))
    for run in draw(st.sampled_from([after[:1], after[1:], after])):
        for metric, row in run.items():
            for i in order_of(row, which, METRICS[metric].higher_is_better, rng)[:k]:
                row[i] = rng.choice(LOST)
    every = draw(st.sampled_from([3, 7]))
    cases = (
        replace(case, tags=("most",) * (i % every != 0) + ("half",) * (i % every == 0 or i % 2))
        for i, case in enumerate(cases_of(n, per, language))
    )
    return World(tuple(cases), before, after)


def order_of(row: Sequence[Cell], which: str, higher: bool, rng: random.Random) -> list[int]:
    """Indices of the scores, in the order in which they are lost."""
    places = [i for i, cell in enumerate(row) if isinstance(cell, float)]
    rng.shuffle(places)
    if which != "any":
        places.sort(key=lambda i: float(row[i] or 0.0), reverse=(which == "best") == higher)
    return places


@pytest.mark.parametrize("kind", GATES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(world=worlds())
def test_f7_lost_scores_never_make_a_gate_pass(kind: str, world: World) -> None:
    """A gate that passes with scores lost passes with all of them; so no FAIL becomes a PASS, nor overall."""
    suite = suite_of(*GATES[kind], metrics=tuple(METRICS), alpha=0.2, slices=SLICES)
    whole = decide_all(evidence_of(suite, world.cases, world.before[1], world.before[0]), {})
    lost = decide_all(evidence_of(suite, world.cases, world.after[1], world.after[0]), {})
    for full, partial in zip(whole, lost, strict=True):
        assert partial.outcome != "pass" or full.outcome == "pass", (full, partial)
        assert partial.holds or full.outcome != "fail", (full, partial)
    assert overall(lost)[0] != "pass" or overall(whole)[0] == "pass"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(world=worlds(), n_stages=st.sampled_from([2, 3]))
def test_f7_lost_scores_never_help_at_a_look(world: World, n_stages: int) -> None:
    """At a look, and after all looks, lost scores make no suite pass that did not."""
    suite = suite_of(*GATES["drop with roles"], metrics=tuple(METRICS), alpha=0.2, slices=SLICES)
    documents = sorted({case.cluster for case in world.cases})
    stages = {case.id: documents.index(case.cluster) * n_stages // len(documents) for case in world.cases}
    ends = [sum(stage <= look for stage in stages.values()) / len(stages) for look in range(n_stages)]
    for fractions in (tuple(0.8 * end for end in ends), tuple(ends)):
        looks = Looks(stages, fractions)
        found = [evidence_of(suite, world.cases, run[1], run[0]) for run in (world.before, world.after)]
        whole, lost = (one._replace(candidate=one.candidate._replace(looks=looks)) for one in found)
        assert overall(decide_all(lost, {}))[0] != "pass" or overall(decide_all(whole, {}))[0] == "pass"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(world=worlds(), seed=st.integers(0, 99))
def test_f7_lost_scores_never_help_against_several_runs(world: World, seed: int) -> None:
    """Against three runs that may have shifted as a whole, what the candidate loses helps nothing."""
    suite = suite_of(*GATES["drop with roles"], metrics=tuple(METRICS), alpha=0.2, slices=SLICES)
    rng = random.Random(seed)  # noqa: S311 -- a simulation

    def moved(columns: Columns, by: float) -> Columns:
        def shift(cell: Cell) -> Cell:
            return min(1.0, max(0.0, cell + by)) if isinstance(cell, float) else cell

        return {metric: [shift(cell) for cell in row] for metric, row in columns.items()}

    runs = [moved(world.before[0], rng.gauss(0, 0.02)) for _ in range(3)]
    pooled = pool([scores_of(world.cases, columns, "base") for columns in runs])
    outcomes = [
        overall(decide_all(Evidence(suite, scores_of(world.cases, columns), pooled), {}))[0]
        for columns in (world.before[1], world.after[1])
    ]
    assert outcomes[1] != "pass" or outcomes[0] == "pass"


@pytest.mark.parametrize("kind", GATES)
def test_the_worlds_are_not_idle(kind: str) -> None:
    """Among such worlds gates of every kind pass and do not pass, before and after scores are lost."""
    suite = suite_of(*GATES[kind], metrics=tuple(METRICS), alpha=0.2, slices=SLICES)
    seen: set[tuple[str, str]] = set()

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(world=worlds())
    def look(world: World) -> None:
        for name, (old, new) in {"whole": world.before, "lost": world.after}.items():
            verdicts = decide_all(evidence_of(suite, world.cases, new, old), {})
            seen.update((name, verdict.outcome) for verdict in verdicts[: len(GATES[kind])])

    look()
    assert {("whole", "pass"), ("lost", "pass"), ("lost", "inconclusive")} <= seen
    assert ("whole", "fail") in seen


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    spent=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40),
    told=st.lists(st.booleans(), min_size=40, max_size=40),
    most=st.floats(0.0, 60.0),
)
def test_f7_costs_that_are_not_told_never_help(spent: list[float], told: list[bool], most: float) -> None:
    """A total that passes with the cost of some cases not told passes with all; a FAIL stays no PASS."""
    gate = Gate(id="budget", metric="cost_usd", total=True, max=most)
    suite, cases = suite_of(gate, metrics=("cost_usd",)), cases_of(len(spent))
    partly: list[Cell] = [cost if told[i] else "not_applicable" for i, cost in enumerate(spent)]
    whole = decide_all(evidence_of(suite, cases, {"cost_usd": spent}), {})
    lacking = decide_all(evidence_of(suite, cases, {"cost_usd": partly}), {})
    assert lacking[0].outcome != "pass" or whole[0].outcome == "pass"
    assert lacking[0].outcome == ("inconclusive" if not any(told[: len(spent)]) else lacking[0].outcome)


def test_f7_a_repeat_taken_away_cannot_help() -> None:
    """A case with two repeats and one result is unscored: the repeat that went wrong cannot be left out."""
    cases = cases_of(100)
    good = recorded_of(cases, {"quality": [1.0] * 100}, repeats=2)
    bad = recorded_of(cases, {"quality": [0.0] * 100})
    suite = suite_of(Gate(id="floor", metric="quality", min=0.9))
    pairs = zip(good.results, bad.results, strict=True)
    both = replace(good, results=tuple(one for was, now in pairs for one in (was, replace(now, repeat=1))))
    assert overall(decide_all(Evidence(suite, run_scores(both), None), {}))[0] == "fail"
    verdicts = decide_all(Evidence(suite, run_scores(good), None), {})
    assert [verdict.outcome for verdict in verdicts] == ["inconclusive", "inconclusive"]


@pytest.mark.parametrize("status", ["system_error", "timeout", "judge_error"])
def test_f7_thirty_percent_errors_are_inconclusive(status: Cell) -> None:
    """With 30 % errors nothing passes overall: every suite asks that 99 % are scored, unless it says less."""
    cases = cases_of(200, 2, lambda i: ("en", "de")[i // 2 % 2])
    whole: list[Cell] = [float(i % 10 != 0) for i in range(200)]
    broken = [status if i % 10 < 3 else cell for i, cell in enumerate(whole)]
    suite = suite_of(
        Gate(id="drop", metric="quality", max_drop=0.05),
        Gate(id="floor", metric="quality", min=0.6),
        Gate(id="gap", metric="quality", slice="language", max_gap=0.3),
        metrics=("quality",),
    )
    verdicts = decide_all(evidence_of(suite, cases, {"quality": broken}, {"quality": whole}), {})
    assert [verdict.outcome for verdict in verdicts] == ["inconclusive"] * 4
    assert overall(verdicts)[0] == "inconclusive"
    assert verdicts[-1].reason == "140 of 200 cases were scored"
    assert verdicts[0].reason == "60 of 200 cases could not be paired (at most 5 %)"
    assert "60 of 200 unscored count at their worst" in verdicts[1].reason


def moved_pairs(n: int, losses: Sequence[int], wins: Sequence[int]) -> tuple[list[Cell], list[Cell]]:
    """Pass or fail of every second case before, and after these were lost and won."""
    before: list[Cell] = [float(i % 2) for i in range(n)]
    after: list[Cell] = [0.0 if i in losses else 1.0 if i in wins else cell for i, cell in enumerate(before)]
    return before, after


def test_f7_what_another_metric_lost_cannot_free_a_guard() -> None:
    """A guard that fails once a sure primary drop is stepped over holds where that drop's scores are lost."""
    cases, steps = cases_of(300), range(1, 300, 24)
    first = moved_pairs(300, steps[:10], ())
    guard = moved_pairs(300, range(3, 300, 26)[:12], (2, 52))
    suite = suite_of(
        Gate(id="first", metric="quality", max_drop=0.2, primary=True),
        Gate(id="guard", metric="again", max_drop=0.0),
        metrics=("quality", "again"),
    )
    before = {"quality": first[0], "again": guard[0]}
    after = {"quality": first[1], "again": guard[1]}
    lost = {**after, "quality": ["timeout" if i in steps[:3] else cell for i, cell in enumerate(first[1])]}
    whole = decide_all(evidence_of(suite, cases, after, before), {})
    assert [verdict.outcome for verdict in whole] == ["pass", "fail", "pass"]
    partial = decide_all(evidence_of(suite, cases, lost, before), {})
    assert [(verdict.outcome, verdict.holds) for verdict in partial] == [
        ("pass", True),
        ("inconclusive", True),
        ("pass", True),
    ]
    assert partial[1].reason == "the drop may be real, and unscored cases of other gates could hide that"


def test_a_slice_that_errors_fill_up_takes_no_weight_from_others() -> None:
    """Where a metric applies is no reason to give other drops another share: it may be an error."""
    cases = cases_of(400, language=lambda i: "de" if i < 30 else "en")
    gates = [Gate(id=f"first{i}", metric="quality", max_drop=0.04) for i in range(12)]
    each = Gate(id="each", metric="flaws", max_drop=0.5, slice="language", where={"language": "de"})
    suite = suite_of(*gates, each, metrics=("quality", "flaws"))
    before, after = moved_pairs(400, range(1, 400, 26)[:10], (2,))
    told: list[Cell] = [0.5 if i < 19 else "not_applicable" for i in range(400)]
    new: list[Cell] = [0.5] * 400
    old = {"quality": before, "flaws": told}
    whole = decide_all(evidence_of(suite, cases, {"quality": after, "flaws": new}, old), {})
    new = [*new[:25], "timeout", *new[26:]]
    lost = decide_all(evidence_of(suite, cases, {"quality": after, "flaws": new}, old), {})
    assert lost[:12] == whole[:12]


@pytest.mark.parametrize(
    ("seed", "primary", "margin"), [(192, False, 0.0), (68, True, 0.06), (142, True, 0.06)]
)
def test_f7_a_score_lost_in_the_baseline_moves_no_shock(seed: int, primary: bool, margin: float) -> None:
    """An error in a run of the baseline may bring or hide a shock of runs; no fail becomes a pass by it."""
    rng, n, k = random.Random(seed), 200, 3  # noqa: S311 -- a simulation
    cases, seconds = cases_of(n), [1.0] * n
    suite = suite_of(
        Gate(id="drop", metric="quality", max_drop=margin, primary=primary),
        Gate(id="slow", metric="latency_s", max_drop=5, primary=not primary),
        metrics=("quality", "latency_s"),
        alpha=0.2,
    )
    levels = [rng.random() for _ in range(n)]

    def run(shift: float) -> list[Cell]:
        return [min(1.0, max(0.0, level + shift + rng.gauss(0, 0.1))) for level in levels]

    runs = [run(rng.gauss(0, 0.015)) for _ in range(k)]
    after = scores_of(cases, {"quality": run(-0.03), "latency_s": seconds})

    def decided(baseline: Sequence[list[Cell]]) -> str:
        tables = [scores_of(cases, {"quality": row, "latency_s": seconds}, "base") for row in baseline]
        return overall(decide_all(Evidence(suite, after, pool(tables)), {}))[0]

    assert decided(runs) == "fail"
    means = [sum(float(cell or 0) for cell in row) / n for row in runs]
    r = max(range(k), key=lambda r: abs(means[r] - sum(means) / k))
    apart = sorted(
        range(n), key=lambda i: float(runs[r][i] or 0) - sum(float(row[i] or 0) for row in runs) / k
    )
    for i in (apart[0], apart[-1]):
        lost = [list(row) for row in runs]
        lost[r][i] = "timeout"
        assert decided(lost) != "pass", i
