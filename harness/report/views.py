"""The parts of the page as rows: numbers written, places computed; the templates only set them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct

from harness import numbers
from harness.report import charts, wording
from harness.report.charts import Bar, Forest
from harness.report.wording import Finding
from harness.types import Comparison, Report, Run, Scalar

MOST_HIT = 12
MAX_DIFF_WORDS = 4000
"""Words of a configuration value beyond which its differences are not marked one by one."""

_SCALES = {"s": "In seconds", "ms": "In milliseconds", "USD": "In US dollars", "tokens": "In tokens"}
_WORDS = re.compile(r"\s+|\S+\s*")


class Row(Struct, frozen=True):
    """One line of a forest plot."""

    name: str
    about: str
    bar: Bar
    found: Finding
    before: str
    after: str
    change: str
    interval: str
    n: str
    flips: str


class Plot(Struct, frozen=True):
    """A forest plot with its rows, all on one scale; ``title`` says which where there are several."""

    title: str
    level: str
    forest: Forest
    rows: tuple[Row, ...]
    has_limit: bool


class Cell(Struct, frozen=True):
    """One slice and metric: what is written, and which way it points (None: not compared)."""

    kind: str
    value: str
    interval: str
    n: str


class Matrix(Struct, frozen=True):
    """Slices by metrics; a cell is None where there is nothing."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


class Piece(Struct, frozen=True):
    """A run of text in a difference: ``same``, ``gone`` or ``new``."""

    kind: str
    text: str


def metric_plots(report: Report) -> list[Plot]:
    """All metrics over all cases, one plot per scale: rates together, every unit for itself."""
    by_scale = sorted(report.comparisons, key=lambda row: _scale(report, row.metric))
    return [
        _change_plot(report, list(rows), _SCALES.get(scale[1], scale[1]))
        for scale, rows in groupby(by_scale, key=lambda row: _scale(report, row.metric))
    ]


def hardest_hit(report: Report) -> Plot | None:
    """The slices hit hardest, on metrics that are rates."""
    rows = [row for row in report.slices if _scale(report, row.metric)[0] == 0 and row.change is not None]
    return _change_plot(report, rows[:MOST_HIT], "") if rows else None


def _scale(report: Report, metric: str) -> tuple[int, str]:
    """What may share an axis: rates first, then each unit in the order of the metrics."""
    identity = report.run.metrics.get(metric)
    if identity is None or (identity.high is not None and not identity.unit):
        return 0, ""
    scales = list(dict.fromkeys(wording.unit(report, name) or name for name in report.run.metrics))
    scale = wording.unit(report, metric) or metric
    return 1 + scales.index(scale), scale


def _change_plot(report: Report, rows: Sequence[Comparison], title: str) -> Plot:
    allowed = _allowed(report)
    limits = [allowed.get((row.metric, row.slice.label)) for row in rows]
    forest = charts.changes(rows, limits)
    shown = tuple(_change_row(report, row, bar) for row, bar in zip(rows, forest.bars, strict=True))
    has_limit = any(limit is not None for limit in limits)
    return Plot(title, numbers.level_name(row.interval for row in rows), forest, shown, has_limit)


def _allowed(report: Report) -> dict[tuple[str, str], float]:
    """The harm that gates allow, by metric and slice; the strictest where there are several."""
    found: dict[tuple[str, str], float] = {}
    for verdict in report.verdicts:
        if verdict.comparison is not None and verdict.limit is not None:
            key = verdict.comparison.metric, verdict.comparison.slice.label
            found[key] = min(verdict.limit, found.get(key, verdict.limit))
    return found


def _change_row(report: Report, row: Comparison, bar: Bar) -> Row:
    unit = wording.unit(report, row.metric)
    lower = "" if row.higher_is_better else "lower is better"
    where = row.slice.label
    return Row(
        name=row.metric if where == "all" else where,
        about=lower if where == "all" else row.metric,
        bar=bar,
        found=wording.finding(row, unit),
        before=numbers.number(row.means[0], unit),
        after=numbers.number(row.means[1], unit),
        change=numbers.signed(row.change, unit),
        interval=numbers.interval(row.interval, unit, change=True),
        n=numbers.of_total(row.n_pairs, row.n_pairs + row.n_unpaired),
        flips=wording.flips(row) if row.n_pairs else "",
    )


def estimate_rows(report: Report) -> list[tuple[str, str, str, str]]:
    """Metric, value, interval and n of the candidate alone."""
    return [
        (
            metric,
            numbers.number(found.value, wording.unit(report, metric)),
            numbers.interval(found.interval, wording.unit(report, metric)),
            numbers.used(found),
        )
        for metric, found in report.estimates.items()
    ]


def slice_matrix(report: Report) -> Matrix:
    """Slices by metrics, hardest hit first; changes with a baseline, else the candidate's means."""
    cells: dict[str, dict[str, Cell]] = {}
    if report.slices:
        for row in report.slices:
            cells.setdefault(row.slice.label, {})[row.metric] = _change_cell(report, row)
    else:
        for label, estimates in report.slice_estimates.items():
            for metric, found in estimates.items():
                unit = wording.unit(report, metric)
                value, span = numbers.number(found.value, unit), numbers.interval(found.interval, unit)
                cells.setdefault(label, {})[metric] = Cell("even", value, span, numbers.used(found))
    used = {metric for row in cells.values() for metric in row}
    columns = tuple(metric for metric in report.run.metrics if metric in used)
    return Matrix(
        columns, tuple((label, tuple(row.get(metric) for metric in columns)) for label, row in cells.items())
    )


def _change_cell(report: Report, row: Comparison) -> Cell:
    unit = wording.unit(report, row.metric)
    span = numbers.interval(row.interval, unit, change=True)
    kind = wording.finding(row, unit).kind
    return Cell(kind, numbers.signed(row.change, unit), span, numbers.count(row.n_pairs))


def change_rows(report: Report) -> list[tuple[str, list[Piece], list[Piece]]]:
    """Configuration keys that differ: the key, and both values in pieces that say what differs."""
    return [(change.key, *_difference(change.before, change.after)) for change in report.changes]


def _difference(before: Scalar, after: Scalar) -> tuple[list[Piece], list[Piece]]:
    old, new = _written(before), _written(after)
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    if not (isinstance(before, str) and isinstance(after, str)) or max(len(a), len(b)) > MAX_DIFF_WORDS:
        return [Piece("same", old)], [Piece("same", new)]
    gone, added = [], []
    for op, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        gone.append(Piece("same" if op == "equal" else "gone", "".join(a[i:j])))
        added.append(Piece("same" if op == "equal" else "new", "".join(b[k:m])))
    return [piece for piece in gone if piece.text], [piece for piece in added if piece.text]


def _written(value: Scalar) -> str:
    return numbers.NONE if value is None else str(value)


def refusal_rows(report: Report) -> dict[str, Any]:
    """Expected by observed behaviour: the columns, and per row and column the count before and after."""
    before, after = wording.behaviors(report.refusals_before), wording.behaviors(report.refusals)
    kinds = ("answer", "partial", "clarify", "refuse")
    seen = {*before, *after}
    rows = [kind for kind in kinds if any(kind == expected for expected, _ in seen)]
    columns = [kind for kind in kinds if any(kind == observed for _, observed in seen)]
    return {
        "columns": columns,
        "rows": [
            (row, [(before.get((row, c), 0), after.get((row, c), 0), row == c) for c in columns])
            for row in rows
        ],
    }


def record_rows(report: Report) -> list[tuple[str, str, str, bool]]:
    """What was run, and of how many cases it stopped early."""
    stop = report.accounting.stop
    return run_rows(report.run, report.baseline, None if stop is None else stop.asked)


def run_rows(run: Run, base: Run | None, asked: int | None = None) -> list[tuple[str, str, str, bool]]:
    """What was run: name, baseline, candidate, and whether they differ; ``asked`` cases where not all."""
    old = _facts(base) if base is not None else {}
    new = _facts(run)
    if asked is not None:
        new["cases"] = f"{numbers.count(asked)} of {new['cases']}"
    return [
        (name, old.get(name, numbers.NONE), value, base is not None and old.get(name) != value)
        for name, value in new.items()
    ]


def _facts(run: Run) -> dict[str, str]:
    facts = {
        "run": run.id,
        "candidate": run.candidate,
        "suite": run.suite_name,
        "suite file": run.suite_path,
        "revision": run.revision or numbers.NONE,
        "system fingerprint": run.system_fingerprint,
        "goldens": f"{run.dataset_name} {run.dataset_digest}",
        "corpus digest": run.corpus_digest or numbers.NONE,
        "cases": numbers.count(run.n_cases),
        "repeats": numbers.count(run.repeats),
        "seed": str(run.seed),
        "selection": ", ".join(f"{name}={value}" for name, value in sorted(run.selection.items()))
        or "all cases",
        "harness version": run.harness_version,
    }
    facts |= {f"judge of {name}": digest for name, digest in sorted(run.judges.items())}
    return facts


def config_rows(report: Report) -> list[tuple[str, str, str, bool]]:
    """Every configuration key: baseline, candidate, and whether they differ."""
    old = {} if report.baseline is None else report.baseline.config
    keys = sorted({*old, *report.run.config})
    return [
        (
            key,
            _written(old.get(key)),
            _written(report.run.config.get(key)),
            report.baseline is not None and old.get(key) != report.run.config.get(key),
        )
        for key in keys
    ]
