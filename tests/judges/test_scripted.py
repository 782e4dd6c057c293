"""A judge with a script: a suite is tried with no service, no key and the same verdicts each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from judged_project import EVERY, RUBRICS, harness, run_and_read, write_project

from harness.judges.asking import fingerprint_of
from harness.types import JudgeSettings, Scripted

SCRIPT = [
    {"has": "99 days", "verdict": "contradicted"},
    *({"verdict": verdict} for verdict in ("supported", "relevant", "fully", "answer", "4")),
]


def project(folder: Path, script: list[dict[str, str]], **changes: Any) -> Path:
    judge = {"script": script, **changes.pop("judge", {})}
    return write_project(folder, "script:", judge=judge, **changes)


@pytest.mark.parametrize("output", ["json_schema", "text", "logprob"])
def test_it_judges_every_metric_by_the_first_line_that_fits(output: str, tmp_path: Path) -> None:
    """Nothing is asked of anybody; each score tells that a script judged, for no tokens."""
    folder = project(tmp_path, SCRIPT, metrics=EVERY, rubrics=RUBRICS, judge={"output": output})
    found = run_and_read(folder, "r")
    assert [found[f"c{n}", "judged_faithfulness"].value for n in range(1, 7)] == [1, 1, 1, 1, 0, 1]
    assert found["c1", "rubric:tone"].value == 0.75
    for score in found.values():
        assert score.status == "scored"
        (judge,) = score.details["judges"]
        assert (judge["served"], judge["input_tokens"], judge["cost_usd"]) == ("script", 0, None)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([{"has": "99 days", "verdict": "contradicted"}], "script says nothing on item 1"),
        ([{"verdict": "fine"}], "has no verdict of those wanted (supported, unsupported, contradicted)"),
    ],
)
def test_f6_what_it_does_not_say_is_a_judge_error(
    script: list[dict[str, str]], said: str, tmp_path: Path
) -> None:
    """Never a default verdict."""
    found = run_and_read(project(tmp_path, script), "r")["c1", "judged_faithfulness"]
    assert (found.status, found.value) == ("judge_error", None)
    assert said in found.reason


def test_f23_it_proves_itself_like_any_other(tmp_path: Path) -> None:
    """One that always says the same cannot tell good from bad, and decides no gate."""
    folder = project(tmp_path, [{"verdict": "supported"}])
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q") == 1
    assert harness(folder, "check", "suite.yaml", "-q", "--run-id", "r") == 3


def test_another_script_is_another_judge() -> None:
    """And a judge without one is who it was before there were any."""
    scripts = [None, (Scripted("supported"),), (Scripted("supported", "x"),)]
    settings = [JudgeSettings("script:", "m", script=script) for script in scripts]
    assert len({fingerprint_of(one, "judged_faithfulness", "claims.v1") for one in settings}) == 3


@pytest.mark.parametrize(
    ("judge", "metrics", "said"),
    [
        ({"script": None}, ["judged_faithfulness"], "there is no script"),
        ({"script": []}, ["judged_faithfulness"], "the script is empty"),
        ({"base_url": "http://h/v1"}, ["judged_faithfulness"], "a judge with a script asks no service"),
        ({"api_key": "${secret:KEY}"}, ["judged_faithfulness"], "api_key says nothing to a script"),
        ({"script": [{"verdct": "x"}]}, ["judged_faithfulness"], "did you mean 'verdict'"),
        ({}, ["ragas:faithfulness"], "'ragas:faithfulness' asks a service"),
    ],
)
def test_what_does_not_go_with_a_script_is_told(
    judge: dict[str, Any], metrics: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, with the place in the suite."""
    folder = project(tmp_path, SCRIPT, metrics=metrics, judge=judge, gates=[])
    assert harness(folder, "validate", "suite.yaml") == 2
    assert said in capsys.readouterr().err
