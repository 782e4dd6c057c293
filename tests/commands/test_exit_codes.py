"""The exit code of every ending, and what is said with it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import World
from project import SUITE, Ended, call, call_all, case_of, copy_project, write_lines

VERBS = ("init", "validate", "run", "gate", "check", "compare", "report", "show", "baseline", "query", "runs",
         "schema", "doctor")  # fmt: skip


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


def test_without_a_baseline_it_is_inconclusive(world: World) -> None:
    """3: and the command that makes one is named, and works."""
    assert world.first.code == 3
    assert "harness baseline promote RUN --reason" in world.first.words
    assert world.promoted.code == 0


@pytest.mark.parametrize(
    ("before", "after", "line", "caret", "said"),
    [
        ("max_drop: 0.1 }\n  - { id: facts", "max_dorp: 0.1 }\n  - { id: facts", 24, "max_dorp", "'max_drop'"),
        ("metrics:", "metrisc:", 18, "metrisc", "'metrics'"),
        ("metric: required_facts", "metric: required_fact", 25, "required_fact,", "'required_facts'"),
    ],
)
def test_a_mistyped_key_is_shown_where_it_is(
    world: World, tmp_path: Path, before: str, after: str, line: int, caret: str, said: str
) -> None:
    """2: ``file:line:col``, the line itself, a caret under the column, and the nearest name."""
    folder = copy_project(world.folder, tmp_path / "project")
    text = (folder / SUITE).read_text()
    assert text.count(before) == 1
    (folder / SUITE).write_text(text.replace(before, after))
    ended = call("check", SUITE, cwd=folder)
    column = (folder / SUITE).read_text().splitlines()[line - 1].index(caret) + 1
    assert ended.code == 2
    assert ended.out == ""
    assert f"  --> {SUITE}:{line}:{column}\n" in ended.err
    shown, under = re.search(rf"^ {line} \| (.*)\n    \| ( *\^ .*)$", ended.err, re.MULTILINE).groups()  # type: ignore[union-attr]
    assert shown[under.index("^") :].startswith(caret)
    assert f"did you mean {said}?" in under
    assert "nothing was run" in ended.err
    assert not (folder / "reports").exists()


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


def test_other_goldens_are_not_compared_unless_told_to(world: World, tmp_path: Path) -> None:
    """3: ``--intersect`` is offered; with it, the unchanged cases give a verdict and the report says so."""
    folder = copy_project(world.folder, tmp_path / "project")
    changed = {"q_003": {"input": "What is fact three?"}}
    write_lines(folder / "goldens/cases.jsonl", (case_of(i, changed) for i in range(59)))
    ended = call("check", SUITE, "--run-id", "other", cwd=folder)
    assert ended.code == 3
    assert "goldens" in ended.words
    assert "--intersect" in ended.words
    again = call("gate", "other", "--intersect", "--json", cwd=folder)
    report = json.loads(again.out)
    assert (again.code, report["outcome"]) == (0, "pass"), again.words
    assert {verdict["n"] for verdict in report["verdicts"] if verdict["gate"] == "recall"} == {58}
    said = " ".join(report["notices"])
    assert "only cases that are the same in both runs are compared" in said
    assert "1 case" in said


@pytest.fixture(scope="session")
def wrong(world: World) -> dict[tuple[str, ...], Ended]:
    calls = [tuple(line.split()) for line in USAGE]
    return dict(zip(calls, call_all(calls, world.folder), strict=True))


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
    "compare first",
    "report",
    "report first -o report.docx",
    "show first",
    "show first q-0",
    "baseline",
    "baseline promte first",
    "baseline promote first",
    "baseline show suites/none.yaml",
    "query",
    "runs lst",
    "runs show",
    "runs import nofile",
    "schema suit",
    "doctor --fix",
)


@pytest.mark.parametrize("line", USAGE)
def test_what_is_called_wrongly_ends_with_2(wrong: dict[tuple[str, ...], Ended], line: str) -> None:
    """2: nothing on standard output, a message on standard error, no traceback, at most 80 columns of ours."""
    ended = wrong[tuple(line.split())]
    assert ended.code == 2, ended.words
    assert "rror" in ended.err or line == "baseline"
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_every_verb_is_called_wrongly() -> None:
    """The table above forgets none."""
    assert {line.split()[0] for line in USAGE} == {"chekc", *VERBS}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("chekc", "Did you mean 'check'?"),
        (f"run {SUITE} --candidate wrose", "did you mean 'worse'?"),
        (f"run {SUITE} --where langauge=de", "did you mean 'language'?"),
        (f"run {SUITE} --case q-0001", "did you mean 'q-001'?"),
        ("gate frist", "did you mean 'first'?"),
        (f"check {SUITE} --candiate worse", "--candidate"),
        ("baseline promte first", "Did you mean 'promote'?"),
        ("runs lst", "Did you mean 'list'?"),
        ("report first -o report.docx", ".html"),
    ],
)
def test_the_nearest_name_is_told(wrong: dict[tuple[str, ...], Ended], line: str, hint: str) -> None:
    """A name that is nearly right is answered with the right one."""
    assert hint in wrong[tuple(line.split())].err


def test_a_system_that_cannot_be_opened_leaves_no_run(wrong: dict[tuple[str, ...], Ended], world: World) -> None:
    """The name is free again, and nothing is left that ``last`` could mean."""
    ended = wrong["run", SUITE, "--candidate", "absent", "--run-id", "absent"]
    assert "absent" in ended.err
    assert not (world.folder / "reports/runs/absent").exists()


def test_a_format_that_is_not_known_is_refused_before_the_run(world: World) -> None:
    """Nobody waits for a run to learn that its report cannot be written."""
    assert not (world.folder / "reports/runs/pdf").exists()


def test_the_baseline_must_be_the_one_that_was_promoted(world: World, tmp_path: Path) -> None:
    """4: a baseline whose recording was changed is not compared with."""
    folder = copy_project(world.folder, tmp_path / "project")
    shutil.copytree(world.folder / "reports/runs/same", folder / "reports/runs/same")
    recording = folder / "suites/baselines/tiny.recording.jsonl.gz"
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 1
    recording.write_bytes(bytes(data))
    ended = call("gate", "same", cwd=folder)
    assert ended.code == 4
    assert "not the one that was promoted" in ended.err
