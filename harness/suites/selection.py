"""Which cases gates and requirements are about: one that is about none is an error, never a pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import Fault, did_you_mean
from harness.slices import matches, values_of
from harness.suites.yaml import Document, KeyPath
from harness.types import Case, SliceRule, Suite


def selection_faults(suite: Suite, document: Document, cases: Sequence[Case]) -> list[Fault]:
    """Give a fault for every ``where`` that selects no case, and every named case that is not there.

    Args:
        suite: checked by itself.
        document: what it was read from, for lines and columns.
        cases: all golden cases.
    """
    faults: list[Fault] = []
    ids = {case.id for case in cases}
    for index, gate in enumerate(suite.gates):
        path: KeyPath = ("gates", index)
        faults += _where_faults(f"gate {gate.id!r}", gate.where, path, suite.slices, document, cases)
        faults += [
            Fault(
                f"gate {gate.id!r} names case {case_id!r}, which is not in the goldens",
                document.place((*path, "cases", at)),
                did_you_mean(case_id, ids),
            )
            for at, case_id in enumerate(gate.cases)
            if case_id not in ids
        ]
    for index, one in enumerate(suite.choose.require if suite.choose else ()):
        path = ("choose", "require", index)
        what = f"the requirement on {one.metric!r}"
        faults += _where_faults(what, one.where, path, suite.slices, document, cases)
    return faults


def _where_faults(
    what: str,
    where: Mapping[str, str],
    path: KeyPath,
    rules: Mapping[str, SliceRule],
    document: Document,
    cases: Sequence[Case],
) -> Iterator[Fault]:
    """Each condition that no case meets, with the nearest value that one has; else all of them together."""
    if any(matches(case, where, rules) for case in cases):
        return
    unmet = [
        name for name, value in where.items() if not any(matches(c, {name: value}, rules) for c in cases)
    ]
    for name in unmet:
        source = rules[name].source if name in rules else name
        known = {value for case in cases for value in values_of(case, source)}
        mend = did_you_mean(where[name], known) if known else f"no case has {source}"
        yield Fault(
            f"{what} selects no case: none has {name} {where[name]!r}",
            document.place((*path, "where", name)),
            mend,
        )
    if not unmet:
        told = " and ".join(f"{name} {value!r}" for name, value in where.items())
        yield Fault(
            f"{what} selects no case: none has {told} at once",
            document.place((*path, "where")),
            "leave one of them out",
        )
