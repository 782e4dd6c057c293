"""How far a judge agrees with people, and people with each other: kappa, error rates by slice, confusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from harness.calibration.labelled import Book, answers_of, labels_of, mean
from harness.cases import by_id
from harness.slices import select, slices_of
from harness.types import Case, ErrorRates, Label, Measured, Panel, Recorded, SliceRule

if TYPE_CHECKING:
    from harness.stats.agreement import Agreement, Rate, Scheme

JUDGE = "judge"
"""Name of the judge among the raters."""


class Rated(NamedTuple):
    """One answer that people labelled: their labels by rater, the judge's score, and what it stands for."""

    case: Case
    labels: Mapping[str, float]
    score: float
    weight: float


class Agreed(NamedTuple):
    """How far judge and people agree over n answers; ``pairs`` are kappas of two raters, the judge first.

    Kappas and rates of the judge are weighted to all cases; ``confusion`` counts answers, rows by people.
    """

    n: int
    raters: tuple[str, ...]
    kappa: Measured
    alpha: Measured
    rates: tuple[ErrorRates, ...]
    pairs: tuple[tuple[str, str, Measured], ...]
    confusion: tuple[tuple[int, ...], ...]


def rated_answers(runs: Sequence[Recorded], book: Book, metric: str) -> list[Rated]:
    """Give the answers of the drawn cases that have a label and a score, each once, in case order.

    An answer of stratum h stands for N_h over the labelled answers of h: so that what was labelled more often
    because the judge is unsure of it does not count more.
    """
    panel, labels = book.panels.get(metric), labels_of(book, metric)
    if panel is None:
        return []
    stratum = _strata(panel)
    found: dict[tuple[str, str], tuple[Case, list[Label], float]] = {}
    for recorded in runs:
        cases = by_id(recorded.cases)
        for result, answer in answers_of(recorded, book):
            score = result.scores.get(metric)
            if (
                answer in labels
                and result.case_id in stratum
                and score is not None
                and score.value is not None
            ):
                found.setdefault(
                    (result.case_id, answer), (cases[result.case_id], labels[answer], score.value)
                )
    counts = Counter(stratum[case.id] for case, _, _ in found.values())
    sizes = {one.name: len(one.cases) for one in panel.strata}
    return [
        Rated(
            case,
            {label.rater: label.value for label in its},
            score,
            sizes[stratum[case.id]] / counts[stratum[case.id]],
        )
        for _, (case, its, score) in sorted(found.items())
    ]


def agree(rated: Sequence[Rated], scale: Sequence[float], rules: Mapping[str, SliceRule]) -> Agreed:
    """Measure the agreement over labelled answers, at least one.

    What people say of an answer is the mean of their labels, brought to the nearest value of the scale, as
    the judge's score is; halfway counts as the lower. Kappa is plain for two values and weighted by squared
    steps for more. Of an answer above the middle of the scale people say that it is good: sensitivity is how
    many of these the judge puts above the middle, specificity how many of the others it does not.

    Args:
        rated: the answers.
        scale: the values of a label, rising.
        rules: slices to tell error rates for.
    """
    from harness.stats.agreement import krippendorff_alpha

    raters = sorted({name for one in rated for name in one.labels})
    counts = Counter(
        (_level(mean(list(one.labels.values())), scale), _level(one.score, scale)) for one in rated
    )
    size = range(len(scale))
    cases = [one.case for one in rated]
    slices = [select(cases, slice_, rules) for slice_ in slices_of(cases, rules, ())]
    labels = [slice_.label for slice_ in slices_of(cases, rules, ())]
    rates = [_rates("all", rated, scale)]
    for label, members in zip(labels, slices, strict=True):
        inside = {case.id for case in members}
        rates.append(_rates(label, [one for one in rated if one.case.id in inside], scale))
    alpha = krippendorff_alpha(
        [[one.labels.get(name) for name in raters] for one in rated],
        [case.cluster for case in cases],
        scheme=_scheme(scale),
    )
    return Agreed(
        n=len(rated),
        raters=tuple(raters),
        kappa=rates[0].kappa,
        alpha=_measured(alpha),
        rates=tuple(rates),
        pairs=tuple(_pairs(rated, raters, scale)),
        confusion=tuple(tuple(counts[row, column] for column in size) for row in size),
    )


def _rates(name: str, rated: Sequence[Rated], scale: Sequence[float]) -> ErrorRates:
    from harness.stats.agreement import weighted_rate

    middle = (scale[0] + scale[-1]) / 2
    good = [one for one in rated if mean(list(one.labels.values())) > middle]
    bad = [one for one in rated if mean(list(one.labels.values())) <= middle]

    def share(members: Sequence[Rated], *, above: bool) -> Measured:
        hits = [(one.score > middle) == above for one in members]
        found = weighted_rate(hits, [one.weight for one in members], [one.case.cluster for one in members])
        return _measured(found)

    people = [_level(mean(list(one.labels.values())), scale) for one in rated]
    judge = [_level(one.score, scale) for one in rated]
    kappa = _kappa(people, judge, rated, scale)
    return ErrorRates(name, len(rated), share(good, above=True), share(bad, above=False), kappa)


def _pairs(
    rated: Sequence[Rated], raters: Sequence[str], scale: Sequence[float]
) -> list[tuple[str, str, Measured]]:
    """Kappa of the judge with each rater, and of each two raters, over what both labelled."""
    found = []
    for first, second in [*((JUDGE, name) for name in raters), *combinations(raters, 2)]:
        both = [one for one in rated if second in one.labels and (first == JUDGE or first in one.labels)]
        if both:
            ours = [_level(one.score if first == JUDGE else one.labels[first], scale) for one in both]
            theirs = [_level(one.labels[second], scale) for one in both]
            found.append((first, second, _kappa(ours, theirs, both, scale)))
    return found


def _kappa(
    first: Sequence[int], second: Sequence[int], rated: Sequence[Rated], scale: Sequence[float]
) -> Measured:
    from harness.stats.agreement import cohen_kappa

    if not rated:
        return Measured(None, None, None, 0)
    return _measured(
        cohen_kappa(
            first,
            second,
            [one.case.cluster for one in rated],
            weights=[one.weight for one in rated],
            scheme=_scheme(scale),
        )
    )


def _scheme(scale: Sequence[float]) -> Scheme:
    return "nominal" if len(scale) == 2 else "quadratic"


def _level(value: float, scale: Sequence[float]) -> int:
    """The number of the nearest value of the scale; halfway between two the lower."""
    return min(range(len(scale)), key=lambda index: (abs(scale[index] - value), index))


def _strata(panel: Panel) -> dict[str, str]:
    """The stratum of every drawn case."""
    return {case_id: one.name for one in panel.strata for case_id in one.cases[: one.drawn]}


def _measured(found: Agreement | Rate) -> Measured:
    return Measured(found.value, found.low, found.high, found.n)
