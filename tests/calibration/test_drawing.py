"""Which cases are labelled: strata of the judge's scores, shares that are known, and one order for all."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from world import HIGHER, cases_of, table_of

from harness.calibration.drawing import LEAST_DRAWN, allocate, draw_panel, extend, strata_of
from harness.types import Panel, SliceRule

LANGUAGE = {"language": SliceRule(source="groups.language")}


def panel_of(seed: int = 0) -> Panel:
    return Panel("quality", "?", (0.0, 1.0), "goldens", seed, ("run",), ())


def test_strata_are_by_what_the_judge_says() -> None:
    """Both runs' scores make the stratum; a case that one of them has no score of is in none."""
    cases = cases_of(60)
    before = table_of(cases, [1.0] * 30 + [0.0] * 30)
    after = table_of(cases, [1.0] * 20 + [0.4] * 10 + [0.5] * 29 + ["judge_error"])
    found = strata_of(cases, [before, after], HIGHER)
    sizes = {name: len(members) for name, members in found.items()}
    assert sizes == {"high, high": 20, "high, low": 10, "low, high": 29}


def test_small_strata_are_joined() -> None:
    """Fewer than ten cases are no stratum: they are one together, or join the largest."""
    cases = cases_of(60, language=lambda i: "de" if i < 12 else "en")
    table = table_of(cases, [0.0 if i % 10 == 0 else 1.0 for i in range(60)])
    sizes = {name: len(its) for name, its in strata_of(cases, [table], HIGHER, LANGUAGE).items()}
    assert sizes == {"high, language=de": 10, "high, language=en": 50}
    rare = table_of(cases, [0.0, 0.0] + [1.0] * 58)
    assert {name: len(its) for name, its in strata_of(cases, [rare], HIGHER).items()} == {"high": 60}


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 400), min_size=1, max_size=8),
    st.integers(1, 300),
)
def test_shares_are_bounded(sizes: dict[str, int], n: int) -> None:
    """Never more than there are, two at least, n in all unless strata are many, and no weight above twice."""
    found = allocate(sizes, n)
    total = sum(sizes.values())
    assert found.keys() == sizes.keys()
    assert all(min(LEAST_DRAWN, sizes[name]) <= count <= sizes[name] for name, count in found.items())
    assert min(n, total) <= sum(found.values()) <= n + LEAST_DRAWN * len(sizes)
    heaviest = max(sizes[name] / count for name, count in found.items())
    assert heaviest <= max(2 * total / max(1, n - len(sizes)) if n > len(sizes) else total, 1)


def test_the_rare_kind_is_labelled_more_often() -> None:
    """Half of the labels go by size and half evenly: of 950 and 50 answers 73 and 27 are labelled."""
    assert allocate({"high": 950, "low": 50}, 100) == {"high": 73, "low": 27}
    assert allocate({"high": 10, "low": 5}, 20) == {"high": 10, "low": 5}


def test_every_case_is_as_likely_as_the_design_says() -> None:
    """Over 400 seeds each case of a stratum is drawn about equally often."""
    cases = cases_of(40)
    strata = {"a": cases[:30], "b": cases[30:]}
    counts: Counter[str] = Counter()
    for seed in range(400):
        counts.update(draw_panel(panel_of(seed), strata, 12).drawn)
    drawn = allocate({"a": 30, "b": 10}, 12)
    for case in cases:
        expected = 400 * (drawn["a"] / 30 if case in strata["a"] else drawn["b"] / 10)
        assert abs(counts[case.id] - expected) < 5 * expected**0.5


def test_the_order_of_cases_changes_nothing() -> None:
    """The draw depends on seed and ids alone."""
    cases = list(cases_of(50))
    first = draw_panel(panel_of(), {"a": cases}, 20)
    cases.reverse()
    assert draw_panel(panel_of(), {"a": cases}, 20) == first
    assert draw_panel(panel_of(1), {"a": cases}, 20) != first


def test_more_cases_keep_the_first() -> None:
    """A panel that grows holds all that it held, as if it had been drawn so large at once."""
    cases = cases_of(80)
    small = draw_panel(panel_of(), {"a": cases[:60], "b": cases[60:]}, 20)
    large = extend(small, 50)
    assert set(small.drawn) < set(large.drawn)
    assert large == draw_panel(panel_of(), {"a": cases[:60], "b": cases[60:]}, 50)
    assert extend(large, 10) == large
