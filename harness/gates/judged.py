"""Gates on what a judge scores: corrected by people's labels, or advisory where they cannot decide."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from harness.calibration.correction import USABLE, Correction, limits_in, mean_in
from harness.comparison import LEVEL
from harness.gates.bound import BOUND_ERROR, bound_outcome
from harness.gates.evidence import Evidence
from harness.gates.looks import is_partial, level_of
from harness.numbers import number
from harness.types import Case, Gate, Interval, Verdict, metric_of

LEAST_LABELLED = 50
"""Labelled cases that a bound on a part of the cases needs."""
NOT_CORRECTED = {
    "gap": "gaps between groups",
    "cases": "single cases",
    "quantile": "quantiles",
    "total": "totals",
    "ratio": "ratios",
}
"""What of a judge's scores no labels correct: rules that only advise."""


def why_advisory(gate: Gate, evidence: Evidence) -> str:
    """Say why a gate on a judge's scores cannot decide; empty where it can, or there is no judge.

    A judge has to withstand attacks and to agree with people; where it does neither, both are said.
    """
    if gate.kind == "scored":
        return ""
    reasons = evidence.candidate.advisory.get(gate.metric or "", ""), _why_uncorrected(gate, evidence)
    return "; and ".join(filter(None, reasons))


def _why_uncorrected(gate: Gate, evidence: Evidence) -> str:
    """Say why labels do not let a gate on a judge's scores decide."""
    name = gate.metric or ""
    if metric_of(name) not in evidence.candidate.run.judges:
        return ""
    if metric_of(name) != name:
        return "measures over twins of a judge's scores are not corrected by labels"
    judged = evidence.judged.get(name)
    if judged is None:
        return "a judge's scores are not corrected by labels here"
    if judged.advisory:
        return judged.advisory
    rule = uncorrected(gate)
    if rule:
        return f"{NOT_CORRECTED[rule]} of a judge's scores are not corrected by labels"
    found = judged.pairs.get(gate.against or "baseline") if gate.kind == "drop" else judged.alone
    # Without a reference the gate is inconclusive by itself, and says why.
    return f"{found}: `harness label export`" if isinstance(found, str) else ""


def decide_judged_bound(
    gate: Gate, correction: Correction, evidence: Evidence, cases: Sequence[Case], empty: Verdict
) -> Verdict:
    """Decide a bound on a mean that is corrected by labels.

    As for other metrics PASS needs all that is possible within the bounds, FAIL all that is known outside of
    one. Unscored cases may be anything; a drawn one that lacks its label as often as it stands for others.
    """
    metric, looks = evidence.candidate.run.metrics[gate.metric or ""], evidence.candidate.looks
    table, high = correction.tables[0], metric.high or 0.0
    n = sum(table[case.id].value is not None for case in cases)
    unscored = [
        case for case in cases if table[case.id].value is None and table[case.id].status != "not_applicable"
    ]
    labels = correction.labels_in(cases)
    empty = replace(empty, n=n, n_total=n + len(unscored), limit=_limit(gate))
    if labels < LEAST_LABELLED:
        return replace(empty, reason=f"{labels} labelled cases are too few to judge (need {LEAST_LABELLED})")
    fit = mean_in(correction, cases)
    lost = sum(correction.reach if case.id in correction.drawn else 1.0 for case in unscored)
    share = lost / (n + lost)
    held = limits_in(fit, metric, 2 * level_of(looks, BOUND_ERROR) - 1)
    if gate.bound == "point" and not is_partial(looks):
        held = (fit.mean, fit.mean)
    possible = tuple((1 - share) * end + share * at for end, at in zip(held, (metric.low, high), strict=True))
    outcome, reason = bound_outcome(gate, (possible[0], possible[1]), held, metric.unit)
    low, upper = limits_in(fit, metric, LEVEL)
    return replace(
        empty,
        outcome=outcome,
        reason=f"{reason}; {correction_text(correction)}",
        candidate=fit.mean,
        interval=Interval(low, upper, LEVEL, "prediction-powered"),
    )


def correction_text(correction: Correction) -> str:
    """Say on what labels a corrected figure rests, and what the judge adds to them."""
    fit = correction.fit
    text = f"corrected by {fit.n_labels:,} labels (λ {number(fit.slope)}, worth {fit.effective_n:,.0f})"
    if fit.slope < USABLE and fit.n_labels < fit.n:
        text += "; the judge is not usable for this comparison: the labels decide"
    return text


def uncorrected(gate: Gate) -> str:
    """The kind of a rule that is not corrected; empty for means and differences."""
    if gate.kind in ("gap", "cases"):
        return gate.kind
    if gate.max_ratio is not None:
        return "ratio"
    return "quantile" if gate.quantile is not None else "total" if gate.total else ""


def _limit(gate: Gate) -> float | None:
    return gate.min if gate.min is not None else gate.max
