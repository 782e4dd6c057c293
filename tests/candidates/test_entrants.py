"""One run as a candidate: what is missing is at its worst, and never cheap or fast."""

from __future__ import annotations

import pytest
from candidate_worlds import CASES, N, quality, recording
from msgspec.structs import replace
from world import HIGHER, LOWER, SECONDS, table_of

from harness.candidates.entrants import cost_per_1000, count_lost, entrant_of, latency_p95, mean_of


def test_an_unscored_case_counts_at_the_worst_of_the_range() -> None:
    """0 where higher is better, 1 where lower is; without an upper end it stays without a value."""
    cases = CASES[:4]
    table = table_of(cases, [0.5, "timeout", "not_applicable", None])
    for metric, worst in ((HIGHER, 0.0), (LOWER, 1.0), (SECONDS, None)):
        found = count_lost(table, cases, metric)
        assert [found[case.id].value for case in cases] == [0.5, worst, None, worst]


def test_f38_a_table_without_a_loss_is_held_once() -> None:
    """What is counted is what was scored, where every case was; a loss, or another case, makes it anew."""
    cases = CASES[:3]
    whole = table_of(cases, [0.5, 1.0, "not_applicable"])
    assert count_lost(whole, cases, HIGHER) is whole
    for table in (table_of(cases, [0.5, 1.0, "timeout"]), table_of(cases[:2], [0.5, 1.0])):
        assert count_lost(table, cases, HIGHER)[cases[2].id].value == 0.0
    assert count_lost(whole, cases[:2], HIGHER).keys() == {case.id for case in cases[:2]}


def test_no_error_in_the_place_of_a_score_raises_a_mean() -> None:
    """Whichever case is lost, in either direction of the metric."""
    whole = entrant_of(recording("a", quality(0.8, 1)))
    before = mean_of(whole, "quality")
    assert (before.n, before.n_unscored) == (N, 0)
    for lost in range(0, N, 7):
        cells = quality(0.8, 1)
        cells[lost] = "system_error"
        after = mean_of(entrant_of(recording("a", cells)), "quality")
        assert after.value is not None
        assert before.value is not None
        assert after.value <= before.value
        assert (after.n, after.n_unscored) == (N - 1, 1)


def test_cost_is_per_thousand_and_known_only_where_every_answer_tells_it() -> None:
    """One answer that does not say what it cost leaves the cost not known: it is not nothing."""
    known = cost_per_1000(entrant_of(recording("a", quality(0.8, 1), cost=0.002)))
    assert known.value == pytest.approx(2.0)
    silent = [0.002] * (N - 1) + [None]
    found = cost_per_1000(entrant_of(recording("a", quality(0.8, 1), cost=silent)))
    assert (found.value, found.n, found.n_unknown) == (None, N - 1, 1)
    failed = quality(0.8, 1)
    failed[3] = "timeout"
    assert cost_per_1000(entrant_of(recording("a", failed, cost=0.002))).value is None
    assert cost_per_1000(entrant_of(recording("a", quality(0.8, 1)))).value is None


def test_cached_replies_are_no_part_of_cost_and_latency() -> None:
    """Their cost of nothing and their speed are the cache's, not the system's."""
    costs = [0.0 if i < 60 else 0.004 for i in range(N)]
    seconds = [0.001 if i < 60 else 2.0 for i in range(N)]
    run = entrant_of(recording("a", quality(0.8, 1), costs, seconds, cached=range(60)))
    cost, latency = cost_per_1000(run), latency_p95(run)
    assert (cost.value, cost.n, cost.n_cached) == (pytest.approx(4.0), 60, 60)
    assert latency.value == 2.0
    assert latency_p95(entrant_of(recording("a", quality(0.8, 1), cached=range(N)))).value is None


def test_what_a_kept_answer_cost_when_it_was_asked_counts() -> None:
    """It is what the candidate costs. One of which nothing is told says nothing; none of them has a time."""
    costs = [None if i < 20 else 0.002 if i < 60 else 0.004 for i in range(N)]
    run = entrant_of(recording("a", quality(0.8, 1), costs, 1.0, cached=range(60)))
    cost, latency = cost_per_1000(run), latency_p95(run)
    assert (cost.value, cost.n, cost.n_cached) == (pytest.approx((40 * 2 + 60 * 4) / 100), 100, 20)
    assert (latency.value, latency.n, latency.n_cached) == (1.0, 60, 60)
    whole = entrant_of(recording("a", quality(0.8, 1), 0.003, 1.0, cached=range(N)))
    assert cost_per_1000(whole).value == pytest.approx(3.0)
    assert latency_p95(whole).value is None


def test_the_slowest_answers_are_those_that_never_came() -> None:
    """p95 with five of 120 lost is the 114th of 120; with seven lost there is none."""
    seconds = [i / 100 for i in range(N)]
    for lost, expected in ((0, 1.13), (5, 1.13), (6, 1.13), (7, None)):
        cells = quality(0.8, 1)
        for i in range(lost):
            cells[N - 1 - i] = "timeout"
        assert latency_p95(entrant_of(recording("a", cells, latency=seconds))).value == expected


def test_every_repeat_has_to_tell() -> None:
    """A case asked twice and answered once has no cost and no latency."""
    recorded = recording("a", quality(0.8, 1), 0.002, 1.0, repeats=2)
    assert cost_per_1000(entrant_of(recorded)).n_unknown == N
    both = tuple(replace(result, repeat=number) for result in recorded.results for number in (0, 1))
    twice = replace(recorded, results=both)
    assert cost_per_1000(entrant_of(twice)).value == pytest.approx(2.0)
