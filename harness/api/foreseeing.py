"""What a run of a suite would ask, see, cost and take: told from the goldens and the baseline alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.api.judging import judge_identities
from harness.api.looking import planned_stages
from harness.api.references import find_anchor, find_baseline
from harness.api.validating import Checked, validate
from harness.baselines import Baseline
from harness.cases import outlines
from harness.comparison import run_scores
from harness.errors import SuiteError, did_you_mean
from harness.foresight import (
    GateForecast,
    Noise,
    Spent,
    Wish,
    foresee_gate,
    noise_of,
    share_asked,
    spent_on,
)
from harness.freshness import drops_compared, fresh_cases
from harness.gates.decide import all_gates
from harness.judge_calls import JudgeCalls, foresee_judging, never_decides, not_foreseen
from harness.places import Places
from harness.planning import identity_of
from harness.pooling import pool
from harness.registry import find_metric, is_ours
from harness.types import MetricIdentity

NEVER = "labels do not correct this rule on a judge's scores: it stays advisory, and holds the suite back"
"""Why a gate on a judge's scores can never pass."""


class Calls(msgspec.Struct, frozen=True):
    """How much is asked: in all, by the first look, and on average if nothing changed (None: not known)."""

    all: int
    first_look: int
    unchanged: float | None


class Foreseen(msgspec.Struct, frozen=True):
    """What there is to be known before a run; None where it is not known.

    ``cost_usd`` and ``time_s`` are of all calls to the system, from ``spent``, what the baseline's answers
    took; ``judging`` is what judges are asked beside them, and cost. ``baseline_runs`` counts the runs of the
    baseline. ``wanted_drop`` is the one asked for.
    """

    suite: str
    candidate: str
    cases: int
    documents: int
    repeats: int
    max_concurrency: int
    alpha: float
    baseline_runs: int
    wanted_drop: float | None
    gates: tuple[GateForecast, ...]
    looks: tuple[float, ...]
    calls: Calls
    spent: Spent
    cost_usd: float | None
    time_s: float | None
    judging: tuple[JudgeCalls, ...] = ()
    notices: tuple[str, ...] = ()


def foresee(
    suite_path: Path, *, candidate: str = "", repeats: int | None = None, drop: float | None = None
) -> Foreseen:
    """Say what a run of a suite would see and take; nothing is asked, none of the user's code imported.

    Args:
        suite_path: the suite file.
        candidate: the one to be run; the empty name is the suite's own system.
        repeats: how often each case is asked; None: as the suite says.
        drop: a drop that is to be found, in the units of the metrics.

    Raises:
        SuiteError, GoldenError: with every fault found, or no such candidate.
        NothingSelected: the goldens hold no case.
    """
    checked = validate(suite_path)
    suite, cases = checked.file.suite, outlines(checked.dataset.cases)
    if candidate and candidate not in suite.candidates:
        what = f"no candidate {candidate!r} in the suite"
        raise SuiteError(what, mend=did_you_mean(candidate, suite.candidates))
    baseline, _ = find_baseline((), checked.file.path, suite.suite, Places(Path()))
    anchor, _ = find_anchor(checked.file.path, suite.suite)
    noises = {"baseline": _noise(baseline, checked), "anchor": _noise(anchor, checked)}
    metrics = _metrics(checked, baseline)
    wish = Wish(repeats or suite.run.repeats, drop)
    gates = tuple(
        foresee_gate(
            gate, suite, cases, metrics.get(gate.metric or ""), noises[gate.against or "baseline"], wish
        )
        for gate in all_gates(suite)
    )
    judged, unknown = _judged(checked)
    gates = tuple(
        msgspec.structs.replace(gate, hopeless=NEVER) if never_decides(of, judged) else gate
        for gate, of in zip(gates, all_gates(suite), strict=True)
    )
    stages = planned_stages(suite, cases, suite.seed)
    looks = tuple(_looks(stages)) if baseline is not None else (1.0,)
    spans = {name: None if one.high is None else one.high - one.low for name, one in metrics.items()}
    unchanged = share_asked(suite, gates, spans, looks) if len(looks) > 1 else 1.0
    calls = len(cases) * wish.repeats
    runs = baseline.runs if baseline else ()
    spent = spent_on(result for recorded in runs for result in recorded.results)
    judging = foresee_judging(suite, judged, runs, _same_judges(checked, baseline), calls)
    return Foreseen(
        suite=suite.suite,
        candidate=candidate,
        cases=len(cases),
        documents=len({case.cluster for case in cases}),
        repeats=wish.repeats,
        max_concurrency=suite.run.max_concurrency,
        alpha=suite.alpha,
        baseline_runs=len(baseline.runs) if baseline else 0,
        wanted_drop=drop,
        gates=gates,
        looks=looks,
        calls=Calls(calls, round(looks[0] * calls), None if unchanged is None else unchanged * calls),
        spent=spent,
        cost_usd=None if spent.cost_usd is None else spent.cost_usd * calls,
        time_s=None if spent.time_s is None else spent.time_s * calls / suite.run.max_concurrency,
        judging=judging,
        notices=(
            *_notices(checked, baseline, candidate),
            *_sample(checked, baseline),
            *not_foreseen(suite, judging, unknown),
        ),
    )


def _noise(found: Baseline | None, checked: Checked) -> Noise:
    scores = pool([run_scores(recorded) for recorded in found.runs]) if found else None
    return noise_of(scores, checked.file.suite)


def _metrics(checked: Checked, baseline: Baseline | None) -> dict[str, MetricIdentity]:
    """Give what is known of the metrics without importing code that is not ours."""
    found = dict(baseline.runs[0].run.metrics) if baseline is not None else {}
    for name in checked.file.suite.metrics:
        if is_ours(name):
            found[name] = identity_of(find_metric(name))
    return found


def _judged(checked: Checked) -> tuple[list[str], list[str]]:
    """Name the metrics that a judge scores, and those of which only code of the user's could tell."""
    ours = [name for name in checked.file.suite.metrics if is_ours(name)]
    judged = [name for name in ours if "judge" in find_metric(name).needs]
    judges = checked.file.suite.judges
    return judged, [name for name in checked.file.suite.metrics if judges and name not in ours]


def _same_judges(checked: Checked, baseline: Baseline | None) -> set[str]:
    """Name the metrics that are judged by whom the baseline was judged by."""
    if baseline is None:
        return set()
    suite, before = checked.file.suite, baseline.runs[0].run.judges
    ours = msgspec.structs.replace(suite, metrics=tuple(filter(is_ours, suite.metrics)))
    return {name for name, who in judge_identities(ours).items() if before.get(name) == who}


def _looks(stages: Mapping[str, int]) -> list[float]:
    """Give the share of the cases that is asked by each look."""
    last = max(stages.values(), default=0)
    return [sum(stage <= look for stage in stages.values()) / len(stages) for look in range(last)] + [1.0]


def _sample(checked: Checked, baseline: Baseline | None) -> list[str]:
    """Say how many calls the fresh sample of the baseline takes that a check asks beside all others."""
    suite = checked.file.suite
    if suite.baseline.fresh is None or baseline is None:
        return []
    scores = pool([run_scores(recorded) for recorded in baseline.runs])
    metrics = {one.metric for one in drops_compared(suite, scores, scores.cases)}
    drawn = fresh_cases(outlines(checked.dataset.cases), scores, metrics, suite.baseline.fresh, suite.seed)
    calls = len(drawn) * scores.run.repeats
    return [f"`harness check` asks the baseline's system {calls:,} calls more (`baseline: fresh`)"]


def _notices(checked: Checked, baseline: Baseline | None, candidate: str) -> list[str]:
    """Say what the numbers rest on where that is less than it might be."""
    if baseline is None:
        return ["there is no baseline yet: what can be seen is assumed, cost and time are not known"]
    said, first = [], baseline.runs[0].run
    if len(baseline.runs) < 2:
        said.append("the baseline is one run: how far runs lie apart is assumed; promote several to know it")
    if first.dataset_digest != checked.dataset.digest:
        known = sum(case.id in baseline.runs[0].digests for case in outlines(checked.dataset.cases))
        said.append(f"the goldens changed: {known:,} of {len(checked.dataset.cases):,} cases are known")
    if first.candidate != candidate:
        theirs, ours = (repr(name) if name else "the plain system" for name in (first.candidate, candidate))
        said.append(f"cost and time are those of {theirs}, not of {ours}")
    return said
