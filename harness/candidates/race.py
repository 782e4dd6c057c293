"""A race of candidates over the same cases in the same order: stages, looks, and what a look decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.candidates.entrants import count_lost
from harness.comparison import Table
from harness.numbers import signed
from harness.planning import stages_of
from harness.types import Case, MetricIdentity, Race, RaceLook

ALPHA = 0.20
"""How often at most a candidate that is as good as the leader is dropped, each for itself."""
EPSILON = 0.01
"""A difference that is not worth a further call, as a share of the metric's range."""
LOOKS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
"""Shares of the cases after which there is a look."""
LEAST_CASES = 20
"""Cases before which there is no look."""


class Rules(NamedTuple):
    """How a race is decided."""

    metric: str
    alpha: float = ALPHA
    epsilon: float = EPSILON
    looks: tuple[float, ...] = LOOKS


def race_stages(cases: Sequence[Case], seed: int, looks: Sequence[float]) -> tuple[tuple[Case, ...], ...]:
    """Part the cases into stages, each followed by a look: whole documents, in random order.

    Args:
        cases: all of them; those of one stage keep their order.
        seed: of the order of documents.
        looks: rising shares of the cases, above 0, the last being 1; none is before 20 cases.
    """
    least = min(1.0, LEAST_CASES / len(cases))
    shares = sorted({max(look, least) for look in looks})
    return stages_of(cases, seed, shares, least_documents=2)


def look_bounds(stages: Iterable[Sequence[Case]], alpha: float) -> tuple[float, ...]:
    """Bounds of the looks on the z scale, spending alpha as Pocock does."""
    from harness.stats.sequential import spending_bounds

    sizes = [len(stage) for stage in stages]
    shares = [sum(sizes[: k + 1]) / sum(sizes) for k in range(len(sizes))]
    return spending_bounds(alpha, tuple(shares), "pocock")


def take_look(
    tables: Mapping[str, Table],
    cases: Sequence[Case],
    metric: MetricIdentity,
    bound: float,
    epsilon: float,
    broken: Collection[str] = (),
) -> tuple[RaceLook, bool]:
    """Judge the candidates in the race after these cases were asked of each.

    A case without a score counts at the worst of the range, whichever candidate it is missing from: a failed
    call can only bring a candidate closer to being dropped.

    Args:
        tables: run to its scores on the metric, as recorded.
        cases: asked so far.
        metric: direction and range; it has an upper end.
        bound: of this look, on the z scale.
        epsilon: as a share of the range.
        broken: runs that are shown to break a requirement: they neither lead nor stay, unless all do.

    Returns:
        the look, and whether the race is over.
    """
    import numpy as np

    from harness.stats.racing import judge_look

    sign, width = 1.0 if metric.higher_is_better else -1.0, (metric.high or 0.0) - metric.low
    runs = sorted(tables)
    rows = []
    for run in runs:
        counted = count_lost(tables[run], cases, metric)
        values = [counted[case.id].value for case in cases]
        rows.append([np.nan if value is None else sign * value for value in values])
    numbers = {name: number for number, name in enumerate(sorted({case.cluster for case in cases}))}
    clusters = np.array([numbers[case.cluster] for case in cases])
    fit = np.array([run not in broken for run in runs])
    look = judge_look(np.array(rows), clusters, fit, bound=bound, epsilon=epsilon * width, width=width)
    limits = {
        run: float(limit) if np.isfinite(limit) else None
        for run, limit in zip(runs, look.limits, strict=True)
    }
    out = tuple(run for run, is_out in zip(runs, look.out, strict=True) if is_out)
    return RaceLook(len(cases), runs[look.leader], limits, out), look.is_over


def why_dropped(look: RaceLook, run: str) -> str:
    """Say why a run is out: worse than the leader, or not to be chosen whatever its quality."""
    limit = look.limits[run]
    if limit is None or limit >= 0:
        return "it breaks a requirement"
    return f"at most {signed(limit)} against {look.leader}"


def dropped_by(race: Race) -> dict[str, str]:
    """Say of each run that was dropped when and why."""
    found = {}
    for at, look in enumerate(race.looks, 1):
        for run in look.dropped:
            why = why_dropped(look, run)
            found[run] = f"dropped at look {at} after {look.n_cases:,} cases: {why}"
    return found
