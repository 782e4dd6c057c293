"""The table of planted faults: each with the metrics that name it, clean answers beside it, goals, rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from harness.api.planting import Measured, Planted
from harness.planting.catching import STEP, Rate

CAUGHT, FLAGGED = 0.95, 0.02
"""Goals of the metrics whose definition decides: at least so much is caught, at most so much flagged."""
DECIDED = {
    "recall",
    "evidence_recall",
    "numbers_grounded",
    "answer_language",
    "ends_complete",
    "instruction_leak_rate",
    "citation_valid",
}
"""The metrics whose definition decides; the others read what a text means, and their figures are told."""

ABOUT = """\
Written by `make bench-planted` from {cases} cases of `goldens/{goldens}` (digest {digest}).

The clean answers are made from the goldens: the expected output of each case, the passages that hold its
evidence, and, up to five, what BM25 finds for the question. Every fault is planted in every answer that has
a place for it; both are scored. *Caught*: the metric leaves the best value of its range, or falls by {step:g}
of the range. *Flagged*: a clean answer does not have the best value. Intervals are Wilson's, 95 %, clustered
by document: they tell how another choice of cases would come out, not other wordings of a fault.

What the figures do not say: the orders that are planted and the words of `instruction_leak_rate` are by the
same authors, so that catching them all shows that its words are searched for rightly, not that it knows all
orders; and the clean answers were in sight when `numbers_grounded` was defined (sums within a sentence).
"""


class Row(msgspec.Struct, frozen=True):
    """One figure of one metric on one set, with its 95 % interval; of ``n`` cases or pairs."""

    metric: str
    set: str
    n: int
    figure: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""


class Goal(NamedTuple):
    """A rate that is to be at least or at most something."""

    what: str
    rate: Rate
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        share = self.rate.count / self.rate.times
        return share >= self.limit if self.at_least else share <= self.limit


def stem(metric: str) -> str:
    return metric.partition("@")[0]


def rows_of(found: Measured, goldens: str = "brambleway") -> tuple[Row, ...]:
    """Give a row for every metric and the faults that it names, over all cases and by language."""

    def row(metric: str, group: str, figure: str, rate: Rate, note: str = "") -> Row:
        where = goldens if group == "all" else f"{goldens}, {group}"
        value, low, high = (round(x, 4) for x in (rate.count / rate.times, rate.low, rate.high))
        return Row(stem(metric), where, rate.times, figure, value, low, high, note)

    caught = [
        row(one.metric, one.slice, f"caught: {one.fault}", one.caught)
        for fault in found.faults
        for one in fault.caught
        if one.names
    ]
    flagged = [row(one.metric, one.slice, "clean answers flagged", one.flagged) for one in found.clean]
    return (*caught, *flagged)


def goals(found: Measured) -> Iterator[Goal]:
    """Give the goals of the metrics that are held to one."""
    for fault in found.faults:
        for one in fault.caught:
            if one.names and one.slice == "all" and stem(one.metric) in DECIDED:
                yield Goal(f"{one.metric} catches {fault.fault}", one.caught, CAUGHT, at_least=True)
    for flag in found.clean:
        if flag.slice == "all" and stem(flag.metric) in DECIDED:
            yield Goal(f"{flag.metric} flags clean answers", flag.flagged, FLAGGED, at_least=False)


def render(found: Measured, goldens: str, digest: str, cases: int) -> str:
    """Give the page."""
    lines = [
        "# Planted faults",
        "",
        *ABOUT.format(
            cases=cases, goldens=goldens, digest=digest.removeprefix("sha256:")[:12], step=STEP
        ).split("\n"),
        "## Caught, by the metrics that name the fault",
        "",
        *_caught(found),
        "",
        "## Clean answers flagged",
        "",
        *_flagged(found),
        "",
        "## Goals",
        "",
        f"At least {100 * CAUGHT:g} % caught and at most {100 * FLAGGED:g} % flagged, by metrics whose",
        "definition decides. The others read meaning by words and weights: their figures are as they are.",
        "",
        *(
            f"- {'met' if goal.met else '**not met**'}: {goal.what}, {_share(goal.rate)}"
            for goal in goals(found)
        ),
        "",
        "## Caught by any metric",
        "",
        "Share of the answers with the fault that each metric catches, over all cases; none is 0.",
        "",
        *_matrix(found.faults),
    ]
    return "\n".join(lines) + "\n"


def _caught(found: Measured) -> list[str]:
    groups = list(
        dict.fromkeys(one.slice for fault in found.faults for one in fault.caught if one.slice != "all")
    )
    table = []
    for fault in found.faults:
        if not any(one.names for one in fault.caught):
            table.append([fault.fault, "none", str(fault.planted), "", *("" for _ in groups)])
        for metric in fault.names:
            rates = {one.slice: one.caught for one in fault.caught if one.metric == metric}
            shares = [_plain(rates[group]) if group in rates else "" for group in groups]
            table.append([fault.fault, f"`{metric}`", str(fault.planted), _share(rates["all"]), *shares])
    heads = ["fault", "named by", "planted", "caught (95 %)", *(group.partition("=")[2] for group in groups)]
    return _table(heads, table)


def _flagged(found: Measured) -> list[str]:
    rows = [
        [f"`{one.metric}`", str(one.flagged.times), str(one.flagged.count), _share(one.flagged)]
        for one in found.clean
        if one.slice == "all"
    ]
    return _table(["metric", "with a value", "flagged", "share (95 %)"], rows)


def _matrix(faults: Sequence[Planted]) -> list[str]:
    whole = {
        (one.fault, one.metric): one.caught for fault in faults for one in fault.caught if one.slice == "all"
    }
    metrics = list(dict.fromkeys(metric for _, metric in whole))
    rows = [
        [
            fault.fault,
            *(
                _plain(rate) if (rate := whole.get((fault.fault, metric))) and rate.count else ""
                for metric in metrics
            ),
        ]
        for fault in faults
    ]
    return _table(["fault", *(f"`{metric}`" for metric in metrics)], rows)


def _share(rate: Rate) -> str:
    return f"{100 * rate.count / rate.times:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def _plain(rate: Rate) -> str:
    return f"{100 * rate.count / rate.times:.1f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = "|".join(["---", "---", *("--:" for _ in heads[2:])])
    return [f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]
