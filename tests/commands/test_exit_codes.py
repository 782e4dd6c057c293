"""The exit code of every ending, and what is said with it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call, call_inside, case_of, copy_project, write_lines

from harness.cli import VERBS


def test_an_unchanged_candidate_passes(world: World) -> None:
    """0: every gate passed."""
    assert world.same.code == 0, world.same.words
    assert "PASSED" in world.same.out


def test_a_worse_candidate_fails(world: World) -> None:
    """1: a gate failed, even though others passed."""
    assert world.worse.code == 1, world.worse.words
    assert "FAILED" in world.worse.out


def test_a_system_that_fails_is_inconclusive(world: World) -> None:
    """3: with 30 % errors nothing is proven, neither good nor bad."""
    assert world.failing.code == 3, world.failing.words
    assert "18 system error" in world.failing.words


def test_a_report_that_cannot_be_written_costs_no_call(world: World, tmp_path: Path) -> None:
    """4, where that showed when all was asked: what goes on is told, asks nothing, and gives the verdict."""
    folder = copy_project(world.folder, tmp_path / "project")
    there = folder / "reports/runs/there"
    arguments = ("check", SUITE, "--run-id", "there", "--intersect", "--output", "more/report.md")
    systems = folder / "mysystems.py"
    systems.write_text(systems.read_text() + "\nopen('more', 'a').close()\n")  # where the report is to be
    ended = call(*arguments, cwd=folder)
    assert ended.code == 4, ended.words
    assert "more/report.md cannot be written" in ended.err
    command = re.search(r"^  go on with   harness (gate there .*)$", ended.err, re.MULTILINE)
    assert command is not None, ended.err
    assert command[1].split() == ["gate", "there", "--intersect", "--output", "more/report.md"]
    recorded = (there / "recording.jsonl").read_bytes()
    (folder / "more").unlink()
    assert call(*command[1].split(), cwd=folder).code == 0
    assert (folder / "more/report.md").exists()
    assert (there / "recording.jsonl").read_bytes() == recorded


def test_without_a_baseline_it_is_inconclusive(world: World) -> None:
    """3: and the command that makes one is named, and works."""
    assert world.first.code == 3
    assert "harness baseline promote RUN --reason" in world.first.words
    assert world.promoted.code == 0


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("max_drop: 0.1 }", "max_dorp: 0.1 }"),
        ("metrics:", "metrisc:"),
        ("required_facts,", "required_fatcs,"),
    ],
)
def test_a_mistyped_name_is_shown_where_it_is(world: World, tmp_path: Path, right: str, wrong: str) -> None:
    """2: ``file:line:col``, the line itself, a caret under the column, and the nearest name."""
    folder = copy_project(world.folder, tmp_path / "project")
    before, found, after = (folder / SUITE).read_text().partition(right)
    assert found
    (folder / SUITE).write_text(before + wrong + after)
    ended = call("check", SUITE, cwd=folder)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (ended.code, ended.out) == (2, "")
    assert f"  --> {SUITE}:{line}:{column}\n" in ended.err
    match = re.search(rf"^ {line} \| (.*)\n +\| ( *)\^ (.*)$", ended.err, re.MULTILINE)
    assert match
    shown, margin, mend = match.groups()
    assert shown[len(margin) :].startswith(wrong.split(maxsplit=1)[0].strip(":,"))
    assert mend == f"did you mean {right.split(maxsplit=1)[0].strip(':,')!r}?"
    assert "nothing was run" in ended.err
    assert not (folder / "reports").exists()


def test_f33_a_gate_over_no_case_is_an_error(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2: it would pass whatever the system does; its line and column are shown."""
    folder = copy_project(world.folder, tmp_path / "project")
    with (folder / SUITE).open("a") as file:
        file.write("  - { id: none, metric: recall@5, where: { language: xx }, min: 0.5 }\n")
    ended = call_inside(capsys, folder, "check", SUITE)
    assert ended.code == 2
    assert "gate 'none' selects no case: none has language 'xx'" in ended.err
    lines = (folder / SUITE).read_text().splitlines()
    assert f"{SUITE}:{len(lines)}:{lines[-1].index('xx') + 1}\n" in ended.err


def test_a_selection_of_nothing(world: World) -> None:
    """5: no case was selected, so there is no verdict and no run."""
    ended = call("check", SUITE, "--where", "language=xx", "--run-id", "none", cwd=world.folder)
    assert ended.code == 5
    assert "no case is selected" in ended.err
    assert not (world.folder / "reports/runs/none").exists()


def test_a_reports_folder_that_cannot_be_written(world: World, tmp_path: Path) -> None:
    """4: the message names the path and how much room there is."""
    (tmp_path / "file").write_text("in the way")
    ended = call("run", SUITE, "--reports", str(tmp_path / "file" / "reports"), cwd=world.folder)
    assert ended.code == 4, ended.words
    assert str(tmp_path / "file") in ended.err
    assert "MB free" in ended.err
    assert "Traceback" not in ended.err


def test_other_goldens_are_not_compared_unless_told_to(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """3: ``--intersect`` is offered; with it, the unchanged cases give a verdict and the report says so."""
    folder = copy_project(world.folder, tmp_path / "project")
    changed = {"q_003": {"input": "What is fact three?"}}
    write_lines(folder / "goldens/cases.jsonl", (case_of(i, changed) for i in range(59)))
    ended = call("check", SUITE, "--run-id", "other", cwd=folder)
    assert ended.code == 3
    assert "goldens" in ended.words
    assert "--intersect" in ended.words
    again = call_inside(capsys, folder, "gate", "other", "--intersect", "--json")
    report = json.loads(again.out)
    assert (again.code, report["outcome"]) == (0, "pass"), report["verdicts"]
    assert {verdict["n"] for verdict in report["verdicts"] if verdict["gate"] == "recall"} == {58}
    said = " ".join(report["notices"])
    assert "only cases that are the same in both runs are compared" in said
    assert "1 case" in said


USAGE = (
    "chekc",
    "init --exampel",
    "init mysystems.py",
    "validate",
    "validate suites/none.yaml",
    "validate suites",
    f"run {SUITE} --candidate wrose",
    f"run {SUITE} --candidate absent --run-id absent",
    f"run {SUITE} --where language",
    f"run {SUITE} --where langauge=de",
    f"run {SUITE} --where language=de --where language=en",
    f"run {SUITE} --case q-0001",
    f"run {SUITE} --limit 0",
    f"run {SUITE} --run-id ../out",
    f"run {SUITE} --run-id first",
    f"run {SUITE} --resume nobody",
    f"run {SUITE} --retry-errors",
    "gate",
    "gate frist",
    "gate first --suite suites/none.yaml",
    "gate first --baseline nobody",
    "gate first --baseline none.lock.json",
    f"check {SUITE} --candiate worse",
    f"check {SUITE} -o report.pdf --run-id pdf",
    "compare",
    "compare first",
    "compare first first",
    "compare first nobody",
    "compare first same --metric recal@5",
    "compare first same -o page.pdf",
    f"race {SUITE} --candidates plain",
    "score frist",
    "score first --qrels goldens/cases.jsonl",
    f"race {SUITE} --candidates plain,wrose",
    f"race {SUITE} --metric recal@5",
    f"race {SUITE} --alpha 0.7",
    f"race {SUITE} --looks 50,20,100",
    f"race {SUITE} --looks a",
    f"race {SUITE} --resume nobody",
    f"race {SUITE} --run-id ../out",
    f"race {SUITE} --candidates plain,absent --run-id r",
    f"race {SUITE} --run-id r --resume r",
    "label",
    "label export first --metric recall@5",
    "label export frist --metric recall@5 -o p.html",
    "label export first --metric recal@5 -o p.html",
    "label export first --metric recall@5 -o p.docx",
    "label import none.json",
    "judge",
    "judge calibrte first",
    "judge calibrate first --metric recall@5",
    "judge agree first --metric recal@5",
    "audit",
    "audit frist",
    "audit first --slice langauge",
    "audit first --margin 0",
    "audit first -o audit.md",
    "report",
    "report first -o report.docx",
    "show first",
    "show first q-0",
    "baseline",
    "baseline promte first",
    "baseline promote first",
    "baseline show suites/none.yaml",
    f"plan {SUITE} --candidate wrose",
    f"selftest gate {SUITE} --runs frist --runs same",
    "judge",
    "dataset",
    "dataset varaints goldens/none.jsonl -o v.jsonl",
    "dataset variants goldens/none.jsonl -o v.jsonl",
    "dataset variants goldens/none.jsonl -o v.jsonl --kinds typoes",
    "query",
    "runs lst",
    "runs show",
    "runs import nofile",
    "schema suit",
    "doctor --fix",
)


NEAREST = {
    "chekc": "Did you mean 'check'?",
    f"run {SUITE} --candidate wrose": "did you mean 'worse'?",
    f"run {SUITE} --candidate absent --run-id absent": "absent",
    f"run {SUITE} --where langauge=de": "did you mean 'language'?",
    f"run {SUITE} --case q-0001": "did you mean 'q-001'?",
    "gate frist": "did you mean 'first'?",
    "label export frist --metric recall@5 -o p.html": "did you mean 'first'?",
    "label export first --metric recal@5 -o p.html": "did you mean 'recall@5'?",
    "label export first --metric recall@5 -o p.docx": "*.html or *.csv",
    "judge calibrte first": "Did you mean 'calibrate'?",
    "judge calibrate first --metric recall@5": "judge agree",
    "judge agree first --metric recal@5": "did you mean 'recall@5'?",
    "audit first --slice langauge": "did you mean 'language'?",
    "audit first -o audit.md": ".html",
    f"check {SUITE} --candiate worse": "--candidate",
    "baseline promte first": "Did you mean 'promote'?",
    "compare first same --metric recal@5": "did you mean 'recall@5'?",
    f"race {SUITE} --candidates plain,wrose": "did you mean 'worse'?",
    f"race {SUITE} --metric recal@5": "did you mean 'recall@5'?",
    "score frist": "did you mean 'first'?",
    "dataset varaints goldens/none.jsonl -o v.jsonl": "Did you mean 'variants'?",
    "dataset variants goldens/none.jsonl -o v.jsonl --kinds typoes": "did you mean 'typos'?",
    "runs lst": "Did you mean 'list'?",
    "report first -o report.docx": ".html",
    f"plan {SUITE} --candidate wrose": "did you mean 'worse'?",
    f"selftest gate {SUITE} --runs frist --runs same": "did you mean 'first'?",
}
"""What is said of a name that is nearly right."""


@pytest.mark.parametrize("line", USAGE)
def test_what_is_called_wrongly_ends_with_2(
    world: World, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """2: nothing on standard output, a message on standard error, and no run is left behind."""
    runs = set((world.folder / "reports/runs").iterdir())
    ended = call_inside(capsys, world.folder, *line.split())
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert re.search("^(error|Error|Usage): ", ended.err, re.MULTILINE)
    assert NEAREST.get(line, "") in ended.err
    assert set((world.folder / "reports/runs").iterdir()) == runs


def test_every_verb_is_called_wrongly() -> None:
    """The table above forgets none, and no hint."""
    assert {line.split()[0] for line in USAGE} == {"chekc", *VERBS}
    assert set(NEAREST) <= set(USAGE)


def test_the_baseline_must_be_the_one_that_was_promoted(world: World, tmp_path: Path) -> None:
    """4: a baseline whose recording was changed is not compared with."""
    folder = copy_project(world.folder, tmp_path / "project")
    shutil.copytree(world.folder / "reports/runs/same", folder / "reports/runs/same")
    recording = folder / "suites/baselines/tiny.run-first.jsonl.gz"
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 1
    recording.write_bytes(bytes(data))
    ended = call("gate", "same", cwd=folder)
    assert ended.code == 4
    assert "not the one that was promoted" in ended.err
