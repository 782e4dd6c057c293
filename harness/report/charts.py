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


class Spot(Struct, frozen=True):
    """One thing to draw in a scatter: its figures, how it is named, and how it is marked.

    ``low`` and ``high`` are the interval of y, None without one.
    """

    x: float
    y: float
    low: float | None
    high: float | None
    label: str
    hollow: bool = False
    ringed: bool = False


class Mark(Struct, frozen=True):
    """One point of a scatter, in percent of width and height, from the top left.

    The label stands at ``label_x``, ``label_y`` and ends there where ``ends`` is true, else begins there.
    """

    x: float
    y: float
    top: float | None
    bottom: float | None
    label: str
    label_x: float
    label_y: float
    ends: bool
    hollow: bool
    ringed: bool


class Scatter(Struct, frozen=True):
    """A scatter: points in the order given, and both axes; ``x`` of a tick counts along its own axis."""

    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def scatter(spots: Sequence[Spot], *, down_is_better: bool) -> Scatter:
    """Lay out points so that up is better, with a label at each that covers no other label and no point.

    Args:
        spots: what to draw; one or more.
        down_is_better: lower y is better: the axis is turned over.
    """
    across = _Axis.around([0.0, *(spot.x for spot in spots)])
    ends = [end for spot in spots for end in (spot.low, spot.high)]
    up = _Axis.around([*(spot.y for spot in spots), *_known(ends)])

    def height(value: float | None) -> float | None:
        at = up.at(value)
        return at if at is None or down_is_better else round(100 - at, 2)

    points = [(across.at(spot.x) or 0.0, height(spot.y) or 0.0) for spot in spots]
    taken = [(x - _POINT, x + _POINT, y) for x, y in points]
    marks = []
    for spot, (x, y) in zip(spots, points, strict=True):
        top, bottom = sorted(_known([height(spot.low), height(spot.high)])) or (None, None)
        label_x, label_y, has_end = _place_label(x, y, len(spot.label), taken)
        marks.append(Mark(x, y, top, bottom, spot.label, label_x, label_y, has_end, spot.hollow, spot.ringed))
    up_ticks = tuple(
        Tick(height(up.low + tick.x / 100 * (up.high - up.low)) or 0.0, tick.label) for tick in up.ticks()
    )
    return Scatter(tuple(marks), across.ticks(), up_ticks)


_CHAR, _LINE, _GAP, _POINT = 1.6, 6.0, 2.4, 1.6
"""Width of a character, height of a line, distance from the point, half of its width: in percent of the
narrowest drawing."""


def _place_label(
    x: float, y: float, length: int, taken: list[tuple[float, float, float]]
) -> tuple[float, float, bool]:
    """Where a label begins or ends: beside its point, else above or below, where no other label stands."""
    width = _CHAR * length
    is_right = x + _GAP + width <= 100
    sides = (is_right, not is_right)
    shifts = (0.0, -_LINE, _LINE, -2 * _LINE, 2 * _LINE, -3 * _LINE, 3 * _LINE)
    places = [(x + (_GAP if right else -_GAP), y + shift, not right) for shift in shifts for right in sides]

    def left_of(place: tuple[float, float, bool]) -> float:
        return place[0] - width if place[2] else place[0]

    def is_free(place: tuple[float, float, bool]) -> bool:
        left = left_of(place)
        is_inside = left >= 0 and left + width <= 100 and 0 <= place[1] <= 100
        return is_inside and not any(
            left < right and other < left + width and abs(place[1] - at) < _LINE for other, right, at in taken
        )

    place = next((one for one in places if is_free(one)), places[0])
    taken.append((left_of(place), left_of(place) + width, place[1]))
    return round(place[0], 2), round(place[1], 2), place[2]


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
