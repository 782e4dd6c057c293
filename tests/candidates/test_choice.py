"""Which candidate to ship: requirements, then quality beyond noise, then cost, then latency."""

from __future__ import annotations

from itertools import permutations

import pytest
from candidate_worlds import CASES, N, choose, compared, quality, recording
from world import suite_of

from harness.candidates.assemble import Asked, assemble
from harness.candidates.entrants import entrant_of
from harness.types import Candidates


def outcomes(found: Candidates) -> dict[str, list[str]]:
    return {one.name: [verdict.outcome for verdict in one.requirements] for one in found.candidates}


def test_the_best_alone_is_shipped_for_its_quality() -> None:
    """The sentence names the nearest and by how much; what stands against each other is listed."""
    found = compared(recording("good", quality(0.9, 1)), recording("bad", quality(0.5, 2)))
    assert found.choice.pick == "good"
    assert found.choice.tied == ("good",)
    assert found.choice.sentence.startswith("Ship good because of all candidates it alone is beaten by none")
    assert "the nearest, bad, is worse by 0." in found.choice.sentence
    assert [text.split(":")[0] for text in found.choice.blocked] == ["bad"]


def test_of_the_tied_the_cheapest_is_shipped() -> None:
    """Cost is told apart pair by pair; the sentence has both prices."""
    runs = (
        recording("dear", quality(0.9, 1), 0.003, 1.0),
        recording("cheap", quality(0.9, 2), 0.001, 2.0),
        recording("bad", quality(0.4, 3), 0.0001, 0.1),
    )
    found = compared(*runs)
    assert found.choice.pick == "cheap"
    assert set(found.choice.tied) == {"dear", "cheap"}
    assert "because it is the cheapest of 2 candidates that are not told apart" in found.choice.sentence
    assert "$1.0000 per 1,000 queries, against dear $3.0000 " in found.choice.sentence
    assert any(
        text.startswith("dear: not told apart on quality, and costs more") for text in found.choice.blocked
    )


def test_where_the_cost_is_the_same_the_fastest_is_shipped() -> None:
    """Latency decides after cost."""
    rng_like = [1.0 + (i % 7) / 10 for i in range(N)]
    runs = (
        recording("slow", quality(0.9, 1), 0.001, [x + 1 for x in rng_like]),
        recording("fast", quality(0.9, 2), 0.001, rng_like),
    )
    found = compared(*runs)
    assert found.choice.pick == "fast"
    assert "the fastest" in found.choice.sentence


def test_the_fastest_is_the_fastest_of_those_that_cost_the_same() -> None:
    """A dearer one that is faster still is out before: the sentence does not claim to beat it."""
    runs = (
        recording("slow", quality(0.9, 1), 0.001, 3.0),
        recording("fast", quality(0.9, 2), 0.001, 2.0),
        recording("dear", quality(0.9, 3), 0.005, 1.0),
    )
    found = compared(*runs)
    assert found.choice.pick == "fast"
    assert len(found.choice.tied) == 3
    assert "fastest of 2 candidates that are not told apart on quality or cost" in found.choice.sentence
    assert "against slow 3.00 s" in found.choice.sentence
    assert {text.split(":")[0] for text in found.choice.blocked} == {"slow", "dear"}


def test_where_nothing_tells_apart_nobody_is_picked() -> None:
    """All of them are named."""
    found = compared(recording("a", quality(0.9, 1)), recording("b", quality(0.9, 2)))
    assert found.choice.pick is None
    assert set(found.choice.tied) == {"a", "b"}
    assert "nothing tells them apart" in found.choice.sentence
    assert found.choice.blocked == ()


def test_a_cost_that_is_not_known_loses() -> None:
    """Of two tied, the one that says what it costs is shipped, however dear it is."""
    found = compared(recording("told", quality(0.9, 1), 9.0), recording("silent", quality(0.9, 2)))
    assert found.choice.pick == "told"
    assert found.choice.blocked == ("silent: not told apart on quality, and its cost is not known",)


def test_kept_answers_never_make_a_candidate_faster() -> None:
    """Who has no latency, as all answers were kept, loses to who has one, and that is told."""
    slow = recording("slow", quality(0.9, 1), 0.002, 9.0)
    kept = recording("kept", quality(0.9, 2), 0.002, 0.1, cached=range(N))
    found = compared(slow, kept)
    assert found.choice.pick == "slow"
    assert (
        "of 2 candidates that are not told apart on quality or cost its latency alone is known: 9.00 s"
        in (found.choice.sentence)
    )
    assert found.choice.blocked == (
        "kept: not told apart on quality, and its latency is not known, as its answers came from a cache",
    )
    assert "kept: 120 answers came from a cache and are no part of its latency, which is not known" in (
        found.notices
    )
    dear = recording("dear", quality(0.9, 1), 0.004, 9.0)
    assert compared(dear, kept).choice.pick == "kept"
    kept_too = recording("too", quality(0.9, 3), 0.002, 5.0, cached=range(N))
    both = compared(kept, kept_too)
    assert both.choice.pick is None
    assert both.choice.sentence.endswith(") or cost; their latency is not known.")
    assert "no candidate's latency is known: latency decides nothing" in both.notices


@pytest.mark.parametrize("n_kept", [1, 60, N])
def test_a_cache_neither_marks_as_fastest_nor_keeps_on_the_front(n_kept: int) -> None:
    """The slow half was kept, so that its p95 is low: no star, no place on the front for it."""
    seconds = [5.0 if i < 60 else 0.1 for i in range(N)]
    kept = recording("kept", quality(0.9, 1), 0.001, seconds, cached=range(n_kept))
    whole = recording("whole", quality(0.9, 1), 0.001, seconds)
    found = {one.name: one for one in compared(kept, whole).candidates}
    assert [found[name].latency_p95.best for name in ("kept", "whole")] == [False, True]
    assert found["kept"].dominated_by == ("whole",)
    assert found["whole"].dominated_by == ()
    same = recording("same", quality(0.9, 1), 0.001, 0.05, cached=range(n_kept))
    if n_kept < N:  # both were spared the same: over the rest they are comparable
        found = {one.name: one for one in compared(kept, same).candidates}
        assert found["same"].latency_p95.best


def test_a_requirement_comes_before_quality() -> None:
    """The best breaks one and is named with it; the second is shipped."""
    runs = (
        recording("best", quality(0.95, 1), latency=5.0),
        recording("quick", quality(0.6, 2), latency=0.5),
    )
    by = choose({"metric": "latency_s", "quantile": 0.95, "max": 2.5}, {"metric": "quality", "min": 0.3})
    found = compared(*runs, by=by)
    assert outcomes(found) == {"best": ["fail", "pass"], "quick": ["pass", "pass"]}
    assert found.rules == ("latency_s p95 ≤ 2.5", "quality ≥ 0.3")
    assert found.choice.pick == "quick"
    assert "it alone meets every requirement" in found.choice.sentence
    assert found.choice.blocked[0].startswith(
        "best: breaks latency_s p95 ≤ 2.5 (5.00 s at least, above 2.50 s)"
    )


def test_a_requirement_that_cannot_be_told_is_not_met() -> None:
    """An interval across the limit, and a cost that nobody says, keep a candidate from being shipped."""
    cells = quality(0.8, 1)
    mean = sum(float(cell) for cell in cells if isinstance(cell, float)) / N
    for requirement in ({"metric": "quality", "min": mean}, {"metric": "cost_usd", "max": 1.0}):
        found = compared(recording("a", cells), recording("b", quality(0.3, 2)), by=choose(requirement))
        assert outcomes(found)["a"] == ["inconclusive"]
        assert found.choice.pick is None
        assert found.choice.sentence.startswith("Ship none:")
        assert found.choice.blocked[0].startswith("a: is not shown to meet")


def test_a_gap_can_be_required() -> None:
    """Between the groups of a declared slice."""
    gap = [1.0 if i % 2 else float(i % 10 > 7) for i in range(N)]
    by = choose({"metric": "quality", "slice": "language", "max_gap": 0.3})
    found = compared(recording("fair", [1.0] * N), recording("unfair", gap), by=by)
    assert outcomes(found) == {"fair": ["pass"], "unfair": ["fail"]}
    assert found.choice.pick == "fair"


@pytest.mark.parametrize("lost", [1, 10, 60, 120])
def test_losing_answers_never_makes_a_candidate_the_pick(lost: int) -> None:
    """Whatever is lost of the loser, by whichever status: it is still not shipped."""
    by = choose({"metric": "latency_s", "quantile": 0.95, "max": 2.5}, {"metric": "cost_usd", "max": 0.01})
    rival = recording("rival", quality(0.9, 1), 0.001, 1.0)
    for mean, cost, latency in ((0.5, 0.0005, 0.5), (0.9, 0.005, 1.0), (0.9, 0.001, 3.0)):
        cells = quality(mean, 2)
        before = compared(rival, recording("loser", cells, cost, latency), by=by)
        assert before.choice.pick == "rival"
        for status in ("system_error", "timeout", None):
            failed = [status if i < lost else cell for i, cell in enumerate(cells)]
            after = compared(rival, recording("loser", failed, cost, latency), by=by)
            assert after.choice.pick == "rival"


def test_the_order_of_the_runs_changes_nothing() -> None:
    """Not a byte of the value."""
    runs = [recording(name, quality(0.6 + k / 10, k), 0.001 * k) for k, name in enumerate("abc", 1)]
    assert len({repr(compared(*order)) for order in permutations(runs)}) == 1


def test_who_was_dropped_by_a_race_cannot_be_chosen() -> None:
    """Nor be the best in anything: it was asked fewer cases."""
    few = {case.id for case in CASES[:30]}
    good = entrant_of(recording("good", [1.0] * N, 0.0001, 0.1), few)._replace(dropped="dropped at look 1")
    rest = [entrant_of(recording(name, quality(0.7, k), 0.001, 1.0)) for k, name in enumerate("xy")]
    found = assemble([good, *rest], Asked(suite_of(), ("quality",), choose()))
    assert found.candidates[-1].name == "good"
    last = found.candidates[-1]
    assert not any((last.standings["quality"].best, last.cost_per_1000.best, last.latency_p95.best))
    assert "good" not in (found.choice.pick, *found.choice.tied)
    assert "good: dropped at look 1" in found.choice.blocked
    assert not any("good" in one.dominated_by for one in found.candidates)
