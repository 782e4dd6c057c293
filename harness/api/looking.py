"""Early stopping: the stages of a run, and what a look at the results so far decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from harness.cases import outlines
from harness.gates.evidence import Evidence
from harness.gates.stopping import why_stop
from harness.planning import Selection, stages_of
from harness.recordings import at_look, read_planned
from harness.types import Case, EarlyStop, Recorded, Suite

DecideLook = Callable[[Recorded, int, int], str]
"""What is recorded so far (as ``at_look`` gives it), the look from 1, and how many there are in all, to the
reason why nothing more need be asked; empty: go on."""


def planned_stages(suite: Suite, cases: Sequence[Case], seed: int) -> dict[str, int]:
    """Give the stage (from 0) of every case; empty where no look can be taken before the end.

    The documents of cases that gates name come first, so that those gates are decided at the first look.
    """
    named = {case_id for gate_ in suite.gates for case_id in gate_.cases}
    stages = stages_of(outlines(cases), seed, suite.run.looks, first=named)
    if len(stages) == 1:
        return {}
    return {case.id: number for number, stage in enumerate(stages) for case in stage}


def cases_by_stage(recorded: Recorded) -> list[list[Case]]:
    """Give the outlines of the planned cases stage by stage; all in one where the run cannot stop early."""
    found: list[list[Case]] = [[] for _ in recorded.looks or (1.0,)]
    for case in outlines(recorded.cases):
        found[recorded.stages.get(case.id, 0)].append(case)
    return found


def looks_ahead(recorded: Recorded) -> range:
    """Give the looks (from 1) that are still to be taken: those after which nothing was asked yet.

    A run that was cut short later than a look has passed it: there is nothing left that it could save.
    """
    begun = max((recorded.stages.get(case_id, 0) for case_id, _ in recorded.answered), default=0)
    return range(begun + 1, len(recorded.looks))


def take_look(path: Path, look: int, decide: DecideLook) -> EarlyStop | None:
    """Decide on what a recording holds when everything before a look was answered; None: go on."""
    so_far = at_look(read_planned(path), look)
    reason = decide(so_far, look, len(so_far.looks))
    return replace(so_far.stop, reason=reason) if reason and so_far.stop else None


def look_by(
    evidence_of: Callable[[Recorded], Evidence], suite: Suite, selection: Selection
) -> DecideLook | None:
    """Give what decides the looks of a check: the gates that decide it at the end, on what is there so far.

    Returns:
        None where a run is not to stop early: without a gate on a drop, and where only a part of the goldens
        is run.
    """
    if selection.facts() or not any(gate_.kind == "drop" for gate_ in suite.gates):
        return None

    def decide_look(so_far: Recorded, look: int, looks: int) -> str:
        del look, looks  # the gates read them from the recording
        return why_stop(evidence_of(so_far))

    return decide_look
