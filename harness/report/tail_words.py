"""How far the slow end of a time or a cost moved, in words: the same in every rendering."""

from __future__ import annotations

from harness import numbers
from harness.types import TailChange


def tail_advice(tail: TailChange, unit: str, *, relative: bool) -> str:
    """``advisory, decides nothing: p95 2.31 s → 2.52 s (+0.21 s, 95 % CI [−0.05 s, +0.40 s], n = 497)``."""
    after = "not known" if tail.after is None else numbers.number(tail.after, unit)
    moved = f"p{100 * tail.quantile:g} {numbers.number(tail.before, unit)} → {after}"
    told = f"{tail_text(tail, unit, relative=relative)}, n = {numbers.count(tail.n)}"
    if tail.n_lost and tail.interval is not None:
        told += f", {numbers.count(tail.n_lost)} without a value at their worst"
    return f"advisory, decides nothing: {moved} ({told})"


def tail_text(tail: TailChange, unit: str, *, relative: bool = False) -> str:
    """``+0.21 s, 95 % CI [−0.05 s, +0.40 s]``, or in percent; what lacks a value can leave it open."""
    if tail.after is None or tail.interval is None:
        return f"no limit: {numbers.count(tail.n_lost)} without a value"
    level = f"{numbers.share(tail.interval.level)} CI"
    if relative and tail.relative is not None:
        change = numbers.relative(tail.after / tail.before - 1, change=True)
        return f"{change}, {level} {numbers.relative_interval(tail.relative)}"
    change = numbers.signed(tail.after - tail.before, unit)
    return f"{change}, {level} {numbers.interval(tail.interval, unit, change=True)}"
