"""A recording as a table for notebooks: every score, and the absence of one told apart from a number."""

import math
from pathlib import Path

from msgspec.structs import replace
from world import cases_of, run_of

from harness import scores_frame
from harness.recordings import Recording
from harness.types import Response, Result, Score


def test_every_score_is_a_row(tmp_path: Path) -> None:
    """Values, statuses and groups are those of the recording; a missing value never counts as 0."""
    cases = cases_of(2, language=lambda i: ("en", "de")[i])
    run = replace(run_of("r", ["quality", "flaws"]), n_cases=2)
    path = tmp_path / "recording.jsonl"
    with Recording.create(path, run, cases, {case.id: "d" for case in cases}) as recording:
        for case, quality in zip(cases, (Score(0.5), Score(status="timeout", reason="late")), strict=True):
            scores = {"quality": quality, "flaws": Score(0.0)}
            recording.append(Result(case.id, 0, Response(output="x"), scores))
        recording.finish()
    for found in (scores_frame(path), scores_frame(tmp_path)):
        assert list(found["metric"]) == ["quality", "flaws"] * 2
        assert list(found["groups.language"]) == ["en", "en", "de", "de"]
        assert list(found["status"]) == ["scored", "scored", "timeout", "scored"]
        assert math.isnan(found["value"][2])
        assert found.groupby("metric")["value"].mean().to_dict() == {"flaws": 0.0, "quality": 0.5}
