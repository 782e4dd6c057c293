"""The fairness audit as one HTML file in the frame of the report, to be read, printed and signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from harness import numbers
from harness.report import views, wording
from harness.report.frame import Page, render_document
from harness.report.gap_views import GapView, gap_view
from harness.report.gap_words import is_worse
from harness.types import Audit, AuditedGap, TwinSwap

_PAGES = (
    Page("statement", "Statement", "s"),
    Page("groups", "Groups", "g"),
    Page("gaps", "Gaps", "a"),
    Page("crossed", "Crossed", "x"),
    Page("twins", "Twins", "t"),
    Page("confounders", "Confounders", "c"),
    Page("signoff", "Sign-off", "o"),
)
REFUSALS = ("over_refusal_rate", "under_refusal_rate")
_METHOD = (
    ": max-T over sign flips of whole documents, Bonferroni where scores are missing. Tables are not"
    " corrected for each other:"
)
FEW_PAIRS = 5
"""Pairs of one swap below which it stands in the folded list."""


class Line(Struct, frozen=True):
    """One row of a table that compares a group twice: words with the mark that belongs to them."""

    metric: str
    attribute: str
    group: str
    before: str
    after: str
    change: str
    p: str
    n: str
    kind: str
    word: str


class HeatCell(Struct, frozen=True):
    """One intersection: its side of the mean of all, whether that is sure, its mean, n, and words."""

    kind: str
    sure: bool
    value: str
    n: str
    text: str


class Heat(Struct, frozen=True):
    """Two attributes crossed on one metric; a cell is None where there is no case."""

    metric: str
    attribute: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell | None, ...]], ...]
    gap: GapView


def render(audit: Audit) -> str:
    """Give the page; the same audit gives the same bytes. Everything is static and prints."""
    shown = [(item, gap_view(audit, item.gap, audit.verdicts)) for item in audit.gaps]
    mixes = [line for item, _ in shown for line in _mix_lines(audit, item)]
    return render_document(
        "audit.html",
        _PAGES,
        styles=("cases.css", "audit.css"),
        audit=audit,
        outcome=audit.outcome or "inconclusive",
        status=STATUS[audit.outcome],
        facts=_facts(audit),
        gaps=[view for _, view in shown],
        worst=[view for _, view in shown if view.kind in ("fail", "worse")][:MAX_WORST],
        by_attribute=_by_attribute([view for _, view in shown]),
        refusals=[_refusal_rows(audit, name) for name in dict.fromkeys(view.attribute for _, view in shown)],
        changes=[line for item, _ in shown for line in _change_lines(audit, item)],
        mixes=sorted(mixes, key=lambda line: line.kind != "fail"),
        reversed=sum(line.kind == "fail" for line in mixes),
        heats=[_heat(audit, item) for item in audit.intersections],
        **_twin_parts(audit),
        record=_record(audit),
    )


MAX_WORST = 6
STATUS = {
    "fail": "gap gate failed",
    "pass": "gap gates passed",
    "inconclusive": "gap gates inconclusive",
    None: "no gap gate",
}


def _facts(audit: Audit) -> list[tuple[str, str]]:
    """The statement: what was audited, by what labels, against what, and with which error."""
    tables = len(audit.gaps) + len(audit.intersections)
    by_chance = f"{tables * (1 - audit.level):.1f}"
    sources = "; ".join(f"{name}: field {source} of the goldens" for name, source in audit.sources.items())
    return [
        ("run", wording.run_name(audit.run)),
        ("cases", f"{numbers.count(audit.run.n_cases)} of {audit.run.dataset_name}"),
        ("baseline", wording.run_name(audit.baseline) if audit.baseline else "none"),
        ("metrics", ", ".join(audit.metrics)),
        ("attributes", ", ".join(name for name in audit.sources if name not in audit.by_topic)),
        ("labels from", sources),
        ("reference", "each group against all other cases that have the attribute"),
        (
            "tolerance",
            f"{numbers.number(audit.tolerance)} worse than the rest, or what the suite's max_gap gates allow",
        ),
        (
            "comparisons",
            f"{numbers.count(audit.comparisons)} of a group with the rest, in {numbers.count(tables)} tables",
        ),
        (
            "correction",
            (
                f"within a table all intervals hold together with {numbers.share(audit.level)}{_METHOD}"
                f" of {numbers.count(tables)} about {by_chance} would show a difference by chance alone"
            ),
        ),
    ]


def _by_attribute(gaps: Sequence[GapView]) -> list[tuple[str, list[GapView]]]:
    names = dict.fromkeys(view.attribute for view in gaps)
    return [(name, [view for view in gaps if view.attribute == name]) for name in names]


def _refusal_rows(audit: Audit, attribute: str) -> tuple[str, list[tuple[str, list[Any]]]]:
    """Both directions of one attribute side by side: group to its rows, None where one was not audited."""
    found = {
        item.gap.metric: {row.name: row for row in gap_view(audit, item.gap, ()).rows}
        for item in audit.gaps
        if item.gap.attribute == attribute and item.gap.metric in REFUSALS
    }
    names = sorted({name for rows in found.values() for name in rows})
    return attribute, [(name, [found.get(metric, {}).get(name) for metric in REFUSALS]) for name in names]


def _change_lines(audit: Audit, item: AuditedGap) -> list[Line]:
    unit = wording.unit(audit, item.gap.metric)
    lines = []
    for row in item.changes:
        kind, word = "even", "no change found"
        if is_worse(row):
            kind, word = "worse", "widened against this group"
        elif row.interval is not None and row.interval.high < 0:
            kind, word = "better", "narrowed, or turned in its favour"
        lines.append(
            Line(
                metric=item.gap.metric,
                attribute=item.gap.attribute,
                group=row.group,
                before=numbers.signed(row.before, unit),
                after=numbers.signed(row.after, unit),
                change=numbers.worse_by(row.change, row.at_least, row.interval, unit),
                p=numbers.p_value(row.p_worse),
                n=numbers.of_total(row.n_pairs, row.n_pairs + row.n_unpaired),
                kind=kind,
                word=word,
            )
        )
    return lines


def _mix_lines(audit: Audit, item: AuditedGap) -> list[Line]:
    unit = wording.unit(audit, item.gap.metric)
    lines = []
    for row in item.equal_mix:
        kind, word = "even", "no difference found at equal mix"
        if row.reversed:
            kind, word = "fail", "SIGN CHANGES: the mix hides or makes the gap (Simpson)"
        elif is_worse(row):
            kind, word = "worse", "worse than the rest at equal mix too"
        elif row.interval is not None and row.interval.high < 0:
            kind, word = "better", "better than the rest at equal mix too"
        lines.append(
            Line(
                metric=item.gap.metric,
                attribute=f"{item.gap.attribute} at equal {row.by}",
                group=row.group,
                before=numbers.signed(row.mixed, unit),
                after=numbers.worse_by(row.deficit, row.at_least, row.interval, unit),
                change=numbers.signed(row.deficit - row.mixed, unit),
                p=numbers.p_value(row.p_worse),
                n=f"{numbers.count(row.n)}, {wording.strata(row.n_strata)}",
                kind=kind,
                word=word,
            )
        )
    return lines


def _heat(audit: Audit, item: AuditedGap) -> Heat:
    """Lay an intersection out: the last attribute across, the others down."""
    view = gap_view(audit, item.gap, ())
    overall = item.gap.overall.value
    cells: dict[str, dict[str, HeatCell]] = {}
    for group, row in zip(item.gap.groups, view.rows, strict=True):
        down, _, across = group.group.rpartition(" & ")
        value, kind = group.estimate.value, "unknown"
        if group.deficit is not None and value is not None and overall is not None:
            better = (value > overall) == item.gap.higher_is_better
            kind = "even" if value == overall else "better" if better else "worse"
        sure = row.found.kind in ("worse", "better")
        cells.setdefault(down, {})[across] = HeatCell(kind, sure, row.mean, row.n, row.found.text)
    columns = tuple(sorted({across for row in cells.values() for across in row}))
    return Heat(
        metric=item.gap.metric,
        attribute=item.gap.attribute,
        columns=columns,
        rows=tuple((name, tuple(cells[name].get(column) for column in columns)) for name in sorted(cells)),
        gap=view,
    )


def _twin_parts(audit: Audit) -> dict[str, Any]:
    """Pooled rows by attribute and metric, the swaps with pairs enough, the others, and the examples."""
    pooled = [(swap, _twin_row(audit, swap)) for swap in audit.twins if swap.swap is None]
    named = [(swap, _twin_row(audit, swap)) for swap in audit.twins if swap.swap is not None]
    return {
        "twins": [row for _, row in pooled],
        "swaps": [row for swap, row in named if swap.n_pairs >= FEW_PAIRS],
        "few_swaps": [row for swap, row in named if swap.n_pairs < FEW_PAIRS],
        "examples": [
            (
                swap,
                example,
                [numbers.number(value, wording.unit(audit, swap.metric)) for value in example.values],
            )
            for swap, _ in pooled
            for example in swap.examples
        ],
    }


def _twin_row(audit: Audit, swap: TwinSwap) -> dict[str, str]:
    unit = wording.unit(audit, swap.metric)
    kind, word = "even", "no difference found"
    if swap.swap is None:
        word = "some pairs differ" if swap.n_flips else "no pair differs"
    elif swap.p_adjusted is not None and swap.p_adjusted <= 1 - audit.level:
        kind = "worse"
        word = f"{swap.swap[1 if (swap.difference or 0.0) > 0 else 0]} is worse served"
    return {
        "attribute": swap.attribute,
        "metric": swap.metric,
        "swap": "any swap" if swap.swap is None else f"{swap.swap[0]} ↔ {swap.swap[1]}",
        "pairs": numbers.of_total(swap.n_pairs, swap.n_pairs + swap.n_unscored),
        "flips": numbers.count(swap.n_flips),
        "rate": numbers.with_interval(swap.flip_rate, swap.flip_interval),
        "difference": numbers.with_interval(swap.difference, swap.interval, unit, change=True),
        "p": numbers.p_value(swap.p_adjusted),
        "kind": kind,
        "word": word,
    }


def _record(audit: Audit) -> list[tuple[str, str, str]]:
    """Run ids and digests for the one who signs: name, baseline, candidate."""
    return [(name, before, after) for name, before, after, _ in views.run_rows(audit.run, audit.baseline)]
