"""Candidates on a console: which to ship and why, the table, what stands against the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness import numbers
from harness.report.candidates_wording import (
    cell,
    latency_lines,
    limit_rows,
    mark,
    race_lines,
    spending,
    subject,
)
from harness.report.text import Console, cells, wrap
from harness.report.visible import inert_line
from harness.types import Candidate, Candidates

_LEAST_NAME = 11
_MOST_HEAD = 23
"""Columns that a candidate's number and name get at least, and the name of the quality at most."""
_MARKS = {"dropped": "lost"}
"""Marks that are shorter here than on the page."""


def render(found: Candidates, width: int, ascii_only: bool, files: Sequence[tuple[str, str]] = ()) -> str:
    """Give the console text, lines ended by a line feed; data steers neither a terminal nor a CI runner.

    Args:
        found: what is shown.
        width: columns of the terminal.
        ascii_only: the stream takes nothing but ASCII.
        files: names and paths to end with.
    """
    console = Console(max(width, 40), False, ascii_only)
    lines = wrap(console.clean(subject(found)), console.width)
    lines += ["", *wrap(console.clean(found.choice.sentence), console.width), ""]
    lines += [*_table(found, console), ""]
    for label, texts in _closing(found):
        for at, text in enumerate(texts):
            lead = f"  {label if not at else '':<9}"
            lines += wrap(console.clean(text), console.width, lead, " " * len(lead))
    lines += [f"  {name:<9}{console.clean(path)}" for name, path in files]
    return "".join(f"{inert_line(line).rstrip()}\n" for line in lines)


def _table(found: Candidates, console: Console) -> list[str]:
    heads = (f"{found.quality} [95 % CI]", f"{found.quality} [95 %]", found.quality)
    fitting = next((name for name in heads if cells(name) <= _MOST_HEAD), heads[-1])
    quality = console.clean(fitting, _MOST_HEAD)
    spent = {"cost": "$/1,000", "latency": "p95"}
    head = ["# candidate", quality, "tie", *(spent[name] for name in found.objectives[1:]), "front", ""]
    rows = [head, *(_row(one, found) for one in found.candidates)]
    shown = [[console.clean(text) for text in row] for row in rows]
    widths = [max(cells(row[i]) for row in shown) for i in range(len(head))]
    spare = console.width - 2 - 2 * (len(widths) - 1) - sum(widths[1:])
    if spare < min(widths[0], _LEAST_NAME):
        return [line for row in shown[1:] for line in _stacked(row, shown[0], console)]
    widths[0] = min(widths[0], spare)
    return [
        "  "
        + "  ".join(_pad(console.clean(text, size), size) for text, size in zip(row, widths, strict=True))
        for row in shown
    ]


def _row(one: Candidate, found: Candidates) -> list[str]:
    standing = one.standings[found.quality]
    spent = {"cost": spending(one.cost_per_1000, "USD"), "latency": spending(one.latency_p95, "s")}
    return [
        f"{one.number} {one.name}",
        cell(standing, found.metrics[found.quality]),
        " ".join(standing.letters),
        *(spent[name] for name in found.objectives[1:]),
        "" if one.dropped else "no" if one.dominated_by else "yes",
        _MARKS.get(mark(one, found), mark(one, found)),
    ]


def _stacked(row: Sequence[str], head: Sequence[str], console: Console) -> list[str]:
    named = zip(head[1:-1], row[1:-1], strict=True)
    rest = ", ".join([*(f"{name.partition(' [')[0]} {text}" for name, text in named if text), row[-1]])
    return [*wrap(row[0], console.width, "  "), *wrap(rest.removesuffix(", "), console.width, "      ")]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _closing(found: Candidates) -> Iterable[tuple[str, Iterable[str]]]:
    yield "requires", [f"{rule}: {told}" for rule, told in limit_rows(found)]
    yield "not", found.choice.blocked
    yield "also", [_other_metric(name, found) for name in list(found.candidates[0].standings)[1:]]
    yield "p95", latency_lines(found)
    yield "race", race_lines(found)
    yield "note", found.notices
    yield "tie", ["who shares a letter is not told apart; the intervals behind it hold together with 95 %"]


def _other_metric(name: str, found: Candidates) -> str:
    """One metric in one line, best first."""
    metric = found.metrics[name]
    sign = -1.0 if metric.higher_is_better else 1.0

    def rank(one: Candidate) -> tuple[bool, float, int]:
        value = one.standings[name].mean.value
        return value is None, sign * (value or 0.0), one.number

    ranked = sorted(found.candidates, key=rank)
    told = (
        f"{one.name} {numbers.number(one.standings[name].mean.value, metric.unit)} "
        f"{' '.join(one.standings[name].letters)}"
        for one in ranked
    )
    return f"{name}: {' · '.join(told)}"
