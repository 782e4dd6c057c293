"""A check that stops where its verdict stands: calls saved in fact, and the same verdict ever after."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from project import Ended, call, call_inside, clean_env
from staged import N_CASES, SUITE, calls_of, make_staged

RENDERED = ("report.html", "report.md", "report.json", "junit.xml")


class Check(NamedTuple):
    """One check: how it ended, the calls that it made, and its report."""

    ended: Ended
    calls: int
    report: dict[str, Any]

    @property
    def stop(self) -> dict[str, Any] | None:
        stop: dict[str, Any] | None = self.report["accounting"]["stop"]
        return stop


def check(folder: Path, run: str, *options: str) -> Check:
    calls_of(folder)
    ended = call("check", SUITE, "--run-id", run, "--quiet", *options, cwd=folder)
    return Check(ended, sum(calls_of(folder).values()), report_of(folder, run))


def report_of(folder: Path, run: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "reports/runs" / run / "report.json").read_bytes())
    return report


def files_of(folder: Path, run: str) -> dict[str, bytes]:
    return {name: (folder / "reports/runs" / run / name).read_bytes() for name in RENDERED}


def copied(project: Path, folder: Path) -> Path:
    return Path(shutil.copytree(project, folder, ignore=shutil.ignore_patterns("__pycache__", "*.duckdb")))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with its baseline."""
    folder = make_staged(tmp_path_factory.mktemp("early") / "project")
    first = check(folder, "first")
    assert (first.calls, first.stop) == (N_CASES, None)  # without a baseline there is nothing to stop for
    promoted = call("baseline", "promote", "first", "--reason", "first", cwd=folder)
    assert promoted.code == 0, promoted.err
    return folder


@pytest.fixture(scope="session")
def same(project: Path) -> Check:
    return check(project, "same")


@pytest.fixture(scope="session")
def worse(project: Path) -> Check:
    return check(project, "worse", "--candidate", "worse")


@pytest.mark.parametrize(("name", "code"), [("same", 0), ("worse", 1)])
def test_calls_are_saved_in_fact_for_both_verdicts(
    request: pytest.FixtureRequest, name: str, code: int
) -> None:
    """The system was asked as often as the report says, and the rest is what it says was saved."""
    found: Check = request.getfixturevalue(name)
    assert found.ended.code == code, found.ended.err
    stop, accounting = found.stop, found.report["accounting"]
    assert stop is not None
    assert 80 <= stop["asked"] == accounting["selected"] == found.calls < N_CASES == stop["planned"]
    assert accounting["saved"] == N_CASES - found.calls
    assert accounting["missing"] == 0
    assert stop["look"] < stop["looks"] == 4


@pytest.mark.parametrize("name", ["same", "worse"])
def test_every_rendering_says_what_was_saved(
    request: pytest.FixtureRequest, project: Path, name: str
) -> None:
    """Terminal, HTML, Markdown, JUnit and JSON, in the same words; 80 columns."""
    found: Check = request.getfixturevalue(name)
    stop = found.stop
    assert stop is not None
    share = round(100 * (N_CASES - found.calls) / N_CASES)
    said = f"topped at look {stop['look']} of 4 ({stop['reason']}): {found.calls} of 200 cases asked, "
    said += f"{found.calls} calls made, {N_CASES - found.calls} saved ({share} %)"
    assert said in " ".join(found.ended.out.split())
    assert max(map(len, found.ended.out.splitlines()[:-2])) <= 80
    files = {kind: data.decode() for kind, data in files_of(project, name).items()}
    assert said in files["report.html"]
    assert said in files["report.md"].replace("\\", "")
    assert f'<property name="early_stop" value="s{said}"' in files["junit.xml"]
    assert f"{found.calls} of 200 cases" in found.ended.out.splitlines()[0]


def test_repeats_are_counted_as_calls(project: Path) -> None:
    """A case that is asked twice and not asked any more saves two calls."""
    found = check(project, "twice", "--candidate", "worse", "--repeat", "2")
    assert found.stop is not None
    assert found.calls == 2 * found.stop["asked"] == found.report["accounting"]["selected"]
    assert found.report["accounting"]["saved"] == 2 * N_CASES - found.calls


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (("--no-early-stop",), 200),
        (("--limit", "150"), 150),
        (("--where", "groups.language=de"), 67),
    ],
)
def test_one_flag_asks_everything(
    project: Path, tmp_path: Path, options: tuple[str, ...], calls: int
) -> None:
    """And so does a run of a part: what was selected is asked."""
    found = check(copied(project, tmp_path / "p"), "all", "--candidate", "worse", *options)
    assert (found.calls, found.stop, found.report["accounting"]["looks"]) == (calls, None, 0)


def test_run_never_stops_early(project: Path, tmp_path: Path) -> None:
    """It decides nothing, so it has nothing to stop for; nor has a suite that looks at the end only."""
    folder = copied(project, tmp_path / "p")
    assert call("run", SUITE, "--candidate", "worse", "-q", cwd=folder).code == 0
    assert sum(calls_of(folder).values()) == N_CASES
    path = folder / SUITE
    path.write_text(path.read_text().replace("max_concurrency: 4", "max_concurrency: 4, looks: [1.0]"))
    found = check(folder, "late", "--candidate", "worse")
    assert (found.calls, found.ended.code) == (N_CASES, 1)


def test_gate_repeats_the_verdict(project: Path, worse: Check, same: Check) -> None:
    """`harness gate` on a recorded run that stopped early gives the check's report, byte for byte."""
    for found, run in ((worse, "worse"), (same, "same")):
        before = files_of(project, run)
        again = call("gate", run, cwd=project)
        assert again.code == found.ended.code
        assert again.out == found.ended.out
        assert files_of(project, run) == before


@pytest.mark.parametrize("at_once", ["1", "8", "32"])
def test_calls_in_flight_never_change_the_verdict(
    project: Path, tmp_path: Path, worse: Check, at_once: str
) -> None:
    """Answers come in another order: the same look, the same numbers, the same report."""
    found = check(copied(project, tmp_path / "p"), "j", "--candidate", "jittery", "-j", at_once)
    assert found.stop == worse.stop
    for part in ("verdicts", "comparisons", "slices", "accounting", "regressions"):
        assert found.report[part] == worse.report[part]


def test_runs_tell_what_was_asked_of_what_was_planned(
    project: Path, worse: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the list, in the run's own facts and in the database."""
    listed = call_inside(capsys, project, "runs", "list")
    assert f"{worse.calls} of 200" in listed.out
    facts = json.loads(call_inside(capsys, project, "runs", "list", "--json").out)
    (fact,) = (fact for fact in facts if fact["run_id"] == "worse")
    assert (fact["n_cases"], fact["n_asked"], fact["complete"]) == (N_CASES, worse.calls, True)
    shown = call_inside(capsys, project, "runs", "show", "worse").out
    assert shown.startswith("state ")
    assert shown.splitlines()[0].endswith("stopped early")
    sql = "select n_cases, n_asked, stopped_at_look from runs where run_id in ('worse', 'first') order by 2"
    rows = json.loads(call_inside(capsys, project, "query", sql, "--format", "json").out)
    assert worse.stop is not None
    assert [tuple(row.values()) for row in rows] == [
        (N_CASES, worse.calls, worse.stop["look"]),
        (N_CASES, N_CASES, None),
    ]


def test_a_lost_database_is_rebuilt_with_what_was_asked(project: Path, tmp_path: Path, worse: Check) -> None:
    """From the recordings alone, verdicts and all."""
    folder = copied(project, tmp_path / "p")
    assert not (folder / "reports/harness.duckdb").exists()
    imported = call("runs", "import", cwd=folder)
    assert imported.code == 0, imported.err
    assert f"worse: {worse.calls} results loaded, verdict fail" in imported.out
    listed = json.loads(call("runs", "list", "--json", cwd=folder).out)
    asked = {run["run_id"]: (run["n_asked"], run["n_cases"]) for run in listed}
    assert asked["worse"] == (worse.calls, N_CASES)
    assert asked["first"] == (N_CASES, N_CASES)


def test_a_run_that_stopped_early_does_not_become_the_baseline(
    project: Path, tmp_path: Path, same: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    """2: it covers a part of the goldens; forced, the lock says how much."""
    folder = copied(project, tmp_path / "p")
    lock = folder / "suites/baselines/staged.lock.json"
    before = lock.read_bytes()
    refused = call_inside(capsys, folder, "baseline", "promote", "same", "--reason", "better")
    assert refused.code == 2
    assert f"it stopped early, after {same.calls} of 200 cases" in refused.words
    assert "--no-early-stop --resume same" in refused.words
    assert lock.read_bytes() == before
    forced = call_inside(capsys, folder, "baseline", "promote", "same", "--reason", "so be it", "--force")
    assert forced.code == 0, forced.err
    assert json.loads(lock.read_bytes())["n_cases"] == same.calls


def test_a_stopped_check_is_finished_unless_told_to_go_on(
    project: Path, tmp_path: Path, worse: Check
) -> None:
    """Resumed it says so and gives its verdict; with --no-early-stop the rest is asked, and only that."""
    folder = copied(project, tmp_path / "p")
    before = files_of(folder, "worse")
    calls_of(folder)
    again = call("check", SUITE, "--resume", "worse", cwd=folder)
    assert (again.code, again.out) == (worse.ended.code, worse.ended.out)
    assert "run worse is finished: it stopped at look" in again.err
    assert not calls_of(folder)
    assert files_of(folder, "worse") == before
    whole = call("check", SUITE, "--resume", "worse", "--no-early-stop", cwd=folder)
    assert whole.code == 1
    rest = calls_of(folder)
    assert (sum(rest.values()), set(rest.values())) == (N_CASES - worse.calls, {1})
    assert report_of(folder, "worse")["accounting"]["stop"] is None
    assert "no early stop at 4 looks: all 200 cases asked, 200 calls made, none saved" in whole.words


def test_errors_of_a_stopped_run_can_be_asked_again(project: Path, tmp_path: Path, same: Check) -> None:
    """Where none is left to ask again the run stays finished."""
    folder = copied(project, tmp_path / "p")
    calls_of(folder)
    again = call("check", SUITE, "--resume", "same", "--retry-errors", cwd=folder)
    assert (again.code, again.out) == (same.ended.code, same.ended.out)
    assert not calls_of(folder)


@pytest.mark.parametrize("after", [30, 79, 85, 100])
def test_killed_and_gone_on_with_it_stops_at_the_same_look(
    project: Path, tmp_path: Path, after: int, stopped_slowly: Path
) -> None:
    """Kill -9 in the first stage, around its end and in the second: the report is the same, byte for byte."""
    folder = copied(project, tmp_path / "p")
    calls_of(folder)
    command = ("check", SUITE, "--candidate", "slow", "--run-id", "slow", "--quiet")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *command],
        cwd=folder,
        env=clean_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    calls = folder / "calls.txt"
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        if calls.is_file() and len(calls.read_text().split()) >= after:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    process.wait(timeout=30)
    resumed = call(*command, "--resume", "slow", cwd=folder)
    assert resumed.code == 0, resumed.err
    assert files_of(folder, "slow") == files_of(stopped_slowly, "slow")
    asked = report_of(folder, "slow")["accounting"]["selected"]
    assert asked <= sum(calls_of(folder).values()) <= asked + 4  # what was in flight is asked again


@pytest.fixture(scope="session")
def stopped_slowly(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same check uninterrupted."""
    folder = copied(project, tmp_path_factory.mktemp("slowly") / "p")
    assert check(folder, "slow", "--candidate", "slow").stop is not None
    return folder


def test_interrupted_it_says_how_to_go_on_with_the_flag(project: Path, tmp_path: Path) -> None:
    """--no-early-stop is not in the recording of a run that is gone on with, so the command repeats it."""
    folder = copied(project, tmp_path / "p")
    calls_of(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "check", SUITE, "--candidate", "slow", "--no-early-stop"],
        cwd=folder,
        env=clean_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 30
    while not (folder / "calls.txt").is_file() and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"--no-early-stop --resume" in err


def test_the_progress_line_tells_the_look(project: Path, tmp_path: Path) -> None:
    """Where the run ended, and at which look."""
    folder = copied(project, tmp_path / "p")
    ended = call("check", SUITE, "--candidate", "worse", "--run-id", "seen", cwd=folder)
    stop = report_of(folder, "seen")["accounting"]["stop"]
    assert f"run {stop['asked']}/200 · stopped at look {stop['look']} of 4\n" in ended.err
