"""All pairs on one metric: over the cases in common, with intervals that hold together, and letters."""

from __future__ import annotations

import math

import pytest
from candidate_worlds import CASES, N, compared, quality, recording

from harness.candidates.differences import differences_of, letters_of
from harness.candidates.entrants import entrant_of
from harness.stats.paired import clustered_mean, two_sided_limits


def test_a_pair_is_over_the_cases_in_common() -> None:
    """Where the metric applies to one of the two only, the case is no part of it."""
    ours, theirs = quality(0.9, 1), quality(0.8, 2)
    for i in range(10):
        ours[i] = "not_applicable"
        theirs[N - 1 - i] = "not_applicable"
    (found,) = differences_of(
        "quality", [entrant_of(recording(n, c)) for n, c in (("a", ours), ("b", theirs))]
    )
    kept = [float(ours[i]) - float(theirs[i]) for i in range(10, N - 10)]  # type: ignore[arg-type]
    assert (found.n_pairs, found.change) == (N - 20, pytest.approx(math.fsum(kept) / len(kept)))
    low, high = two_sided_limits(clustered_mean(kept, [case.cluster for case in CASES[10 : N - 10]]), 0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (pytest.approx(low), pytest.approx(high))


def test_a_run_against_its_copy_is_not_told_apart() -> None:
    """Zero, and never closer than three in n."""
    cells = quality(0.9, 1)
    (found,) = differences_of("quality", [entrant_of(recording(name, cells)) for name in "ab"])
    assert (found.change, found.better) == (0.0, None)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (pytest.approx(-3 / N), pytest.approx(3 / N))


@pytest.mark.parametrize("kept", [19, 25])
def test_too_few_cases_or_documents_are_never_told_apart(kept: int) -> None:
    """19 cases, or 25 of nine documents: listed without an interval, however large the difference."""
    ours = [1.0 if i < kept else "not_applicable" for i in range(N)]
    theirs = [0.0 if i < kept else "not_applicable" for i in range(N)]
    found = compared(recording("a", ours), recording("b", theirs))
    (pair,) = [one for one in found.differences if one.metric == "quality"]
    assert (pair.n_pairs, pair.interval, pair.better) == (kept, None, None)
    assert {one.standings["quality"].letters for one in found.candidates} == {("a",)}


def test_letters_are_shared_if_and_only_if_nothing_tells_apart() -> None:
    """On the product's own pairs, with candidates from far apart to near."""
    entrants = [entrant_of(recording(f"r{k}", quality(0.9 - 0.07 * k, k))) for k in range(7)]
    found = differences_of("quality", entrants)
    letters = letters_of([entrant.id for entrant in entrants], found)
    assert {pair.better is not None for pair in found} == {True, False}
    for pair in found:
        shared = set(letters[pair.first]) & set(letters[pair.second])
        assert bool(shared) == (pair.better is None)


def test_a_metric_without_an_upper_end_is_not_won_with_cases_missing() -> None:
    """A run that is faster on what it answered, and lost an answer, is not told to be faster."""
    fast, slow = [1.0] * N, [2.0] * N
    whole = [entrant_of(recording(n, quality(0.9, 1), latency=t)) for n, t in (("a", fast), ("b", slow))]
    assert differences_of("latency_s", whole)[0].better == "a"
    cells = quality(0.9, 1)
    cells[5] = "timeout"
    torn = [entrant_of(recording("a", cells, latency=fast)), whole[1]]
    assert differences_of("latency_s", torn)[0].better is None


def test_a_metric_that_applies_to_other_cases_is_told() -> None:
    """Refusing every second question leaves the mean over the others: a notice says that it does."""
    some = ["not_applicable" if i % 2 else 1.0 for i in range(N)]
    found = compared(recording("all", [1.0] * N), recording("half", some))
    assert any("applies to between 50 % and 100 % of the cases" in text for text in found.notices)
    found = compared(recording("all", [1.0] * N), recording("same", [1.0] * N))
    assert not any("applies to" in text for text in found.notices)


@pytest.mark.parametrize(
    ("ours", "theirs", "better"),
    [(1.0, 1.05, None), (1.0, 1.2, "a"), (0.001, 0.008, None), (0.001, 0.02, "a"), (1.2, 1.0, "b")],
)
def test_a_latency_within_ten_percent_or_ten_milliseconds_tells_nothing(
    ours: float, theirs: float, better: str | None
) -> None:
    """A whole run is slower on a busy day: what every case has in common is no evidence on the system."""
    runs = [
        entrant_of(recording(name, quality(0.9, 1), latency=[level + 0.0001 * (i % 5) for i in range(N)]))
        for name, level in (("a", ours), ("b", theirs))
    ]
    assert differences_of("latency_s", runs)[0].better == better


@pytest.mark.parametrize(("theirs", "better"), [(0.00105, None), (0.0012, "a")])
def test_a_cost_within_ten_percent_tells_nothing(theirs: float, better: str | None) -> None:
    """The same for money, without a least amount."""
    runs = [
        entrant_of(recording(name, quality(0.9, 1), cost=cost))
        for name, cost in (("a", 0.001), ("b", theirs))
    ]
    assert differences_of("cost_usd", runs)[0].better == better
