"""The numbers of a Comparison: change, interval, p-value, limit and the smallest drop that would be found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from harness.comparison import LEVEL, Table, estimate
from harness.limits import NO_SHIFT, Shift, detectable_harm, harm_limit, shifted
from harness.pairing import Pairs, Scale, pair
from harness.types import Case, Comparison, Interval, MetricIdentity, Slice

if TYPE_CHECKING:
    from harness.stats.paired import ClusteredMean

FEW_CLUSTERS, FEW_MOVED = 30, 15
"""Documents, and pairs that differ, below which the t test is replaced by an exact one."""
LARGEST_LOG = 700.0
"""Where the exponential of a mean logarithm would not fit a float any more."""
T_TEST = "paired t, clustered by document"
MCNEMAR = "McNemar, mid-p"
SIGN_FLIPS = "sign flips of whole documents"


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
    least = detectable_harm(result, alpha, pairs.span)
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
