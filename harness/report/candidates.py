"""Candidates as one HTML file: which to ship and why, Pareto front, all pairs, gains by slice, runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from harness import numbers
from harness.report import candidates_wording as words
from harness.report.charts import Scatter, Spot, scatter
from harness.report.frame import Page, render_document
from harness.report.visible import visible
from harness.types import Candidate, Candidates, Difference, Run, Scalar, Spending

_PAGES = (
    Page("candidates", "Candidates", "c"),
    Page("pairs", "Pairs", "p"),
    Page("gains", "Gains and losses", "s"),
)
_RACE = Page("race", "Race", "r")
_RUNS = Page("runs", "Runs", "e")
_LONGEST = 24
"""Characters of a name beside its point; the table has all of them."""


class Row(Struct, frozen=True):
    """One candidate in a table; ``mark`` is ``ship``, ``tied``, ``out`` or empty."""

    number: int
    name: str
    mark: str
    cells: tuple[str, ...]
    letters: tuple[str, ...]
    n: str
    cost: str
    latency: str
    latency_interval: str
    latency_change: str
    front: str


class Cell(Struct, frozen=True):
    """One pair, or one slice: which way it points, and what is written."""

    kind: str
    change: str
    interval: str
    n: str


class Plot(Struct, frozen=True):
    """A scatter, its axes in words, and who is not in it."""

    title: str
    across: str
    up: str
    drawing: Scatter
    said: str
    absent: str


class Matrix(Struct, frozen=True):
    """Rows by columns on one metric; a cell is None where there is nothing."""

    metric: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def render(found: Candidates) -> str:
    """Give the page; the same candidates give the same bytes. Every part of it stands without scripts."""
    race = (_RACE,) if found.race is not None else ()
    by_pair = {(d.metric, d.first, d.second): d for d in found.differences}
    metrics = tuple(found.candidates[0].standings)
    return render_document(
        "comparison.html",
        (*_PAGES, *race, _RUNS),
        styles=("candidates.css",),
        found=found,
        words=words,
        rows=[_row(one, found) for one in found.candidates],
        limits=words.limit_rows(found),
        plots=_plots(found),
        metrics=[_metric_row(name, found) for name in metrics],
        pairs=[_pairs(name, found, by_pair) for name in (*metrics, *_spent(found, by_pair))],
        gains=_gains(found),
        reference=next(one.name for one in found.candidates if one.run.id == found.reference),
        runs=_runs(found),
        config=_config(found.candidates),
    )


def _row(one: Candidate, found: Candidates) -> Row:
    standing = one.standings[found.quality]
    names = {other.run.id: str(other.number) for other in found.candidates}
    by = [names[run] for run in one.dominated_by]
    many = "are" if len(by) > 1 else "is"
    front = f"no: {', '.join(by)} {many} as good or better in all" if by else "yes"
    return Row(
        number=one.number,
        name=one.name,
        mark=words.mark(one, found),
        cells=(words.cell(standing, found.metrics[found.quality]),),
        letters=standing.letters,
        n=numbers.used(standing.mean),
        cost=_spending(one.cost_per_1000, "USD"),
        latency=_spending(one.latency_p95, "s"),
        latency_interval=numbers.interval(one.latency_p95.interval, "s"),
        latency_change=words.latency_change(one, found),
        front="dropped" if one.dropped else front,
    )


def _spending(found: Spending, unit: str) -> str:
    if found.value is not None:
        return words.spending(found, unit)
    return f"not known ({numbers.of_total(found.n, found.n + found.n_unknown)} tell it)"


def _metric_row(name: str, found: Candidates) -> tuple[str, list[tuple[str, str, str, str]]]:
    """One metric: per candidate its mean, the interval, n, and its letters."""
    metric = found.metrics[name]
    cells = []
    for one in found.candidates:
        standing = one.standings[name]
        mean = standing.mean
        value = numbers.number(mean.value, metric.unit) + (f" {words.BEST}" if standing.best else "")
        span = numbers.interval(mean.interval, metric.unit)
        cells.append((value, span, numbers.used(mean), " ".join(standing.letters)))
    return name if metric.higher_is_better else f"{name} (lower is better)", cells


def _plots(found: Candidates) -> list[Plot]:
    """Quality against each cost that somebody has a figure of."""
    costs = {one.run.id: one.cost_per_1000.value for one in found.candidates}
    latencies = {one.run.id: one.latency_p95.value for one in found.candidates}
    axes = (
        ("cost", "US dollars per 1,000 queries", "USD", costs),
        ("latency", "95th percentile of the latency, in seconds", "s", latencies),
    )
    return [_plot(found, *axis) for axis in axes if axis[0] in found.objectives]


def _plot(found: Candidates, name: str, across: str, unit: str, figures: Mapping[str, float | None]) -> Plot:
    spots, said, absent = [], [], []
    metric = found.metrics[found.quality]
    for one in found.candidates:
        x, mean = figures[one.run.id], one.standings[found.quality].mean
        if x is None or mean.value is None:
            absent.append(one.name)
            continue
        span = mean.interval
        shown = visible(one.name, one_line=True)
        short = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
        spots.append(
            Spot(
                x=x,
                y=mean.value,
                low=span.low if span else None,
                high=span.high if span else None,
                label=f"{one.number} {short}",
                hollow=bool(one.dominated_by or one.dropped),
                ringed=one.run.id == found.choice.pick,
            )
        )
        said.append(f"{one.number} {one.name}: {numbers.number(mean.value)}, {numbers.number(x, unit)}")
    drawing = scatter(spots, down_is_better=not metric.higher_is_better)
    return Plot(f"Quality and {name}", across, found.quality, drawing, "; ".join(said), ", ".join(absent))


def _spent(found: Candidates, by_pair: Mapping[tuple[str, str, str], Difference]) -> list[str]:
    """Cost and latency, where a pair can be compared on them and they are no metrics of the suite."""
    listed = found.candidates[0].standings
    told = {d.metric for d in by_pair.values() if d.n_pairs}
    return [name for name in words.SPENT if name in told and name not in listed]


def _pairs(name: str, found: Candidates, by_pair: Mapping[tuple[str, str, str], Difference]) -> Matrix:
    """Row minus column, for every pair."""
    rows = []
    for one in found.candidates:
        cells: list[Cell | None] = []
        for other in found.candidates:
            pair = by_pair.get((name, one.run.id, other.run.id))
            turned = by_pair.get((name, other.run.id, one.run.id))
            cells.append(_cell(pair, found) if pair else _cell(_turn(turned), found) if turned else None)
        rows.append((f"{one.number} {one.name}", tuple(cells)))
    return Matrix(name, tuple(f"{one.number} {one.name}" for one in found.candidates), tuple(rows))


def _turn(pair: Difference) -> Difference:
    """The same pair the other way round."""
    from msgspec.structs import replace

    span = pair.interval
    return replace(
        pair,
        first=pair.second,
        second=pair.first,
        change=None if pair.change is None else -pair.change + 0.0,
        interval=span and replace(span, low=-span.high + 0.0, high=-span.low + 0.0),
    )


def _cell(pair: Difference, found: Candidates) -> Cell | None:
    if not pair.n_pairs:
        return None
    unit = found.metrics[pair.metric].unit
    kind = "unknown" if pair.interval is None else "even"
    if pair.better is not None:
        kind = "better" if pair.better == pair.first else "worse"
    span = numbers.interval(pair.interval, unit, change=True)
    if pair.interval is None:
        span = f"too few: {numbers.count(pair.n_pairs)} cases of {numbers.count(pair.n_clusters)} documents"
    return Cell(kind, numbers.signed(pair.change, unit), span, numbers.count(pair.n_pairs))


def _gains(found: Candidates) -> Matrix:
    """Every slice by every candidate but the reference, against the reference."""
    others = [one for one in found.candidates if one.run.id != found.reference]
    labels = list(dict.fromkeys(d.slice.label for d in found.slices))
    cells = {(d.slice.label, d.first): _cell(d, found) for d in found.slices}
    rows = tuple((label, tuple(cells.get((label, one.run.id)) for one in others)) for label in labels)
    return Matrix(found.quality, tuple(f"{one.number} {one.name}" for one in others), rows)


def _runs(found: Candidates) -> list[tuple[str, list[str]]]:
    """What was run: each fact with its value for every candidate."""
    facts = [_facts(one.run) for one in found.candidates]
    return [(name, [one[name] for one in facts]) for name in facts[0]]


def _facts(run: Run) -> dict[str, str]:
    facts: list[tuple[str, Scalar]] = [
        ("run", run.id),
        ("started", run.started_at),
        ("suite", f"{run.suite_name} ({run.suite_path})"),
        ("system", run.system_fingerprint),
        ("goldens", f"{run.dataset_name} {run.dataset_digest}"),
        ("corpus", run.corpus_digest),
        ("cases", f"{numbers.count(run.n_cases)} × {run.repeats}"),
        ("selection", ", ".join(f"{key} {value}" for key, value in run.selection.items()) or "all"),
        ("seed", run.seed),
        ("revision", run.revision),
        ("harness", run.harness_version),
        ("metrics", ", ".join(f"{name} v{found.version}" for name, found in sorted(run.metrics.items()))),
        ("judges", ", ".join(f"{name} {judge}" for name, judge in sorted(run.judges.items())) or None),
    ]
    return {name: numbers.NONE if value is None else str(value) for name, value in facts}


def _config(candidates: Sequence[Candidate]) -> list[tuple[str, list[str]]]:
    """Keys of the configuration that differ between candidates, with the value of each."""
    keys = sorted({key for one in candidates for key in one.run.config})
    rows = [(key, [_scalar(one.run.config, key) for one in candidates]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _scalar(config: Mapping[str, Any], key: str) -> str:
    return str(config[key]) if key in config else "not set"
