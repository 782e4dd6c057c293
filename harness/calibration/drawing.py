"""Which cases to label: drawn by chance within strata, so that labels are spent well and bias nothing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from harness.comparison import Table
from harness.slices import values_of
from harness.types import Case, MetricIdentity, Panel, SliceRule, Stratum

SMALLEST_STRATUM = 10
"""Cases below which a stratum is joined with the other small ones."""
LEAST_DRAWN = 2
"""Labels that a stratum gets at least: one alone has no error."""
EVEN = 0.5
"""Share of the labels that is split evenly over the strata; the rest goes by their size."""


def strata_of(
    cases: Sequence[Case],
    tables: Sequence[Table],
    metric: MetricIdentity,
    by: Mapping[str, SliceRule] | None = None,
) -> dict[str, list[Case]]:
    """Sort the cases that every run has a score of by what the judge says of them.

    A score in the upper half of the metric's range is ``high``, any other ``low``; of two runs together
    ``high, low`` are answers that the judge tells apart. With slices their values are added: every group then
    gets labels. Strata with fewer than 10 cases are one, and join the largest if that is not enough.

    Args:
        cases: of the runs.
        tables: the metric in each run.
        metric: with its range, which must have an upper end.
        by: slices to draw from one by one.
    """
    middle = (metric.low + (metric.high or 0.0)) / 2
    found: dict[str, list[Case]] = {}
    for case in cases:
        values = [table[case.id].value if case.id in table else None for table in tables]
        if all(value is not None for value in values):
            levels = ["low" if value is None or value < middle else "high" for value in values]
            groups = [
                f"{name}={'+'.join(values_of(case, rule.source)) or 'none'}"
                for name, rule in (by or {}).items()
            ]
            found.setdefault(", ".join([*levels, *groups]), []).append(case)
    small = [name for name, members in found.items() if len(members) < SMALLEST_STRATUM]
    if not small or len(found) == 1:
        return found
    rest = [case for name in small for case in found.pop(name)]
    if len(rest) >= SMALLEST_STRATUM or not found:
        return {**found, "others": rest}
    largest = max(found, key=lambda name: (len(found[name]), name))
    return {**found, largest: [*found[largest], *rest]}


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Split n labels over strata: half by size, half evenly, at least two each and never more than there are.

    So no answer stands for more than twice as many as it would in a plain random sample, and the rare kind,
    of which least is known, is labelled more often. The result may be above n where strata are many.

    Args:
        sizes: cases of each stratum, above 0.
        n: labels in all.
    """
    total = sum(sizes.values())
    if n >= total:
        return dict(sizes)
    found = dict.fromkeys(sizes, 0)
    while True:  # what a full stratum cannot take goes to the others, in the same proportion
        open_ = [name for name in sizes if found[name] < sizes[name]]
        left = n - sum(found.values())
        if left <= 0 or not open_:
            break
        inside = sum(sizes[name] for name in open_)
        wanted = {name: left * ((1 - EVEN) * sizes[name] / inside + EVEN / len(open_)) for name in open_}
        whole = {name: min(math.floor(want), sizes[name] - found[name]) for name, want in wanted.items()}
        if not any(whole.values()):
            for name in sorted(open_, key=lambda name: (-wanted[name], name))[:left]:
                whole[name] = 1
        for name, more in whole.items():
            found[name] += more
    return {name: min(sizes[name], max(LEAST_DRAWN, count)) for name, count in found.items()}


def draw_panel(panel: Panel, strata: Mapping[str, Sequence[Case]], n: int) -> Panel:
    """Draw n cases or a few more for a panel that has no strata yet.

    Within a stratum the order is by the SHA-256 of seed and case id: known only once drawn, and the same for
    whoever draws again.

    Args:
        panel: what it is of, with its seed.
        strata: cases by stratum, at least one.
        n: how many.
    """
    place = partial(_order, panel.seed)
    counts = allocate({name: len(cases) for name, cases in strata.items()}, n)
    drawn = tuple(
        Stratum(name, tuple(sorted((case.id for case in strata[name]), key=place)), counts[name])
        for name in sorted(strata)
    )
    return replace(panel, strata=drawn)


def extend(panel: Panel, n: int) -> Panel:
    """Draw further cases, to n in all or a few more: the next in order, so that all are one random sample."""
    counts = allocate({stratum.name: len(stratum.cases) for stratum in panel.strata}, n)
    strata = tuple(
        replace(stratum, drawn=max(stratum.drawn, counts[stratum.name])) for stratum in panel.strata
    )
    return replace(panel, strata=strata)


def _order(seed: int, case_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{case_id}".encode()).digest()
