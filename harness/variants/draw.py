"""Chance that is the same on every machine: choices from a seed and a name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Choices for one variant of one case; the same key gives the same choices.

    Everything rests on ``Random.random``, whose sequence Python promises to keep between versions, and not on
    ``choice`` or ``shuffle``, which it does not.
    """

    def __init__(self, *key: object) -> None:
        """Begin the sequence of a key, such as seed, kind and case id."""
        self._random = random.Random(":".join(map(str, key)))  # noqa: S311 -- not for secrets

    def below(self, n: int) -> int:
        """Give a whole number from 0, below ``n``."""
        return min(int(self._random.random() * n), n - 1)

    def one(self, items: Sequence[T]) -> T:
        """Choose one of some items, at least one."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], n: int) -> list[T]:
        """Choose ``n`` of the items, or all where there are fewer, in random order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(n, len(left)))]
