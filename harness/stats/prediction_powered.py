"""Means of what people would say, from many scores of a judge and few labels: prediction-powered inference.

The judge's scores are known for every item, people's labels for a sample that was drawn by chance within
strata. The labels alone would do; the judge makes their error smaller, as far as it agrees with them, and
however wrong it is it cannot move the mean.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.stats.paired import cluster_codes, clustered_mean, student_quantile

Array = np.ndarray[Any, Any]


class Sample(NamedTuple):
    """Items with a judge's scores, and the labels of those drawn.

    Attributes:
        judged: shape (n,), the judge's score of each item, over repeats and runs.
        labels: shape (n,), people's label, None where there is none.
        seen: shape (n,), the judge's score of the very answer that was labelled; read where there is a label.
        strata: shape (n,), within which the labelled items are a random sample.
        clusters: shape (n,).
    """

    judged: Sequence[float]
    labels: Sequence[float | None]
    seen: Sequence[float]
    strata: Sequence[str]
    clusters: Sequence[str]


class Corrected(NamedTuple):
    """A corrected mean.

    ``slope`` is how much of a difference between two of the judge's scores is one to people, from 0 (none:
    the labels alone say what is known) to 1: the lambda that PPI++ has for labels drawn without strata.
    ``effective_n`` is how many labels, drawn plainly and without a judge, would know the mean as well.
    ``rate`` is the lambda within strata. ``df`` counts the clusters with labels, less one for each stratum.
    ``values``, shape (n,), have this mean, and their cluster-robust error is its error.
    """

    mean: float
    se: float
    df: int
    n: int
    n_labels: int
    rate: float
    slope: float
    effective_n: float
    values: list[float]


def corrected_mean(sample: Sample, rate: float | None = None) -> Corrected:
    """Mean of people's labels over all items, as PPI++ estimates it from a stratified sample of labels.

    ``sum_h W_h (lambda mean_h(f) + mean_labelled_h(y - lambda f))`` with W_h the share of the items in
    stratum h: the judge's mean, less what the labels say it is wrong by. Sources: Angelopoulos and others
    2023, "Prediction-powered inference"; Angelopoulos, Duchi and Zrnic 2023, "PPI++: Efficient
    Prediction-Powered Inference"; with one stratum it is theirs at ``lambda_ppi = lambda N / (n + N)``, for
    here labelled items count among the judged. Lambda is the one with the least cluster-robust variance,
    ``-cov(A, B) / var(B)`` for values ``A + lambda B``, cut to 0 and 1: never worse than labels alone. Where
    the strata are made by the judge's scores they do a part of the same, with two scores all of it: the
    estimate is then post-stratified, whatever lambda is.

    Args:
        sample: at least two labels in every stratum that is not labelled whole.
        rate: lambda; None: tuned.

    Raises:
        ValueError: no items, lengths differ, or too few labels in a stratum.
    """
    labels_alone, judge_part = _parts(sample)
    clusters = sample.clusters
    lam = _tuned(labels_alone, judge_part, clusters) if rate is None else rate
    values = labels_alone + lam * judge_part
    result = clustered_mean(values.tolist(), clusters)
    told = [i for i, label in enumerate(sample.labels) if label is not None]
    df = len({clusters[i] for i in told}) - len({sample.strata[i] for i in told})
    slope, variance = _plain_sample(sample, told)
    known = variance / result.se**2 if 0 < result.se < math.inf and variance > 0 else len(told)
    return Corrected(
        result.mean,
        result.se,
        min(result.df, max(0, df)),
        len(values),
        len(told),
        lam,
        slope,
        min(float(len(values)), known),
        values.tolist(),
    )


def corrected_mean_ci(found: Corrected, span: float, level: float = 0.95) -> tuple[float, float]:
    """Student's t limits of a corrected mean, with one label over the whole range added to the error.

    ``mean +- t sqrt(se^2 + (span / labels)^2)``, and never closer than ``3 / labels`` of the range: labels
    that all agree leave that much open (rule of three). Infinite where the error is not known.

    Args:
        found: the mean.
        span: width of the range of labels.
        level: two-sided confidence.
    """
    if found.df <= 0:
        return -math.inf, math.inf
    one_label = span / found.n_labels if found.n_labels < found.n else 0.0
    half = student_quantile(found.df, (1 + level) / 2) * math.hypot(found.se, one_label)
    half = max(half, 3 * one_label)
    return found.mean - half, found.mean + half


def _parts(sample: Sample) -> tuple[Array, Array]:
    """Values that the labels alone give, and what each unit of lambda adds to them; shape (n,) each.

    An item of stratum h, of which m of N are labelled, is worth ``mean_h(y)``, and if labelled
    ``N/m (y - mean_h(y))`` more: the linearised mean of a stratified sample. The deviations are
    ``sqrt(m / (m - 1))`` times as large where not all are labelled, so that their squares are unbiased.
    """
    n = len(sample.judged)
    if not n or any(len(column) != n for column in sample):
        raise ValueError(f"columns of {[len(column) for column in sample]} items")
    f = np.asarray(sample.judged, dtype=float)
    told = np.array([label is not None for label in sample.labels])
    y = np.array([0.0 if label is None else label for label in sample.labels])
    seen = np.where(told, np.asarray(sample.seen, dtype=float), 0.0)
    strata = cluster_codes(sample.strata)
    alone, judge = np.empty(n), np.empty(n)
    for h in range(int(strata.max()) + 1):
        inside = strata == h
        labelled = inside & told
        size, count = int(inside.sum()), int(labelled.sum())
        if count < min(2, size):
            name = sample.strata[int(np.flatnonzero(inside)[0])]
            raise ValueError(f"{count} labels of {size} items in stratum {name!r}")
        scale = size / count * (math.sqrt(count / (count - 1)) if count < size else 1.0)
        mean_y, mean_seen = (math.fsum(column[labelled]) / count for column in (y, seen))
        alone[inside], judge[inside] = mean_y, f[inside] - mean_seen
        alone[labelled] += scale * (y[labelled] - mean_y)
        judge[labelled] -= scale * (seen[labelled] - mean_seen)
    return alone, judge


def _plain_sample(sample: Sample, told: Sequence[int]) -> tuple[float, float]:
    """Slope of labels on scores, within 0 and 1, and the variance of labels, both weighted to all items."""
    sizes, counts = Counter(sample.strata), Counter(sample.strata[i] for i in told)
    weight = np.array([sizes[sample.strata[i]] / counts[sample.strata[i]] for i in told])
    weight /= weight.sum()
    y = np.array([sample.labels[i] for i in told], dtype=float)
    f = np.array([sample.seen[i] for i in told], dtype=float)
    y, f = y - weight @ y, f - weight @ f
    spread = float(weight @ f**2)
    slope = float(weight @ (y * f)) / spread if spread > 0 else 0.0
    bessel = len(told) / (len(told) - 1) if len(told) > 1 else 1.0
    return min(1.0, max(0.0, slope)), float(weight @ y**2) * bessel


def _tuned(alone: Array, judge: Array, clusters: Sequence[str]) -> float:
    """Lambda of the least cluster-robust variance of ``alone + lambda * judge``, within 0 and 1."""
    codes = cluster_codes(clusters)
    a, b = (np.bincount(codes, weights=column - column.mean()) for column in (alone, judge))
    spread = float(b @ b)
    least = 1e-18 * len(judge)  # rounding: every item is labelled, or the judge says the same of all
    return min(1.0, max(0.0, -float(a @ b) / spread)) if spread > least else 0.0
