"""The table of a metric over twins, kind by kind, as text: what every rendering of it shows."""

from __future__ import annotations

from typing import NamedTuple

from harness import numbers
from harness.report import wording
from harness.types import Report

NO_KIND = "twins by hand"
HEAD = ("metric", "kind", "flips", "consistency", "originals", "twins", "worst case", "pairs")


class RobustnessRow(NamedTuple):
    """One metric and kind: ``metric`` and ``kind`` are data, the rest is written by us."""

    metric: str
    kind: str
    flips: str
    consistency: str
    originals: str
    twins: str
    worst: str
    pairs: str


def robustness_rows(report: Report) -> list[RobustnessRow]:
    """Give the rows by metric and kind; kinds whose twins have no value are left out."""
    return [
        RobustnessRow(
            metric=row.metric,
            kind=row.variant or NO_KIND,
            flips=numbers.with_interval(row.flip_rate.value, row.flip_rate.interval),
            consistency=numbers.number(row.consistency.value),
            originals=numbers.number(row.original.value, wording.unit(report, row.metric)),
            twins=numbers.number(row.twins.value, wording.unit(report, row.metric)),
            worst=numbers.number(row.worst_case.value, wording.unit(report, row.metric)),
            pairs=numbers.used(row.flip_rate),
        )
        for row in report.robustness
        if row.flip_rate.n or row.flip_rate.n_unscored
    ]
