"""Would the suite have caught it? Faults planted in a share of a recorded run, and the gates held on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness.api.deciding import suite_of
from harness.api.planting import Planted, ScoresByMetric, catches, measure, score_all
from harness.api.references import find_baseline
from harness.cases import outlines
from harness.comparison import CaseValue, RunScores
from harness.errors import HarnessError, NotComparable, UsageError
from harness.goldens.dataset import load_dataset
from harness.places import Places
from harness.planning import identity_of
from harness.planting.catching import Flagged, Rate
from harness.planting.faults import FAULTS
from harness.recordings import read
from harness.registry import CATCHES, declared, find_metric
from harness.rehearsal import spoil
from harness.suites.suite import load_suite
from harness.systems.callables import folder_importable
from harness.types import Corpus, Metric, Outcome, Recorded, Response, Suite

CUT_OFF = 10
"""Of a metric that names a fault and that the suite lacks."""


class GatesHeld(msgspec.Struct, frozen=True):
    """What the gates said with a fault in ``planted`` cases of the run, drawn anew each time.

    ``failed`` counts the times in which any gate failed, ``held_back`` those in which none failed and one
    could not tell, so that the suite did not pass; ``gates`` has how often each gate failed. Gates that say
    the same of the clean run are not counted.
    """

    planted: int
    failed: Rate
    held_back: Rate
    gates: dict[str, Rate]


class PlantedRun(msgspec.Struct, frozen=True):
    """What a suite would have caught of the faults planted in one of its runs.

    ``metrics`` are the suite's, ``lacking`` those that name a fault and are not. ``gates`` is by fault,
    without those that were planted nowhere; ``failing`` are the gates that fail on the clean run already.
    """

    suite: str
    run: str
    cases: int
    answers: int
    share: float
    simulations: int
    seed: int
    metrics: tuple[str, ...]
    lacking: tuple[str, ...]
    clean: tuple[Flagged, ...]
    faults: tuple[Planted, ...]
    gates: dict[str, GatesHeld]
    failing: tuple[str, ...]
    notices: tuple[str, ...]


class Asked(NamedTuple):
    """The share of the cases that is spoilt before the gates are held, how often, and the seed."""

    share: float
    simulations: int
    seed: int


def plant_in_run(target: str, places: Places, asked: Asked, tell: Callable[[str], object]) -> PlantedRun:
    """Plant every fault in a recorded run, score again, and hold the suite's gates.

    Of a case that was asked several times the first answer is taken.

    Args:
        target: a suite file, for the latest run of its baseline; or a run.
        places: where runs lie.
        asked: how it is done.
        tell: is told what is being done.

    Raises:
        SuiteError: the suite is not valid.
        UsageError: no such run, or one that was kept without its text.
        NotComparable: the suite has no baseline, or the run has no answer.
    """
    suite, recorded = _find(target, places)
    first = {result.case_id: result.response for result in reversed(recorded.results)}
    responses = [(case, first[case.id]) for case in recorded.cases if case.id in first]
    answered = [(case, response) for case, response in responses if _has_text(response)]
    if not answered:
        raise NotComparable(f"run {recorded.run.id!r} has no answer in which anything could be planted")
    if all((response.output or "").startswith("sha256:") for _, response in answered):
        mend = "name a run of the reports folder, or promote with --keep-text"
        raise UsageError(f"run {recorded.run.id!r} was kept without its text", mend=mend)
    corpus, notices = _corpus_of(suite, recorded)
    with folder_importable(Path.cwd()):
        own, left_out = _metrics_of(suite)
        more = _naming(own)
        found = measure(answered, {**own, **more}, corpus, suite.slices, asked.seed, tell)
        clean = score_all(responses, own, corpus)
    run = RunScores(
        replace(recorded.run, metrics={name: identity_of(metric) for name, metric in own.items()}),
        outlines(recorded.cases),
        _tables(clean),
    )
    suite = replace(
        suite, gates=tuple(gate for gate in suite.gates if gate.metric is None or gate.metric in own)
    )
    before = _spoil(suite, run, {}, asked.seed) if suite.gates else {}
    gates = {}
    for planted in found.faults if suite.gates else ():
        if planted.planted:
            tell(f"the gates with {planted.fault}, {asked.simulations} times")
            scores = {name: table for name, table in found.scores[planted.fault].items() if name in own}
            gates[planted.fault] = _hold(suite, run, scores, before, asked)
    return PlantedRun(
        suite=suite.suite,
        run=recorded.run.id,
        cases=len(recorded.cases),
        answers=len(answered),
        share=asked.share,
        simulations=asked.simulations,
        seed=asked.seed,
        metrics=tuple(own),
        lacking=tuple(more),
        clean=found.clean,
        faults=found.faults,
        gates=gates,
        failing=tuple(gate for gate, outcome in before.items() if outcome == "fail"),
        notices=(*notices, *left_out),
    )


def _find(target: str, places: Places) -> tuple[Suite, Recorded]:
    path = Path(target)
    if path.suffix not in (".yaml", ".yml"):
        recorded = read(places.find_recording(target))
        return suite_of(recorded.run), recorded
    suite = load_suite(path).suite
    baseline, why = find_baseline((), path, suite.suite, places)
    if baseline is None:
        raise NotComparable(f"{why.what}: there is no run to plant faults in", mend="name a RUN instead")
    latest = baseline.runs[-1]
    whole = places.recording(latest.run.id)  # the baseline's own copy may have been kept without text
    return suite, read(whole) if whole.is_file() else latest


def _has_text(response: Response) -> bool:
    return response.error is None and bool((response.output or "").strip())


def _corpus_of(suite: Suite, recorded: Recorded) -> tuple[Corpus | None, tuple[str, ...]]:
    """Read the corpus that the run had; without it metrics that need one say nothing, and that is told."""
    if recorded.run.corpus_digest is None:
        return None, ()
    try:
        folder = Path(recorded.run.suite_path).parent
        corpus = load_dataset(suite.goldens, folder, suite.suite).corpus
    except HarnessError as error:
        return None, (f"the corpus of the run cannot be read: {error.faults[0]}",)
    if corpus is None or corpus.digest != recorded.run.corpus_digest:
        return None, ("the corpus is not that of the run: metrics that need it say nothing",)
    return corpus, ()


def _metrics_of(suite: Suite) -> tuple[dict[str, Metric], tuple[str, ...]]:
    """Give the suite's metrics that can be scored here, and say which cannot."""
    found = {name: find_metric(name) for name in suite.metrics}
    usable = {name: metric for name, metric in found.items() if set(metric.needs) <= {"corpus"}}
    left_out = (
        f"{name} is left out: it needs {', '.join(metric.needs)}"
        for name, metric in found.items()
        if name not in usable
    )
    return usable, tuple(left_out)


def _naming(own: Mapping[str, Metric]) -> dict[str, Metric]:
    """Give a metric for each fault that none of the suite's names: what it would take to catch it."""
    unnamed = FAULTS.keys() - {fault for name in own for fault in catches(name)}
    found = {}
    for stem, faults in CATCHES.items():
        if unnamed & set(faults):
            name = f"{stem}@{CUT_OFF}" if declared(stem).cutoff else stem
            found[name] = find_metric(name)
            unnamed -= set(faults)
    return found


def _tables(scores: ScoresByMetric) -> dict[str, dict[str, CaseValue]]:
    return {
        name: {case_id: CaseValue(score.value, score.status) for case_id, score in table.items()}
        for name, table in scores.items()
    }


def _hold(
    suite: Suite, run: RunScores, scores: ScoresByMetric, before: Mapping[str, Outcome], asked: Asked
) -> GatesHeld:
    """Hold the gates with the fault in a share of the cases; where few have a place for it, in those."""
    tables = _tables(scores)
    cases = sorted(next(iter(tables.values())))
    planted = min(max(1, round(asked.share * len(run.cases))), len(cases))
    said = []
    for time in range(asked.simulations):
        drawn = set(random.Random(f"{asked.seed}/{time}").sample(cases, planted))  # noqa: S311 -- a simulation
        changed = {
            name: {case_id: value for case_id, value in table.items() if case_id in drawn}
            for name, table in tables.items()
        }
        after = _spoil(suite, run, changed, asked.seed + time)
        said.append({gate: outcome for gate, outcome in after.items() if outcome != before[gate]})
    fails = [{gate for gate, outcome in one.items() if outcome == "fail"} for one in said]
    waits = ["inconclusive" in one.values() and not failed for one, failed in zip(said, fails, strict=True)]
    counts = {gate: sum(gate in failed for failed in fails) for gate in before}
    return GatesHeld(
        planted,
        _rate(sum(map(bool, fails)), len(fails)),
        _rate(sum(waits), len(fails)),
        {gate: _rate(count, len(fails)) for gate, count in counts.items() if count},
    )


def _spoil(
    suite: Suite, run: RunScores, changed: Mapping[str, Mapping[str, CaseValue]], seed: int
) -> dict[str, Outcome]:
    """Give what each gate says; one that is inconclusive and holds nothing back passes."""
    verdicts = spoil(suite, run, changed, seed).verdicts
    return {
        found.gate: found.outcome if found.holds or found.outcome == "fail" else "pass" for found in verdicts
    }


def _rate(count: int, times: int) -> Rate:
    from harness.stats.rates import wilson_ci

    return Rate(count, times, *wilson_ci(count, times))
