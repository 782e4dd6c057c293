"""`harness plan`: what a run could see and takes, with nothing asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call_inside, make_project

Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The project with its baseline, but without the system: whoever imports it fails."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "reports"))
    (folder / "mysystems.py").unlink()
    return folder


def test_plan_tells_gates_calls_and_time(folder: Path, capsys: Said) -> None:
    """At 80 columns, with what is assumed marked; nothing is written."""
    before = sorted(folder.rglob("*"))
    ended = call_inside(capsys, folder, "plan", SUITE, "--drop", "0.03")
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in ended.out.splitlines() if len(line) > 80] == []
    assert "tiny: 60 cases from 20 documents, a baseline of 1 run" in ended.out
    row = next(line.split() for line in ended.out.splitlines() if line.startswith("recall "))
    assert row[1:4] == ["60", "20", "0.005"]
    assert row[4].startswith("~")
    assert "calls  60" in ended.out
    assert "cost   unknown" in ended.out
    assert "(from 60 of 60 answers of the baseline); 2 calls at a time" in ended.words
    assert sorted(folder.rglob("*")) == before


def test_plan_as_json(folder: Path, capsys: Said) -> None:
    """What is not known is null, never 0."""
    found = json.loads(call_inside(capsys, folder, "plan", SUITE, "--repeat", "3", "--json").out)
    assert found["calls"]["all"] == 180
    assert found["cost_usd"] is None
    assert found["time_s"] > 0
    assert [gate["gate"] for gate in found["gates"]] == ["recall", "facts", "gap", "scored"]
    assert found["gates"][0]["tests"][0]["basis"] == "assumed"


def test_plan_without_a_baseline(tmp_path: Path, capsys: Said) -> None:
    """Sizes are assumed, cost and time are unknown."""
    folder = make_project(tmp_path / "project")
    ended = call_inside(capsys, folder, "plan", SUITE)
    assert ended.code == 0
    assert "there is no baseline yet" in ended.words
    assert ended.out.count("unknown (no answer of a baseline says it)") == 2
    assert "no early stop" in ended.out


def test_plan_names_gates_that_ask_for_too_much(tmp_path: Path, capsys: Said) -> None:
    """With the number of cases that would do."""
    folder = make_project(tmp_path / "project")
    path = folder / SUITE
    path.write_text(
        path.read_text().replace("metric: recall@5, max_drop: 0.1", "metric: recall@5, max_drop: 0.01")
    )
    ended = call_inside(capsys, folder, "plan", SUITE)
    assert "! recall: 60 cases can show 0.050 at best, not 0.010: it needs 300 cases" in ended.out
    assert "! facts" not in ended.out  # 64 cases would do at a margin of 0.1 with pass or fail; it is graded


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--candidate", "wurse"), "no candidate 'wurse' in the suite did you mean 'worse'?"),
        (("--repeat", "0"), "--repeat"),
        (("--drop", "0"), "--drop"),
        (("--drop", "nan"), "--drop"),
    ],
)
def test_plan_refuses(folder: Path, capsys: Said, arguments: tuple[str, ...], said: str) -> None:
    """What is wrong ends with 2."""
    ended = call_inside(capsys, folder, "plan", SUITE, *arguments)
    assert ended.code == 2
    assert said in ended.words.replace(" = ", " ")


def test_plan_of_a_faulty_suite(folder: Path, capsys: Said) -> None:
    """With every fault, as `validate`."""
    (folder / SUITE).write_text((folder / SUITE).read_text().replace("max_drop: 0.1", "max_drop: -1"))
    ended = call_inside(capsys, folder, "plan", SUITE)
    assert ended.code == 2
    assert "max_drop" in ended.err
