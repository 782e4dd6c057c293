"""The gate's operating characteristics as a table: figures with their errors, beside what was promised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from gate_rows import SIZES, Row, rows

MARKS = "<!-- gate-characteristics -->", "<!-- /gate-characteristics -->"
SURE = 3.0
"""Monte Carlo standard errors beyond which a goal is missed for sure."""


class Counts(msgspec.Struct, frozen=True):
    """What was counted in so many simulations of a row: sums, and sums of squares."""

    times: int = 0
    what: str = ""
    n: int = 0
    sums: dict[str, float] = {}
    squares: dict[str, float] = {}
    drop: float | None = None

    def add(self, row: Row, results: Sequence[Mapping[str, float]]) -> Counts:
        """Count some more."""
        sums, squares = dict(self.sums), dict(self.squares)
        for result in results:
            for name, value in result.items():
                sums[name] = sums.get(name, 0.0) + value
                squares[name] = squares.get(name, 0.0) + value * value
        drop = row.drawn["drop"].size if "drop" in row.drawn else None
        return Counts(self.times + len(results), row.what, row.n, sums, squares, drop)

    def mean(self, name: str) -> float:
        """Mean of what was counted: a share, for what is 0 or 1."""
        return self.sums.get(name, 0.0) / self.times

    def error(self, name: str) -> float:
        """Its Monte Carlo standard error; of a share with one more of either, so that it is never 0."""
        if name == "asked":
            variance = self.squares.get(name, 0.0) / self.times - self.mean(name) ** 2
            return math.sqrt(max(variance, 0.0) / self.times)
        share = (self.sums.get(name, 0.0) + 1) / (self.times + 2)
        return math.sqrt(share * (1 - share) / self.times)


class Measured(msgspec.Struct, frozen=True):
    """Everything that was counted, with what code, when and by which seed."""

    code: str
    date: str
    seed: int
    rows: dict[str, Counts]


class Goal(NamedTuple):
    """A figure of one row that is to be at least or at most something."""

    name: str
    promise: str
    row: str
    figure: str
    least: float | None = None
    most: float | None = None

    def status(self, counts: Counts) -> str:
        """``met`` or ``not met``, and whether so many simulations leave no doubt of it."""
        value, error = counts.mean(self.figure), counts.error(self.figure)
        inside = min(
            math.inf if self.least is None else value - self.least,
            math.inf if self.most is None else self.most - value,
        )
        if inside >= -1e-12:
            return "met" if inside >= 2 * error else "met (not by two standard errors)"
        return "**not met**" if inside < -SURE * error else "not met (within 3 standard errors)"


def goals() -> list[Goal]:
    """G1 to G11 as the project set them."""
    found = []
    for key, of in (("same", "the same system again"), ("document", "neutral by document")):
        found += [
            Goal("G1", f"false alarms, {of}, n = {n}", f"whole-{key}-{n}", "fail", most=0.01) for n in SIZES
        ]
    found.append(Goal("G1", "false alarms, neutral by item, n = 300", "whole-item-300", "fail", most=0.01))
    for n, power, asked in ((300, 0.95, 0.65), (500, 0.99, 0.50)):
        row = f"whole-graded-5-{n}"
        found.append(Goal("G2", f"5 points, graded, found, n = {n}", row, "fail", least=power))
        found.append(Goal("G2", f"with calls, n = {n}", row, "asked", most=asked))
    found += [
        Goal("G4", "10 points, pass/fail, found, n = 300", "whole-binary-10-300", "fail", least=0.95),
        Goal("G5", "the same system passes, n = 500", "whole-same-500", "pass", least=0.98),
        Goal("G5", "with calls, n = 500", "whole-same-500", "asked", most=0.60),
    ]
    for n in SIZES:
        for gate, kind in (("g00", "pass/fail"), ("g04", "graded"), ("g05", "graded")):
            what = f"a drop of the margin passes, {kind} gate {gate}, n = {n}"
            found.append(Goal("G6", what, f"whole-margin-{n}", f"pass-{gate}", most=0.07))
    for kind in ("binary", "graded"):
        for runs in (1, 3):
            what = f"one test at 5 %, neutral by document, {kind}, {runs} + {runs} runs"
            found.append(Goal("G7", what, f"single-{kind}-{runs}", "found", most=0.06))
    for kind in ("binary", "graded"):
        for n in SIZES:
            what = f"a drop as large as unchanged runs report detectable, {kind}, n = {n}, is found"
            found.append(Goal("G11", what, f"detectable-{kind}-{n}", "found", least=0.75, most=0.85))
    return found


ELSEWHERE = """\
G3 (n = 200: 90 % power with 60 % of the calls) was found not feasible by the study and is not promised:
the row of n = 200 above says what there is. G8 (judges) is no part of this table: no metric here is
judged. G9 (choice among candidates) is `make bench-race`, G10 (fairness) `make bench-fairness`; G12 is
this table.
"""


def missed(measured: Measured) -> list[Goal]:
    """Goals that are missed by more than three standard errors."""
    return [
        goal
        for goal in goals()
        if goal.row in measured.rows and goal.status(measured.rows[goal.row]) == "**not met**"
    ]


def render(measured: Measured) -> str:
    """Write both tables as Markdown."""
    parts = [
        "# What the gate does, in numbers\n\n"
        "Generated by `benchmarks/gate_characteristics.py` (`make bench-gate`); do not edit.\n\n"
        f"{measured.date}, seed {measured.seed}, deciding code {measured.code}. R is the number of simulated"
        " gates,\n± one Monte Carlo standard error.\n\n" + WORLD
    ]
    whole = {key: counts for key, counts in measured.rows.items() if key.startswith("whole")}
    if whole:
        parts.append("\n## The whole gate\n\n" + _whole_table(whole))
    parts.append("\n## Goals\n\n" + _goal_table(measured))
    parts.append("\n" + ELSEWHERE)
    return "".join(parts)


WORLD = """\
Synthetic scores whose truth is known. 12 metrics (4 pass/fail, 6 graded, 2 of seconds), each with a gate
over all cases and one in each of 8 slices (5 to 20 % of the cases): up to 108 tests. Three primary gates
(one pass/fail, two graded) have a margin of 0.05; the others have none (`max_drop: 0`, `max_ratio: 1`),
so that they fail on any drop beyond doubt. About four cases a document; a tenth of the variance is drawn
anew in every run (a tenth of the pass/fail cases then flip); metrics correlate with 0.4. Baseline: 5
runs, averaged by case. Candidate: one run. alpha is 0.01 for the whole gate. Looks at 40, 60, 80 and 100
% of the cases, documents in random order (none before 30 documents). "Asked" is the share of the calls
that were made. Half of a drop is broken answers, half a shift of all. A change that is neutral moves
documents or items up or down, 0 on average.
"""


QUOTED = (
    ("same", "fail", "nothing changed: fail"),
    ("same", "pass", "pass"),
    ("same", "asked", "calls"),
    ("document", "fail", "neutral change: fail"),
    ("graded-5", "fail", "5 points, graded: found"),
    ("graded-5", "asked", "calls"),
    ("binary-10", "fail", "10 points, pass/fail: found"),
    ("binary-5", "fail", "5 points, pass/fail: found"),
)
"""Row, figure and heading of what the README quotes."""


def quote(measured: Measured) -> str:
    """Write the few figures that the README quotes; a dash where a row was not measured."""
    lines = [
        f"| cases | {' | '.join(heading for _, _, heading in QUOTED)} |",
        "|--:" * (len(QUOTED) + 1) + "|",
    ]
    for n in SIZES:
        cells = []
        for key, figure, _ in QUOTED:
            counts = measured.rows.get(f"whole-{key}-{n}")
            cells.append(f"{100 * counts.mean(figure):.1f} %" if counts else "—")
        lines.append(f"| {n} | {' | '.join(cells)} |")
    times = [counts.times for key, counts in measured.rows.items() if key.startswith("whole")]
    said = f"Measured {measured.date}, seed {measured.seed}, {min(times)} to {max(times)} gates a figure"
    return "\n".join(lines) + f"\n\n{said}.\n"


def with_quote(text: str, measured: Measured) -> str:
    """Put the quoted figures between the marks of a page."""
    head, _, rest = text.partition(MARKS[0])
    return f"{head}{MARKS[0]}\n{quote(measured)}{MARKS[1]}{rest.partition(MARKS[1])[2]}"


def _whole_table(found: Mapping[str, Counts]) -> str:
    lines = ["| candidate | n | R | fail | pass | inconclusive | asked |", "|---|---|---|---|---|---|---|"]
    order = [row.key for row in rows()]
    for _, counts in sorted(found.items(), key=lambda item: (item[1].n, order.index(item[0]))):
        cells = [_percent(counts, name) for name in ("fail", "pass", "inconclusive", "asked")]
        lines.append(f"| {counts.what} | {counts.n} | {counts.times} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _goal_table(measured: Measured) -> str:
    lines = ["| goal | what | wanted | measured | R | |", "|---|---|---|---|---|---|"]
    for goal in goals():
        counts = measured.rows.get(goal.row)
        if counts is None:
            continue
        ends = [f"at least {100 * goal.least:g} %"] if goal.least is not None else []
        ends += [f"at most {100 * goal.most:g} %"] if goal.most is not None else []
        what = goal.promise
        if goal.name == "G11" and counts.drop is not None:
            what += f" (drop {counts.drop:.3f}; with it {counts.mean('detectable'):.3f} is reported)"
        figure, status = _percent(counts, goal.figure), goal.status(counts)
        lines.append(f"| {goal.name} | {what} | {', '.join(ends)} | {figure} | {counts.times} | {status} |")
    return "\n".join(lines) + "\n"


def _percent(counts: Counts, name: str) -> str:
    return f"{100 * counts.mean(name):.1f} ± {100 * counts.error(name):.1f} %"
