"""Shards: a case is always in the same one, every case is in one, together they keep the suite's limits."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import cases_of, run_of, suite_of

from harness.errors import UsageError
from harness.shards import (
    budget_of_shard,
    differences,
    fit_shards,
    most_at_once,
    part_cases,
    plan_digest,
    shard_of,
    share_of,
)
from harness.types import BudgetSettings, JudgeSettings, RunSettings

IDS = st.text("abc0123456789-_.é", min_size=1, max_size=20)
OF = st.integers(1, 40)
RUN = run_of("run", ["quality"])


@pytest.mark.parametrize(
    ("case_id", "of", "shard"),
    [("q-000", 3, 2), ("q-001", 3, 3), ("q-000", 8, 5), ("é", 100, 52), ("a", 1, 1)],
)
def test_the_shard_of_a_case_never_changes(case_id: str, of: int, shard: int) -> None:
    """SHA-256 of its id, as `sha256sum` gives it: the first 8 bytes, modulo the number of shards, from 1."""
    assert shard_of(case_id, of) == shard


@given(st.integers(0, 60), OF, st.randoms(use_true_random=False))
def test_every_case_is_in_one_shard_with_its_place(n, of, random):
    """Shards partition the cases, whatever their order, and places tell that order."""
    cases = list(cases_of(n))
    random.shuffle(cases)
    members = part_cases(RUN, cases, of)
    assert [member.shard.number for member in members] == [*range(1, of + 1)]
    placed = {place: case for m in members for place, case in zip(m.shard.places, m.cases, strict=True)}
    assert [placed[place] for place in range(n)] == cases
    assert sum(len(member.cases) for member in members) == n


@given(st.lists(IDS, unique=True, max_size=40), OF, st.randoms(use_true_random=False))
def test_a_case_keeps_its_shard_whatever_else_is_asked(ids, of, random):
    """Order and selection move no case to another shard."""
    every = {case_id: shard_of(case_id, of) for case_id in ids}
    some = random.sample(ids, len(ids) // 2)
    assert {case_id: shard_of(case_id, of) for case_id in some} == {one: every[one] for one in some}
    cases = [
        replace(case, query=replace(case.query, id=one))
        for case, one in zip(cases_of(40), some, strict=False)
    ]
    found = {case.id: m.shard.number for m in part_cases(RUN, cases, of) for case in m.cases}
    assert found == {one: every[one] for one in some}


def test_shards_are_about_even():
    """100 shards of 100 cases each on average: within four standard deviations of 10."""
    counts = Counter(shard_of(f"case-{i}", 100) for i in range(10_000))
    assert len(counts) == 100
    assert all(60 < count < 140 for count in counts.values())


@given(st.integers(1, 500), OF)
def test_calls_in_flight_are_never_more_than_the_suites(total, of):
    """Whole calls: the shares add up to the suite's limit; where one would get none, it is told."""
    suite = suite_of(run=RunSettings(max_concurrency=total))
    if of > total:
        with pytest.raises(UsageError, match="too few to be shared"):
            [share_of(suite, number, of) for number in range(1, of + 1)]
    else:
        shares = [share_of(suite, number, of).run.max_concurrency for number in range(1, of + 1)]
        assert sum(shares) == total
        assert max(shares) - min(shares) <= 1


def test_no_more_processes_than_the_smallest_limit():
    """So many can share a suite, and one more cannot."""
    suite = suite_of(run=RunSettings(max_concurrency=3))
    assert most_at_once(suite) == 3
    share_of(suite, 3, 3)
    with pytest.raises(UsageError, match="too few"):
        share_of(suite, 4, 4)


def test_limits_of_judges_are_shared_and_others_stay():
    """What is not a limit of asking is the same in every shard; a limit that is not set stays unset."""
    suite = suite_of(judges={"default": JudgeSettings(base_url="http://judge", model="m")})
    shared = share_of(suite, 1, 4)
    assert shared.judges == suite.judges
    assert replace(shared, run=suite.run) == suite


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("the run's id", {"name": "other"}),
        ("the goldens", {"dataset_digest": "other"}),
        ("the corpus", {"corpus_digest": "other"}),
        ("the candidate", {"candidate": "other"}),
        ("the system's configuration", {"system_fingerprint": "other"}),
        ("the revision", {"revision": "abc"}),
        ("the metrics", {"scored": ["quality", "flaws"]}),
        ("the judges", {"judges": {"quality": "j"}}),
        ("the seed", {"seed": 7}),
        ("the repeats", {"repeats": 2}),
        ("the selection", {"selection": {"limit": 3}}),
        ("the suite", {"suite": {"alpha": 0.05}}),
        ("the version of harness", {"harness_version": "1"}),
    ],
)
def test_parts_of_different_plans_are_told_apart(name, changed):
    """Whatever makes another run makes another plan, and is named."""
    other = run_of(**{"name": "run", "scored": ["quality"], **changed})
    assert plan_digest(other, 4) != plan_digest(RUN, 4)
    assert differences(RUN, 4, other, 4) == [name]


def test_the_number_of_shards_is_part_of_the_plan_and_the_time_is_not():
    """Machines begin when they begin; in other shards other cases are asked."""
    later = replace(RUN, started_at="2027-01-01T00:00:00Z", n_cases=5, suite_path="elsewhere.yaml")
    assert plan_digest(later, 4) == plan_digest(RUN, 4) != plan_digest(RUN, 5)
    assert differences(RUN, 4, later, 5) == ["the number of shards"]


@pytest.mark.parametrize(("n_calls", "fit"), [(1, 1), (50, 1), (51, 2), (500, 10), (1_000_000, 1_000)])
def test_as_many_shards_as_are_fit(n_calls, fit):
    """About 50 calls to a shard, and no more than a thousand files."""
    assert fit_shards(n_calls) == fit


@pytest.mark.parametrize("of", [1, 2, 7])
def test_shards_together_spend_no_more_than_the_run_may(of: int) -> None:
    """Money goes by the cases of a shard; minutes pass for all alike; what is not limited stays so."""
    shards = [member.shard for member in part_cases(RUN, cases_of(60), of)]
    found = [budget_of_shard(BudgetSettings(max_cost_usd=6.0, max_minutes=30.0), shard) for shard in shards]
    assert sum(one.max_cost_usd or 0 for one in found) == pytest.approx(6)
    a_case = [(one.max_cost_usd or 0) / len(shard.places) for one, shard in zip(found, shards, strict=True)]
    assert a_case == pytest.approx([6 / 60] * of)
    assert {one.max_minutes for one in found} == {30.0}
    assert budget_of_shard(BudgetSettings(), shards[0]) == BudgetSettings()
