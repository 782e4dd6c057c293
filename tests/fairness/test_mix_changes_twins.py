"""Gaps at equal mix, gaps that moved, and twins: what each shows and what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace
from world import HIGHER, LOWER, Cell, cases_of, table_of

from harness.cases import by_id
from harness.fairness.changes import deficit_changes
from harness.fairness.gaps import gap_between_groups, groups_of
from harness.fairness.mix import equal_mix
from harness.fairness.twins import Said, twin_pairs, twin_swaps
from harness.types import Case, EqualMix, MetricIdentity, Query, Response, Result


def labelled(rows: Sequence[tuple[str, str]]) -> tuple[Case, ...]:
    """Cases of a language and a topic each, each its own document."""
    return tuple(
        replace(case, groups={"language": language}, metadata={"topic": topic})
        for case, (language, topic) in zip(cases_of(len(rows)), rows, strict=True)
    )


def mix_of(rows: Sequence[tuple[str, str]], cells: Sequence[Cell]) -> tuple[EqualMix, ...]:
    cases = labelled(rows)
    table, groups = table_of(cases, cells), groups_of(cases, ("groups.language",))
    gap = gap_between_groups("m", "language", table, groups, HIGHER, 20)
    return equal_mix(gap, "topic", "metadata.topic", table, groups, HIGHER)


# -- equal mix ---------------------------------------------------------------------------------------------


def test_a_gap_that_is_all_mix_goes_away() -> None:
    """German has the hard questions; at equal topic nobody is worse off."""
    rows = [("de", "hard")] * 60 + [("de", "easy")] * 20 + [("en", "hard")] * 20 + [("en", "easy")] * 60
    rng = np.random.default_rng(1)
    cells = [
        float(np.clip({"hard": 0.4, "easy": 0.8}[topic] + rng.normal(0, 0.05), 0, 1)) for _, topic in rows
    ]
    german = next(row for row in mix_of(rows, cells) if row.group == "de")
    assert german.mixed == pytest.approx(0.2, abs=0.03)
    assert german.deficit == pytest.approx(0, abs=0.03)
    assert german.interval is not None
    assert german.interval.low < 0 < german.interval.high
    assert (german.n, german.n_strata) == (80, 2)


def test_simpsons_paradox_is_flagged() -> None:
    """German is better on every topic and worse in all: the sign changes, and that is said."""
    rows = [("de", "hard")] * 90 + [("de", "easy")] * 30 + [("en", "hard")] * 30 + [("en", "easy")] * 90
    level = {("de", "hard"): 0.5, ("en", "hard"): 0.4, ("de", "easy"): 0.95, ("en", "easy"): 0.85}
    rng = np.random.default_rng(2)
    cells = [float(np.clip(level[row] + rng.normal(0, 0.05), 0, 1)) for row in rows]
    german, english = mix_of(rows, cells)
    assert german.mixed > 0 > german.deficit
    assert german.reversed
    assert english.reversed


def test_a_sign_that_turns_by_chance_is_not_flagged() -> None:
    """Neither difference is beyond chance: nothing is said of the sign."""
    rng = np.random.default_rng(3)
    rows = [(("de", "en")[i % 2], ("x", "y", "z")[i % 3]) for i in range(120)]
    assert not any(row.reversed for row in mix_of(rows, rng.random(120).tolist()))


def test_strata_of_one_group_say_nothing() -> None:
    """French questions on a topic of their own cannot be compared; with one stratum there is no mix."""
    rows = [("fr", "wine")] * 40 + [(("de", "en")[i % 2], ("x", "y")[i // 2 % 2]) for i in range(120)]
    assert [row.group for row in mix_of(rows, [0.5] * 160)] == ["de", "en"]
    assert mix_of([(("de", "en")[i % 2], "one") for i in range(80)], [0.5] * 80) == ()


# -- change of gaps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "worse"), [(HIGHER, 0.6), (LOWER, 0.8)])
def test_a_gap_can_widen_while_the_mean_stays(metric: MetricIdentity, worse: float) -> None:
    """German falls by what English gains: the mean stands, and the gap is told to have widened."""
    cases = cases_of(200, 2, lambda i: ("en", "de")[i // 2 % 2])
    rng = np.random.default_rng(4)
    old = np.clip(0.7 + rng.normal(0, 0.05, 200), 0, 1)
    step = (worse - 0.7) * np.array([1 if case.groups["language"] == "de" else -1 for case in cases])
    tables = table_of(cases, old.tolist()), table_of(cases, (old + step).tolist())
    german, english = deficit_changes(tables, groups_of(cases, ("groups.language",)), metric, 20)
    assert (german.group, english.group) == ("de", "en")
    assert german.change == pytest.approx(0.2)
    assert german.change == pytest.approx(german.after - german.before)
    assert german.interval is not None
    assert german.interval.low > 0.15
    assert german.p_worse is not None
    assert german.p_worse < 0.01
    assert english.p_worse == 1.0


def test_changes_are_of_pairs_only() -> None:
    """A case without a value in one of the runs is counted and not compared; few pairs are left out."""
    cases = cases_of(120, 1, lambda i: ("en", "de", "fr")[0 if i < 50 else 1 if i < 100 else 2])
    old: list[Cell] = [0.5] * 120
    new: list[Cell] = ["timeout", *old[1:]]
    found = deficit_changes(
        (table_of(cases, old), table_of(cases, new)), groups_of(cases, ("groups.language",)), HIGHER, 30
    )
    assert {row.group: (row.n_pairs, row.n_unpaired) for row in found} == {"de": (50, 0), "en": (49, 1)}


# -- twins -------------------------------------------------------------------------------------------------


def family(i: int, *groups: dict[str, str]) -> list[Case]:
    """An original and its twins, which differ in these groups."""
    return [
        Case(
            query=Query(f"q{i:02}{'' if at == 0 else f'-t{at}'}", f"question {i} of {group}"),
            groups=group,
            twin_of=None if at == 0 else f"q{i:02}",
            document_id=f"d{i}",
        )
        for at, group in enumerate(groups)
    ]


def results_of(cases: Sequence[Case]) -> dict[str, Result]:
    return {case.id: Result(case.id, 0, Response(output=f"answer to {case.id}")) for case in cases}


def test_pairs_are_of_one_family_and_of_what_differs() -> None:
    """Original with twin and twin with twin; a pair that differs twice is of both attributes together."""
    cases = family(1, {"name": "b"}, {"name": "a"}, {"name": "a", "dialect": "x"}) + family(2, {"name": "b"})
    found = [(pair.attribute, pair.swap, pair.first.id, pair.second.id) for pair in twin_pairs(cases)]
    assert found == [
        ("dialect", ("(none)", "x"), "q01-t1", "q01-t2"),
        ("dialect & name", ("(none) & b", "x & a"), "q01", "q01-t2"),
        ("name", ("a", "b"), "q01-t1", "q01"),
    ]
    assert twin_pairs(family(1, {"name": "a"}, {"name": "a"})) == ()


def test_a_swap_that_harms_is_found_as_pairs() -> None:
    """Twelve of 40 pairs are worse with one name and none with the other: found, with whom it harms."""
    cases = [case for i in range(40) for case in family(i, {"name": "a"}, {"name": "b"})]
    cells = [0.0 if case.groups["name"] == "b" and int(case.id[1:3]) < 12 else 1.0 for case in cases]
    pooled, swap = twin_swaps(
        "m", twin_pairs(cases), table_of(cases, cells), HIGHER, Said(by_id(cases), results_of(cases))
    )
    assert (pooled.swap, pooled.n_pairs, pooled.n_flips, pooled.p_adjusted) == (None, 40, 12, None)
    assert pooled.flip_rate == pytest.approx(0.3)
    assert pooled.flip_interval is not None
    assert swap.swap == ("a", "b")
    assert swap.difference == pytest.approx(0.3)
    assert (swap.p_adjusted or 1) == pytest.approx(2 / 2**12)
    assert swap.interval is not None
    assert swap.interval.low > 0
    assert len(swap.examples) == 3
    first = swap.examples[0]
    assert first.cases == ("q00", "q00-t1")
    assert first.values == (1.0, 0.0)
    assert first.outputs == ("answer to q00", "answer to q00-t1")


def test_flips_both_ways_are_a_flip_rate_and_no_direction() -> None:
    """A system may flip on every pair and harm nobody more than the other: both are told."""
    cases = [case for i in range(40) for case in family(i, {"name": "a"}, {"name": "b"})]
    cells = [float((case.groups["name"] == "b") == (int(case.id[1:3]) % 2 == 0)) for case in cases]
    pooled, swap = twin_swaps("m", twin_pairs(cases), table_of(cases, cells), HIGHER, Said(by_id(cases), {}))
    assert pooled.flip_rate == 1.0
    assert swap.difference == 0.0
    assert (swap.p_adjusted or 0) > 0.5


def test_pairs_without_a_difference_leave_room() -> None:
    """Twelve pairs without a flip do not show that there never is one: 3 / 12 stays open."""
    cases = [case for i in range(12) for case in family(i, {"name": "a"}, {"name": "b"})]
    _, swap = twin_swaps("m", twin_pairs(cases), table_of(cases, [1.0] * 24), HIGHER, Said(by_id(cases), {}))
    assert swap.interval is not None
    assert (swap.interval.low, swap.interval.high) == (-0.25, 0.25)


def test_lost_scores_of_twins_are_counted() -> None:
    """A pair with an error is unscored, one that the metric does not apply to is no pair."""
    cases = [case for i in range(3) for case in family(i, {"name": "a"}, {"name": "b"})]
    cells: list[Cell] = [1.0, "timeout", 1.0, "not_applicable", 1.0, 0.0]
    pooled, _ = twin_swaps("m", twin_pairs(cases), table_of(cases, cells), HIGHER, Said(by_id(cases), {}))
    assert (pooled.n_pairs, pooled.n_unscored, pooled.n_flips) == (1, 1, 1)
