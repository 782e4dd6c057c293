"""Which cases a slice holds: attributes of cases, conditions on them, crosses, and minimum size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from harness.types import Case, Slice, SliceRule

PLAIN_SOURCES = ("expected_behavior", "policy", "split", "document_id", "tags", "id")
NESTED_SOURCES = ("groups", "metadata")
TOO_SMALL_TO_TEST = 20
"""Cases below which a slice is shown but never tested."""


def is_source(name: str) -> bool:
    """Say whether cases can be sliced by ``name``: ``groups.x``, ``metadata.x``, ``tags``, ..."""
    head, dot, tail = name.partition(".")
    return name in PLAIN_SOURCES or (head in NESTED_SOURCES and bool(dot and tail))


def values_of(case: Case, source: str) -> tuple[str, ...]:
    """Give the values of one attribute of a case as text; a case may have none, or (tags) several.

    Truth values are spelled as in JSON: ``true``, ``false``.
    """
    head, _, tail = source.partition(".")
    if head == "groups":
        return (case.groups[tail],) if tail in case.groups else ()
    if head == "metadata":
        value = case.metadata.get(tail)
        if isinstance(value, bool):
            return ("true" if value else "false",)
        return () if value is None else (str(value),)
    if source == "tags":
        return tuple(dict.fromkeys(case.tags))
    value = getattr(case, source)
    return () if value is None else (str(value),)


def matches(case: Case, where: Mapping[str, str], rules: Mapping[str, SliceRule]) -> bool:
    """Say whether a case meets every condition; names are declared slices or sources."""
    return all(value in values_of(case, _source(name, rules)) for name, value in where.items())


def select(cases: Iterable[Case], slice_: Slice, rules: Mapping[str, SliceRule]) -> tuple[Case, ...]:
    """Give the cases of a slice, in order."""
    wanted = [(_source(name, rules), value) for name, value in slice_.where]
    if not wanted:
        return tuple(cases)
    return tuple(case for case in cases if all(value in values_of(case, source) for source, value in wanted))


def slices_of(
    cases: Sequence[Case], rules: Mapping[str, SliceRule], crosses: Iterable[tuple[str, ...]]
) -> tuple[Slice, ...]:
    """Give every slice with a case in it: each value of each rule, then the crosses, by name and value.

    Crossed slices are left out below the largest minimum size of the rules they cross: they are many,
    and small ones say nothing. Slices of one attribute are always listed, however small.
    """
    found = [
        Slice(((name, value),))
        for name, rule in rules.items()
        for value in sorted({value for case in cases for value in values_of(case, rule.source)})
    ]
    for names in crosses:
        counts: Counter[tuple[str, ...]] = Counter()
        for case in cases:
            counts.update(product(*(values_of(case, rules[name].source) for name in names)))
        least = max(rules[name].min_n for name in names)
        found += [
            Slice(tuple(zip(names, values, strict=True)))
            for values, count in sorted(counts.items())
            if count >= least
        ]
    return tuple(found)


def labels_of(case: Case, rules: Mapping[str, SliceRule]) -> tuple[str, ...]:
    """Give the slices of one attribute that a case is in, as ``name=value``."""
    return tuple(f"{name}={value}" for name, rule in rules.items() for value in values_of(case, rule.source))


def _source(name: str, rules: Mapping[str, SliceRule]) -> str:
    return rules[name].source if name in rules else name
