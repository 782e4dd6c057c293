"""The gate on a drop against the baseline: paired, one-sided, with a margin."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from harness.comparison import compare, differing_metrics, estimate
from harness.gates.evidence import Evidence, rule_text
from harness.numbers import number, p_value
from harness.slices import TOO_SMALL_TO_TEST, select, slices_of, values_of
from harness.types import Case, Comparison, Gate, MetricIdentity, Outcome, Slice, Suite, Verdict

MIN_PAIRS, MIN_CLUSTERS = 50, 15
"""Below these a comparison over all cases neither passes nor fails."""
MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS = TOO_SMALL_TO_TEST, 10
MAX_UNPAIRED = 0.05


def alpha_shares(suite: Suite, n_slices: Mapping[str, int]) -> dict[str, float]:
    """Split the gate's false-alarm rate over its tests: weighted Bonferroni.

    Three quarters go to the comparisons over all cases and a quarter to those by slice (everything to the
    one kind that there is), evenly within each. Gives the share of each single test, by gate id.

    Args:
        suite: its drop gates and ``alpha``.
        n_slices: how many slices each slice-wise gate tests, by gate id.
    """
    drops = [gate for gate in suite.gates if gate.kind == "drop"]
    broad = [gate for gate in drops if gate.slice is None]
    sliced = sum(n_slices.get(gate.id, 0) for gate in drops if gate.slice is not None)
    for_broad = 1.0 if not sliced else 0.75
    for_sliced = 1.0 if not broad else 0.25
    return {
        gate.id: suite.alpha * for_broad / len(broad)
        if gate.slice is None
        else suite.alpha * for_sliced / max(1, sliced)
        for gate in drops
    }


def tested_slices(gate: Gate, suite: Suite, cases: Sequence[Case]) -> tuple[Slice, ...]:
    """Give the slices a drop gate is tested in: large enough to say something."""
    if gate.slice is None:
        return ()
    rule = suite.slices[gate.slice]
    members: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for value in set(values_of(case, rule.source)):
            members[value].append(case)
    return tuple(
        Slice(((gate.slice, value),))
        for value, group in sorted(members.items())
        if len(group) >= max(rule.min_n, MIN_SLICE_PAIRS)
        and len({case.cluster for case in group}) >= MIN_SLICE_CLUSTERS
    )


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
    if span is not None and 3 / n * span > margin:
        needed = f"{math.ceil(3 * span / margin):,} cases" if margin else "a margin above 0"
        return f"{n} cases can show {number(3 / n * span)} at best, not {number(margin)}: it needs {needed}"
    return ""


def decide_drop(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """Decide it on the cases that the gate is about."""
    name = gate.metric or ""
    metric = evidence.candidate.run.metrics[name]
    baseline = evidence.baseline
    if baseline is None or name not in baseline.tables:
        why = evidence.no_baseline if baseline is None else f"the baseline has no {name}"
        found = estimate(evidence.candidate.tables[name], cases, metric)
        return msgspec.structs.replace(
            empty, reason=why, candidate=found.value, n=found.n, n_total=found.n + found.n_unscored
        )
    if name in differing_metrics(baseline.run, evidence.candidate.run):
        return msgspec.structs.replace(
            empty, reason=f"{name} changed its version or judge: score the baseline again"
        )
    cases = evidence.comparable(cases)
    tables = baseline.tables[name], evidence.candidate.tables[name]
    if gate.slice is None:
        alpha = _alpha_of(gate, evidence)
        found_all = compare(name, tables, cases, Slice(tuple(gate.where.items())), metric, alpha)
        return _judge_drop(gate, found_all, metric, alpha, (MIN_PAIRS, MIN_CLUSTERS))
    return decide_sliced_drop(gate, evidence, cases, empty)


def _alpha_of(gate: Gate, evidence: Evidence) -> float:
    suite = evidence.suite
    sliced = [other for other in suite.gates if other.kind == "drop" and other.slice is not None]
    sizes = {  # one count for all gates on the same attribute
        name: len(tested_slices(other, suite, evidence.candidate.cases))
        for name, other in {other.slice: other for other in sliced}.items()
    }
    return alpha_shares(suite, {other.id: sizes[other.slice] for other in sliced})[gate.id]


def decide_sliced_drop(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """The worst verdict of the slices that are large enough; the others are named and not judged."""
    name, baseline = gate.metric or "", evidence.baseline
    if baseline is None:
        return empty
    metric, alpha = evidence.candidate.run.metrics[name], _alpha_of(gate, evidence)
    tables = baseline.tables[name], evidence.candidate.tables[name]
    tested = tested_slices(gate, evidence.suite, cases)
    found, small = [], []
    for slice_ in tested:
        members = select(cases, slice_, evidence.suite.slices)
        shown = Slice((*gate.where.items(), *slice_.where))
        comparison = compare(name, tables, members, shown, metric, alpha)
        if comparison.n_pairs + comparison.n_unpaired < MIN_SLICE_PAIRS:  # the metric says nothing of most
            small.append(slice_.label)
            continue
        found.append(_judge_drop(gate, comparison, metric, alpha, (MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS)))
    every = slices_of(cases, {gate.slice: evidence.suite.slices[gate.slice]}, ()) if gate.slice else ()
    small += [slice_.label for slice_ in every if slice_ not in tested]
    if not found:
        why = f"every slice is too small: {', '.join(small)}" if small else f"no case has a {gate.slice}"
        return msgspec.structs.replace(empty, reason=why)
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    worst = min(found, key=lambda verdict: (order[verdict.outcome], -_harm(verdict.comparison)))
    note = f"; too small to judge: {', '.join(small)}" if small else ""
    return msgspec.structs.replace(worst, reason=f"{worst.reason}{note}")


def _harm(comparison: Comparison | None) -> float:
    return comparison.harm if comparison is not None and comparison.harm is not None else -math.inf


def _judge_drop(
    gate: Gate, found: Comparison, metric: MetricIdentity, alpha: float, least: tuple[int, int]
) -> Verdict:
    margin = gate.max_drop or 0.0
    outcome, reason = _drop_outcome(found, margin, alpha, least, metric.unit)
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
    )


def _drop_outcome(
    found: Comparison, margin: float, alpha: float, least: tuple[int, int], unit: str
) -> tuple[Outcome, str]:
    """FAIL on a proven drop that may exceed the margin, PASS on a drop shown to be within it."""
    total = found.n_pairs + found.n_unpaired
    if found.n_pairs < least[0] or found.n_clusters < least[1] or found.harm is None:
        return "inconclusive", (
            f"{found.n_pairs} pairs from {found.n_clusters} documents are too few to judge"
            f" (need {least[0]} from {least[1]})"
        )
    p = 1.0 if found.p_worse is None else found.p_worse
    within = found.harm_limit is not None and found.harm_limit <= margin
    if p <= alpha and not within:
        verb = "fell" if found.higher_is_better else "rose"
        shown = p_value(p) if p < 0.001 else f"= {p_value(p)}"
        return "fail", (
            f"{verb} by {number(found.harm, unit)} over {found.n_pairs:,} pairs"
            f" (p {shown}, needs {alpha:.2g}; allowed {number(margin, unit)})"
        )
    if found.n_unpaired > MAX_UNPAIRED * total:
        return "inconclusive", f"{found.n_unpaired} of {total} cases could not be paired (at most 5 %)"
    if within:
        limit = number(found.harm_limit, unit)
        new = f"; {found.n_gained:,} cases have a value now only" if found.n_gained else ""
        if p <= alpha:
            harm = number(found.harm, unit)
            return (
                "pass",
                f"small but real: {harm} worse, at most {limit}: within {number(margin, unit)}{new}",
            )
        return "pass", f"at most {limit} worse (95 %), within {number(margin, unit)}{new}"
    return "inconclusive", _cannot_tell(found, margin, unit)


def _cannot_tell(found: Comparison, margin: float, unit: str) -> str:
    """Say what could be shown now and what more cases would show."""
    if found.harm_limit is None:
        return "unscored cases leave the change without a limit"
    text = f"may be up to {number(found.harm_limit, unit)} worse (allowed {number(margin, unit)})"
    if found.detectable is not None:
        text += f"; this run detects {number(found.detectable, unit)}"
    if found.baseline.n_unscored or found.candidate.n_unscored:
        return f"{text}; unscored cases count at their worst"
    if found.harm is not None and found.harm < margin and found.harm_limit > found.harm:
        ratio = (found.harm_limit - found.harm) / (margin - found.harm)
        text += f"; about {math.ceil(found.n_pairs * ratio * ratio):,} cases would tell"
    return text
