"""Several runs of one system to one table of scores, and what keeps runs from being pooled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from harness.comparison import CaseValue, RunScores, Table
from harness.types import UNSCORED, Case, Run, Scalar

MISSING = CaseValue(None, "system_error")
"""What a run has of a case that it has no score of."""


def pool(runs: Sequence[RunScores]) -> RunScores:
    """Average each metric of each case over the runs; the case, not the run, stays the unit.

    A case that lacks its value in one of the runs is unscored as a whole: dropping the run would let an error
    help. Runs in which the metric does not apply to a case are left out of its average. A metric that one of
    the runs lacks is not pooled. One run comes back as it is.

    Args:
        runs: of one system, as ``differences`` finds them; at least one.
    """
    first, *others = runs
    if not others:
        return first
    names = [name for name in first.tables if all(name in run.tables for run in others)]
    tables = {name: _pool_tables([run.tables[name] for run in runs]) for name in names}
    cases: dict[str, Case] = {}
    for run in runs:
        for case in run.cases:
            cases.setdefault(case.id, case)
    served = {
        name: frozenset().union(*(run.served.get(name, frozenset()) for run in runs)) for name in first.served
    }
    return RunScores(
        first.run, tuple(cases.values()), tables, runs=tuple(run.tables for run in runs), served=served
    )


def _pool_tables(tables: Sequence[Table]) -> dict[str, CaseValue]:
    ids = dict.fromkeys(case_id for table in tables for case_id in table)
    return {case_id: _pool_case([table.get(case_id, MISSING) for table in tables]) for case_id in ids}


def _pool_case(found: Sequence[CaseValue]) -> CaseValue:
    lost = [item.status for item in found if item.status in UNSCORED]
    if lost:
        return CaseValue(None, min(lost, key=UNSCORED.index))
    values = [item.value for item in found if item.value is not None]
    if not values:
        return CaseValue(None, "not_applicable")
    return CaseValue(math.fsum(values) / len(values), "scored")


def complete_values(tables: Sequence[Table], cases: Iterable[Case]) -> tuple[list[list[float]], list[str]]:
    """Give the values of the cases that have one in every run, shape (k, n), and their clusters, (n,)."""
    rows: list[list[float]] = [[] for _ in tables]
    clusters = []
    for case in cases:
        values = [table.get(case.id, MISSING).value for table in tables]
        if all(value is not None for value in values):
            for row, value in zip(rows, values, strict=True):
                row.append(value)  # type: ignore[arg-type]
            clusters.append(case.cluster)
    return rows, clusters


def possible_values(
    tables: Sequence[Table], cases: Iterable[Case]
) -> tuple[list[list[float | None]], list[str]]:
    """Give the same with the cases that could have a value in every run; None where it is missing."""
    rows: list[list[float | None]] = [[] for _ in tables]
    clusters = []
    for case in cases:
        found = [table.get(case.id, MISSING) for table in tables]
        if all(item.status != "not_applicable" for item in found):
            for row, item in zip(rows, found, strict=True):
                row.append(item.value)
            clusters.append(case.cluster)
    return rows, clusters


def differences(first: Run, other: Run) -> tuple[str, ...]:
    """Say in what two runs differ that must agree before they may be pooled; empty where they may."""
    said = [
        f"{name} {_shown(before)} and {_shown(after)}"
        for name, before, after in (
            ("suite", first.suite_name, other.suite_name),
            ("goldens", first.dataset_digest, other.dataset_digest),
            ("corpus", first.corpus_digest, other.corpus_digest),
            ("repeats", first.repeats, other.repeats),
        )
        if before != after
    ]
    if first.system_fingerprint != other.system_fingerprint:
        keys = _differing(first.config, other.config)
        of = ", ".join(keys) if keys else "the same options, another fingerprint"
        said.append(f"system ({of})")
    metrics = _differing(first.metrics, other.metrics)
    said += [f"metric {name} (its version, or not in both)" for name in metrics]
    said += [f"judge of {name}" for name in _differing(first.judges, other.judges)]
    return tuple(said)


def _differing(first: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [name for name in sorted(first.keys() | other.keys()) if first.get(name) != other.get(name)]


def _shown(value: Scalar) -> str:
    """A digest by its beginning, anything else as it is."""
    text = "none" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:19]}…"
