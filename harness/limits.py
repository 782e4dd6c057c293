"""How large a harm the pairs leave open, what runs as a whole move by, and what missing scores could hide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.comparison import LEVEL
from harness.pairing import Pairs

if TYPE_CHECKING:
    from harness.stats.paired import ClusteredMean
    from harness.stats.shocks import RunShock

BREAKS = 0.5
"""Share of a drop that is taken to be answers which lose everything."""
MOST_NEEDED = 10_000_000
"""Pairs beyond which nobody would be helped by hearing how many would tell."""


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


def shifted(result: ClusteredMean, shift: Shift) -> ClusteredMean:
    """Add what runs as a whole move by to the error of a change, with Satterthwaite's degrees of freedom."""
    if shift.variance == 0 or result.df == 0:
        return result
    items = result.se**2
    variance = items + shift.variance
    df = variance**2 / (items**2 / result.df + shift.variance**2 / shift.df)
    return result._replace(se=math.sqrt(variance), df=max(1, math.floor(df)))


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


def detectable_harm(result: ClusteredMean, alpha: float, span: float, power: float = 0.8) -> float:
    """Smallest true mean harm that the one-sided test at ``alpha`` finds so often.

    As though half of a drop were answers that break, from one end of the range to the other, and half all
    answers getting a little worse; ratios are taken to move alike. It is never below ``3 / n`` of the range.

    Args:
        result: the mean harm that was observed, or is foreseen.
        alpha: what the p-value is held against.
        span: width of the metric's range; infinite without an upper end, and for ratios.
        power: how often it is to be found.
    """
    from harness.stats.paired import Jumps, detectable_mean

    jumps = None if math.isinf(span) else Jumps(BREAKS, span)
    return max(detectable_mean(result, alpha, power, jumps), 3 * one_pair(result.n, span))


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
