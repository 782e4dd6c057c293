"""The suite's own gate, rehearsed on runs of an unchanged system: how often it fails, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from harness.api.references import find_baseline, spreads
from harness.api.trusting import with_trust
from harness.baselines import Baseline
from harness.cases import outlines
from harness.comparison import RunScores, run_scores
from harness.errors import NotComparable, UsageError
from harness.gates.drop_tests import margin_of
from harness.places import Places
from harness.planting.catching import Rate
from harness.rehearsal import Drop, Rehearsed, leave_one_out, plantable, resample
from harness.suites.suite import load_suite
from harness.types import Gate, Outcome, Run, Suite, metric_of

LEAST_RUNS, ENOUGH_RUNS = 2, 6
"""Runs without which nothing can be rehearsed, and with which shocks of whole runs would show."""
LEAST_DOCUMENTS = 15
"""Documents below which no gate on a drop is decided, and drawing some of them again says nothing."""


class Said(msgspec.Struct, frozen=True):
    """How often a gate, or all of them, failed, passed, and was not decided."""

    failed: Rate
    passed: Rate
    inconclusive: Rate


class Row(msgspec.Struct, frozen=True):
    """What the gates did in so many rehearsals of one kind; ``asked`` is the mean share of the cases.

    ``alarms`` counts the rehearsals in which a gate on a drop failed. ``gates`` has what each gate said.
    """

    what: str
    times: int
    whole: Said
    alarms: Rate
    gates: dict[str, Said]
    asked: float


class Planted(msgspec.Struct, frozen=True):
    """A drop planted in the metric of one gate: how often that gate failed, passed, and was not decided.

    ``allowed``: the gate allows a drop of this size: it should pass. ``why_not``: none can be planted.
    """

    gate: str
    size: float
    allowed: bool
    why_not: str = ""
    said: Said | None = None
    asked: float | None = None


class Rehearsal(msgspec.Struct, frozen=True):
    """What a suite's gate does on runs of one system. ``identical``: the runs have the same scores.

    ``left_out`` says of the gates that were not rehearsed why.
    """

    suite: str
    alpha: float
    runs: tuple[str, ...]
    cases: int
    documents: int
    seed: int
    identical: bool
    shocked: tuple[str, ...]
    each_run: Row
    unchanged: Row
    planted: tuple[Planted, ...]
    left_out: dict[str, str]
    undecidable: str


def rehearse(
    suite_path: Path,
    names: tuple[str, ...],
    places: Places,
    *,
    simulations: int,
    drop: float,
    seed: int,
    tell: Callable[[str], object],
) -> Rehearsal:
    """Hold the suite's gate on runs of an unchanged system, and with drops planted.

    Args:
        suite_path: the suite file, whose gates and looks are used.
        names: runs of one system; none: those of the suite's baseline.
        places: where runs lie.
        simulations: rehearsals of each kind.
        drop: size of the planted drops, in the units of the metrics.
        seed: of all that is drawn.
        tell: is told what is being done.

    Raises:
        SuiteError: the suite is not valid.
        UsageError: the suite has no gate on a drop that can be rehearsed, or the runs are not of one system.
        NotComparable: fewer than two runs.
    """
    suite = load_suite(suite_path).suite
    if not any(gate.kind == "drop" for gate in suite.gates):
        raise UsageError(
            "no gate on a drop: there is nothing to rehearse", mend="see max_drop in docs/gates.md"
        )
    baseline = _runs(suite_path, suite, names, places)
    runs = [run_scores(with_trust(recorded)) for recorded in baseline.runs]
    left_out = _left_out(suite, runs[0].run)
    kept = tuple(gate for gate in suite.gates if gate.id not in left_out)
    if not any(gate.kind == "drop" for gate in kept):
        why = "; ".join(f"{gate_id} {why}" for gate_id, why in left_out.items())
        raise UsageError(f"no gate on a drop can be rehearsed: {why}", mend="see docs/plan.md")
    suite = msgspec.structs.replace(suite, gates=kept)
    tell(f"each of {len(runs)} runs against the others")
    each = _row("each run", list(leave_one_out(suite, runs, seed)))
    tell(f"unchanged, {simulations} times")
    unchanged = _row("resampled", [resample(suite, runs, seed + index) for index in range(simulations)])
    planted = []
    for gate in _decisive(suite):
        tell(f"a drop in {gate.id}, {simulations} times")
        planted.append(_plant(Drop(gate, drop), suite, runs, range(seed, seed + simulations)))
    documents = len({case.cluster for case in outlines(runs[0].cases)})
    return Rehearsal(
        suite=suite.suite,
        alpha=suite.alpha,
        runs=tuple(recorded.run.id for recorded in baseline.runs),
        cases=len(runs[0].cases),
        documents=documents,
        seed=seed,
        identical=all(run.tables == runs[0].tables for run in runs),
        shocked=tuple(name for name, (_, shock) in spreads(baseline).items() if shock and shock.used),
        each_run=each,
        unchanged=unchanged,
        planted=tuple(planted),
        left_out=left_out,
        undecidable=_undecidable(documents, unchanged),
    )


def _left_out(suite: Suite, run: Run) -> dict[str, str]:
    """Say which gates cannot be rehearsed: cases are drawn anew, and labels of people are not."""
    named = {gate.id: "names cases" for gate in suite.gates if gate.cases}
    judged = [gate for gate in suite.gates if metric_of(gate.metric or "") in run.judges]
    return {gate.id: "is on a judge's scores, which labels correct" for gate in judged} | named


def _runs(suite_path: Path, suite: Suite, names: tuple[str, ...], places: Places) -> Baseline:
    found, why = find_baseline(names, suite_path, suite.suite, places)
    runs = found.runs if found is not None else ()
    if found is None or len(runs) < LEAST_RUNS:
        have = "there is one run" if runs else why.what
        raise NotComparable(
            f"a rehearsal needs at least {LEAST_RUNS} runs of one system, better {ENOUGH_RUNS}: {have}",
            mend=f"record more with `harness run {suite_path}`, then name them with --runs, or make them the"
            " baseline with `harness baseline promote RUN RUN ...`",
        )
    return found


def _decisive(suite: Suite) -> Iterable[Gate]:
    """The gates on a drop over all cases that decide: the primary ones, or all of them where none is."""
    drops = [gate for gate in suite.gates if gate.kind == "drop" and gate.slice is None]
    return [gate for gate in drops if gate.primary] or drops


def _row(what: str, held: Sequence[Rehearsed]) -> Row:
    by_gate: dict[str, list[Outcome]] = {}
    for one in held:
        for verdict in one.verdicts:
            by_gate.setdefault(verdict.gate, []).append(verdict.outcome)
    return Row(
        what=what,
        times=len(held),
        whole=_said([one.outcome for one in held]),
        alarms=_rate(sum(one.alarms for one in held), len(held)),
        gates={gate: _said(outcomes) for gate, outcomes in by_gate.items()},
        asked=sum(one.asked for one in held) / len(held),
    )


def _said(outcomes: Sequence[Outcome]) -> Said:
    kinds: tuple[Outcome, ...] = ("fail", "pass", "inconclusive")
    return Said(*(_rate(outcomes.count(kind), len(outcomes)) for kind in kinds))


def _rate(count: int, times: int) -> Rate:
    from harness.stats.rates import wilson_ci

    return Rate(count, times, *wilson_ci(count, times))


def _plant(drop: Drop, suite: Suite, runs: Sequence[RunScores], seeds: range) -> Planted:
    allowed = (
        drop.size <= margin_of(drop.gate)
        if drop.gate.max_ratio is None
        else drop.size <= drop.gate.max_ratio - 1
    )
    empty = Planted(drop.gate.id, drop.size, allowed, plantable(drop.gate, runs, suite, drop.size))
    if empty.why_not:
        return empty
    held = [resample(suite, runs, seed, drop) for seed in seeds]
    outcomes = [found.outcome for one in held for found in one.verdicts if found.gate == drop.gate.id]
    asked = sum(one.asked for one in held) / len(held)
    return msgspec.structs.replace(empty, said=_said(outcomes), asked=asked)


def _undecidable(documents: int, unchanged: Row) -> str:
    """Say why the rehearsal says nothing of the gate; empty where it does."""
    if documents < LEAST_DOCUMENTS:
        return f"{documents} documents are too few to draw from (at least {LEAST_DOCUMENTS})"
    if unchanged.whole.inconclusive.count == unchanged.times:
        return "the gate was inconclusive every time: `harness plan` says what it lacks"
    return ""
