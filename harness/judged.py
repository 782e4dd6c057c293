"""A judge's own figures beside those that people's labels make of them, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from harness.calibration.correction import Correction, limits_in, mean_in, pair_corrected
from harness.comparison import LEVEL, estimate
from harness.gates.evidence import Evidence
from harness.measurement import measure
from harness.types import Case, Comparison, Estimate, Interval, JudgedMetric, MetricIdentity, Slice, Verdict


def judged_figures(
    evidence: Evidence, comparisons: Sequence[Comparison], verdicts: Sequence[Verdict]
) -> tuple[JudgedMetric, ...]:
    """Give both figures of every metric that a judge scores, over all cases.

    Args:
        evidence: what the gates were decided on.
        comparisons: of the judge's own scores with the baseline.
        verdicts: a corrected change that a gate decided on is shown as it stands there.
    """
    changes = {found.metric: found for found in comparisons}
    scores, shown = evidence.candidate, []
    for name in scores.run.judges:
        if name not in scores.tables:
            continue
        metric, cases = scores.run.metrics[name], scores.cases
        known = evidence.judged.get(name)
        reasons = scores.advisory.get(name, ""), known.advisory if known else ""
        row = JudgedMetric(
            metric=name,
            advisory="; and ".join(filter(None, reasons)),
            lacking=known.lacking if known else "",
            own=estimate(scores.tables[name], cases, metric),
            own_change=changes.get(name),
        )
        if known is not None and not row.advisory:
            alone, paired = known.alone, known.pairs.get("baseline")
            if isinstance(alone, Correction):
                row = replace(row, corrected=_corrected(alone, cases, metric), n_labels=len(alone.labelled))
            if isinstance(paired, Correction):
                found = _decided(name, verdicts) or _change(name, paired, evidence, metric)
                row = replace(row, corrected_change=found, n_labels_change=len(paired.labelled))
        shown.append(row)
    return tuple(shown)


def _corrected(correction: Correction, cases: Sequence[Case], metric: MetricIdentity) -> Estimate:
    fit = mean_in(correction, cases)
    low, high = limits_in(fit, metric, LEVEL)
    unscored = sum(
        found.value is None and found.status != "not_applicable" for found in correction.tables[0].values()
    )
    return Estimate(fit.mean, fit.n, unscored, Interval(low, high, LEVEL, "prediction-powered"))


def _decided(name: str, verdicts: Sequence[Verdict]) -> Comparison | None:
    """The change that a gate decided on, over all cases and against the baseline."""
    changes = [verdict.comparison for verdict in verdicts if verdict.against == "baseline"]
    wanted = name, Slice(), "difference"
    found = (one for one in changes if one is not None and (one.metric, one.slice, one.scale) == wanted)
    return next(found, None)


def _change(name: str, correction: Correction, evidence: Evidence, metric: MetricIdentity) -> Comparison:
    cases = evidence.comparable(evidence.candidate.cases)
    before, after = (estimate(table, cases, metric) for table in correction.tables)
    found = Comparison(name, Slice(), before, after, higher_is_better=metric.higher_is_better)
    return measure(pair_corrected(correction, cases, metric), found, evidence.suite.alpha)
