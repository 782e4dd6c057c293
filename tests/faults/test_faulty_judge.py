"""A judge's service with every kind of fault: each case has a verdict or says why not, in little memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from faulty_project import MEASURED, faulty, peak_mb
from project import call, write_lines

from harness.recordings import read
from harness.types import Score

SUITE = """version: 1
suite: judged
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: answers.jsonl}}
metrics: [judged_faithfulness]
judges:
  default: {{base_url: "http://127.0.0.1:{port}/v1", model: m, retries: 2, timeout_s: 5}}
gates: [{{id: faithful, metric: judged_faithfulness, min: 0.5, bound: point}}]
run: {{max_concurrency: 16}}
"""
VERDICT = json.dumps({"verdicts": [{"item": 1, "verdict": "supported"}]})
SCRIPTS = {
    "c0001": (["bomb"], "the judge's reply is longer than 1000000 bytes"),
    "c0002": (["huge"], "the judge's reply is longer than 1000000 bytes"),
    "c0003": (["deep"], "the judge's reply was refused"),
    "c0004": (["drip"], "the judge gave no verdict within 5 s"),
    "c0005": (["400bomb"], "the judge's service gave HTTP status 400"),
    "c0006": (["brotli"], "the reply is packed as 'br', which was not asked for"),
    "c0007": (["html"], "the judge's reply was refused"),
    "c0008": (["half", "reset", "ok"], None),
    "c0009": (["503", "ok"], None),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Score], float, str]:
    """The scores of twelve cases, nine of them with faults, the peak of memory, and the errors as listed."""
    folder = tmp_path_factory.mktemp("faulty-judge")
    ids = [f"c{i:04}" for i in range(12)]
    write_lines(folder / "cases.jsonl", ({"id": one, "input": f"When is {one} sent?"} for one in ids))
    texts = {one: f"Order {one} is sent on Monday." for one in ids}
    answers = (
        {"id": one, "output": text, "retrieved": [{"doc_id": "d", "text": text}]}
        for one, text in texts.items()
    )
    write_lines(folder / "answers.jsonl", answers)
    with faulty(
        script={case_id: script for case_id, (script, _) in SCRIPTS.items()}, content=VERDICT
    ) as server:
        (folder / "suite.yaml").write_text(SUITE.format(port=server.port))
        ended = call("run", "suite.yaml", "--run-id", "r", "-q", cwd=folder, program=("-c", MEASURED))
    assert ended.code == 0, ended.words
    assert "12 of 12 answers were replayed" in ended.words
    found = read(folder / "reports/runs/r/recording.jsonl").results
    scores = {result.case_id: result.scores["judged_faithfulness"] for result in found}
    return scores, peak_mb(folder), call("show", "r", "--errors", cwd=folder).out


def test_f4_f6_every_fault_of_a_judge_is_told(ran) -> None:
    """Whatever comes instead of a verdict is a judge's error that says what; the others have theirs."""
    scores, _, listed = ran
    assert len(scores) == 12
    reasons = {one: score.reason for one, score in scores.items() if score.status == "judge_error"}
    expected = {one: reason for one, (_, reason) in SCRIPTS.items() if reason is not None}
    assert reasons.keys() == expected.keys()
    assert [one for one, reason in expected.items() if reason not in reasons[one]] == []
    assert {score.value for one, score in scores.items() if one not in expected} == {1.0}
    assert "c0004  judge_error  judged_faithfulness: the judge gave no verdict within 5 s\n" in listed


def test_f4_a_judges_bomb_stays_small_here(ran) -> None:
    """Of ten gigabytes behind a small reply, and behind a small error, no more is held than is read."""
    assert ran[1] < 300


OUTAGE = """version: 1
suite: judged
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: answers.jsonl}}
metrics: [judged_faithfulness]
judges:
  default: {{base_url: "http://127.0.0.1:{port}/v1", model: m, retries: 3, timeout_s: 30}}
gates:
  - {{id: faithful, metric: judged_faithfulness, min: 0.5, bound: point}}
  - {{id: judged, metric: judged_faithfulness, min_scored: 0.5}}
run: {{max_concurrency: 4, retry_share: 0.1}}
"""
N, FREE = 60, 2 * 4
"""Cases, each a question, and the retries that a judge has for four requests in flight, beside its share."""


def judged_by(folder: Path, **settings: Any) -> tuple[int, list[Score], int, str]:
    """Check the cases by a judge with these faults: exit code, scores, requests made, and the report."""
    folder.mkdir(exist_ok=True)
    ids = [f"c{i:04}" for i in range(N)]
    write_lines(folder / "cases.jsonl", ({"id": one, "input": f"When is {one} sent?"} for one in ids))
    texts = {one: f"Order {one} is sent on Monday." for one in ids}
    answers = (
        {"id": one, "output": said, "retrieved": [{"doc_id": "d", "text": said}]}
        for one, said in texts.items()
    )
    write_lines(folder / "answers.jsonl", answers)
    with faulty(content=VERDICT, **settings) as server:
        (folder / "suite.yaml").write_text(OUTAGE.format(port=server.port))
        ended = call("check", "suite.yaml", "--run-id", "r", "-q", "--no-early-stop", cwd=folder)
        asked = sum(counts["asked"] for counts in server.account().values())
    found = read(folder / "reports/runs/r/recording.jsonl").results
    scores = [result.scores["judged_faithfulness"] for result in found]
    report = json.loads((folder / "reports/runs/r/report.json").read_text())
    outcomes = {one["gate"]: one["outcome"] for one in report["verdicts"]}
    return ended.code, scores, asked, outcomes["faithful"]


@pytest.mark.parametrize("fault", ["429", "503", "reset"])
def test_f2_an_outage_of_a_judge_is_not_multiplied(fault: str, tmp_path: Path) -> None:
    """All requests fail: few more are made than there are questions; no verdict, and no gate passes."""
    code, scores, asked, outcome = judged_by(tmp_path, shares={fault: 1.0})
    assert N < asked <= N * 1.1 + FREE
    assert [score.status for score in scores] == ["judge_error"] * N
    assert outcome == "inconclusive"
    assert code == 3
    assert sum("not tried again, the run has spent its" in score.reason for score in scores) > N / 2


def test_f2_a_judge_that_fails_now_and_then_is_asked_again(tmp_path: Path) -> None:
    """One request of ten fails: the share is enough, and every question has its verdict."""
    script = {f"c{i:04}": ["503", "ok"] for i in range(0, N, 10)}
    code, scores, asked, _ = judged_by(tmp_path, script=script)
    assert asked == N + N // 10
    assert {score.status for score in scores} == {"scored"}
    assert code == 3  # nobody has tried the judge: it decides nothing


def test_f2_an_outage_of_a_judge_ends(tmp_path: Path) -> None:
    """Every third question fails for ever: what the service answers has its verdict all the same."""
    script = {f"c{i:04}": ["503"] for i in range(0, N, 3)}
    _, scores, asked, outcome = judged_by(tmp_path, script=script)
    assert asked <= N * 1.1 + FREE
    assert sum(score.status == "scored" for score in scores) == N - N // 3
    assert sum(score.status == "judge_error" for score in scores) == N // 3
    assert outcome == "inconclusive"
