"""Recorded responses scored again: the same in one process and in several, in order, faults included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.engine import stored
from harness.errors import MetricFault
from harness.registry import find_metric
from harness.types import Case, Corpus, Document, Query, Response, ResponseError, Result, Score

METRIC = """
from harness import Score, metric

@metric("slow", version=1, needs=("corpus",))
def slow(case, response, *, corpus):
    if response.output == "torn":
        raise ValueError("torn")
    return Score(1.0 if response.output in corpus.documents else 0.0, details={"said": response.output})
"""


def results(n: int, **outputs: str) -> list[stored.Stored]:
    made = []
    for number in range(n):
        case = Case(query=Query(f"c{number}", "?"))
        error = ResponseError("timeout", "60 s") if number % 7 == 3 else None
        said = None if error else outputs.get(case.id, f"d{number % 5}")
        response = Response(output=said, error=error)
        made.append((case, Result(case.id, 0, response, {"old": Score(0.25)})))
    return made


def score_again(
    todo: list[stored.Stored], folder: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> list[Result]:
    (folder / "slow_metric.py").write_text(METRIC)
    monkeypatch.syspath_prepend(folder)
    found: list[Result] = []
    corpus = Corpus({f"d{n}": Document(f"d{n}", "text") for n in range(3)}, "digest")
    names = ("error_rate", "slow_metric:slow")
    how = stored.Rescoring(
        metrics={name: find_metric(name) for name in names},
        resources={"corpus": corpus, "judge": {}, "rubrics": {}},
        folder=folder,
        max_concurrency=2,
        processes=processes,
        record=found.append,
        end_judging=lambda: None,
    )
    asyncio.run(stored.score_again(iter(todo), len(todo), how))
    return found


def test_more_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is scored in other processes comes back in order, with its details and its statuses."""
    todo = results(4 * stored.BATCH + 3)
    alone = score_again(todo, tmp_path, monkeypatch, 1)
    monkeypatch.setattr(stored, "PAYS_S", 0.0)
    began = []
    monkeypatch.setattr(stored, "_workers", lambda how, make=stored._workers: began.append(1) or make(how))
    assert score_again(todo, tmp_path, monkeypatch, 2) == alone
    assert began == [1]
    assert [result.case_id for result in alone] == [case.id for case, _ in todo]
    assert [result.response for result in alone] == [result.response for _, result in todo]
    assert {score.status for result in alone for score in result.scores.values()} == {"scored", "timeout"}
    assert list(alone[0].scores) == ["error_rate", "slow_metric:slow"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_metric_that_raises_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Also from another process: which metric, which case, where."""
    monkeypatch.setattr(stored, "PAYS_S", 0.0)
    todo = results(4 * stored.BATCH, c172="torn")
    with pytest.raises(MetricFault, match=r"slow_metric.py:7.*'slow_metric:slow' raised .*'c172': torn"):
        score_again(todo, tmp_path, monkeypatch, processes)


def test_few_answers_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where computing takes less time than a start, nothing is started."""
    monkeypatch.setattr(stored, "_workers", lambda how: pytest.fail("started"))
    assert len(score_again(results(3 * stored.BATCH), tmp_path, monkeypatch, 8)) == 3 * stored.BATCH
