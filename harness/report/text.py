"""The report on a console: verdict, worst finding, gates, what was not scored, how to go on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from msgspec import Struct

from harness import numbers
from harness.report import wording
from harness.report.judge_rows import in_words, judge_rows
from harness.report.visible import inert_line, visible
from harness.report.wording import GLYPHS, GateRow
from harness.types import Report

MAX_GATES = 6
"""Gates shown before the passed ones are folded to a count; failed and inconclusive ones always stand."""

MAX_WORST = 5
_LABEL = 12
_GATE = 16
_ASCII = {
    "✕": "X", "◆": "?", "○": "o", "✓": "+", "▼": "v", "▲": "^", "−": "-", "—": "-", "–": "-", "→": "->",
    "·": "|", "★": "*", "…": "...", "≤": "<=", "≥": ">=", "×": "x", "’": "'",
}  # fmt: skip
_COLORS = {"fail": "1;31", "inconclusive": "1;33", "clear": "1", "pass": "1;36", "bold": "1"}


class Console(Struct, frozen=True):
    """What the console can show: columns, colour, characters."""

    width: int
    color: bool
    ascii_only: bool

    def clean(self, text: str, limit: int = 0) -> str:
        """Make text of any origin printable on one line; cut to ``limit`` columns where that is above 0."""
        shown = visible(text, one_line=True)
        if self.ascii_only:
            shown = "".join(_ASCII.get(char, char) for char in shown)
            shown = shown.encode("ascii", "backslashreplace").decode()
        return shown if not limit or cells(shown) <= limit else cut(shown, limit, self.clean("…"))

    def paint(self, text: str, tone: str) -> str:
        """Colour our own words; data never carries an escape, so what is painted ends here."""
        return f"\x1b[{_COLORS[tone]}m{text}\x1b[0m" if self.color else text


def render(report: Report, width: int, color: bool, ascii_only: bool) -> str:
    r"""Give the console text, lines ended by a line feed.

    Data is shown as it is but for what cannot be seen (``\x1b``) and what a CI runner would obey. Nothing is
    parsed as markup.

    Args:
        report: what is shown.
        width: columns of the terminal; tables stand in lists below what they need.
        color: use ANSI colours for verdicts.
        ascii_only: the stream takes nothing but ASCII: everything else becomes ``\u`` escapes.
    """
    console = Console(max(width, 40), color, ascii_only)
    lines = [*_title(report, console), "", *_headline(report, console), ""]
    if report.verdicts:
        lines += [*_gates(report, console), ""]
    if report.baseline is None and report.estimates:
        lines += [*_estimates(report, console), ""]
    for label, texts in _closing(report, console):
        lines += _labelled(label, texts, console)
    return "".join(f"{inert_line(line).rstrip()}\n" for line in lines)


def cells(text: str) -> int:
    """Count the columns that a terminal gives to a text: two for wide characters, none for marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _title(report: Report, console: Console) -> list[str]:
    run = report.run
    against = f"baseline {wording.baseline_name(report)}" if report.baseline else "no baseline"
    parts = [f"suite {run.suite_name}", wording.asked(report)]
    if run.repeats > 1:
        parts[-1] += f" × {run.repeats} repeats"
    parts += [wording.run_name(run), against]
    return wrap(console.clean(" · ".join(parts)), console.width)


def _headline(report: Report, console: Console) -> list[str]:
    word = wording.TITLES[report.outcome]
    first, *rest = wording.top_lines(report)
    verdict = wrap(console.clean(f"{word} — {first}" if first else word), console.width)
    painted = verdict[0].replace(word, console.paint(word, report.outcome), 1)
    lines = [painted, *verdict[1:]]
    for text in filter(None, rest):
        lines += wrap(console.clean(text), console.width, "  ", "    ")
    return lines


def _gates(report: Report, console: Console) -> list[str]:
    rows = wording.gate_rows(report)
    pressing = [row for row in rows if row.outcome in ("fail", "inconclusive")]
    quiet = [row for row in rows if row.outcome not in ("fail", "inconclusive")]
    shown = quiet[: max(0, MAX_GATES - len(pressing))]
    head = ["gate", "candidate", f"value {_level(report)}", "n"]
    if report.baseline:
        head[1:3] = ["baseline", "candidate", f"change {_level(report)}"]
    table = [
        [console.clean(cell) for cell in head],
        *([console.clean(cell) for cell in _cells(row, report)] for row in [*pressing, *shown]),
    ]
    widths = [max(cells(row[i]) for row in table if i or cells(row[i]) <= _GATE) for i in range(len(head))]
    lines = [console.clean(f"  {wording.tally(report)}"), ""]
    fits = 4 + sum(widths) + 2 * (len(widths) - 1) <= console.width
    if fits:
        lines.append(f"    {_row(table[0], widths)}")
    for row, texts in zip([*pressing, *shown], table[1:], strict=True):
        mark = console.paint(console.clean(GLYPHS[row.outcome]), row.outcome)
        lines += _gate(mark, texts, widths) if fits else _stacked(mark, texts, table[0], console)
        if row.outcome != "pass":
            why = f"{row.word}: {row.rule}; {row.reason}" if row.reason else f"{row.word}: {row.rule}"
            lines += wrap(console.clean(why), console.width, "      ")
        if row.advice:
            lines += wrap(console.clean(row.advice), console.width, "      ")
    left = quiet[len(shown) :]
    for outcome, words in (("clear", "unproven"), ("pass", "passed")):
        if count := sum(row.outcome == outcome for row in left):
            lines.append(f"  ({wording.plural(count, 'more gate')} {words})")
    return lines


def _cells(row: GateRow, report: Report) -> list[str]:
    moved = f"{row.change} {row.interval}".strip()
    middle = [row.baseline, row.candidate] if report.baseline else [row.candidate]
    return [row.gate, *middle, moved, row.n]


def _level(report: Report) -> str:
    return f"[{numbers.level_name(verdict.interval for verdict in report.verdicts)}]"


def _gate(mark: str, texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    if cells(texts[0]) > widths[0]:
        return [f"  {mark} {texts[0]}", f"    {_row(['', *texts[1:]], widths)}"]
    return [f"  {mark} {_row(texts, widths)}"]


def _stacked(mark: str, texts: Sequence[str], head: Sequence[str], console: Console) -> list[str]:
    named = zip(head[1:], texts[1:], strict=True)
    rest = ", ".join(f"{name.partition(' [')[0]} {text}" for name, text in named if text)
    return [*wrap(texts[0], console.width, f"  {mark} "), *wrap(rest, console.width, "      ")]


def _row(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Lay cells out: the first and the one with the interval to the left, numbers to the right."""
    last = len(texts) - 2
    padded = [
        text + " " * (width - cells(text)) if i in (0, last) else " " * (width - cells(text)) + text
        for i, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return "  ".join(padded)


def _estimates(report: Report, console: Console) -> list[str]:
    names = {metric: console.clean(metric, 28) for metric in report.estimates}
    width = max(cells(name) for name in names.values())
    lines = []
    for metric, found in report.estimates.items():
        unit = wording.unit(report, metric)
        text = numbers.with_interval(found.value, found.interval, unit)
        pad = " " * (width - cells(names[metric]))
        line = f"{names[metric]}{pad}  {console.clean(text)}  n {numbers.used(found)}"
        lines += wrap(line, console.width, "  ", "    ")
    return lines


def _closing(report: Report, console: Console) -> Iterable[tuple[str, list[str]]]:
    early = wording.early_stop(report)
    yield "early stop", [early] if early else []
    missing = wording.not_scored(report)
    yield "not scored", [missing] if missing else []
    yield (
        "worst",
        [
            " ".join(
                [
                    f"{c.case_id} {c.metric} {wording.case_change(report, c)}",
                    *filter(None, (wording.since(c), console.clean(c.cause, 40))),
                ]
            )
            for c in report.regressions[:MAX_WORST]
        ],
    )
    yield "judged", [f"{row.metric}: {in_words(row)}" for row in judge_rows(report)]
    yield "note", [console.clean(notice, 2 * console.width) for notice in report.notices]
    yield "one case", [command] if (command := wording.one_case(report)) else []
    for name, path in sorted(report.files.items()):
        yield name, [path]


def _labelled(label: str, texts: Iterable[str], console: Console) -> list[str]:
    lines: list[str] = []
    for text in texts:
        first = console.clean(label, _LABEL - 1) if not lines else ""
        lead = f"  {first}{' ' * (_LABEL - cells(first))}"
        if label in ("early stop", "not scored", "worst", "judged", "note"):
            lines += wrap(console.clean(text), console.width, lead, " " * cells(lead))
        else:  # commands and paths are copied: one line, uncut
            lines.append(lead + console.clean(text))
    return lines


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Break at blanks, by columns; a word that is wider than a line is broken where the line ends."""
    indent = rest if rest is not None else " " * cells(re.sub(r"\x1b\[[\d;]*m", "", first))
    room = max(8, width - len(indent))
    lines: list[str] = []
    current = ""
    for word in inert_line(text).split(" "):  # before it is measured: it grows by a blank
        piece = word
        if current and cells(current) + 1 + cells(piece) > room:
            lines.append(current)
            current = ""
        while cells(piece) > room:
            head = cut(piece, room, "")
            lines.append(head)
            piece = piece[len(head) :]
        current = f"{current} {piece}" if current else piece
    lines.append(current)
    return [f"{first if not i else indent}{line}" for i, line in enumerate(lines)]


def cut(text: str, limit: int, end: str) -> str:
    """Cut to so many columns, the end sign among them."""
    kept: list[str] = []
    used = cells(end)
    for char in text:
        used += cells(char)
        if used > limit and kept:
            break
        kept.append(char)
    return "".join(kept) + end
