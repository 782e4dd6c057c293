"""How the parts of a report are put into words and order, the same in every rendering."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from harness import numbers
from harness.report.tail_words import tail_advice
from harness.types import (
    Attribution,
    Audit,
    BehaviorCount,
    CaseChange,
    Comparison,
    Outcome,
    Report,
    Run,
    Verdict,
)

ORDER = ("fail", "inconclusive", "clear", "pass")
"""What a gate is shown as: its outcome, or ``clear`` where a guard neither passed nor failed."""
GLYPHS: dict[str, str] = {
    "fail": "✕",
    "inconclusive": "◆",
    "clear": "○",
    "pass": "✓",
    "worse": "▼",
    "better": "▲",
    "even": "=",
    "unknown": "?",
}
"""A shape for every outcome and direction, so that nothing is said by colour alone."""
MARKS = {"clear": "unproven"}
TITLES: dict[Outcome, str] = {"fail": "FAILED", "inconclusive": "INCONCLUSIVE", "pass": "PASSED"}

# Numbers are set without escaping, so what stands behind one is a short word and nothing else.
_UNIT = re.compile(r"[^\W_](?:[^\W_]|[%/°²³ ]){0,15}|%")


class GateRow(NamedTuple):
    """One gate as shown: every number already written in its unit.

    ``outcome`` is one of ``ORDER``. ``rule`` is whole: ``faithfulness drop ≤ 0.020 (topic=legal)``;
    ``source`` is ``suite.yaml:42``. Of a drop, ``p`` is the p-value among all drops of the gate, ``detects``
    the smallest drop that would be found with 80 %. ``advice``: what decides nothing.
    """

    outcome: str
    gate: str
    rule: str
    baseline: str
    candidate: str
    change: str
    interval: str
    n: str
    reason: str
    source: str
    role: str = ""
    p: str = ""
    detects: str = ""
    advice: str = ""

    @property
    def word(self) -> str:
        """``fail``, ``unproven``."""
        return MARKS.get(self.outcome, self.outcome)

    @property
    def mark(self) -> str:
        """``✕ fail``."""
        return f"{GLYPHS[self.outcome]} {self.word}"


class Finding(NamedTuple):
    """What a comparison says: ``kind`` is ``worse``, ``better``, ``even`` or ``unknown``; and the words."""

    kind: str
    text: str


def unit(report: Report | Audit, metric: str | None) -> str:
    """Give the unit of a metric as it may stand after a number; empty for rates and for what is no unit."""
    identity = report.run.metrics.get(metric or "")
    return identity.unit if identity and _UNIT.fullmatch(identity.unit) else ""


def top_lines(report: Report) -> tuple[str, ...]:
    """Give the headline without the verdict word that the first line opens with; it stands in the mark."""
    first, *rest = report.headline or ("",)
    bare = first.removeprefix(TITLES[report.outcome]).lstrip(" —–:-.")
    return (bare, *rest)


def gate_rows(report: Report) -> list[GateRow]:
    """Give the gates as shown: failed first, inconclusive second, each in suite order."""
    ranked = sorted(report.verdicts, key=lambda verdict: ORDER.index(_shown_as(verdict)))
    return [_gate_row(report, verdict) for verdict in ranked]


def drops_rate(report: Report) -> str:
    """Write what the gate may have spent of its false-alarm rate by now; empty where no drop was tested."""
    levels = (verdict.comparison.level for verdict in report.verdicts if verdict.comparison is not None)
    found = next((level for level in levels if level is not None), None)
    return "" if found is None else f"{found:.2g}"


def _shown_as(verdict: Verdict) -> str:
    return verdict.outcome if verdict.holds else "clear"


def _gate_row(report: Report, verdict: Verdict) -> GateRow:
    in_unit = unit(report, verdict.metric)
    source = report.run.suite_path
    scope = "" if verdict.scope == "all" else f"({verdict.scope})"
    drop = verdict.comparison
    before, after = drop.means if drop is not None else (verdict.baseline, verdict.candidate)
    return GateRow(
        outcome=_shown_as(verdict),
        gate=verdict.gate,
        rule=" ".join(part for part in (verdict.metric, verdict.rule, scope) if part),
        baseline=numbers.number(before, in_unit),
        candidate=numbers.number(after, in_unit),
        change=_change(verdict, in_unit),
        interval=_interval(verdict, in_unit),
        n=numbers.of_total(verdict.n, verdict.n_total) if verdict.n_total else "",
        reason=verdict.reason,
        source=source if verdict.line is None else f"{source}:{verdict.line}",
        role=verdict.role,
        p=numbers.p_value(drop.p_adjusted) if drop is not None else "",
        detects=_detects(drop, in_unit) if drop is not None else "",
        advice=tail_advice(verdict.tail, in_unit, relative=_is_relative(verdict)) if verdict.tail else "",
    )


def _change(verdict: Verdict, in_unit: str) -> str:
    if verdict.change is None:
        return ""
    if _is_relative(verdict):
        return numbers.relative(verdict.change, change=True)
    return numbers.signed(verdict.change, in_unit)


def _interval(verdict: Verdict, in_unit: str) -> str:
    if _is_relative(verdict):
        return numbers.relative_interval(verdict.interval)
    return numbers.interval(verdict.interval, in_unit, change=verdict.change is not None)


def _detects(drop: Comparison, in_unit: str) -> str:
    if drop.scale == "ratio":
        return numbers.relative(drop.detectable)
    return numbers.number(drop.detectable, in_unit)


def _is_relative(verdict: Verdict) -> bool:
    return verdict.comparison is not None and verdict.comparison.scale == "ratio"


def run_name(run: Run) -> str:
    """Name a run: its candidate, where it has a name, and its id."""
    return f"{run.candidate} {run.id}".strip()


def baseline_name(report: Report) -> str:
    """Name the baseline by its first run; empty where there is none."""
    if report.baseline is None:
        return ""
    more = len(report.baseline_runs) - 1
    return run_name(report.baseline) + (f" and {plural(more, 'more run')}" if more > 0 else "")


def tally(report: Report) -> str:
    """Count the gates by outcome: ``1 failed · 1 inconclusive · 2 unproven · 5 passed``."""
    words = {"fail": "failed", "inconclusive": "inconclusive", "clear": "unproven", "pass": "passed"}
    counts = {outcome: sum(_shown_as(v) == outcome for v in report.verdicts) for outcome in ORDER}
    return " · ".join(f"{counts[outcome]} {words[outcome]}" for outcome in ORDER if counts[outcome])


def accounting(report: Report) -> list[tuple[str, int]]:
    """Give what became of the selected cases; the counts add up to ``accounting.selected``."""
    parts = report.accounting
    return [
        ("answered", parts.answered),
        ("system error", parts.system_error),
        ("timeout", parts.timeout),
        ("not run", parts.missing),
    ]


def not_scored(report: Report) -> str:
    """Name what is missing (``3: 1 system error · 2 not run``), or an empty text when nothing is."""
    unjudged = ("judge error (answered, not judged)", report.accounting.judge_error)
    missing = [(what, n) for what, n in (*accounting(report)[1:], unjudged) if n]
    parts = [f"{numbers.count(n)} {what}" for what, n in missing]
    total = sum(n for _, n in missing)
    return f"{numbers.count(total)}: {' · '.join(parts)}" if parts else ""


def asked(report: Report) -> str:
    """Count the cases of the run: ``497 cases``, or ``298 of 497 cases`` where it stopped early."""
    stop = report.accounting.stop
    some = f"{numbers.count(stop.asked)} of " if stop else ""
    return some + plural(report.run.n_cases, "case")


def early_stop(report: Report) -> str:
    """Say at which look the run stopped and what that saved; empty where it could not stop early.

    ``stopped at look 2 of 4 (every gate passes): 298 of 497 cases asked, 298 calls made, 199 saved (40 %)``.
    A call is one question, whatever retries it took.
    """
    parts = report.accounting
    made, stop = parts.selected - parts.missing, parts.stop
    if stop is None:
        at_all = f"all {asked(report)} asked, {plural(made, 'call')} made, none saved"
        return f"no early stop at {parts.looks} looks: {at_all}" if parts.looks and not parts.missing else ""
    share = f"{100 * parts.saved / max(1, parts.selected + parts.saved):.0f} %"
    calls = f"{plural(made, 'call')} made, {numbers.count(parts.saved)} saved ({share})"
    return f"stopped at look {stop.look} of {stop.looks} ({stop.reason}): {asked(report)} asked, {calls}"


def finding(comparison: Comparison, in_unit: str = "") -> Finding:
    """Say what a comparison shows; an interval that holds zero is no evidence, never "equal"."""
    found, change = comparison.interval, comparison.change
    if change is None or found is None:
        return Finding("unknown", "too few pairs to judge")
    if comparison.n_pairs and comparison.same == comparison.n_pairs:
        return Finding("even", "the same in every pair")
    if found.low <= 0 <= found.high:
        least = comparison.detectable
        could = f"; could detect {numbers.number(least, in_unit)} or more" if least is not None else ""
        return Finding("even", f"no evidence of change{could}")
    kind = "better" if (change > 0) == comparison.higher_is_better else "worse"
    return Finding(kind, kind)


def plural(n: int, noun: str) -> str:
    """Write a count and its noun: ``1 gate``, ``1,204 cases``."""
    return f"{numbers.count(n)} {noun if n == 1 else noun + 's'}"


def strata(n: int) -> str:
    """Write how many strata: ``1 stratum``, ``4 strata``."""
    return f"{numbers.count(n)} {'stratum' if n == 1 else 'strata'}"


def flips(comparison: Comparison) -> str:
    """Count the pairs: ``61 worse, 19 better, 1,121 same``."""
    pairs = (("worse", comparison.worse), ("better", comparison.better), ("same", comparison.same))
    return ", ".join(f"{numbers.count(n)} {word}" for word, n in pairs)


def case_change(report: Report, change: CaseChange) -> str:
    """Write how a case's score moved, with the sign of the score: ``−0.830``, or ``no score``."""
    identity = report.run.metrics.get(change.metric)
    if change.before is None or change.after is None:
        return "no score" if change.after is None else numbers.NONE
    turned = -change.harm if identity is None or identity.higher_is_better else change.harm
    return numbers.signed(turned, unit(report, change.metric))


def since(change: CaseChange) -> str:
    """Name what a case got worse than where that is not the baseline, which all else is about."""
    return "since the anchor" if change.against == "anchor" else ""


def command_template(report: Report) -> str:
    """Give the command that asks one case again, with ``{case}`` where its id goes."""
    return report.reproduce or f"harness run {shlex.quote(report.run.suite_path)} --case {{case}}"


def case_command(report: Report, case_id: str) -> str:
    """Give the command that asks one case again."""
    return command_template(report).replace("{case}", shlex.quote(case_id))


def n_regressions(report: Report) -> int:
    """How many cases got worse, listed or not."""
    return len(report.regressions) + report.not_listed


def left_out(report: Report) -> str:
    """Write what of a large run is not in its report; empty where nothing is."""
    parts = ((report.not_listed, "regression"), (report.not_shown, "case"))
    return ", ".join(plural(n, noun) for n, noun in parts if n)


def one_case(report: Report) -> str:
    """Give the command for the worst regression, else for a case that a gate names, else for the first."""
    ids = [change.case_id for change in report.regressions[:1]]
    ids += [case_id for verdict in report.verdicts if verdict.outcome != "pass" for case_id in verdict.cases]
    ids += [pair.case.id for pair in report.cases[:1]]
    return case_command(report, ids[0]) if ids else ""


RETRIEVALS = {
    (True, True): "kept",
    (True, False): "lost",
    (False, True): "found",
    (False, False): "missed before and after",
}
ANSWERS = {
    (True, True): "good → good",
    (True, False): "good → bad",
    (False, True): "bad → good",
    (False, False): "bad → bad",
}


def stage_counts(attribution: Attribution) -> dict[tuple[bool, bool], dict[tuple[bool, bool], int]]:
    """Lay the stage counts out: gold passage (before, after) by answer (before, after)."""
    found = dict.fromkeys(((row, column) for row in RETRIEVALS for column in ANSWERS), 0)
    for stage in attribution.stages:
        key = (stage.retrieved_before, stage.retrieved_after), (stage.good_before, stage.good_after)
        found[key] += stage.n
    return {row: {column: found[row, column] for column in ANSWERS} for row in RETRIEVALS}


def behaviors(cells: tuple[BehaviorCount, ...]) -> dict[tuple[str, str], int]:
    """Lay refusal counts out by (expected, observed)."""
    return {(cell.expected, cell.observed): cell.n for cell in cells}
