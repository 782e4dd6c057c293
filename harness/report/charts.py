"""Where the parts of a chart stand, in percent of its width; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from harness.types import Comparison, Gap, Interval

_PAD = 0.06
_TICKS = 4


class Tick(Struct, frozen=True):
    """One mark on an axis: where, and what is written there."""

    x: float
    label: str


class Bar(Struct, frozen=True):
    """One row of a forest plot, in percent: dot, interval ends, and the band that a gate allows.

    ``low`` and ``high`` are None without an interval, ``dot`` is None without a value. The band runs from
    ``limit`` (worse) to the zero line; None where no gate gives a limit.
    """

    dot: float | None
    low: float | None
    high: float | None
    limit: float | None = None


class Forest(Struct, frozen=True):
    """A forest plot: rows in the order given, the line they are read against, and the axis."""

    bars: tuple[Bar, ...]
    line: float | None
    ticks: tuple[Tick, ...]


def changes(rows: Sequence[Comparison], limits: Sequence[float | None]) -> Forest:
    """Lay out changes so that left is worse and right is better for every metric.

    Args:
        rows: comparisons on one scale (one unit).
        limits: the harm that a gate allows for each row (0 or more), or None.
    """
    dots = [None if row.change is None else _turned(row, row.change) for row in rows]
    spans = [_turned_interval(row) for row in rows]
    ends = [-limit for limit in limits if limit is not None]
    axis = _Axis.around([0.0, *ends, *_known(dots), *_ends(spans)])
    bars = tuple(
        Bar(axis.at(dot), *axis.span(span), limit=None if limit is None else axis.at(-limit))
        for dot, span, limit in zip(dots, spans, limits, strict=True)
    )
    return Forest(bars, axis.at(0.0), tuple(Tick(tick.x, tick.label.lstrip("−")) for tick in axis.ticks()))


def groups(gap: Gap) -> Forest:
    """Lay out the means of the groups against the overall mean, on the metric's own scale."""
    values = [group.estimate.value for group in gap.groups]
    intervals = [group.estimate.interval for group in gap.groups]
    spans = [None if found is None else (found.low, found.high) for found in intervals]
    axis = _Axis.around([*_known([*values, gap.overall.value]), *_ends(spans)])
    bars = tuple(Bar(axis.at(v), *axis.span(span)) for v, span in zip(values, spans, strict=True))
    return Forest(bars, axis.at(gap.overall.value), axis.ticks())


class _Axis(Struct, frozen=True):
    """A linear scale from ``low`` to ``high``."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float]) -> _Axis:
        """Hold every value with some room on both sides."""
        found = list(values) or [0.0]
        low, high = min(found), max(found)
        pad = (high - low) * _PAD or max(abs(high) * _PAD, 1e-9)
        return cls(low - pad, high + pad)

    def at(self, value: float | None) -> float | None:
        """Percent of the width, with two decimals so that the same report is the same bytes."""
        return None if value is None else round(100 * (value - self.low) / (self.high - self.low), 2)

    def span(self, ends: tuple[float, float] | None) -> tuple[float | None, float | None]:
        """Both ends of an interval."""
        return (None, None) if ends is None else (self.at(ends[0]), self.at(ends[1]))

    def ticks(self) -> tuple[Tick, ...]:
        """About four marks at round numbers."""
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step)
        marks = [n * step for n in range(first, math.floor(self.high / step) + 1)]
        return tuple(Tick(self.at(mark) or 0.0, _label(mark, step)) for mark in marks)


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= least * (1 - 1e-9))


def _label(value: float, step: float) -> str:
    """Write a mark with the decimals that its step needs: ``0.05``, ``20``."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{'−' if value < -step / 2 else ''}{abs(value):,.{decimals}f}"


def _turned(row: Comparison, value: float) -> float:
    return value if row.higher_is_better else -value


def _turned_interval(row: Comparison) -> tuple[float, float] | None:
    found: Interval | None = row.interval
    if found is None:
        return None
    low, high = sorted((_turned(row, found.low), _turned(row, found.high)))
    return low, high


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _ends(spans: Iterable[tuple[float, float] | None]) -> list[float]:
    return [end for span in spans if span is not None for end in span]
