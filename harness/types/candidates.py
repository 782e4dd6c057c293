"""Configurations beside each other: what each is worth, and which is chosen."""

from __future__ import annotations

from msgspec import Struct

from harness.types.evidence import Estimate, Interval, TailChange
from harness.types.gates import Verdict
from harness.types.goldens import Slice
from harness.types.recorded import MetricIdentity, Run


class Standing(Struct, frozen=True):
    """One metric of one candidate: its mean, and the groups of candidates that it is not told apart from.

    Cases without a score count at the worst of the metric's range; they are ``n_unscored`` of ``mean``. A
    metric without an upper end has no worst: its mean is of the scored cases, and never the ``best`` with
    one unscored. ``letters``: two candidates share one if and only if they are not told apart.
    """

    mean: Estimate
    letters: tuple[str, ...] = ()
    best: bool = False


class Difference(Struct, frozen=True):
    """One candidate minus another on one metric, over the cases to which it applies in both.

    ``interval`` holds together with those of all other pairs on this metric; None: too few cases.
    ``better`` is the run that is told to be better, None where neither is.
    """

    metric: str
    first: str
    second: str
    change: float | None
    interval: Interval | None
    n_pairs: int
    n_clusters: int
    better: str | None = None
    slice: Slice = Slice()


class Spending(Struct, frozen=True):
    """What candidates spend on a case, of ``n`` cases; ``n_cached`` more came from a cache and do not tell.

    ``value`` is None, not known, where the ``n_unknown`` cases without a figure leave it open: it is never
    the lowest. ``interval`` is that of a 95th percentile, where there are cases enough.
    """

    value: float | None
    n: int
    n_unknown: int
    n_cached: int
    best: bool = False
    interval: Interval | None = None


class Candidate(Struct, frozen=True):
    """One candidate as it was run: ``number`` counts from 1, best quality first.

    ``requirements`` are in suite order. ``dominated_by`` has the runs that are at least as good in quality,
    cost and latency, and better in one of them. ``dropped`` says when and why a race dropped it: it cannot
    be chosen, nor be the best in anything, for its figures rest on fewer cases. ``latency_change``: its 95th
    percentile against that of the candidate that all are compared with.
    """

    number: int
    name: str
    run: Run
    standings: dict[str, Standing]
    cost_per_1000: Spending
    latency_p95: Spending
    requirements: tuple[Verdict, ...] = ()
    dominated_by: tuple[str, ...] = ()
    dropped: str = ""
    latency_change: TailChange | None = None


class Choice(Struct, frozen=True):
    """Which candidate to ship and why: run ids.

    ``pick`` is None where no candidate may be shipped, or nothing tells the ``tied`` ones apart.
    ``blocked`` says of each other candidate what stands against it.
    """

    sentence: str
    pick: str | None = None
    tied: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


class RaceLook(Struct, frozen=True):
    """One look of a race: after so many cases, who leads, and who was dropped.

    ``limits``: per candidate that was in the race, the upper limit of how much better it is than the leader.
    """

    n_cases: int
    leader: str
    limits: dict[str, float | None]
    dropped: tuple[str, ...] = ()


class Race(Struct, frozen=True):
    """How a race went: candidates by name. ``tied`` are those left at the end.

    What was asked and is not of the ``calls`` made came from a cache (``cached``), or should have (an error).
    """

    metric: str
    alpha: float
    epsilon: float
    seed: int
    n_cases: int
    repeats: int
    looks: tuple[RaceLook, ...]
    tied: tuple[str, ...]
    calls: int
    calls_saved: int
    reason: str
    cached: int = 0


class Candidates(Struct, frozen=True):
    """Candidates side by side, as shown; every rendering reads this one value and computes nothing later.

    ``slices`` are differences to the ``reference`` on ``quality``: the pick, else the best.
    ``objectives`` are the axes of the Pareto front that at least one candidate has a figure for.
    """

    title: str
    suite_name: str
    quality: str
    metrics: dict[str, MetricIdentity]
    candidates: tuple[Candidate, ...]
    differences: tuple[Difference, ...]
    slices: tuple[Difference, ...]
    reference: str
    objectives: tuple[str, ...]
    rules: tuple[str, ...]
    choice: Choice
    n_cases: int
    notices: tuple[str, ...] = ()
    race: Race | None = None
