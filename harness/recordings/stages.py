"""A recording as it stands at one of its looks, and as it stays where the run stopped there."""

from __future__ import annotations

from msgspec.structs import replace

from harness.cases import outlines, picked
from harness.recordings.results import picked as picked_results
from harness.types import EarlyStop, Recorded


def at_look(recorded: Recorded, look: int, reason: str = "") -> Recorded:
    """Give a recording as it would be had it stopped at this look (from 1) for this reason.

    Raises:
        ValueError: no such look, or a case of the stages before has a result missing.
    """
    stages = recorded.stages
    looks = len(recorded.looks)
    if not 1 <= look <= looks:
        raise ValueError(f"look {look} of {looks}")
    asked = sum(stage < look for stage in stages.values())
    found = stopped_at(recorded, EarlyStop(look, looks, asked, len(stages), reason))
    if len(found.results) < asked * recorded.run.repeats:
        raise ValueError(f"look {look} of {looks} before everything was answered")
    return replace(found, complete=True)


def stopped_at(recorded: Recorded, stop: EarlyStop) -> Recorded:
    """Leave out the cases of the stages after the stop."""
    kept = {case_id for case_id, stage in recorded.stages.items() if stage < stop.look}
    places = [place for place, case in enumerate(outlines(recorded.cases)) if case.id in kept]
    return replace(
        recorded,
        unscored=tuple(answer for answer in recorded.unscored if answer.case_id in kept),
        cases=picked(recorded.cases, places),
        digests={case_id: digest for case_id, digest in recorded.digests.items() if case_id in kept},
        results=picked_results(recorded.results, kept),
        stop=stop,
    )
