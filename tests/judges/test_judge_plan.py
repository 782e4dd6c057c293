"""`harness plan` foresees what judges are asked, and says what of judging it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judge_stub import stub_judge
from judged_project import harness, write_project
from project import Ended, call_inside

Said = pytest.CaptureFixture[str]


def judged_plan(folder: Path, capsys: Said, *options: str) -> Ended:
    """Plan the judged project, whose code is not there to be imported."""
    code = folder / "judged_system.py"
    text = code.read_text()
    code.unlink()
    try:
        return call_inside(capsys, folder, "plan", "suite.yaml", *options)
    finally:
        code.write_text(text)


def test_plan_counts_judge_calls_as_the_baseline_took_them(tmp_path: Path, capsys: Said) -> None:
    """Calls and cost are those of the baseline's answers, repeats of a judge among them; else assumed."""
    gates = [
        {"id": "faithful", "metric": "judged_faithfulness", "max_drop": 0.5},
        {"id": "worst", "metric": "judged_faithfulness", "quantile": 0.1, "min": 0.0},
    ]
    prices = {"usd_per_million_tokens": {"input": 1.0, "output": 10.0}, "repeats": 2}
    with stub_judge() as stub:
        metrics = ["judged_faithfulness", "answer_correctness"]
        folder = write_project(tmp_path, stub.url, 20, metrics=metrics, gates=gates, judge=prices)
        assumed = json.loads(judged_plan(folder, capsys, "--json").out)
        assert [(one["calls"], one["basis"], one["cost_usd"]) for one in assumed["judging"]] == [
            (40, "assumed", None),
            (40, "assumed", None),
        ]
        ended = judged_plan(folder, capsys)
        assert [line for line in ended.out.splitlines() if len(line) > 80] == []
        assert "judges about 80 calls beside those" in ended.words
        assert "judges unknown" in ended.words
        assert harness(folder, "run", "suite.yaml", "-q", "--run-id", "r", "--no-cache") == 0
        asked = stub.count
    promoted = call_inside(capsys, folder, "baseline", "promote", "r", "--reason", "first", "--force")
    assert promoted.code == 0
    found = json.loads(judged_plan(folder, capsys, "--json").out)
    assert [one["basis"] for one in found["judging"]] == ["measured", "measured"]
    assert sum(one["calls"] for one in found["judging"]) == asked == 120
    costs = [one["cost_usd"] for one in found["judging"]]
    assert sum(costs) == pytest.approx(asked * (100 * 1.0 + 10 * 10.0) / 1e6)
    ended = judged_plan(folder, capsys)
    assert "not counted: about 120 questions of `harness judge canaries`" in ended.words
    assert "labels are not foreseen: gates on a judge's scores (faithful, worst)" in ended.words
    assert "! worst: labels do not correct this rule on a judge's scores" in ended.words


def test_plan_of_another_judge_than_the_baselines_assumes(tmp_path: Path, capsys: Said) -> None:
    """What one model took says nothing of another; metrics of the user's own are named as not known."""
    with stub_judge() as stub:
        folder = write_project(tmp_path, stub.url, 20)
        assert harness(folder, "run", "suite.yaml", "-q", "--run-id", "r") == 0
        call_inside(capsys, folder, "baseline", "promote", "r", "--reason", "first", "--force")
        metrics = ["judged_faithfulness", "my_metrics:mine"]
        write_project(folder, stub.url, 20, judge={"model": "other"}, metrics=metrics)
    found = json.loads(judged_plan(folder, capsys, "--json").out)
    assert [(one["metric"], one["basis"]) for one in found["judging"]] == [("judged_faithfulness", "assumed")]
    assert any("whether my_metrics:mine asks a judge is not known" in notice for notice in found["notices"])


def test_selftest_rehearses_no_gate_that_labels_correct(tmp_path: Path, capsys: Said) -> None:
    """A judged gate is left out by name; where there is no other, nothing is rehearsed and that is said."""
    judged = {"id": "faithful", "metric": "judged_faithfulness", "max_drop": 0.5}
    plain = {"id": "plain", "metric": "token_f1", "max_drop": 0.5}
    asked = ("selftest", "gate", "suite.yaml", "--runs", "a", "--runs", "b", "--simulations", "3", "-q")
    with stub_judge() as stub:
        metrics = ["judged_faithfulness", "token_f1"]
        folder = write_project(tmp_path, stub.url, 60, metrics=metrics, gates=[judged, plain])
        for run in ("a", "b"):
            assert harness(folder, "run", "suite.yaml", "-q", "--run-id", run) == 0
        ended = call_inside(capsys, folder, *asked)
        assert ended.code == 0
        assert "left out: faithful is on a judge's scores, which labels correct" in ended.words
        write_project(tmp_path, stub.url, 60, metrics=metrics, gates=[judged])
    ended = call_inside(capsys, folder, *asked)
    assert ended.code == 2
    assert "no gate on a drop can be rehearsed: faithful is on a judge's scores" in ended.err
