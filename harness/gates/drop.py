"""The gate on a drop against the baseline: paired, one-sided, with a margin."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from harness.comparison import estimate
from harness.gates.drop_tests import (
    MIN_CLUSTERS,
    MIN_PAIRS,
    MIN_SLICE_CLUSTERS,
    MIN_SLICE_PAIRS,
    DropTest,
    margin_of,
    tested_slices,
)
from harness.gates.evidence import Evidence, rule_text
from harness.gates.family import DropTests
from harness.gates.hierarchy import Role
from harness.gates.judged import correction_text
from harness.limits import pairs_needed
from harness.numbers import number, p_value, relative, share
from harness.slices import select
from harness.types import Case, Comparison, Gate, Outcome, Suite, Verdict

MAX_UNPAIRED = 0.05
MAX_JUDGE_ERRORS = 0.02
"""Shares of the pairs beyond which a drop is not decided."""


def cannot_pass(gate: Gate, suite: Suite, cases: Sequence[Case], span: float | None) -> str:
    """Say why a gate on a drop can never pass on these cases, whatever is answered; empty where it can.

    Args:
        gate: a drop gate.
        suite: its slices.
        cases: those that the gate is about; the metric may apply to fewer.
        span: width of the metric's range; None: not known, or without an upper end.
    """
    least = (MIN_PAIRS, MIN_CLUSTERS) if gate.slice is None else (MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS)
    groups = [select(cases, slice_, suite.slices) for slice_ in tested_slices(gate, suite, cases)]
    if gate.slice is None:
        groups = [tuple(cases)]
    if not groups:
        needed = f"{least[0]} cases from {least[1]} documents"
        return f"no {gate.slice} has {needed}: it will always be inconclusive"
    n = min(len(group) for group in groups)
    clusters = min(len({case.cluster for case in group}) for group in groups)
    if n < least[0] or clusters < least[1]:
        return (
            f"{n} cases from {clusters} documents, and it needs {least[0]} from {least[1]}:"
            " it will always be inconclusive"
        )
    margin = gate.max_drop or 0.0
    if gate.max_drop is not None and span is not None and 3 / n * span > margin:
        needed = f"{math.ceil(3 * span / margin):,} cases" if margin else "a margin above 0"
        return f"{n} cases can show {number(3 / n * span)} at best, not {number(margin)}: it needs {needed}"
    return ""


def decide_drop(
    gate: Gate, evidence: Evidence, drops: DropTests, role: Role, cases: Sequence[Case], empty: Verdict
) -> Verdict:
    """Decide it on the tests that were made for it: the worst verdict of the slices that are large enough."""
    name = gate.metric or ""
    if gate.id in drops.reasons:
        found = estimate(evidence.candidate.tables[name], cases, evidence.candidate.run.metrics[name])
        reason, total = drops.reasons[gate.id], found.n + found.n_unscored
        return replace(empty, reason=reason, candidate=found.value, n=found.n, n_total=total, role=role)
    unit = evidence.candidate.run.metrics[name].unit if gate.max_ratio is None else ""
    verdicts = [_judge(test, role, unit) for test in drops.tests[gate.id]]
    small = drops.small[gate.id]
    if not verdicts:
        why = f"every slice is too small: {', '.join(small)}" if small else f"no case has a {gate.slice}"
        return replace(empty, reason=why, role=role, holds=role != "guard")
    worst = min(verdicts, key=_worst_first)
    note = f"; too small to judge: {', '.join(small)}" if small else ""
    return replace(worst, reason=f"{worst.reason}{note}")


def _worst_first(verdict: Verdict) -> tuple[int, bool, float]:
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    harm = verdict.comparison.harm if verdict.comparison is not None else None
    return order[verdict.outcome], not verdict.holds, math.inf if harm is None else -harm


def _judge(test: DropTest, role: Role, unit: str) -> Verdict:
    gate, found = test.gate, test.comparison
    margin = gate.max_ratio - 1 if gate.max_ratio is not None else gate.max_drop or 0.0
    outcome, reason, holds = _outcome(test, margin, role, unit)
    if test.correction is not None:
        reason = f"{reason}; {correction_text(test.correction.by)}"
    return Verdict(
        gate=gate.id,
        rule=rule_text(gate),
        outcome=outcome,
        reason=reason,
        metric=found.metric,
        scope=found.slice.label,
        baseline=found.baseline.value,
        candidate=found.candidate.value,
        change=found.change,
        interval=found.interval,
        limit=margin,
        n=found.n_pairs,
        n_total=found.n_pairs + found.n_unpaired,
        comparison=found,
        against=gate.against or "baseline",
        role=role,
        holds=holds,
        n_needed=_n_needed(test) if outcome == "inconclusive" else None,
    )


def _outcome(test: DropTest, margin: float, role: Role, unit: str) -> tuple[Outcome, str, bool]:
    """Fail on a drop beyond doubt that may exceed the margin; pass what is shown to be within it.

    What is neither holds the whole gate back, but for a guard that found no drop; and even for a guard where
    scores are missing that could hide one: its own, or those of another drop of the family, with which it
    might be sure. So no loss of scores turns a fail into a pass. The margin is as shown: of a ratio, the
    relative change.
    """
    pairs, found = test.pairs, test.comparison
    total = pairs.total + pairs.unpaired
    guards = role == "guard"
    if not test.is_judged:
        n, clusters = test.least
        few = f"{found.n_pairs} pairs from {found.n_clusters} documents are too few to judge"
        if test.correction is not None:
            few = f"{found.n_pairs} pairs, {test.correction.labels} of them labelled, are too few to judge"
        return "inconclusive", f"{few} (need {n} from {clusters})", not guards or bool(pairs.worst)
    within = found.harm_limit is not None and found.harm_limit <= margin
    if test.is_sure and test.may_exceed and not within:
        return "fail", _fail_text(found, margin, unit), True
    if pairs.unpaired + len(pairs.worst) > MAX_UNPAIRED * total:
        lost = pairs.unpaired + len(pairs.worst)
        return "inconclusive", f"{lost} of {total} cases could not be paired (at most 5 %)", True
    if pairs.judge_errors > MAX_JUDGE_ERRORS * total:
        why = f"the judge failed on {pairs.judge_errors} of {total} cases (at most 2 %)"
        return "inconclusive", why, True
    if within:
        return "pass", _pass_text(test, margin, unit), True
    if guards:
        why = _what_may_hide(test)
        return "inconclusive", why or _guard_text(test, unit), bool(why)
    return "inconclusive", _cannot_tell(test, margin, unit), True


def _what_may_hide(test: DropTest) -> str:
    """Say which missing scores may hide that a guard's drop is sure; empty: none do."""
    if not test.possible:
        return ""
    if test.pairs.worst:
        total = test.pairs.total + test.pairs.unpaired
        return f"{len(test.pairs.worst)} of {total} unscored cases could hide a drop"
    if test.may_exceed and test.others_lack:
        return "the drop may be real, and unscored cases of other gates could hide that"
    return ""


def _fail_text(found: Comparison, margin: float, unit: str) -> str:
    fell = "fell" if found.higher_is_better else "rose"
    by = f"{fell} by {_amount(found.harm, found, unit)} over {found.n_pairs:,} pairs"
    p = f"adjusted p {_signed_p(found.p_adjusted)}, needs {found.level:.2g}"
    return f"{by} ({p}; allowed {_amount(margin, found, unit)})"


def _pass_text(test: DropTest, margin: float, unit: str) -> str:
    found = test.comparison
    limit, allowed = _amount(found.harm_limit, found, unit), _amount(margin, found, unit)
    level = share(found.limit_level)
    new = f"; {found.n_gained:,} cases have a value now only" if found.n_gained else ""
    if test.is_sure:
        harm = _amount(found.harm, found, unit)
        return f"small but real: {harm} worse, at most {limit} ({level}): within {allowed}{new}"
    flat = "; saturated: only losses count" if test.pairs.saturated and found.worse else ""
    return f"at most {limit} worse ({level}), within {allowed}{flat}{new}"


def _guard_text(test: DropTest, unit: str) -> str:
    found = test.comparison
    if test.is_sure:
        harm = _amount(found.harm, found, unit)
        return f"small but real: {harm} worse; too few cases to show how small"
    text = f"no drop found (adjusted p {_signed_p(found.p_adjusted)})"
    if found.detectable is None:
        return text
    return f"{text}; one of {_amount(found.detectable, found, unit)} would be found with 80 %"


def _cannot_tell(test: DropTest, margin: float, unit: str) -> str:
    """Say what could be shown now and what more cases would show."""
    found = test.comparison
    if found.harm_limit is None:
        return "unscored cases leave the change without a limit"
    limit, allowed = _amount(found.harm_limit, found, unit), _amount(margin, found, unit)
    text = f"may be up to {limit} worse (allowed {allowed}; a margin of {limit} would pass now)"
    if found.detectable is not None:
        text += f"; this run detects {_amount(found.detectable, found, unit)}"
    if found.baseline.n_unscored or found.candidate.n_unscored:
        return f"{text}; unscored cases count at their worst"
    needed = _n_needed(test)
    return f"{text}; about {needed:,} cases would tell" if needed is not None else text


def _n_needed(test: DropTest) -> int | None:
    """About how many pairs would show such a drop to be within the margin, where scores are not missing."""
    found = test.comparison
    if found.baseline.n_unscored or found.candidate.n_unscored or not test.pairs.harms:
        return None
    needed = pairs_needed(test.pairs, margin_of(test.gate), found.limit_level, test.shift)
    return needed if needed is not None and needed > found.n_pairs else None


def _amount(value: float | None, found: Comparison, unit: str) -> str:
    """Write a harm in its unit, or a relative one in percent."""
    return relative(value) if found.scale == "ratio" else number(value, unit)


def _signed_p(p: float | None) -> str:
    shown = p_value(p)
    return shown if shown[0] in "<>" else f"= {shown}"
