"""Runs that are cut short: what was answered is kept, what is missing is asked, the report is the same."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from project import N_CASES, SUITE, Ended, World, call, call_inside, clean_env, copy_project

SLOW = ("check", SUITE, "--candidate", "slow", "--run-id", "slow", "--quiet")
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, resource.RLIM_INFINITY))
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""
ON_TERMINAL = """
import os, runpy
os.login_tty(0)
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""


class Cut(NamedTuple):
    """A run that was cut short: where, how it ended, what stood in its recording, and how it went on."""

    folder: Path
    ended: Ended
    acknowledged: frozenset[str]
    resumed: Ended

    @property
    def calls(self) -> Counter[str]:
        """How often the system was asked for each case, in both parts of the run."""
        return calls_in(self.folder)

    def files(self) -> dict[str, bytes]:
        """The report in every format."""
        return {name: (self.folder / "reports/runs/slow" / name).read_bytes() for name in RENDERED}


def calls_in(folder: Path) -> Counter[str]:
    path = folder / "calls.txt"
    return Counter(path.read_text().split()) if path.is_file() else Counter()


def answered_in(folder: Path, run: str) -> frozenset[str]:
    lines = (folder / "reports/runs" / run / "recording.jsonl").read_bytes().splitlines(keepends=True)
    whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return frozenset(line["data"]["case_id"] for line in whole if line["kind"] == "answer")


def start(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=clean_env(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_calls(process: subprocess.Popen[bytes], folder: Path, n: int) -> None:
    until = time.monotonic() + 30
    while sum(calls_in(folder).values()) < n:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)


def cut(project: Path, folder: Path, number: int) -> Cut:
    """Send a signal at half of a run, then go on: as told, or with --resume where nothing was said."""
    copy_project(project, folder)
    process = start(folder, *SLOW, SOURCE_DATE_EPOCH="1000000000", PYTHONHASHSEED="1")
    wait_for_calls(process, folder, N_CASES // 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    ended = Ended(process.returncode, out.decode(), err.decode())
    acknowledged = answered_in(folder, "slow")
    told = re.search(r"go on with +harness (.*)", ended.err)
    command = shlex.split(told[1]) if told else [*SLOW, "--resume", "slow"]
    return Cut(folder, ended, acknowledged, call(*command, cwd=folder, SOURCE_DATE_EPOCH="1000000000"))


@pytest.fixture(scope="session")
def cuts(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cut]:
    """The same run uninterrupted, and cut short by each signal."""
    base = tmp_path_factory.mktemp("cuts")

    def whole() -> Cut:
        folder = copy_project(world.folder, base / "whole")
        ended = call(*SLOW, cwd=folder, SOURCE_DATE_EPOCH="1000000000", PYTHONHASHSEED="2")
        return Cut(folder, ended, answered_in(folder, "slow"), ended)

    numbers = {
        "kill": signal.SIGKILL,
        "int": signal.SIGINT,
        "term": signal.SIGTERM,
        "hup": signal.SIGHUP,
    }
    with ThreadPoolExecutor(5) as pool:
        waiting = {
            name: pool.submit(cut, world.folder, base / name, number) for name, number in numbers.items()
        }
        waiting["whole"] = pool.submit(whole)
        return {name: future.result() for name, future in waiting.items()}


@pytest.mark.parametrize(
    ("name", "code"), [("kill", -9), ("int", 130), ("term", 143), ("hup", 143), ("whole", 1)]
)
def test_f14_the_exit_code_tells_what_happened(cuts: dict[str, Cut], name: str, code: int) -> None:
    """130 and 143 by the signal, whatever the verdict would have been; resumed, it is the verdict's."""
    assert cuts[name].ended.code == code, cuts[name].ended.err
    assert cuts[name].resumed.code == 1, cuts[name].resumed.err


@pytest.mark.parametrize("name", ["int", "term", "hup"])
def test_f14_an_interrupted_run_says_how_to_go_on(cuts: dict[str, Cut], name: str) -> None:
    """How much is kept, and a command that works as it stands; no verdict and no traceback."""
    found = cuts[name]
    assert f"{len(found.acknowledged)} of 60 answers are kept" in found.ended.err
    assert f"go on with   harness check {SUITE} --resume slow\n" in found.ended.err
    assert found.ended.out == ""
    assert "Traceback" not in found.ended.err


@pytest.mark.parametrize("name", ["int", "term", "hup", "kill"])
def test_f8_no_answered_case_is_asked_again(cuts: dict[str, Cut], name: str) -> None:
    """What stood in the recording was asked once; at most what was in flight was asked twice."""
    found = cuts[name]
    assert N_CASES // 2 - 2 <= len(found.acknowledged) < N_CASES
    assert {found.calls[case_id] for case_id in found.acknowledged} == {1}
    assert len(found.calls) == N_CASES
    assert sum(found.calls.values()) <= N_CASES + (2 if name == "kill" else 0)


@pytest.mark.parametrize("name", ["int", "term", "hup", "kill"])
def test_f8_the_report_is_the_same_as_uninterrupted(cuts: dict[str, Cut], name: str) -> None:
    """Byte for byte, in every format, in another folder and under another hash seed."""
    assert cuts[name].resumed.out == cuts["whole"].ended.out
    assert cuts[name].files() == cuts["whole"].files()


@pytest.mark.parametrize(("torn", "asked"), [("answer", 1), ("scores", 0)])
def test_f9_a_torn_last_line_costs_no_more_than_it_held(
    cuts: dict[str, Cut], tmp_path: Path, torn: str, asked: int
) -> None:
    """The torn line is cut off: an answer is asked again, scores are computed; the report is the same."""
    folder = copy_project(cuts["whole"].folder, tmp_path / "project")
    (folder / "calls.txt").unlink()
    run = folder / "reports/runs/slow"
    run.mkdir(parents=True)
    lines = (cuts["whole"].folder / "reports/runs/slow/recording.jsonl").read_bytes().splitlines(True)
    last = max(place for place, line in enumerate(lines) if json.loads(line)["kind"] == torn)
    whole = json.loads(lines[last])["data"]["case_id"]
    kept = [line for line in lines[:-1] if json.loads(line)["data"].get("case_id") != whole]
    answer = [line for line in lines[:last] if json.loads(line)["data"].get("case_id") == whole]
    (run / "recording.jsonl").write_bytes(b"".join([*kept, *answer]) + lines[last][: len(lines[last]) // 2])
    listed = call("runs", "list", cwd=folder)
    assert "incomplete" in listed.out
    ended = call(*SLOW, "--resume", "slow", cwd=folder, SOURCE_DATE_EPOCH="1000000000")
    assert ended.code == 1, ended.err
    assert sum(calls_in(folder).values()) == asked
    assert Cut(folder, ended, frozenset(), ended).files() == cuts["whole"].files()


def damage(path: Path, kind: str) -> str:
    """Flip a bit in the middle of a line of a kind, half-way through the run; gives the line's number."""
    lines = path.read_bytes().splitlines(True)
    places = [place for place, line in enumerate(lines) if json.loads(line)["kind"] == kind]
    place = places[len(places) // 2]
    middle = len(lines[place]) // 2
    lines[place] = lines[place][:middle] + bytes([lines[place][middle] ^ 1]) + lines[place][middle + 1 :]
    path.write_bytes(b"".join(lines))
    return f"recording.jsonl: line {place + 1} does not match its checksum and is left out"


@pytest.mark.parametrize(("kind", "asked"), [("answer", 1), ("scores", 0), ("end", 0)])
def test_f12_a_damaged_line_costs_no_more_than_it_held(
    cuts: dict[str, Cut], tmp_path: Path, kind: str, asked: int
) -> None:
    """It is told, what follows it stays, --resume asks what it held; then the report is the same."""
    folder = tmp_path / "project"
    shutil.copytree(cuts["whole"].folder, folder, ignore=shutil.ignore_patterns("*.duckdb", "calls.txt"))
    told = damage(folder / "reports/runs/slow/recording.jsonl", kind)
    assert "incomplete" in call("runs", "list", cwd=folder).out
    ended = call(*SLOW, "--resume", "slow", cwd=folder, SOURCE_DATE_EPOCH="1000000000")
    assert ended.code == 1, ended.err
    assert f"note: {told}" in ended.err
    assert sum(calls_in(folder).values()) == asked
    assert Cut(folder, ended, frozenset(), ended).files() == cuts["whole"].files()


@pytest.mark.parametrize("kind", ["answer", "scores", "end"])
def test_f12_a_damaged_run_passes_no_gate(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """3 where it was 0: what is missing can only hold a verdict back, and the report says what is lost."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("*.duckdb"))
    assert call_inside(capsys, folder, "gate", "same").code == 0
    told = damage(folder / "reports/runs/same/recording.jsonl", kind)
    ended = call_inside(capsys, folder, "gate", "same")
    assert ended.code == 3
    assert told in ended.words
    assert "the run is incomplete" in ended.words


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("goldens/cases.jsonl", "What is fact 3?", "What is fact three?", "the goldens changed"),
        (SUITE, "run: { max", "seed: 1\nrun: { max", ""),
        (SUITE, '"mysystems:slow"', '"mysystems:worse"', "the system's configuration changed"),
        (SUITE, "  - error_rate\n", "", "the metrics changed"),
        (SUITE, "suite: tiny", "suite: other", "suite"),
    ],
)
def test_a_run_goes_on_only_with_what_it_was_begun_with(
    cuts: dict[str, Cut], tmp_path: Path, file: str, before: str, after: str, said: str
) -> None:
    """2: other goldens, system or metrics would make two runs in one; what does not matter may change."""
    folder = tmp_path / "project"
    shutil.copytree(cuts["int"].folder, folder, ignore=shutil.ignore_patterns("*.duckdb"))
    text = (folder / file).read_text()
    assert text.count(before) == 1
    (folder / file).write_text(text.replace(before, after))
    ended = call("run", SUITE, "--resume", "slow", cwd=folder)
    assert ended.code == (2 if said else 0), ended.err
    assert said in ended.err
    assert calls_in(folder) == cuts["int"].calls


@pytest.mark.parametrize("option", ["--candidate=worse", "--limit=3", "--seed=4", "--run-id=other"])
def test_other_options_than_the_runs_own_are_refused(
    cuts: dict[str, Cut], capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """2: a run cannot change its candidate or its cases on the way; its own may be repeated."""
    ended = call_inside(capsys, cuts["int"].folder, "run", SUITE, option, "--resume", "slow")
    assert ended.code == 2
    assert option.partition("=")[0] in ended.err


def test_retry_errors_asks_only_what_failed(world: World, tmp_path: Path) -> None:
    """Errors are answers until --retry-errors asks them again; then the run is as if they had not been."""
    folder = copy_project(world.folder, tmp_path / "project")
    first = call("check", SUITE, "--candidate", "mended", "--run-id", "m", cwd=folder)
    assert first.code == 3
    failed = {case_id for case_id in calls_in(folder) if int(case_id[2:]) % 10 < 3}
    (folder / "mended").touch()
    (folder / "calls.txt").unlink()
    kept = call("check", SUITE, "--resume", "m", cwd=folder)
    assert (kept.code, calls_in(folder)) == (3, Counter())
    again = call("check", SUITE, "--resume", "m", "--retry-errors", cwd=folder)
    assert again.code == 0, again.words
    assert calls_in(folder) == Counter(failed)


def test_f10_a_full_disk_keeps_what_was_answered(world: World, tmp_path: Path) -> None:
    """4: the message names the file, the room and the run; with room again, only the rest is asked."""
    folder = copy_project(world.folder, tmp_path / "project")
    header = (world.folder / "reports/runs/same/recording.jsonl").read_bytes().find(b'{"kind":"answer"')
    limited = ("-c", LIMITED.format(bytes=header + 10_000))
    ended = call(*SLOW, cwd=folder, program=limited)
    assert ended.code == 4, ended.err
    assert "reports/runs/slow/recording.jsonl cannot be written" in ended.err
    assert "MB free" in ended.err
    assert "resume run slow" in ended.err
    assert "Traceback" not in ended.err
    kept = answered_in(folder, "slow")
    assert 5 < len(kept) < N_CASES
    resumed = call(*SLOW, "--resume", "slow", cwd=folder)
    assert resumed.code == 1, resumed.err
    assert {calls_in(folder)[case_id] for case_id in kept} == {1}


def test_f14_a_second_signal_ends_at_once(world: World, tmp_path: Path) -> None:
    """A system that hangs holds nobody up, and the run can be gone on with."""
    folder = copy_project(world.folder, tmp_path / "project")
    process = start(folder, "check", SUITE, "--candidate", "hanging", "--run-id", "h")
    wait_for_calls(process, folder, 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 3
    assert process.returncode == 130
    assert "0 of 60 answers are kept" in err.decode()
    assert "--resume h" in err.decode()


def test_f14_a_terminal_that_is_closed_stops_the_run(world: World, tmp_path: Path) -> None:
    """As SIGTERM does, though nothing can be told there: what was answered is kept, and goes on."""
    folder = copy_project(world.folder, tmp_path / "project")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *SLOW], cwd=folder, env=clean_env(), stdin=theirs
    )
    os.close(theirs)
    wait_for_calls(process, folder, N_CASES // 2)
    os.close(ours)
    assert process.wait(timeout=30) == 143
    kept = answered_in(folder, "slow")
    assert len(kept) >= N_CASES // 2 - 2
    resumed = call(*SLOW, "--resume", "slow", cwd=folder)
    assert resumed.code == 1, resumed.err
    assert {calls_in(folder)[case_id] for case_id in kept} == {1}


def test_f14_a_run_that_is_not_to_hear_of_it_goes_on(world: World, tmp_path: Path) -> None:
    """``nohup`` stays what it is: the run ends with its verdict."""
    folder = copy_project(world.folder, tmp_path / "project")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(folder, *SLOW)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for_calls(process, folder, 5)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1, err
    assert sum(calls_in(folder).values()) == N_CASES


def test_f14_a_hangup_before_anything_is_asked(tmp_path: Path) -> None:
    """Wherever it comes, the exit code is one of those that are documented."""
    os.mkfifo(tmp_path / "waits.yaml")
    process = start(tmp_path, "validate", "waits.yaml")
    time.sleep(1.0)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM  # which a shell gives as 143
