"""How numbers are written, in every rendering: honest at the ends, with units and a true minus sign.

A number is shown as 0 only when it is zero, and a rate as 1 only when it is one: digits are added until
the shown number says so. What is below 1e-12 counts as zero; it is what floating point leaves over.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.types import Estimate, Interval

NONE = "—"
"""What stands where there is no number."""

_DECIMALS = {"": 3, "s": 2, "ms": 0, "USD": 4, "tokens": 1}
_BRIEF_S = 0.015
"""Seconds below this get a third decimal: 0.005 s and 0.014 s are not both 0.01 s."""
_MOST_DECIMALS = 12
_ZERO = 1e-12


def number(value: float | None, unit: str = "") -> str:
    """Write a value in its unit: ``0.912``, ``2.31 s``, ``$0.0021``, ``1,204 tokens``; None is ``—``.

    Numbers without a unit are rates and means: plain, never a percentage.
    """
    return (
        NONE if value is None else _with_unit(_digits(abs(value), unit), "−" if value < -_ZERO else "", unit)
    )


def signed(value: float | None, unit: str = "") -> str:
    """Write a change: ``+0.041``, ``−0.10 s``, ``0.000``; None is ``—``."""
    if value is None:
        return NONE
    sign = "" if abs(value) <= _ZERO else "−" if value < 0 else "+"
    return _with_unit(_digits(abs(value), unit), sign, unit)


def interval(found: Interval | None, unit: str = "", *, change: bool = False) -> str:
    """Write an interval: ``[0.871, 0.903]``, or of a change ``[−0.062, +0.007]``; None is empty."""
    if found is None:
        return ""
    write = signed if change else number
    return f"[{write(found.low, unit)}, {write(found.high, unit)}]"


def with_interval(
    value: float | None, found: Interval | None, unit: str = "", *, change: bool = False
) -> str:
    """Write a value and its interval, where there is one."""
    write = signed if change else number
    return f"{write(value, unit)} {interval(found, unit, change=change)}".rstrip()


def with_limits(value: float | None, low: float, high: float, level: float, unit: str = "") -> str:
    """Write how large something is and may be: ``0.061 (95 %: at least 0.004, at most 0.125)``."""
    limits = f"{share(level)}: at least {number(low, unit)}, at most {number(high, unit)}"
    return f"{number(value, unit)} ({limits})"


def worse_by(value: float | None, at_least: float | None, found: Interval | None, unit: str = "") -> str:
    """Write how much worse something is, with the limit of the one-sided test where that finds it.

    Elsewhere the two-sided interval stands, which then holds 0 as well.
    """
    if found is None or at_least is None or at_least <= 0:
        return with_interval(value, found, unit, change=True)
    return with_limits(value, max(at_least, found.low), found.high, found.level, unit)


def level_name(intervals: Iterable[Interval | None]) -> str:
    """Name the level that all intervals share (``95 % CI``); ``interval`` where they differ or none is."""
    levels = {found.level for found in intervals if found is not None}
    return f"{share(levels.pop())} CI" if len(levels) == 1 else "interval"


def relative(value: float | None, *, change: bool = False) -> str:
    """Write a relative change in percent: ``8.3 %``, as a change ``+8.3 %``; None is ``—``."""
    if value is None:
        return NONE
    sign = "−" if value < -_ZERO else "+" if change and value > _ZERO else ""
    return f"{sign}{_honest(abs(100 * value), 1, ends=(0.0,))} %"


def relative_interval(found: Interval | None) -> str:
    """Write the interval of a relative change: ``[−1.2 %, +8.3 %]``; None is empty."""
    if found is None:
        return ""
    return f"[{relative(found.low, change=True)}, {relative(found.high, change=True)}]"


def p_value(value: float | None) -> str:
    """Write a p-value: ``0.032``, ``< 0.001``, ``> 0.999``; None is ``—``."""
    if value is None:
        return NONE
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"


def count(value: int) -> str:
    """Write a count: ``1,204``."""
    return f"{value:,}"


def of_total(n: int, total: int) -> str:
    """Write how many of how many: ``1,201/1,204``."""
    return f"{n:,}/{total:,}"


def used(estimate: Estimate) -> str:
    """Write how many cases an estimate rests on, of those that should have had a value."""
    return of_total(estimate.n, estimate.n + estimate.n_unscored)


def share(value: float) -> str:
    """Write a level in percent (``95 %``); ``0 %`` and ``100 %`` only when it is exactly that."""
    digits = _honest(100 * value, 1, ends=(0.0, 100.0))
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits} %"


def _digits(value: float, unit: str) -> str:
    least = 0 if value >= 1000 or (unit == "tokens" and value == int(value)) else _DECIMALS.get(unit, 3)
    if unit == "s" and _ZERO < value < _BRIEF_S:
        least = 3
    return _honest(value, least, ends=(0.0, 1.0) if not unit else (0.0,))


def _honest(value: float, least: int, ends: tuple[float, ...]) -> str:
    """Write with at least so many decimals, and more while an end is shown that is not reached."""
    for decimals in range(least, _MOST_DECIMALS):
        text = f"{value:,.{decimals}f}"
        shown = float(text.replace(",", ""))
        if shown not in ends or abs(shown - value) <= _ZERO:
            return text
    return f"{value:,.{_MOST_DECIMALS}f}"


def _with_unit(digits: str, sign: str, unit: str) -> str:
    if unit == "USD":
        return f"{sign}${digits}"
    return f"{sign}{digits} {unit}" if unit else f"{sign}{digits}"
