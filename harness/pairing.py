"""Two tables of scores paired by case: the harm of every pair, its test, and the limits that it leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from harness.comparison import LEVEL, SAME, CaseValue, Table, estimate
from harness.types import Case, Comparison, Interval, MetricIdentity, Slice

if TYPE_CHECKING:
    from harness.stats.paired import ClusteredMean
    from harness.stats.shocks import RunShock

Scale = Literal["difference", "ratio"]
"""Harms are differences, or logarithms of ratios: a latency that doubles, whatever it was."""
SATURATED = 0.98
"""Share of its range from which a metric has no room to rise: then only losses can be counted."""
FEW_CLUSTERS, FEW_MOVED = 30, 15
"""Documents, and pairs that differ, below which the t test is replaced by an exact one."""
MOST_NEEDED = 10_000_000
"""Pairs beyond which nobody would be helped by hearing how many would tell."""
LARGEST_LOG = 700.0
"""Where the exponential of a mean logarithm would not fit a float any more."""
T_TEST = "paired t, clustered by document"
MCNEMAR = "McNemar, mid-p"
SIGN_FLIPS = "sign flips of whole documents"


class Pairs(NamedTuple):
    """Paired harms (positive: the candidate is worse) and the pairs whose harm is only bounded.

    A pair with an unscored side has its largest possible harm in ``worst`` and the width of what is possible
    in ``widths`` (infinite for a metric without an upper end). ``span`` is the width of the metric's range,
    ``best`` how many pairs are at its good end in both runs. ``saturated``: the baseline has no room above.
    """

    harms: list[float]
    clusters: list[str]
    worst: list[float]
    widths: list[float]
    worst_clusters: list[str]
    unpaired: int
    gained: int
    judge_errors: int
    best: int
    span: float
    saturated: bool

    @property
    def pass_or_fail(self) -> bool:
        """Whether every known pair is kept, lost or won as a whole."""
        return all(abs(harm) in (0.0, self.span) for harm in self.harms)

    @property
    def total(self) -> int:
        """How many pairs there would be with every score."""
        return len(self.harms) + len(self.worst)


class Shift(NamedTuple):
    """How much a run as a whole moves by chance: the variance it adds to a change, and what that rests on.

    With scores missing in the runs that it rests on, it may be anything from ``least`` to ``most``.
    """

    variance: float = 0.0
    df: int = 1
    least: float = 0.0
    most: float = 0.0

    @classmethod
    def against(cls, shock: RunShock, most: float | None = None) -> Shift:
        """Of one run against the mean of k runs: one variance, and a k-th of one, known as k runs know it.

        ``most`` is the largest variance of a shock where scores are missing; None: none are.
        """
        times, df = 1 + 1 / shock.n_runs, max(1, shock.n_runs - 1)
        variance = shock.variance * times if shock.used else 0.0
        if most is None:
            return cls(variance, df, variance, variance) if variance else NO_SHIFT
        return cls(variance, df, 0.0, max(variance, most * times))


NO_SHIFT = Shift()


def pair(
    baseline: Table,
    candidate: Table,
    cases: Sequence[Case],
    metric: MetricIdentity,
    scale: Scale = "difference",
) -> Pairs:
    """Pair two tables by case.

    A case to which the metric applies in neither run is left out, one to which it applies in the candidate
    only is ``gained``: there is nothing that it could have fallen from. Any other case to which it does not
    apply in one of the runs is unpaired. On the scale of ratios a pair with one value at 0 is as good as
    lost: its ratio could be anything; with both at 0 nothing changed.
    """
    harms, clusters, worst, widths, worst_clusters = [], [], [], [], []
    unpaired = gained = judge_errors = best = 0
    span = math.inf if metric.high is None or scale == "ratio" else metric.high - metric.low
    room = 0.0
    seen = 0
    for case in cases:
        before = baseline.get(case.id, CaseValue(None, "system_error"))
        after = candidate.get(case.id, CaseValue(None, "system_error"))
        judge_errors += "judge_error" in (before.status, after.status)
        if before.status != "not_applicable":
            seen += 1
            room += _room(before.value, metric)
        harm = _harm(before.value, after.value, metric, scale)
        if harm is not None:
            harms.append(harm if abs(harm) > SAME else 0.0)
            clusters.append(case.cluster)
            best += harms[-1] == 0 and _room(before.value, metric) == 0
        elif before.status == "not_applicable" and after.value is not None:
            gained += 1
        elif before.status == "not_applicable" or after.status == "not_applicable":
            unpaired += before.status != after.status
        else:
            worst.append(math.inf if math.isinf(span) else _worst_harm(before.value, after.value, metric))
            widths.append(span if before.value is not None or after.value is not None else 2 * span)
            worst_clusters.append(case.cluster)
    saturated = metric.high is not None and seen > 0 and room / seen < (1 - SATURATED) * span
    lost = worst, widths, worst_clusters
    return Pairs(harms, clusters, *lost, unpaired, gained, judge_errors, best, span, saturated)


def _harm(before: float | None, after: float | None, metric: MetricIdentity, scale: Scale) -> float | None:
    """How much worse the candidate is; None where that is not known."""
    if before is None or after is None:
        return None
    if scale == "ratio":
        if before <= 0 or after <= 0:
            return 0.0 if before == after else None
        before, after = math.log(before), math.log(after)
    return before - after if metric.higher_is_better else after - before


def _worst_harm(before: float | None, after: float | None, metric: MetricIdentity) -> float:
    high = metric.low if metric.high is None else metric.high
    best, worst = (high, metric.low) if metric.higher_is_better else (metric.low, high)
    return abs((best if before is None else before) - (worst if after is None else after))


def _room(value: float | None, metric: MetricIdentity) -> float:
    """How far a value of the baseline is from the best; an unscored one counts as the best."""
    if value is None or metric.high is None:
        return 0.0
    return metric.high - value if metric.higher_is_better else value - metric.low


def compare(
    name: str,
    tables: tuple[Table, Table],
    cases: Sequence[Case],
    slice_: Slice,
    metric: MetricIdentity,
    alpha: float,
) -> Comparison:
    """Compare the candidate with the baseline on one metric over the cases of one slice.

    Args:
        name: the metric.
        tables: baseline and candidate.
        cases: the cases of the slice.
        slice_: shown with the result.
        metric: direction and range.
        alpha: what the test's p-value will be held against; decides the detectable harm only.
    """
    baseline, candidate = tables
    found = Comparison(
        metric=name,
        slice=slice_,
        baseline=estimate(baseline, cases, metric),
        candidate=estimate(candidate, cases, metric),
        higher_is_better=metric.higher_is_better,
    )
    return measure(pair(baseline, candidate, cases, metric), found, alpha)


def measure(
    pairs: Pairs,
    found: Comparison,
    alpha: float,
    level: float = LEVEL,
    shift: Shift = NO_SHIFT,
    scale: Scale = "difference",
) -> Comparison:
    """Put the numbers of the pairs into a comparison that has its names and means.

    Args:
        pairs: of the same cases.
        found: with metric, slice, direction and both means.
        alpha: what the p-value is held against.
        level: one-sided confidence of ``harm_limit``.
        shift: what runs as a whole move by.
        scale: of the pairs; ratios are shown as relative changes (0.1: ten percent more).
    """
    from harness.stats import paired

    found = msgspec.structs.replace(
        found,
        n_pairs=len(pairs.harms),
        n_unpaired=pairs.unpaired + len(pairs.worst),
        n_gained=pairs.gained,
        alpha=alpha,
        scale=scale,
    )
    if not pairs.harms:
        return found
    result = shifted(paired.clustered_mean(pairs.harms, pairs.clusters), shift)
    sign = -1.0 if found.higher_is_better else 1.0
    p, method = worse_test(pairs, result, shift)
    limit = harm_limit(pairs, level, shift)
    least = max(paired.detectable_mean(result, alpha), 3 * one_pair(len(pairs.harms), pairs.span))
    ends, how = _limits(pairs, result, method)
    low, high = sorted(_shown(min(pairs.span, max(-pairs.span, sign * end + 0.0)), scale) for end in ends)
    return msgspec.structs.replace(
        found,
        change=_shown(sign * result.mean + 0.0, scale),
        interval=Interval(low, high, LEVEL, how) if result.df and math.isfinite(high - low) else None,
        p_worse=p,
        harm=_shown(result.mean + 0.0, scale),
        harm_limit=_shown(limit, scale) if math.isfinite(limit) else None,
        detectable=_shown(least, scale) if math.isfinite(least) else None,
        n_clusters=len(set(pairs.clusters)),
        worse=sum(harm > 0 for harm in pairs.harms),
        better=sum(harm < 0 for harm in pairs.harms),
        same=sum(harm == 0 for harm in pairs.harms),
        method=method,
    )


def _shown(value: float, scale: Scale) -> float:
    """Give a mean logarithm of ratios as a relative change."""
    return math.expm1(min(value, LARGEST_LOG)) if scale == "ratio" else value


def shifted(result: ClusteredMean, shift: Shift) -> ClusteredMean:
    """Add what runs as a whole move by to the error of a change, with Satterthwaite's degrees of freedom."""
    if shift.variance == 0 or result.df == 0:
        return result
    items = result.se**2
    variance = items + shift.variance
    df = variance**2 / (items**2 / result.df + shift.variance**2 / shift.df)
    return result._replace(se=math.sqrt(variance), df=max(1, math.floor(df)))


def worse_test(pairs: Pairs, result: ClusteredMean, shift: Shift) -> tuple[float, str]:
    """One-sided p-value of "the candidate is worse", and by which test.

    Student's t on the cluster-robust error; with few documents or few pairs that differ, where t is a guess,
    McNemar's mid-p for pass or fail with one case a document, else sign flips of whole documents.
    """
    from harness.stats import exact, paired

    moved = sum(harm != 0 for harm in pairs.harms)
    few = result.df and (result.clusters < FEW_CLUSTERS or moved < FEW_MOVED)
    if shift.variance or not moved or not few:
        return paired.positive_mean_test(result), T_TEST
    if pairs.pass_or_fail and len(set(pairs.clusters)) == len(pairs.clusters):
        losses = sum(harm > 0 for harm in pairs.harms)
        return exact.mcnemar_test(losses, moved - losses), MCNEMAR
    return exact.sign_flip_test(pairs.harms, pairs.clusters), SIGN_FLIPS


def _limits(pairs: Pairs, result: ClusteredMean, method: str) -> tuple[tuple[float, float], str]:
    """Two-sided limits of the mean harm, by the method that goes with the test."""
    from harness.stats import paired, rates

    if method != MCNEMAR:
        return paired.two_sided_limits(result, LEVEL), "paired t, clustered"
    losses, wins = (sum(sign * harm > 0 for harm in pairs.harms) for sign in (1, -1))
    neither = len(pairs.harms) - pairs.best - losses - wins
    low, high = rates.newcombe_paired_ci(pairs.best, losses, wins, neither, LEVEL)
    return (low * pairs.span, high * pairs.span), "newcombe, paired"


def harm_limit(pairs: Pairs, level: float = LEVEL, shift: Shift = NO_SHIFT) -> float:
    """One-sided upper limit of the mean harm, with every unscored pair at its worst; may be infinite.

    ``mean + sqrt((t se)^2 + (t floor)^2 + (t_shift sd_shift)^2)`` of the observed and worst pairs. The floor
    is ``one_pair`` (a start without a loss is no proof), the shift that of runs as a whole. Moving an
    unscored pair from its worst by w lowers the mean by ``w / n`` and adds at most ``w * unit_error`` to the
    error; so the widths times what the error can add beyond that, on top, make it an upper bound of the limit
    for every completion of the missing scores. It is never below ``3 / n`` of the range: n pairs without a
    loss leave that much open (rule of three); nor, where the baseline is saturated and only losses can be
    counted, below Clopper and Pearson's limit of the share that lost.

    Args:
        pairs: with at least one pair.
        level: one-sided confidence.
        shift: what runs as a whole move by. Combined as by Zou and Donner 2008 (MOVER).
    """
    from harness.stats import paired

    if any(math.isinf(worst) for worst in pairs.worst):
        return math.inf
    clusters = [*pairs.clusters, *pairs.worst_clusters]
    harms = [*pairs.harms, *pairs.worst]
    result = paired.clustered_mean(harms, clusters)
    if result.df == 0:
        return math.inf
    quantile = paired.student_quantile(result.df, level)
    error = math.sqrt(result.se**2 + one_pair(result.n, pairs.span) ** 2)
    runs = paired.student_quantile(shift.df, level) * math.sqrt(shift.most)
    limit = result.mean + math.hypot(quantile * error, runs)
    if pairs.widths:
        grows = quantile * paired.unit_error(clusters)
        limit += math.fsum(pairs.widths) * max(0.0, grows - 1 / result.n)
    return max(limit, 3 * one_pair(result.n, pairs.span), _losses_limit(pairs, harms, level))


def known_limit(pairs: Pairs, level: float, shift: Shift = NO_SHIFT) -> float:
    """One-sided upper limit of the mean harm of the known pairs alone; never above ``harm_limit``.

    Without what is missing or too few to see: a drop that this limit keeps within a margin is no reason to
    fail, however sure it is.
    """
    from harness.stats import paired

    result = paired.clustered_mean(pairs.harms, pairs.clusters)
    if result.df == 0:
        return math.inf
    runs = paired.student_quantile(shift.df, level) * math.sqrt(shift.most)
    return result.mean + math.hypot(paired.student_quantile(result.df, level) * result.se, runs)


def pairs_needed(pairs: Pairs, margin: float, level: float, shift: Shift = NO_SHIFT) -> int | None:
    """About how many pairs like these would show the harm to be within a margin; None: none would.

    The error falls with the root of their number, what one pair can do with their number; what runs as a
    whole move by stays.
    """
    from harness.stats import paired

    result = paired.clustered_mean(pairs.harms, pairs.clusters)
    runs = paired.student_quantile(shift.df, level) * math.sqrt(shift.variance)
    if result.df == 0 or result.mean + runs >= margin:
        return None
    quantile = paired.student_quantile(result.df, level)

    def is_enough(n: int) -> bool:
        error = math.hypot(result.se * math.sqrt(result.n / n), one_pair(n, pairs.span))
        limit = result.mean + math.hypot(quantile * error, runs)
        return max(limit, 3 * one_pair(n, pairs.span)) <= margin

    low, high = 1, 2
    while not is_enough(high):
        low, high = high, 2 * high
        if low > MOST_NEEDED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def one_pair(n: int, span: float) -> float:
    """How far one pair that moves over the whole range moves a mean of n; 0 without an end of the range."""
    return 0.0 if math.isinf(span) else span / n


def _losses_limit(pairs: Pairs, harms: Sequence[float], level: float) -> float:
    """Upper limit of the share that lost, times the range; 0 where that is not the question.

    It is where nearly all pass already: wins cannot make up for losses.
    """
    from harness.stats.rates import clopper_pearson_upper

    if not (pairs.saturated and pairs.pass_or_fail):
        return 0.0
    return clopper_pearson_upper(sum(harm > 0 for harm in harms), len(harms), level) * pairs.span


def could_be_sure(pairs: Pairs, alpha: float, shift: Shift = NO_SHIFT) -> bool:
    """Say whether the t test could have a p-value up to alpha, whatever the missing scores are.

    Without missing scores that is whether it has. With them, every sum of a cluster that has some may be
    anything between two ends, and the question is whether ``mean - t sqrt(se^2 + shift)`` can be above 0 in
    that box. It is concave in the sums, so the steepest line through any point bounds it from above: search
    for the best point along these lines (Frank and Wolfe 1956) until a point is above 0 or a bound is below.

    Args:
        pairs: with at least one pair.
        alpha: in (0, 0.5).
        shift: what runs as a whole move by.

    Returns:
        True where it could be, and where that cannot be excluded.
    """
    from harness.stats import paired
    from harness.stats.completions import mean_could_exceed

    shift = shift._replace(variance=shift.least)
    if not pairs.worst:
        result = shifted(paired.clustered_mean(pairs.harms, pairs.clusters), shift)
        return paired.positive_mean_test(result) <= alpha
    if any(math.isinf(width) for width in pairs.widths):
        return True
    names = sorted({*pairs.clusters, *pairs.worst_clusters})
    sums, counts = paired.cluster_sums(names, pairs.clusters, pairs.harms)
    highs, lost = paired.cluster_sums(names, pairs.worst_clusters, pairs.worst)
    widths, _ = paired.cluster_sums(names, pairs.worst_clusters, pairs.widths)
    # With a shift the degrees of freedom depend on what is missing; together they are the most there can be.
    df = len(names) - 1 + (shift.df if shift.variance else 0)
    quantile = paired.student_quantile(df, 1 - alpha)
    return mean_could_exceed(sums, counts + lost, highs - widths, highs, quantile, shift.variance)
