"""The compact letter display: which of several means are told apart, by letters that they share or not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def letter_groups(n: int, apart: Iterable[tuple[int, int]]) -> list[tuple[str, ...]]:
    """Give each of n means its letters: two share a letter if and only if they are not told apart.

    Each letter is a set of means none of which is told apart from another, as large as can be; together they
    cover every pair that is not told apart, and every mean. Sets that the others make superfluous are left
    out. Source: Piepho 2004, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons".

    Args:
        n: number of means, in the order in which letters are given: the best first gets ``a``.
        apart: pairs of indices that are told apart.

    Returns:
        for each mean its letters in order; after ``z`` come ``aa``, ``ab``, ...
    """
    told = {frozenset(pair) for pair in apart}
    near = [{j for j in range(n) if j != i and frozenset((i, j)) not in told} for i in range(n)]
    groups: list[frozenset[int]] = []
    for i in range(n):
        for j in [k for k in sorted(near[i]) if k > i] or [i]:
            if not any({i, j} <= group for group in groups):
                groups.append(_grow(i, j, near))
    kept = sorted(_without_superfluous(groups, near), key=sorted)
    return [tuple(_letter(k) for k, group in enumerate(kept) if i in group) for i in range(n)]


def _grow(i: int, j: int, near: list[set[int]]) -> frozenset[int]:
    """The largest set that taking means in order makes of a pair."""
    group = {i, j}
    for k in range(len(near)):
        if k not in group and group <= near[k]:
            group.add(k)
    return frozenset(group)


def _without_superfluous(groups: list[frozenset[int]], near: list[set[int]]) -> list[frozenset[int]]:
    pairs = {frozenset((i, j)) for i, others in enumerate(near) for j in others}
    needed = pairs | {frozenset((i,)) for i in range(len(near))}
    kept = list(groups)
    for group in sorted(groups, key=lambda found: (len(found), sorted(found))):
        rest = [other for other in kept if other != group]
        covered = {frozenset(pair) for other in rest for pair in combinations(sorted(other), 2)}
        covered |= {frozenset((i,)) for other in rest for i in other}
        if needed <= covered:
            kept = rest
    return kept


def _letter(k: int) -> str:
    first, last = divmod(k, len(_ALPHABET))
    return (_letter(first - 1) if first else "") + _ALPHABET[last]
