"""Letters: two means share one if and only if they are not told apart."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.letters import letter_groups


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, set[tuple[int, int]]]:
    n = draw(st.integers(1, 9))
    pairs = list(combinations(range(n), 2))
    return n, set(draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else ())


@given(graphs())
def test_a_letter_is_shared_if_and_only_if_nothing_tells_apart(
    graph: tuple[int, set[tuple[int, int]]],
) -> None:
    """For any set of pairs, not only for those that a line of means gives."""
    n, apart = graph
    letters = letter_groups(n, apart)
    assert all(letters)
    for i, j in combinations(range(n), 2):
        assert bool(set(letters[i]) & set(letters[j])) == ((i, j) not in apart)


@given(graphs())
def test_no_letter_is_superfluous(graph: tuple[int, set[tuple[int, int]]]) -> None:
    """Each letter holds a pair, or a mean, that no other letter has."""
    n, apart = graph
    letters = letter_groups(n, apart)
    for letter in {name for names in letters for name in names}:
        rest = [set(names) - {letter} for names in letters]
        lost = [i for i in range(n) if not rest[i]]
        near = [pair for pair in combinations(range(n), 2) if pair not in apart]
        assert lost or any(not rest[i] & rest[j] for i, j in near)


@pytest.mark.parametrize(
    ("apart", "letters"),
    [
        (set(), [("a",), ("a",), ("a",)]),
        ({(0, 1), (0, 2), (1, 2)}, [("a",), ("b",), ("c",)]),
        ({(0, 2)}, [("a",), ("a", "b"), ("b",)]),
        ({(0, 1)}, [("a",), ("b",), ("a", "b")]),
    ],
)
def test_known_displays(apart: set[tuple[int, int]], letters: list[tuple[str, ...]]) -> None:
    """The best mean has the letter a; the last is a graph that no line of means gives."""
    assert letter_groups(3, apart) == letters


def test_letters_go_on_after_z() -> None:
    """Thirty means all told apart have thirty letters."""
    letters = letter_groups(30, combinations(range(30), 2))
    assert [names[0] for names in letters][24:28] == ["y", "z", "aa", "ab"]
    assert len(set(letters)) == 30
