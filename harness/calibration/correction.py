"""Scores of a judge corrected by labels: tables whose means are what people would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.calibration.labelled import Told
from harness.comparison import CaseValue, Table
from harness.pairing import Pairs, pair
from harness.types import UNSCORED, Case, MetricIdentity, Panel

if TYPE_CHECKING:
    from harness.stats.prediction_powered import Corrected

MIN_LABELS = 100
"""Labelled cases below which nothing is corrected: with 50 a 95 % interval covers 93 %."""
MIN_SLICE_LABELS = 20
"""Labelled cases below which a slice is not tested."""
USABLE = 0.2
"""Lambda below which the labels, and not the judge, carry what is known."""
UNTOLD = CaseValue(None, "judge_error")
"""A drawn case without a label, or one that could not be drawn: unscored, at its worst."""


class Correction(NamedTuple):
    """One run, or two to be compared, with their scores corrected on the same cases.

    Attributes:
        tables: the metric in each run, corrected; values may lie outside of the metric's range.
        fit: the mean over all cases (of two runs, of the second less the first), and its error.
        labelled: ids of the cases with a label in every run.
        drawn: ids of the cases that were drawn.
        reach: how many cases a labelled one stands for at most; so does one that lacks its label.
        lost: how many cases are unscored, each as often as it stands for others.
    """

    tables: tuple[Table, ...]
    fit: Corrected
    labelled: frozenset[str]
    drawn: frozenset[str]
    reach: float
    lost: float

    def labels_in(self, cases: Sequence[Case]) -> int:
        """Count the labelled among some cases."""
        return sum(case.id in self.labelled for case in cases)


class Side(NamedTuple):
    """One system's scores on a metric, and what people said of its answers by case."""

    table: Table
    told: Mapping[str, Told]


def correct(panel: Panel, cases: Sequence[Case], sides: Sequence[Side]) -> Correction | str:
    """Correct the scores of one system, or of two on the same cases, by the labels of the panel's cases.

    Each labelled case of stratum h stands for N_h / m_h cases (``stats.prediction_powered``); both sides are
    corrected with the lambda that makes their difference surest. What cannot be known is unscored: a case
    unscored on a side, a drawn case without a label, and one that was not there when the cases were drawn.

    Args:
        panel: the cases that were drawn, and from which.
        cases: those to be corrected.
        sides: one, or the reference and the candidate.

    Returns:
        the correction; or why there is none: too few labels, in all or in a stratum.
    """
    from harness.stats.prediction_powered import Sample, corrected_mean

    stratum = {case_id: one.name for one in panel.strata for case_id in one.cases}
    drawn = frozenset(panel.drawn)
    applies = [
        case for case in cases if not any(_of(side, case).status == "not_applicable" for side in sides)
    ]
    known = [
        case
        for case in applies
        if case.id in stratum
        and all(_of(side, case).value is not None for side in sides)
        and (case.id not in drawn or all(case.id in side.told for side in sides))
    ]
    labelled = frozenset(case.id for case in known if case.id in drawn)
    wanted = sum(case.id in drawn for case in applies)
    if len(labelled) < MIN_LABELS:
        return f"{len(labelled)} of the {wanted} drawn cases have their labels, and it needs {MIN_LABELS}"
    strata = [stratum[case.id] for case in known]
    clusters = [case.cluster for case in known]
    columns = [_columns(side, known, labelled) for side in sides]

    def fitted(weights: Sequence[float], rate: float | None = None) -> Corrected:
        judged, labels, seen = (
            [_mixed(weights, row) for row in zip(*(column[i] for column in columns), strict=True)]
            for i in range(3)
        )
        told = [label if case.id in labelled else None for case, label in zip(known, labels, strict=True)]
        return corrected_mean(Sample(judged, told, seen, strata, clusters), rate)

    contrast = [1.0] if len(sides) == 1 else [-1.0, 1.0]
    try:
        fit = fitted(contrast)
    except ValueError as error:
        return str(error)
    tables = []
    for index, side in enumerate(sides):
        alone = [float(index == other) for other in range(len(sides))]
        values = fit.values if len(sides) == 1 else fitted(alone, fit.rate).values
        corrected = {case.id: CaseValue(value, "scored") for case, value in zip(known, values, strict=True)}
        tables.append({case.id: corrected.get(case.id) or _unknown(side, sides, case) for case in cases})
    reach = _reach(strata, [case.id in labelled for case in known])
    unscored = [case for case in applies if case.id not in tables[0] or tables[0][case.id].value is None]
    lost = sum(reach if case.id in drawn else 1.0 for case in unscored)
    return Correction(tuple(tables), fit, labelled, drawn, reach, lost)


def mean_in(correction: Correction, cases: Sequence[Case]) -> Corrected:
    """Give the corrected mean of one run over some of its cases, at least one with a value."""
    from harness.stats.paired import clustered_mean

    table = correction.tables[0]
    known = [(case, value) for case in cases if (value := table[case.id].value) is not None]
    result = clustered_mean([value for _, value in known], [case.cluster for case, _ in known])
    return correction.fit._replace(
        mean=result.mean,
        se=result.se,
        df=min(result.df, correction.fit.df),
        n=result.n,
        n_labels=correction.labels_in(cases),
    )


def limits_in(fit: Corrected, metric: MetricIdentity, level: float) -> tuple[float, float]:
    """Give the two-sided limits of a corrected mean, within the metric's range."""
    from harness.stats.prediction_powered import corrected_mean_ci

    high = metric.high or 0.0
    ends = corrected_mean_ci(fit, high - metric.low, level)
    return max(metric.low, ends[0]), min(high, ends[1])


def pair_corrected(correction: Correction, cases: Sequence[Case], metric: MetricIdentity) -> Pairs:
    """Pair corrected tables as ``pair`` does, and count what is missing as often as it stands for others.

    One label moves a mean as far as ``reach`` cases would, so the floors under a limit (one pair over the
    whole range, and three of them: the rule of three) are those of so many labels.
    """
    reference, candidate = correction.tables
    inside = [case for case in cases if case.id in correction.drawn]
    rest = [case for case in cases if case.id not in correction.drawn]
    first, second = (pair(reference, candidate, members, metric) for members in (inside, rest))
    whole = pair(reference, candidate, [*inside, *rest], metric)
    return whole._replace(
        worst=[*(worst * correction.reach for worst in first.worst), *second.worst],
        widths=[*(width * correction.reach for width in first.widths), *second.widths],
        span=whole.span * correction.reach,
        saturated=False,
    )


def _of(side: Side, case: Case) -> CaseValue:
    return side.table.get(case.id, CaseValue(None, "system_error"))


def _unknown(side: Side, sides: Sequence[Side], case: Case) -> CaseValue:
    """A case without a corrected value: unscored on all sides, by its own status where it has one."""
    own = _of(side, case)
    if own.value is None:
        return own
    others = [_of(other, case) for other in sides]
    if any(other.status == "not_applicable" for other in others):
        return own
    lost = next((other.status for other in others if other.status in UNSCORED), None)
    return UNTOLD if lost is None else CaseValue(None, lost)


def _columns(
    side: Side, known: Sequence[Case], labelled: frozenset[str]
) -> tuple[list[float], list[float], list[float]]:
    """The judge's score, the label and the score of the labelled answer; 0 where there is no label."""
    none = Told(0.0, 0.0)
    told = [side.told[case.id] if case.id in labelled else none for case in known]
    scores = [_of(side, case).value or 0.0 for case in known]
    return scores, [one.label for one in told], [one.seen for one in told]


def _mixed(weights: Sequence[float], row: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, row, strict=True))


def _reach(strata: Sequence[str], labelled: Sequence[bool]) -> float:
    """How many cases a labelled one stands for, in the stratum where it is most."""
    names = set(strata)
    counts = {name: [0, 0] for name in names}
    for name, told in zip(strata, labelled, strict=True):
        counts[name][0] += 1
        counts[name][1] += told
    return max(size / told for size, told in counts.values())
