"""Cases in order: of very many only the outlines are held, and one is read whole when it is wanted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import eq
from typing import overload

import msgspec
from msgspec.structs import force_setattr

from harness.types import Case, Query

HELD_BYTES = 16_000_000
"""Size, as JSON, of the cases of one dataset or recording that are held whole."""
MOST_SHARED = 10_000
"""Different groups, tags or metadata that are held once, and not once for every case that has them."""


def outline_of(case: Case) -> Case:
    """Give a case without what it says: who asks, of what, in which slices, and what is to be done with it.

    Questions, reference answers, facts and evidence are left out. Nothing that decides looks at those.
    """
    return Case(
        query=Query(case.id, ""),
        expected_behavior=case.expected_behavior,
        policy=case.policy,
        groups=case.groups,
        tags=case.tags,
        metadata=case.metadata,
        split=case.split,
        twin_of=case.twin_of,
        document_id=case.document_id,
    )


class Cases(Sequence[Case]):
    """Cases that are given whole, and of which not all are held whole.

    One that was read anew is equal to what it was, and not the same object; all are equal to any sequence of
    the same cases. Go through them once where that is enough, and through their outlines where that is.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, outlines: Sequence[Case], rows: Sequence[int], read: Callable[[int], Case]) -> None:
        """Take an outline of each, and in ``rows`` what to ``read`` it by; or it itself, and -1."""
        self.outlines, self.rows, self.read = outlines, rows, read

    def __len__(self) -> int:
        """How many there are."""
        return len(self.outlines)

    @overload
    def __getitem__(self, place: int) -> Case: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Case, ...]: ...
    def __getitem__(self, place: int | slice) -> Case | tuple[Case, ...]:
        """Give one, or several at once."""
        if isinstance(place, slice):
            return tuple(map(self._case, self.outlines[place], self.rows[place]))
        return self._case(self.outlines[place], self.rows[place])

    def __iter__(self) -> Iterator[Case]:
        """Give one after the other, and hold none."""
        return map(self._case, self.outlines, self.rows)

    def __eq__(self, other: object) -> bool:
        """Whether these are the cases of the other, in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def _case(self, outline: Case, row: int) -> Case:
        return outline if row < 0 else self.read(row)


class Gathered:
    """Cases that come one after the other: the first are held whole, of the others there are outlines."""

    def __init__(self, read: Callable[[int], Case], known: Sequence[Case] = ()) -> None:
        """Start without any.

        Args:
            read: gives a case by what ``add`` was told of its row.
            known: cases that are held elsewhere: those that are equal are held once.
        """
        self._read = read
        self._known = {case.id: case for case in outlines(known)}
        self._outlines: list[Case] = []
        self._rows = array("q")
        self._held = 0
        self._shared: dict[bytes, object] = {}

    def add(self, case: Case, size: int, row: Callable[[], int]) -> str:
        """Add a case of some bytes as JSON; ``row`` is asked by what to read it where it is not held.

        Returns:
            its id, which is held once, too.
        """
        self._held += size
        is_held = self._held <= HELD_BYTES
        wanted, known = case if is_held else outline_of(case), self._known.get(case.id)
        held = known if known is not None and known == wanted else self._sharing(wanted)
        self._outlines.append(held)
        self._rows.append(-1 if is_held else row())
        return held.id

    def cases(self) -> Sequence[Case]:
        """Give all of them, in the order in which they came."""
        if self._held <= HELD_BYTES:
            return tuple(self._outlines)
        return Cases(self._outlines, self._rows, self._read)

    def _sharing(self, case: Case) -> Case:
        for name in ("groups", "tags", "metadata"):
            force_setattr(case, name, self._once(getattr(case, name)))
        return case

    def _once(self, value: object) -> object:
        key = msgspec.json.encode(value)
        if len(self._shared) < MOST_SHARED:
            return self._shared.setdefault(key, value)
        return self._shared.get(key, value)


def outlines(cases: Sequence[Case]) -> Sequence[Case]:
    """Give cases to be gone through as often as is wanted: of those that are not held whole the outlines."""
    return cases.outlines if isinstance(cases, Cases) else cases


def picked(cases: Sequence[Case], places: Sequence[int]) -> Sequence[Case]:
    """Give the cases at these places, in their order."""
    if not isinstance(cases, Cases):
        return tuple(cases[place] for place in places)
    rows = array("q", (cases.rows[place] for place in places))
    return Cases([cases.outlines[place] for place in places], rows, cases.read)


class _ById(Mapping[str, Case]):
    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        self._places = {case.id: place for place, case in enumerate(outlines(cases))}

    def __getitem__(self, case_id: str) -> Case:
        return self._cases[self._places[case_id]]

    def __contains__(self, case_id: object) -> bool:
        return case_id in self._places  # that of Mapping reads the case

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def by_id(cases: Sequence[Case]) -> Mapping[str, Case]:
    """Give cases by their ids, in their order; each is read when it is asked for."""
    return _ById(cases)
