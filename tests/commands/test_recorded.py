"""What is done with recorded runs, none of it asking the system: gate, compare, report, show, baseline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call, call_inside, copy_project

RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The project with its runs, but without the system: whoever asks it fails."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.duckdb"))
    (folder / "mysystems.py").unlink()
    return folder


def test_report_writes_the_same_bytes_again(folder: Path, world: World) -> None:
    """What `check` wrote comes out the same in another folder, under another hash seed, at another time."""
    before = {name: (world.folder / "reports/runs/worse" / name).read_bytes() for name in RENDERED}
    for name in RENDERED:
        (folder / "reports/runs/worse" / name).unlink()
    ended = call("report", "worse", cwd=folder, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert ended.code == 0, ended.err
    assert ended.out.split() == [f"reports/runs/worse/{name}" for name in RENDERED]
    assert {name: (folder / "reports/runs/worse" / name).read_bytes() for name in RENDERED} == before


def test_report_does_not_tell_how_long_answers_took(world: World) -> None:
    """Times are measured anew in every run: without a metric on them they are in no report."""
    recording = (world.folder / "reports/runs/worse/recording.jsonl").read_text()
    assert '"total_s":' in recording
    assert '"total_s":' not in (world.folder / "reports/runs/worse/report.json").read_text()


def test_report_in_one_format(folder: Path, capsys: Said) -> None:
    """With -o only that file is written."""
    ended = call_inside(capsys, folder, "report", "worse", "-o", "here/for ci.xml")
    assert (ended.code, ended.out) == (0, "here/for ci.xml\n")
    assert (folder / "here/for ci.xml").read_text().startswith("<?xml")


def test_gate_decides_by_the_file_it_is_given(folder: Path, capsys: Said) -> None:
    """Other gates give another verdict on the same answers, and the system is not asked."""
    assert call_inside(capsys, folder, "gate", "worse").code == 1
    text = (folder / SUITE).read_text()
    loose = text.replace("max_drop: 0.1", "max_drop: 0.9")
    loose = loose.replace("slice: language, max_gap: 0.25", "min: 0.1")
    (folder / "suites/loose.yaml").write_text(loose)
    ended = call_inside(capsys, folder, "gate", "worse", "--suite", "suites/loose.yaml")
    assert ended.code == 0, ended.out
    report = json.loads((folder / "reports/runs/worse/report.json").read_text())
    assert [verdict["limit"] for verdict in report["verdicts"]] == [0.9, 0.9, 0.1, 0.99]


def test_gate_takes_any_two_runs(folder: Path, capsys: Said) -> None:
    """The run is judged against the one named as its baseline."""
    assert call_inside(capsys, folder, "gate", "worse", "--baseline", "same").code == 1
    better = call_inside(capsys, folder, "gate", "same", "--baseline", "worse")
    assert (better.code, "PASSED" in better.out) == (0, True), better.out


def test_a_run_is_named_by_its_beginning_or_as_the_last(folder: Path, capsys: Said) -> None:
    """Unless the beginning is that of several."""
    assert call_inside(capsys, folder, "runs", "show", "wor").out.splitlines()[1].split() == ["id", "worse"]
    shutil.copytree(folder / "reports/runs/worse", folder / "reports/runs/worst")
    ended = call_inside(capsys, folder, "runs", "show", "wor")
    assert ended.code == 2
    assert "could be any of" in ended.err
    assert call_inside(capsys, folder, "runs", "show", "last").code == 0


def test_show_tells_all_about_a_case(folder: Path, capsys: Said) -> None:
    """Question, reference, evidence, answer, passages, and each score."""
    out = call_inside(capsys, folder, "show", "worse", "q-001").out
    for said in ("What is fact 1?", "fact 1 is value1", "d0: ", "Nobody knows.", "d99: Nothing."):
        assert said in out
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("recall@5")] == [
        ["recall@5", "0.000"]
    ]
    found = json.loads(call_inside(capsys, folder, "show", "worse", "q-001", "--json").out)
    assert found["case"]["query"]["id"] == "q-001"
    assert [result["response"]["output"] for result in found["results"]] == ["Nobody knows."]


def test_show_lists_what_was_not_scored(folder: Path, capsys: Said) -> None:
    """One line a case with the reason; where all is well it says so."""
    lines = call_inside(capsys, folder, "show", "failing", "--errors").out.splitlines()
    assert len(lines) == 18
    assert lines[0] == "q-000  exception  ValueError: the index is gone"
    listed = json.loads(call_inside(capsys, folder, "show", "failing", "--errors", "--json").out)
    assert [row["case_id"] for row in listed] == [line.split()[0] for line in lines]
    assert "all 60 answers" in call_inside(capsys, folder, "show", "same", "--errors").out
    assert json.loads(call_inside(capsys, folder, "show", "same", "--errors", "--json").out) == []


def test_baseline_show(folder: Path, capsys: Said) -> None:
    """Which run, why, and its numbers; as JSON it is the lock file."""
    out = call_inside(capsys, folder, "baseline", "show", SUITE).out
    assert "run first" in out
    assert "the first" in out
    assert "1.000" in out
    found = json.loads(call_inside(capsys, folder, "baseline", "show", SUITE, "--json").out)
    assert found == json.loads((folder / "suites/baselines/tiny.lock.json").read_text())


@pytest.mark.parametrize(
    ("run", "why"),
    [("worse", "gate 'recall': fail"), ("failing", "inconclusive"), ("torn", "it is incomplete")],
)
def test_only_a_good_run_is_promoted(folder: Path, capsys: Said, run: str, why: str) -> None:
    """2: failed, undecided and incomplete runs are refused, and the baseline stays; --force promotes."""
    shutil.copytree(folder / "reports/runs/same", folder / "reports/runs/torn")
    recording = folder / "reports/runs/torn/recording.jsonl"
    recording.write_bytes(recording.read_bytes()[:-20])
    lock = folder / "suites/baselines/tiny.lock.json"
    before = lock.read_bytes()
    refused = call_inside(capsys, folder, "baseline", "promote", run, "--reason", "so")
    assert (refused.code, refused.out) == (2, "")
    assert why in refused.err
    assert "--force" in refused.err
    assert lock.read_bytes() == before
    forced = call_inside(capsys, folder, "baseline", "promote", run, "--reason", "so", "--force")
    assert forced.code == 0, forced.err
    assert json.loads(lock.read_bytes())["reason"] == "so"


def test_force_replaces_a_lock_that_is_none(folder: Path, capsys: Said) -> None:
    """2: marks of a merge conflict in the lock are told; --force promotes over them."""
    lock = folder / "suites/baselines/tiny.lock.json"
    lock.write_text(f"<<<<<<< ours\n{lock.read_text()}=======\n>>>>>>> theirs\n")
    refused = call_inside(capsys, folder, "baseline", "promote", "same", "--reason", "so")
    assert refused.code == 2
    assert "not a baseline lock" in refused.err
    forced = call_inside(capsys, folder, "baseline", "promote", "same", "--reason", "so", "--force")
    assert forced.code == 0, forced.err
    assert [run["id"] for run in json.loads(lock.read_bytes())["runs"]] == ["same"]


def test_a_part_of_the_goldens_is_no_baseline(world: World, tmp_path: Path, capsys: Said) -> None:
    """2: a run of some cases is refused, also where there is no baseline yet; so is an empty reason."""
    folder = copy_project(world.folder, tmp_path / "project")
    shutil.rmtree(folder / "suites/baselines")
    assert call("run", SUITE, "--limit", "55", "--run-id", "part", cwd=folder).code == 0
    refused = call_inside(capsys, folder, "baseline", "promote", "part", "--reason", "so")
    assert refused.code == 2
    assert "only a part of the goldens" in refused.err
    assert call_inside(capsys, folder, "baseline", "promote", "part", "--reason", " ", "--force").code == 2
    assert not (folder / "suites/baselines").exists()
