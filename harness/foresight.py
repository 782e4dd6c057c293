"""What a gate could see on these cases, before anything is asked: drops, sizes, calls, cost and time."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import msgspec

from harness.comparison import LEVEL, Looks, RunScores, Table
from harness.gates.drop import cannot_pass
from harness.gates.drop_tests import MIN_PAIRS, MIN_SLICE_PAIRS, margin_of, scale_of, shift_of, tested_slices
from harness.gates.evidence import rule_text
from harness.gates.hierarchy import Role, roles_of, weights_of
from harness.gates.looks import PASS_ERROR, level_of
from harness.gates.stopping import looks_bad_at
from harness.limits import NO_SHIFT, Shift, detectable_harm, one_pair
from harness.pairing import pair
from harness.slices import select
from harness.types import Case, Gate, MetricIdentity, Result, Slice, Suite

POWER = 0.8
ASSUMED_SD = {"pass or fail": 0.32, "graded": 0.13}
"""Of the difference between two runs of one case, as a share of the range: a tenth of the cases flip."""

MOST_CASES = 10_000_000

Basis = Literal["measured", "assumed", "unknown"]


class TestForecast(msgspec.Struct, frozen=True):
    """One drop on one slice: its cases, and the least true drop that is found with 80 % power.

    ``detectable`` is in the metric's unit, relative where the gate is about ratios; None: nothing is known of
    the noise. ``for_margin`` is how many cases it takes to pass with 80 % if nothing changes, ``for_drop`` to
    find the wanted drop with 80 %; None where that is unknown, or where no number would do. ``error`` is the
    standard error of the change if nothing changes (of mean logarithms of ratios, where the gate is on them).
    """

    scope: str
    cases: int
    documents: int
    detectable: float | None
    basis: Basis
    for_margin: int | None
    for_drop: int | None
    error: float | None = None


class GateForecast(msgspec.Struct, frozen=True):
    """One gate: its part in the whole, and the tests that it makes (none but for drops).

    ``share`` is the part of alpha that each test gets. ``hopeless`` says why it can never pass, if so.
    """

    gate: str
    rule: str
    metric: str | None
    role: Role
    share: float | None
    cases: int
    documents: int
    tests: tuple[TestForecast, ...] = ()
    hopeless: str = ""

    @property
    def wants_more(self) -> TestForecast | None:
        """The test that lacks most cases to pass with 80 % if nothing changes; None where they suffice."""
        found = [test for test in self.tests if test.for_margin is not None and test.for_margin > test.cases]
        return max(found, key=lambda test: (test.for_margin or 0) / max(test.cases, 1), default=None)

    @property
    def blindest(self) -> TestForecast | None:
        """The test that needs the largest drop; None where there is none."""
        return max(
            self.tests, key=lambda test: (test.detectable is None, test.detectable or 0.0), default=None
        )


class Wish(NamedTuple):
    """How often each case is to be asked, and the drop that is to be found (None: none in particular)."""

    repeats: int
    drop: float | None = None


class Spent(msgspec.Struct, frozen=True):
    """What answers took so far: means over those that were asked in fact and say it.

    ``asked`` counts answers that came neither from a cache nor ended in an error; None: not one says it.
    """

    asked: int
    with_cost: int
    cost_usd: float | None
    with_time: int
    time_s: float | None


class Noise(NamedTuple):
    """What tells how far runs lie apart: the tables of a baseline's runs, each having asked so many times.

    ``expected_runs`` is how many runs the baseline is to have where there is none yet. ``shifts`` are what
    runs as a whole move by, of each gate on a drop that compares with it.
    """

    runs: tuple[Mapping[str, Table], ...]
    repeats: int
    expected_runs: int
    shifts: Mapping[str, Shift] = {}


def noise_of(baseline: RunScores | None, suite: Suite) -> Noise:
    """Give what a baseline tells of the noise; nothing, where there is none."""
    if baseline is None:
        return Noise((), 1, suite.baseline.runs)
    drops = [gate for gate in suite.gates if gate.kind == "drop" and gate.metric in baseline.tables]
    shifts = {gate.id: shift_of(gate, baseline) for gate in drops}
    return Noise(baseline.runs or (baseline.tables,), baseline.run.repeats, suite.baseline.runs, shifts)


def foresee_gate(
    gate: Gate, suite: Suite, cases: Sequence[Case], metric: MetricIdentity | None, noise: Noise, wish: Wish
) -> GateForecast:
    """Say what one gate could see.

    Args:
        gate: of the suite.
        suite: its slices and its other gates.
        cases: all that would be asked.
        metric: the gate's; None: not known without importing code.
        noise: of what the gate compares with.
        wish: how often each case would be asked, and the drop that is wanted.
    """
    chosen = select(cases, Slice(tuple(gate.where.items())), suite.slices)
    role: Role = roles_of(suite.gates).get(gate.id, "")
    found = GateForecast(gate.id, rule_text(gate), gate.metric, role, None, len(chosen), _documents(chosen))
    if gate.kind != "drop":
        return found
    span = None if metric is None or metric.high is None else metric.high - metric.low
    hopeless = cannot_pass(gate, suite, chosen, span)
    weight = weights_of(suite.gates, _counts(suite, cases)).get(gate.id)
    if weight is None:  # no slice is large enough
        return msgspec.structs.replace(found, hopeless=hopeless)
    tests = []
    for slice_ in tested_slices(gate, suite, chosen) if gate.slice else (Slice(),):
        known = _foresee_error(gate, select(chosen, slice_, suite.slices), metric, noise, wish.repeats)
        tests.append(_foresee_test(gate, slice_.label, known, span, weight * suite.alpha, wish.drop))
    return msgspec.structs.replace(found, share=weight * suite.alpha, tests=tuple(tests), hopeless=hopeless)


def _counts(suite: Suite, cases: Sequence[Case]) -> dict[str, int]:
    """Count the tests that each drop gate would make."""
    drops = [gate for gate in suite.gates if gate.kind == "drop"]
    where = {gate.id: select(cases, Slice(tuple(gate.where.items())), suite.slices) for gate in drops}
    return {gate.id: len(tested_slices(gate, suite, where[gate.id])) if gate.slice else 1 for gate in drops}


def _documents(cases: Iterable[Case]) -> int:
    return len({case.cluster for case in cases})


class _Known(NamedTuple):
    """The foreseen standard error of a change over n cases where nothing changed; None: not known.

    ``shift`` is the variance that runs as a whole add to it, whatever n is.
    """

    error: float | None
    n: int
    documents: int
    basis: Basis
    shift: float = 0.0

    def error_of(self, cases: int) -> float:
        """The error over so many cases like these."""
        return math.sqrt((self.error or 0.0) ** 2 * self.n / cases + self.shift)

    def df_of(self, cases: int) -> int:
        """Documents minus one among so many cases like these; at least 1."""
        return max(1, round(self.documents * cases / self.n) - 1)


def _foresee_error(
    gate: Gate, cases: Sequence[Case], metric: MetricIdentity | None, noise: Noise, repeats: int
) -> _Known:
    """Foresee the error from the runs of the baseline; from one run or none as the study assumes.

    The squared error of the paired difference of two runs is 2 s^2 on average; the mean of k runs keeps
    s^2 / k. Cases that the baseline never ran are taken to be like those that it ran.
    """
    name = gate.metric or ""
    runs = [run[name] for run in noise.runs if name in run]
    ran = [case for case in cases if any(case.id in run for run in runs)] if runs else list(cases)
    valued = [case for case in ran if all(_value(run, case) is not None for run in runs)]
    n = round(len(valued) * len(cases) / len(ran)) if ran else 0
    documents = _documents(valued) if len(ran) == len(cases) else min(n, _documents(cases))
    unknown = _Known(None, n, documents, "unknown")
    if metric is None or n < 2:
        return unknown
    if len(runs) > 1 and _documents(valued) > 1:
        found = _mean_error(gate, valued, metric, runs)
        if found is not None:
            before = len(runs) * noise.repeats
            one = found**2 / 2 * noise.repeats * len(valued) / n
            error = math.sqrt(one * (1 / before + 1 / repeats))
            return _Known(error, n, documents, "measured", noise.shifts.get(gate.id, NO_SHIFT).variance)
    if metric.high is None or scale_of(gate) == "ratio":
        return unknown
    values = {_value(runs[0], case) for case in valued} if runs else set()
    kind = "graded" if values - {metric.low, metric.high} else "pass or fail"
    before = len(runs) * noise.repeats or noise.expected_runs
    sd = ASSUMED_SD[kind] * (metric.high - metric.low)
    return _Known(sd * math.sqrt((1 / before + 1 / repeats) / 2 / n), n, documents, "assumed")


def _value(table: Table, case: Case) -> float | None:
    found = table.get(case.id)
    return None if found is None else found.value


def _mean_error(
    gate: Gate, cases: Sequence[Case], metric: MetricIdentity, runs: Sequence[Table]
) -> float | None:
    """Root of the mean squared error of the paired difference of two runs."""
    from harness.stats.paired import clustered_mean

    squares = []
    for two in combinations(runs, 2):
        found = pair(*two, cases, metric, scale_of(gate))
        if len(set(found.clusters)) < 2:
            return None
        squares.append(clustered_mean(found.harms, found.clusters).se ** 2)
    return math.sqrt(math.fsum(squares) / len(squares))


def _foresee_test(
    gate: Gate, scope: str, known: _Known, span: float | None, share: float, drop: float | None
) -> TestForecast:
    empty = TestForecast(scope, known.n, known.documents, None, known.basis, None, None)
    if known.error is None:
        return empty
    n, is_ratio = known.n, scale_of(gate) == "ratio"
    width = math.inf if span is None or is_ratio else span
    least = MIN_PAIRS if gate.slice is None else MIN_SLICE_PAIRS
    wanted = math.log1p(drop or 0.0) if is_ratio else drop or 0.0
    margin = margin_of(gate)
    detectable = _detectable(known, n, width, share)
    return msgspec.structs.replace(
        empty,
        detectable=math.expm1(detectable) if is_ratio else detectable,
        for_margin=_first(least, lambda cases: _passes(known, cases, width, margin)),
        for_drop=_first(least, lambda cases: _detectable(known, cases, width, share) <= wanted),
        error=known.error_of(n),
    )


def _detectable(known: _Known, cases: int, width: float, share: float) -> float:
    """The smallest harm found with 80 % power among so many cases: as the gate reports it."""
    from harness.stats.paired import ClusteredMean

    foreseen = ClusteredMean(0.0, known.error_of(cases), known.df_of(cases), cases)
    return detectable_harm(foreseen, share, width, POWER)


def _passes(known: _Known, cases: int, width: float, margin: float) -> bool:
    """Whether the limit of the harm is within the margin with 80 %, if nothing changed."""
    from harness.stats.paired import ClusteredMean, detectable_mean, student_quantile

    error, floor = known.error_of(cases), one_pair(cases, width)
    above = detectable_mean(ClusteredMean(0.0, error, 1, cases), 0.5, POWER)
    return (
        max(above + student_quantile(known.df_of(cases), LEVEL) * math.hypot(error, floor), 3 * floor)
        <= margin
    )


def _first(least: int, enough: Callable[[int], bool]) -> int | None:
    """The smallest number of cases that is enough; None where ten million are not."""
    numbers = range(least, MOST_CASES)
    return numbers[bisect_left(numbers, True, key=enough)] if enough(numbers[-1]) else None


def share_asked(
    suite: Suite,
    forecasts: Sequence[GateForecast],
    spans: Mapping[str, float | None],
    fractions: Sequence[float],
) -> float | None:
    """Foresee the share of the cases that is asked if nothing changed; None where too little is known.

    Gates on a drop that hold the verdict back have to pass at a look; all other gates are taken to pass.

    Args:
        suite: whose gates they are.
        forecasts: of all gates.
        spans: width of the range of each metric; None: without an upper end, or not known.
        fractions: share of the cases at each look, rising to 1.
    """
    from harness.stats.early_pass import Shown, early_pass

    gates = {gate.id: gate for gate in suite.gates}
    shown = []
    for forecast in forecasts:
        gate = gates.get(forecast.gate)
        if gate is None or gate.kind != "drop" or forecast.role == "guard":
            continue
        if forecast.hopeless:
            return 1.0
        bar = looks_bad_at(gate, forecast.role)
        is_ratio, margin, span = scale_of(gate) == "ratio", margin_of(gate), spans.get(gate.metric or "")
        for test in forecast.tests:
            if test.error is None:
                return None
            width = math.inf if span is None or is_ratio else span
            shown.append(Shown(test.error, one_pair(test.cases, width), margin, bar))
    if not shown:
        return None
    levels = [level_of(Looks({}, tuple(fractions[: look + 1])), PASS_ERROR) for look in range(len(fractions))]
    stops = early_pass(shown, fractions, levels)[:-1]
    return math.fsum(p * f for p, f in zip(stops, fractions, strict=False)) + 1 - math.fsum(stops)


def spent_on(results: Iterable[Result]) -> Spent:
    """Give what answers took: cost and time of those that were asked in fact."""
    asked, costs, times = 0, list[float](), list[float]()
    for answer in (found.response for found in results):
        if answer.cached or answer.error is not None:
            continue
        asked += 1
        if answer.usage.cost_usd is not None:
            costs.append(answer.usage.cost_usd)
        if answer.timings.total_s is not None:
            times.append(answer.timings.total_s)
    return Spent(asked, len(costs), _mean(costs), len(times), _mean(times))


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
