"""F8 to F14 where they meet: what is on the disk when, signals at every stage, processes side by side."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import crashing
import pytest
from project import N_CASES, SUITE, Ended, call, call_inside, clean_env, copy_project, make_project

from harness.recordings import Recording, read, write_whole
from harness.types import Case, Query, Response, Result, Run, Score

CASES = tuple(Case(query=Query(f"c{i}", "?")) for i in range(60))
CHECK = ("check", SUITE, "--candidate", "slow", "--run-id", "slow", "--quiet", "--limit", "20")
WHEN = {"SOURCE_DATE_EPOCH": "1000000000"}
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")


def run_of(n_cases: int) -> Run:
    return Run(
        id="r", suite_name="s", started_at="2026-11-22T08:00:00Z", candidate="", system_fingerprint="f",
        dataset_digest="d", dataset_name="d", corpus_digest=None, metrics={}, config={}, suite={},
        suite_path="s.yaml", harness_version="0", seed=0, repeats=1, n_cases=n_cases,
    )  # fmt: skip


def result_of(i: int) -> Result:
    return Result(f"c{i}", 0, Response(output="x"), {"m": Score(value=1.0)})


# -- F8, F9, F10: what is on the disk ----------------------------------------------------------------------


def test_f8_a_line_is_on_the_disk_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut costs no more than the last 20 lines, nor more than a second; what is closed is there."""
    path = tmp_path / "recording.jsonl"
    real, on_disk = os.fsync, [0]

    def fsync(file: int) -> None:
        on_disk.append(os.fstat(file).st_size)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with Recording.create(path, run_of(len(CASES)), CASES, {case.id: "" for case in CASES}) as recording:
        begun = path.stat().st_size
        assert max(on_disk) >= begun
        for n in (1, 20):  # one that waits for its second, and a batch
            for i in range(n):
                recording.append(result_of(i))
            until = time.monotonic() + 10
            while on_disk[-1] < path.stat().st_size:
                assert time.monotonic() < until
                time.sleep(0.01)
        recording.append(result_of(30))
    assert on_disk[-1] == path.stat().st_size > begun


def test_f8_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First its content, then its name, then the name in the folder: a power cut leaves no empty report."""
    path, done = tmp_path / "report.html", list[str]()
    fsync, replace, link = os.fsync, os.replace, os.link

    def synced(file: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "content")  # noqa: PTH112
        fsync(file)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *args: (done.append("name"), replace(*args)))
    monkeypatch.setattr(os, "link", lambda *args, **options: (done.append("name"), link(*args, **options)))
    write_whole(path, b"one")
    write_whole(path, b"two")
    write_whole(tmp_path / "new", b"three", new=True)
    assert done == ["content", "name", "folder"] * 3


def test_f9_a_line_that_is_torn_after_the_end_reopens_the_run(tmp_path: Path) -> None:
    """Somebody has gone on with a finished run: it is not complete before that part is."""
    path = tmp_path / "recording.jsonl"
    with Recording.create(path, run_of(2), CASES[:2], {"c0": "", "c1": ""}) as recording:
        recording.append(result_of(0))
        recording.append(result_of(1))
        recording.finish()
        assert read(path).complete
        recording.append(result_of(1))
    path.write_bytes(path.read_bytes()[:-9])
    found = read(path)
    assert not found.complete
    assert len(found.results) == 2
    assert len(found.notices) == 1


FULL = """
import resource, sys
from pathlib import Path
from harness.recordings import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_whole(Path("report.html"), [b"new" * 1000] * 100)
except RecordingError as error:
    sys.exit(str(error))
"""


def test_f10_a_report_that_does_not_fit_leaves_the_earlier_one(tmp_path: Path) -> None:
    """To the byte; and no part of the new one takes the room that is left."""
    (tmp_path / "report.html").write_text("earlier")
    done = subprocess.run(
        [sys.executable, "-c", FULL],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"report.html cannot be written: .*MB free", done.stderr), done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "earlier")]


# -- F11: side by side -------------------------------------------------------------------------------------


def test_f11_four_runs_at_once_and_somebody_who_reads(tmp_path: Path) -> None:
    """Nobody fails, readers see whole runs, and every row is there once."""
    folder = make_project(tmp_path / "p")
    assert call("run", SUITE, "--run-id", "r0", "-q", cwd=folder).code == 0
    count = "select run_id, count(*) as n from scores group by all order by run_id"
    with ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(call, "run", SUITE, "--run-id", f"r{n}", "-q", cwd=folder) for n in range(1, 5)
        ]
        seen = []
        while not all(one.done() for one in waiting):
            seen.append(call("query", count, "--format", "json", cwd=folder))
            time.sleep(0.3)
    assert [one.result().code for one in waiting] == [0] * 4, [one.result().err for one in waiting]
    assert [(ended.code, ended.err) for ended in seen] == [(0, "")] * len(seen)
    assert {row["n"] for ended in seen for row in json.loads(ended.out)} == {3 * N_CASES}
    rows = json.loads(call("query", count, "--format", "json", cwd=folder).out)
    assert rows == [{"run_id": f"r{n}", "n": 3 * N_CASES} for n in range(5)]


# -- F14: signals at every stage ---------------------------------------------------------------------------

STAGES = {
    "begun": ("linked", 1),  # before the recording has its name
    "asking": ("written", 9),
    "scoring": ("written", 40),  # the last line of scores
    "reporting": ("renamed", 1),
    "loading": ("loaded", 9),
}
AT = [("SIGINT", stage) for stage in STAGES] + [("SIGTERM", stage) for stage in ("asking", "loading")]


def signalled(project: Path, folder: Path, number: str, stage: str) -> Ended:
    point, n = STAGES[stage]
    copy_project(project, folder)
    program = (crashing.__file__, point, str(n))
    return call(*CHECK, cwd=folder, program=program, SIGNAL=number, **WHEN)


@pytest.fixture(scope="module")
def stopped(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], tuple[Path, Ended]]:
    """The run that nothing happens to, and the same stopped at each stage; two at a time."""
    base = tmp_path_factory.mktemp("signals")
    whole = copy_project(project, base / "whole")
    with ThreadPoolExecutor(2) as pool:
        waiting = {
            at: (base / "-".join(at), pool.submit(signalled, project, base / "-".join(at), *at)) for at in AT
        }
        ended = call(*CHECK, cwd=whole, **WHEN)
        return {("", ""): (whole, ended)} | {
            at: (folder, one.result()) for at, (folder, one) in waiting.items()
        }


@pytest.mark.parametrize(("number", "stage"), AT)
def test_f14_a_signal_at_any_stage_loses_nothing(
    stopped, number: str, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """130 or 143, no traceback; gone on with, nobody is asked twice, and the report is the same."""
    whole, by_itself = stopped["", ""]
    folder, ended = stopped[number, stage]
    assert ended.code in ({130} if number == "SIGINT" else {143, -15}), ended.err
    assert "Traceback" not in ended.err
    begun = (folder / "reports/runs/slow/recording.jsonl").exists()
    assert begun == (stage != "begun")
    told = re.search(r"go on with +harness (.*)", ended.err)
    again = shlex.split(told[1]) if told else [*CHECK[:-2], *(("--resume", "slow") if begun else CHECK[-2:])]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", WHEN["SOURCE_DATE_EPOCH"])
    monkeypatch.delitem(sys.modules, "mysystems", raising=False)  # of another test's project
    resumed = call_inside(capsys, folder, *again)
    assert resumed.code == by_itself.code, resumed.err
    calls = Counter((folder / "calls.txt").read_text().split())
    assert len(calls) == 20
    assert set(calls.values()) == {1}
    for name in RENDERED:
        path = Path("reports/runs/slow") / name
        assert (folder / path).read_bytes() == (whole / path).read_bytes(), name
