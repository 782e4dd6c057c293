"""The process is killed at every kind of moment: what was acknowledged is there, and the end is the same."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import crashing
import pytest
from project import N_CASES, SUITE, Ended, call, copy_project

CHECK = ("check", SUITE, "--candidate", "slow", "--run-id", "slow", "--quiet")
WHEN = {"SOURCE_DATE_EPOCH": "1000000000"}
IN_FLIGHT = 2
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
POINTS = [
    ("written", 2),  # the second answer
    ("written", 61),
    ("written", 2 * N_CASES),  # the last scores
    ("written", 2 * N_CASES + 1),  # the end line
    ("torn", 1),
    ("torn", 40),
    ("torn", 2 * N_CASES + 1),
    ("synced", 1),
    ("synced", 4),
    ("linked", 1),  # the recording, before it has its name
    ("renamed", 1),  # the first report
    ("renamed", 2),
    ("loaded", 1),
    ("loaded", 9),
]


class Crash(NamedTuple):
    """A run that was killed, and gone on with."""

    folder: Path
    killed: Ended
    kept: frozenset[str]
    resumed: Ended

    @property
    def calls(self) -> Counter[str]:
        """How often the system was asked for each case, before and after."""
        return Counter((self.folder / "calls.txt").read_text().split())

    @property
    def files(self) -> dict[str, bytes]:
        """The report in every format."""
        return {name: (self.folder / "reports/runs/slow" / name).read_bytes() for name in RENDERED}


def answers(folder: Path) -> frozenset[str]:
    """The cases whose answer stands whole in the recording."""
    path = folder / "reports/runs/slow/recording.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return frozenset(line["data"]["case_id"] for line in whole if line["kind"] == "answer")


def crash(project: Path, folder: Path, point: str, n: int) -> Crash:
    """Kill a run there; go on with it, or begin it where it had not begun."""
    copy_project(project, folder)
    killed = call(*CHECK, cwd=folder, program=(crashing.__file__, point, str(n)), **WHEN)
    kept = answers(folder)
    begun = (folder / "reports/runs/slow/recording.jsonl").exists()
    resumed = call(*CHECK, *(("--resume", "slow") if begun else ()), cwd=folder, **WHEN)
    return Crash(folder, killed, kept, resumed)


@pytest.fixture(scope="module")
def crashes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Crash]:
    """A run killed at each of the points, several at a time: they wait more than they compute."""
    base = tmp_path_factory.mktemp("crashes")
    with ThreadPoolExecutor(3) as pool:
        waiting = {
            (point, n): pool.submit(crash, project, base / f"{point}-{n}", point, n) for point, n in POINTS
        }
        return {where: future.result() for where, future in waiting.items()}


@pytest.fixture(scope="module")
def whole(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The report of the run that nothing happens to."""
    folder = copy_project(project, tmp_path_factory.mktemp("whole") / "project")
    ended = call(*CHECK, cwd=folder, **WHEN)
    assert ended.code == 1, ended.err
    return Crash(folder, ended, answers(folder), ended).files


@pytest.mark.parametrize(("point", "n"), POINTS, ids=[f"{point}-{n}" for point, n in POINTS])
def test_f8_a_kill_at_this_moment_loses_and_repeats_nothing(
    crashes: dict[tuple[str, int], Crash], whole: dict[str, bytes], point: str, n: int
) -> None:
    """What was acknowledged is asked once, what was in flight at most twice; the report is the same."""
    found = crashes[point, n]
    assert found.killed.code == -9, found.killed.err
    assert found.resumed.code == 1, found.resumed.err
    assert len(found.calls) == N_CASES
    assert {found.calls[case_id] for case_id in found.kept} <= {1}
    assert sum(found.calls.values()) - N_CASES <= IN_FLIGHT
    assert found.files == whole
    sql = "select count(*) as n from scores where run_id = 'slow'"
    stored = call("query", sql, "--format", "json", cwd=found.folder)
    assert json.loads(stored.out)[0]["n"] == 3 * N_CASES
