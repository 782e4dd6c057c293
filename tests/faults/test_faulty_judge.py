"""A judge's service with every kind of fault: each case has a verdict or says why not, in little memory."""

from __future__ import annotations

import json

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
