"""The table of judged metrics, as text: the judge's own figures beside those that labels make of them."""

from __future__ import annotations

from typing import NamedTuple

from harness import numbers
from harness.report import wording
from harness.types import Comparison, JudgedMetric, Report

ADVISORY, CORRECTED = "advisory, no gate rests on it", "gates decide on what labels correct"


class JudgeRow(NamedTuple):
    """One judged metric: ``metric`` and ``why`` are data, the rest is written by us; empty: there is none."""

    metric: str
    own: str
    corrected: str
    labels: str
    own_change: str
    corrected_change: str
    standing: str
    why: str


def judge_rows(report: Report) -> list[JudgeRow]:
    """Give the rows in suite order."""
    return [_row(report, found) for found in report.judged]


def _row(report: Report, found: JudgedMetric) -> JudgeRow:
    unit, corrected = wording.unit(report, found.metric), found.corrected
    labels = {found.n_labels, found.n_labels_change} - {0}
    return JudgeRow(
        metric=found.metric,
        own=numbers.with_interval(found.own.value, found.own.interval, unit),
        corrected=numbers.with_interval(corrected.value, corrected.interval, unit)
        if corrected
        else numbers.NONE,
        labels=", ".join(map(numbers.count, sorted(labels))) or "0",
        own_change=_change(found.own_change, unit),
        corrected_change=_change(found.corrected_change, unit),
        standing=CORRECTED if found.corrected or found.corrected_change else ADVISORY,
        why=found.advisory or found.lacking,
    )


def _change(found: Comparison | None, unit: str) -> str:
    if found is None or found.change is None:
        return numbers.NONE
    return numbers.with_interval(found.change, found.interval, unit, change=True)


def in_words(row: JudgeRow) -> str:
    """``judge 0.648 [...], by labels 0.673 [...]; change: judge ..., by labels ...; advisory, ...: why``."""
    pairs = (("", row.own, row.corrected), ("change: ", row.own_change, row.corrected_change))
    told = [
        f"{what}judge {own}" + ("" if corrected == numbers.NONE else f", by labels {corrected}")
        for what, own, corrected in pairs
        if own != numbers.NONE
    ]
    labels = "" if row.labels == "0" else f" (labelled cases: {row.labels})"
    return "; ".join([*told, row.standing + labels]) + (f": {row.why}" if row.why else "")
