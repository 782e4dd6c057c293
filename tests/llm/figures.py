"""What was measured with one model, gathered from its runs into the figures of the benchmark's page."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from counting_server import Call
from llm_project import Done, Project, name_of

from harness.judges.trust import read_trust

if TYPE_CHECKING:
    from local_model import Figures, Labelled, Row, Timed

MEANS = (
    *("recall@2", "required_facts", "answer_language", "refusal_correctness"),
    *("faithfulness", "judged_faithfulness"),
)


def figures_of(request: pytest.FixtureRequest, bench: ModuleType) -> Figures:
    """Gather the figures from the fixtures of a whole measurement."""
    project, goldens = request.getfixturevalue("project"), request.getfixturevalue("goldens")
    answered, labelled = request.getfixturevalue("answered"), request.getfixturevalue("labelled")
    by_probability, in_text = request.getfixturevalue("by_probability"), request.getfixturevalue("in_text")
    (_, asked_of_canaries), by_ragas = (
        request.getfixturevalue("canaries"),
        request.getfixturevalue("by_ragas"),
    )
    calls = {
        "answer": answered.run.answers,
        "verdict by log-probability": by_probability.calls,
        "verdicts of an answer in text": in_text.calls,
        "canary, by log-probability": asked_of_canaries,
        "ragas: statements, then verdicts": by_ragas.calls,
    }
    found: Figures = bench.Figures(
        date=datetime.now(UTC).date().isoformat(),
        model=project.server.model,
        machine=request.config.getoption("--machine", "not told"),
        goldens=goldens.digest.removeprefix("sha256:")[:12],
        asked=_asked(answered.run),
        means={name: answered.run.mean(name) for name in MEANS},
        canaries=_canaries(project),
        ragas=tuple(by_ragas.values("ragas:faithfulness").values()),
        times=tuple(_timed(bench, what, found) for what, found in calls.items()),
        rows=(
            agreement(bench, labelled, by_probability, "judged_faithfulness", "`output: logprob`"),
            agreement(bench, labelled, in_text, "judged_faithfulness", "`output: text`"),
            agreement(bench, labelled, by_probability, "faithfulness", "no model"),
        ),
    )
    return found


def agreement(bench: ModuleType, labelled: Sequence[Labelled], run: Done, metric: str, judged_by: str) -> Row:
    """How well the scores of a run tell golden answers from those with a planted fault."""
    values = run.values(metric)
    found: Row = bench.agreement(metric, judged_by, labelled, [values[name_of(one)] for one in labelled])
    return found


def stored(project: Project, run_id: str, metric: str) -> dict[str, float | None]:
    """Read the scores of a run from the database."""
    sql = f"select case_id, value from scores where run_id = '{run_id}' and metric = '{metric}'"  # noqa: S608
    ended = project.call("query", sql, "--format", "json")
    assert ended.code == 0, ended.words
    return {row["case_id"]: row["value"] for row in json.loads(ended.out)}


def _asked(run: Done) -> dict[str, int]:
    """What became of the cases, by what was expected of the model."""
    right, results = run.values("refusal_correctness"), run.recorded.results
    counts = Counter(
        {"cases": len(results), "errors": sum(one.response.error is not None for one in results)}
    )
    for case in run.recorded.cases:
        counts[f"{case.expected_behavior}: expected"] += 1
        counts[f"{case.expected_behavior}: done"] += right[case.id] == 1
    return dict(counts)


def _canaries(project: Project) -> dict[str, int]:
    found = read_trust(project.folder / "judges" / "labelled-logprob.trust.json")[0].canaries
    assert found is not None
    moved, unsound = len(found.gave_in), len(found.unsound)
    return {"tried": found.tried, "gave in": moved, "unsound": unsound, "unanswered": found.unanswered}


def _timed(bench: ModuleType, what: str, calls: list[Call]) -> Timed:
    seconds = [call.seconds for call in calls]
    read, written = (sum(call.tokens[at] for call in calls) for at in (0, 1))
    found: Timed = bench.Timed(
        what, len(calls), round(statistics.median(seconds), 2), round(max(seconds), 2), read, written
    )
    return found
