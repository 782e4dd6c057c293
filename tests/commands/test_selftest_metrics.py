"""`harness selftest metrics`: faults planted in recorded answers, scored again, and gates held on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import N_CASES, SUITE, World, call, call_inside

from harness import cases
from harness.planting.faults import FAULTS
from harness.recordings.results import Lines
from harness.types import Case

Said = pytest.CaptureFixture[str]
QUICK = ("--simulations", "4", "-q")


def test_a_suite_tells_what_it_would_catch(world: World, capsys: Said, tmp_path: Path) -> None:
    """At 80 columns, and by slice in the files; the same seed gives the same bytes."""
    files = tmp_path / "planted.md", tmp_path / "planted.json"
    outputs = [part for path in files for part in ("-o", str(path))]
    ended = call_inside(
        capsys, world.folder, "selftest", "metrics", SUITE, *QUICK, "--share", "0.5", *outputs
    )
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in ended.out.splitlines() if len(line) > 80] == []
    assert "faults planted in run first of tiny: 60 answers of 60 cases, seed 0" in ended.out
    dropped = next(line.split() for line in ended.out.splitlines() if line.startswith("dropped_passage"))
    assert dropped[1:4] == ["60", "recall@5", "100.0"]
    assert dropped[-1] == "4/4"
    assert "+ the suite lacks instruction_leak_rate, which names injected_instruction" in ended.words
    assert "injected_instruction in 30 cases: no gate fails" in ended.words
    assert "! truncation could be planted nowhere: it is too short to be cut off" in ended.words
    page = files[0].read_text()
    assert "`language=de`" in page
    found = json.loads(files[1].read_text())
    again = call_inside(
        capsys, world.folder, "selftest", "metrics", SUITE, *QUICK, "--share", "0.5", "--json"
    )
    assert json.loads(again.out) == found
    assert [one["fault"] for one in found["faults"]] == [*FAULTS]
    assert found["metrics"] == ["recall@5", "required_facts", "error_rate"]


def test_a_case_that_is_not_held_is_read_once(
    world: World, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the gates are held: those look at outlines."""
    monkeypatch.setattr(cases, "HELD_BYTES", 0)
    read: list[int] = []
    reading = Lines.read_case

    def counted(lines: Lines, row: int) -> Case:
        read.append(row)
        return reading(lines, row)

    monkeypatch.setattr(Lines, "read_case", counted)
    assert call_inside(capsys, world.folder, "selftest", "metrics", "first", *QUICK).code == 0
    assert len(read) == N_CASES


def test_every_case_with_the_fault_and_none(world: World, capsys: Said) -> None:
    """In all cases a lost passage fails the gate that names it, and no other; the share is kept."""
    arguments = ("selftest", "metrics", "first", *QUICK, "--json")
    whole = json.loads(call_inside(capsys, world.folder, *arguments, "--share", "1").out)
    assert whole["gates"]["dropped_passage"]["planted"] == 60
    assert set(whole["gates"]["dropped_passage"]["gates"]) == {"recall"}
    assert whole["gates"]["needless_refusal"]["gates"]["facts"]["count"] == 4
    assert whole["gates"]["wrong_number"]["gates"] == {}
    little = json.loads(call_inside(capsys, world.folder, *arguments, "--share", "0.01").out)
    assert little["gates"]["dropped_passage"]["planted"] == 1
    assert little["gates"]["dropped_passage"]["failed"]["count"] == 0
    for found in (whole, little):
        assert found["failing"] == []
        assert found["notices"] == []


def test_a_gate_that_fails_anyway_catches_nothing(world: World, tmp_path: Path, capsys: Said) -> None:
    """It is named, and not counted."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / SUITE
    path.write_text(path.read_text() + "  - { id: never, metric: error_rate, min: 0.5 }\n")
    ended = call_inside(capsys, folder, "selftest", "metrics", SUITE, *QUICK)
    assert ended.code == 0
    assert "! these gates fail on the clean run already: never" in ended.words
    assert "never 4/4" not in ended.words


def test_answers_that_failed_are_left_out(world: World, capsys: Said) -> None:
    """A third of the run has no answer: nothing is planted there, and the gates know of it."""
    ended = call_inside(capsys, world.folder, "selftest", "metrics", "failing", *QUICK)
    assert ended.code == 0
    assert "42 answers of 60 cases" in ended.out


def test_what_cannot_be_planted_ends_with_its_code(world: World, tmp_path: Path, capsys: Said) -> None:
    """No baseline, a run without its text, no such run, wrong options: each says how to mend it."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(folder / "reports")
    slim = call_inside(capsys, folder, "selftest", "metrics", SUITE)
    assert slim.code == 2
    assert "was kept without its text" in slim.words
    shutil.rmtree(folder / "suites/baselines")
    none = call_inside(capsys, folder, "selftest", "metrics", SUITE)
    assert none.code == 3
    assert "there is no run to plant faults in" in none.words
    for arguments in (("nothing",), (SUITE, "--share", "0"), (SUITE, "-o", "page.html")):
        ended = call_inside(capsys, folder, "selftest", "metrics", *arguments)
        assert ended.code == 2
        assert ended.err


def test_hostile_text_is_inert(world: World, tmp_path: Path, capsys: Said) -> None:
    """What a golden or a system says steers neither the terminal nor the page."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("reports", "baselines"))
    cases = folder / "goldens/cases.jsonl"
    evil = "de<img src=x>|\\u001b[31m"
    cases.write_text(cases.read_text().replace('"language": "de"', f'"language": "{evil}"'))
    assert call("run", SUITE, "--run-id", "evil", "-q", cwd=folder).code == 0
    page = tmp_path / "page.md"
    ended = call_inside(capsys, folder, "selftest", "metrics", "evil", *QUICK, "-o", str(page))
    assert ended.code == 0
    for text in (ended.out, page.read_text()):
        assert "\x1b" not in text
    assert "`language=de<img src=x>\\|\\x1b[31m`" in page.read_text()
