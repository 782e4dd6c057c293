"""`harness selftest gate`: the gate rehearsed on recorded runs of one system."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call, call_inside, make_project

Said = pytest.CaptureFixture[str]
NOISY = """
def noisy(query):
    import random
    if random.Random(os.environ["RUN"] + query.id).random() < 0.06:
        return {"output": "Nobody knows.", "retrieved": [{"doc_id": "d99", "text": "Nothing."}]}
    return answer(query)
"""


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with six runs of a system that fails on other cases in every run."""
    folder = make_project(tmp_path_factory.mktemp("noisy") / "project")
    (folder / "mysystems.py").write_text((folder / "mysystems.py").read_text() + NOISY)
    path = folder / SUITE
    text = path.read_text().replace("target: mysystems:answer", "target: mysystems:noisy")
    path.write_text(text.replace("max_drop: 0.1 }", "max_drop: 0.2 }"))
    for run in range(6):
        ended = call("run", SUITE, "--run-id", f"r{run}", "-q", cwd=folder, RUN=str(run))
        assert ended.code == 0, ended.err
    return folder


RUNS = [part for run in range(6) for part in ("--runs", f"r{run}")]


def test_selftest_tells_alarms_and_power(noisy: Path, capsys: Said) -> None:
    """At 80 columns; a small drop is allowed and passes, as the words say."""
    ended = call_inside(capsys, noisy, "selftest", "gate", SUITE, *RUNS[:6], "--simulations", "12", "-q")
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in ended.out.splitlines() if len(line) > 80] == []
    assert "gate of tiny on 3 runs: 60 cases from 20 documents, alpha 0.01, seed 0" in ended.out
    facts = next(line.split() for line in ended.out.splitlines() if line.startswith("  facts"))
    assert facts[1:4] == ["12", "0.0", "%"]
    assert "gates on a drop failed in 0 of 12 where nothing changed" in ended.out
    assert "recall allows a drop of 0.05" in ended.words
    assert "3 runs hardly show what moves a whole run" in ended.words


def test_a_large_drop_is_found(noisy: Path, capsys: Said) -> None:
    """In JSON, with intervals; the same seed gives the same document, another another."""
    arguments = ("selftest", "gate", SUITE, *RUNS, "--simulations", "12", "--drop", "0.4", "--json")
    first = call_inside(capsys, noisy, *arguments)
    assert first.code == 0
    assert "a drop in recall, 12 times ..." in first.err
    found = json.loads(first.out)
    assert [one["gate"] for one in found["planted"]] == ["recall", "facts"]
    for one in found["planted"]:
        failed = one["said"]["failed"]
        assert failed["count"] >= 11
        assert failed["low"] < failed["count"] / 12 <= failed["high"]
        assert not one["allowed"]
    assert found["unchanged"]["alarms"]["count"] == 0
    assert call_inside(capsys, noisy, *arguments).out == first.out
    other = json.loads(call_inside(capsys, noisy, *arguments, "--seed", "5").out)
    assert other["seed"] == 5


def test_identical_runs_are_said_to_be(world: World, tmp_path: Path, capsys: Said) -> None:
    """A deterministic system: nothing ever moves, so there is no false alarm, and that is what it means."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    ended = call_inside(
        capsys,
        folder,
        "selftest",
        "gate",
        SUITE,
        "--runs",
        "first",
        "--runs",
        "same",
        "--simulations",
        "5",
        "-q",
    )
    assert ended.code == 0
    assert "the runs are identical: this system has no noise" in ended.words


def test_one_run_is_too_few(world: World, noisy: Path, capsys: Said) -> None:
    """It says how to record more."""
    ended = call_inside(capsys, world.folder, "selftest", "gate", SUITE)
    assert ended.code == 3
    assert "needs at least 2 runs of one system, better 6: there is one run" in ended.words
    assert "harness run suites/tiny.yaml" in ended.words
    assert call_inside(capsys, noisy, "selftest", "gate", SUITE).code == 3


def test_runs_of_other_systems_are_refused(world: World, capsys: Said) -> None:
    """What differs is not noise."""
    ended = call_inside(capsys, world.folder, "selftest", "gate", SUITE, "--runs", "same", "--runs", "worse")
    assert ended.code == 2
    assert "differ in system" in ended.words


def test_where_it_cannot_say_it_ends_with_3(noisy: Path, tmp_path: Path, capsys: Said) -> None:
    """A margin that this many cases cannot show leaves every rehearsal inconclusive."""
    folder = tmp_path / "project"
    shutil.copytree(noisy, folder)
    path = folder / SUITE
    path.write_text(path.read_text().replace("max_drop: 0.2", "max_drop: 0.01"))
    ended = call_inside(capsys, folder, "selftest", "gate", SUITE, *RUNS, "--simulations", "4", "-q")
    assert ended.code == 3
    assert "cannot tell: the gate was inconclusive every time" in ended.words


@pytest.mark.parametrize(
    "arguments", [("--drop", "-1"), ("--drop", "inf"), ("--simulations", "0"), ("--runs", "rx")]
)
def test_selftest_refuses(noisy: Path, capsys: Said, arguments: tuple[str, ...]) -> None:
    """What is wrong ends with 2."""
    ended = call_inside(capsys, noisy, "selftest", "gate", SUITE, *RUNS[:4], *arguments)
    assert ended.code == 2
    assert arguments[0] in ended.err or "rx" in ended.err


def test_a_suite_without_a_drop_has_nothing_to_rehearse(noisy: Path, tmp_path: Path, capsys: Said) -> None:
    """It is told so."""
    folder = tmp_path / "project"
    shutil.copytree(noisy, folder)
    path = folder / SUITE
    path.write_text(path.read_text().replace("max_drop: 0.2", "min: 0.2"))
    ended = call_inside(capsys, folder, "selftest", "gate", SUITE, *RUNS)
    assert (ended.code, "no gate on a drop" in ended.err) == (2, True)
