"""The three lines that say it all: the verdict, the worst finding, where it is and what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.numbers import NONE, interval, number, of_total, relative, relative_interval, share, signed
from harness.slices import TOO_SMALL_TO_TEST
from harness.types import Comparison, Report, Verdict

STANDS_OUT = 1.25
"""A slice is named where it fell by more than so many times what all cases did."""
MANY_LOST = 0.05
"""Share of failed calls from which they are what an undecided run is about."""
OWN_SCORES = "These are the judge's own scores, and decide nothing."
SURE = 0.01
"""A slice is called the hardest hit only where its own drop has a p-value up to this."""


def headline_of(report: Report) -> tuple[str, ...]:
    """Write the three top lines: verdict and consequence; worst finding; where and likely why."""
    worst = worst_verdict(report.verdicts)
    return _verdict_line(report), _finding_line(report, worst), _where_line(report, worst)


def worst_verdict(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Give the failed gate, else the inconclusive one, whose harm is largest against what it allows."""
    open_ = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    open_ = open_ or [verdict for verdict in verdicts if _is_open(verdict)]
    return max(open_, key=_excess, default=None)


def hardest_hit(slices: Sequence[Comparison], metric: str) -> Comparison | None:
    """Give the slice with the largest drop of a metric among those large enough and sure to have dropped."""
    found = [
        item
        for item in slices
        if item.metric == metric
        and item.harm is not None
        and item.harm > 0
        and item.n_pairs >= TOO_SMALL_TO_TEST
        and item.p_worse is not None
        and item.p_worse <= SURE
    ]
    return max(found, key=lambda item: item.harm or 0.0, default=None)


def _excess(verdict: Verdict) -> float:
    """Harm in units of the allowance; comparisons come before what has no harm to compare."""
    if verdict.comparison is None or verdict.comparison.harm is None:
        return -1.0
    return verdict.comparison.harm / (verdict.limit or 0.01)


def _verdict_line(report: Report) -> str:
    total = len(report.verdicts)
    failed = sum(verdict.outcome == "fail" for verdict in report.verdicts)
    undecided = [verdict for verdict in report.verdicts if _is_open(verdict)]
    clear = sum(not verdict.holds for verdict in report.verdicts)
    if report.outcome == "fail":
        return f"FAILED — {failed} of {total} gates. Do not merge."
    if report.outcome == "inconclusive":
        first = undecided[0]
        count = f"{len(undecided)} of {total} gates could not decide"
        why = _why_lost(report) or f"{first.gate}: {first.reason}."
        return f"INCONCLUSIVE — {count}. {why}"
    if clear:
        guards = "1 guard is" if clear == 1 else f"{clear} guards are"
        return f"PASSED — {total - clear} of {total} gates; {guards} unproven, which holds nothing back."
    return f"PASSED — all {total} gates."


def _is_open(verdict: Verdict) -> bool:
    """Whether a gate could not decide and holds the others back."""
    return verdict.outcome == "inconclusive" and verdict.holds


def _why_lost(report: Report) -> str:
    """``64 of 64 calls failed, most often: bad_response: ...``; empty where failing is the exception."""
    lost = report.accounting.system_error + report.accounting.timeout
    if lost < MANY_LOST * report.accounting.selected:
        return ""
    text = report.accounting.failure or "unknown"
    shown = text if len(text) <= 120 else f"{text[:119]}…"
    return (
        f"{lost:,} of {report.accounting.selected:,} calls failed, most often: {shown}."
        f" `harness show {report.run.id} --errors` lists them."
    )


def _finding_line(report: Report, worst: Verdict | None) -> str:
    if worst is not None and worst.comparison is not None:
        text = _change_text(worst.comparison, worst.limit, report, _since(worst))
        return f"{text} {OWN_SCORES}" if _is_uncorrected(report, worst) else text
    if worst is not None:
        name = worst.metric or worst.gate
        scope = "" if worst.scope == "all" else f" in {worst.scope}"
        return f"{name}{scope}: {worst.rule}: {worst.reason}."
    limited = [
        (verdict.comparison, verdict.limit, _since(verdict))
        for verdict in report.verdicts
        if verdict.outcome == "pass"
        and verdict.comparison is not None
        and verdict.comparison.harm_limit is not None
    ]
    if not limited:
        return "No gate compares with a baseline."
    closest, limit, since = max(limited, key=lambda item: (item[0].harm_limit or 0.0) / (item[1] or 1.0))
    unit = _unit(report, closest.metric)
    verb = "fell" if closest.higher_is_better else "rose"
    what = f"{closest.metric}{_scope(closest)} {verb}{since}"
    text = f"No drop beyond its margin is proven; {what} by at most"
    most, allowed = closest.harm_limit, limit
    shown = (
        (relative(most), relative(allowed))
        if closest.scale == "ratio"
        else (number(most, unit), number(allowed, unit))
    )
    return f"{text} {shown[0]} ({share(closest.limit_level)}, allowed {shown[1]})."


def _is_uncorrected(report: Report, verdict: Verdict) -> bool:
    """Whether a drop is told as a judge scored it, and labels correct nothing of it."""
    return verdict.metric in report.run.judges and not any(
        row.metric == verdict.metric and not row.advisory and row.corrected_change for row in report.judged
    )


def _since(verdict: Verdict) -> str:
    """Name what a drop is measured from where that is not the baseline, which all else is about."""
    return " since the anchor" if verdict.against == "anchor" else ""


def _change_text(found: Comparison, limit: float | None, report: Report, since: str) -> str:
    """``recall@5 fell 0.912 → 0.871 (−0.041, 95 % CI [...]; allowed 0.020; ...): 61 worse, ...``."""
    unit = _unit(report, found.metric)
    if found.change is None:
        return f"{found.metric}: no pair to compare."
    rose = found.change > 0
    verb = "did not change" if found.harm == 0 else "rose" if rose else "fell"
    before, after = found.means
    values = f" {number(before, unit)} → {number(after, unit)}"
    if found.change * ((after or 0.0) - (before or 0.0)) < 0:
        values = ""  # a mean of ratios may go the other way than the ratio of means
    if not found.is_whole:
        values += f" over the {found.n_pairs:,} cases that both have"
    level = "" if found.interval is None else f", {share(found.interval.level)} CI "
    if found.scale == "ratio":
        inside = f"{relative(found.change, change=True)}{level}{relative_interval(found.interval)}"
        allowed = "" if limit is None else f"; allowed {relative(limit)}"
    else:
        inside = f"{signed(found.change, unit)}{level}{interval(found.interval, unit, change=True)}"
        allowed = "" if limit is None else f"; allowed {number(limit, unit)}"
    pairs = f"; paired n = {of_total(found.n_pairs, found.n_pairs + found.n_unpaired)}"
    counts = f"{found.worse:,} worse, {found.better:,} better, {found.same:,} same"
    return f"{found.metric}{_scope(found)} {verb}{since}{values} ({inside}{allowed}{pairs}): {counts}."


def _scope(found: Comparison) -> str:
    return "" if found.slice.label == "all" else f" in {found.slice.label}"


def _where_line(report: Report, worst: Verdict | None) -> str:
    parts = []
    if worst is not None and worst.against == "anchor":
        return _changed(report, " since the baseline")
    if report.outcome == "fail" and worst is not None and worst.metric is not None:
        hit = hardest_hit(report.slices, worst.metric)
        if hit is not None and not _stands_out(hit, report):
            parts.append("No slice is hit much harder than the rest.")
        elif hit is not None:
            unit = _unit(report, hit.metric)
            values = " → ".join(number(value, unit) for value in hit.means)
            parts.append(f"Hardest hit: {hit.slice.label} ({values}, n = {hit.n_pairs:,}).")
            parts += _share_of_slice(report, worst.metric, hit)
    parts.append(_changed(report))
    return " ".join(part for part in parts if part)


def _stands_out(hit: Comparison, report: Report) -> bool:
    """Say whether a slice fell clearly more than all cases together did."""
    overall = next((item for item in report.comparisons if item.metric == hit.metric), None)
    if overall is None or overall.harm is None or hit.harm is None:
        return True
    return hit.harm > STANDS_OUT * overall.harm


def _share_of_slice(report: Report, metric: str, hit: Comparison) -> list[str]:
    """``31 of the 61 worse cases are language=de; in 24 of them: gold passage lost.``."""
    hurt = [item for item in report.regressions if item.metric == metric]
    if any(item.metric == metric and item.worse > len(hurt) for item in report.comparisons):
        return []  # the list was cut: its shares are not those of all
    labels = [f"{name}={value}" for name, value in hit.slice.where]
    inside = [item for item in hurt if all(label in item.slices for label in labels)]
    if not inside:
        return []
    cause, count = Counter(item.cause for item in inside).most_common(1)[0]
    text = f"{len(inside)} of the {len(hurt)} worse cases are {hit.slice.label}"
    return [f"{text}; in {count} of them: {cause}." if cause else f"{text}."]


def _changed(report: Report, since: str = "") -> str:
    if report.baseline is None:
        return ""
    if not report.changes:
        return f"Changed{since}: nothing in the configuration."
    shown = [f"{item.key} {_value(item.before)} → {_value(item.after)}" for item in report.changes[:4]]
    more = f" and {len(report.changes) - 4} more" if len(report.changes) > 4 else ""
    return f"Changed{since}: {', '.join(shown)}{more}."


def _value(value: object) -> str:
    text = NONE if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:19]}…{text[-8:]}"


def _unit(report: Report, metric: str) -> str:
    return report.run.metrics[metric].unit if metric in report.run.metrics else ""
