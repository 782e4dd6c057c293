"""``harness check`` with a fresh sample of the baseline: mixed calls, and no drop decided on what moved."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fresh import SUITE, calls_of, make_fresh
from project import call, clean_env

CHECK = ("check", SUITE, "--candidate", "better", "--run-id", "c")
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a baseline of one run, and a suite that asks for a sample."""
    folder = make_fresh(tmp_path_factory.mktemp("fresh") / "project")
    assert call("run", SUITE, "--run-id", "base", cwd=folder).code == 0
    assert call("baseline", "promote", "base", "--reason", "first", cwd=folder).code == 0
    (folder / SUITE).write_text((folder / SUITE).read_text().replace("runs: 1,", "runs: 1, fresh: 0.2,"))
    calls_of(folder)
    return folder


@pytest.fixture
def project(promoted: Path, tmp_path: Path) -> Path:
    """A copy to write in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.duckdb")
    return Path(shutil.copytree(promoted, tmp_path / "project", ignore=ignored))


def files_of(folder: Path, run: str = "c") -> dict[str, bytes]:
    return {name: (folder / "reports/runs" / run / name).read_bytes() for name in RENDERED}


def verdicts_of(folder: Path, run: str = "c") -> dict[str, tuple[str, str]]:
    report = json.loads((folder / "reports/runs" / run / "report.json").read_text())
    return {item["gate"]: (item["outcome"], item["reason"]) for item in report["verdicts"]}


def test_the_sample_is_mixed_with_the_runs_own_calls(project: Path) -> None:
    """Spread evenly over the whole, in one pool; a baseline that holds lets the gates decide."""
    ended = call(*CHECK, "--no-early-stop", cwd=project)
    assert ended.code == 0, ended.words
    asked = [who for who, _ in calls_of(project)]
    assert (asked.count("own"), asked.count("better")) == (60, 160)
    for part in range(4):
        assert 10 <= asked[55 * part : 55 * (part + 1)].count("own") <= 20
    assert "the baseline still holds: 60 of the baseline's cases asked again, no metric moved" in ended.words
    assert (project / "reports/runs/c/fresh.jsonl").is_file()
    assert "c-fresh" not in call("runs", "list", cwd=project).out


def test_no_more_calls_are_in_flight_than_without_it(project: Path) -> None:
    """Two systems share one pool of `max_concurrency` calls."""
    path = project / "freshsystems.py"
    path.write_text(
        path.read_text().replace(
            "def found(query, who, lost):\n",
            "now = []\n\ndef found(query, who, lost):\n    now.append(1)\n    time.sleep(0.005)\n"
            "    open('most.txt', 'a').write(f'{len(now)}\\n')\n    now.pop()\n",
        )
    )
    suite = project / SUITE
    suite.write_text(suite.read_text().replace("adapter: python", "adapter: python, isolation: none"))
    assert call("run", SUITE, "--run-id", "again", cwd=project).code == 0
    assert call("baseline", "promote", "again", "--reason", "x", "--force", cwd=project).code == 0
    (project / "most.txt").unlink()
    call(*CHECK, "--no-early-stop", "-j", "3", cwd=project)
    assert max(map(int, (project / "most.txt").read_text().split())) == 3


def test_calls_are_saved_where_the_baseline_holds(project: Path) -> None:
    """The sample is asked before the first look, at which the run stops."""
    text = (project / SUITE).read_text().replace("max_drop: 0.1", "max_drop: 0.15")
    (project / SUITE).write_text(text.replace("max_concurrency: 4", "max_concurrency: 4, looks: [0.8, 1.0]"))
    ended = call(*CHECK, cwd=project)
    assert ended.code == 0, ended.words
    asked = [who for who, _ in calls_of(project)]
    assert (asked.count("own"), asked.count("better")) == (60, 128)


@pytest.mark.parametrize("candidate", ["better", "worse"])
def test_no_drop_is_decided_on_a_baseline_that_moved(project: Path, candidate: str) -> None:
    """Neither passed nor failed: 3, with the reason and the command that mends it; every case is asked."""
    (project / "moved").touch()
    ended = call("check", SUITE, "--candidate", candidate, "--run-id", "c", cwd=project)
    assert ended.code == 3
    why = "the baseline moved since it was recorded (recall@5, required_facts)"
    assert verdicts_of(project) | {"recall": ("inconclusive", why)} == verdicts_of(project)
    assert verdicts_of(project)["facts"] == ("inconclusive", why)
    assert "60 of the baseline's cases asked again: recall@5 −0." in ended.words
    assert f"run it again with `harness run {SUITE}`" in ended.words
    assert max(map(len, ended.out.splitlines())) <= 80
    assert len([who for who, _ in calls_of(project) if who == candidate]) == 160
    without = call("check", SUITE, "--candidate", candidate, "--run-id", "n", "--fresh", "0", cwd=project)
    assert without.code == (0 if candidate == "better" else 1)


def test_lost_answers_of_the_sample_decide_nothing(project: Path) -> None:
    """3; asked again with --retry-errors, the gates are decided."""
    (project / "failing").touch()
    ended = call(*CHECK, cwd=project)
    assert ended.code == 3
    assert "it cannot be told whether the baseline still holds: recall@5 could not be paired" in ended.words
    assert "a fresh sample cannot tell whether the baseline holds" in verdicts_of(project)["recall"][1]
    (project / "failing").unlink()
    calls_of(project)
    mended = call(*CHECK, "--resume", "c", "--retry-errors", cwd=project)
    assert mended.code == 0, mended.words
    assert {who for who, _ in calls_of(project)} == {"own"}


def test_the_verdict_is_the_same_from_the_recordings(project: Path) -> None:
    """`gate` and `report` read the sample beside the run; a sample that is gone lets nothing pass."""
    call(*CHECK, cwd=project)
    before = files_of(project)
    assert call("gate", "c", cwd=project).code == 0
    assert files_of(project) == before
    for name in RENDERED:
        (project / "reports/runs/c" / name).unlink()
    assert call("report", "c", cwd=project).code == 0
    assert files_of(project) == before
    (project / "reports/harness.duckdb").unlink()
    assert "c: 128 results loaded, verdict pass" in call("runs", "import", cwd=project).out
    (project / "reports/runs/c/fresh.jsonl").unlink()
    ended = call("gate", "c", cwd=project)
    assert ended.code == 3
    assert "the sample's recording is missing" in ended.words
    assert call("gate", "c", "--suite", SUITE, cwd=project).code == 3


@pytest.mark.parametrize("option", [(), ("--fresh", "0.3")])
def test_a_system_that_cannot_be_asked_again_is_refused_before_any_call(
    project: Path, option: tuple[str, ...]
) -> None:
    """2, by key and by flag: with what differs, and no run left behind; --fresh 0 goes without."""
    (project / SUITE).write_text(
        (project / SUITE).read_text().replace("freshsystems:own", "freshsystems:worse")
    )
    ended = call(*CHECK, *option, cwd=project)
    assert ended.code == 2
    assert "the baseline's system cannot be asked again: the suite differs from it in system" in ended.words
    assert "put a change under `candidates:`" in ended.words
    assert calls_of(project) == []
    assert not (project / "reports/runs/c").exists()
    assert call(*CHECK, "--fresh", "0", cwd=project).code == 0


@pytest.mark.parametrize("more", [("--limit", "30"), ("--case", "q-001")])
def test_a_part_of_the_goldens_has_no_sample(project: Path, more: tuple[str, ...]) -> None:
    """Said with the key, refused with the flag."""
    ended = call(*CHECK, *more, cwd=project)
    assert "no fresh sample of the baseline is asked: only a part of the goldens is run" in ended.words
    assert {who for who, _ in calls_of(project)} == {"better"}
    refused = call("check", SUITE, *more, "--fresh", "0.2", cwd=project)
    assert (refused.code, calls_of(project)) == (2, [])
    assert call("check", SUITE, "--fresh", "1.2", cwd=project).code == 2


def test_a_system_that_does_not_open_leaves_nothing_behind(project: Path) -> None:
    """2: neither recording stays where the candidate's system cannot be opened."""
    text = (project / SUITE).read_text().replace("freshsystems:better", "freshsystems:absent")
    (project / SUITE).write_text(text)
    assert call(*CHECK, cwd=project).code == 2
    assert calls_of(project) == []
    assert not (project / "reports/runs/c").exists()


def test_a_run_with_a_sample_becomes_a_baseline_like_any_other(project: Path) -> None:
    """And from its lock the anchor: the sample is for the verdict, and not kept with the baseline."""
    assert call("check", SUITE, "--run-id", "c", "--no-early-stop", cwd=project).code == 0
    assert call("baseline", "promote", "c", "--reason", "x", cwd=project).code == 0
    lock = "suites/baselines/fresh.lock.json"
    assert call("baseline", "promote", lock, "--anchor", "--reason", "1.0", cwd=project).code == 0


def test_plan_counts_the_calls_of_the_sample(project: Path) -> None:
    """In a note, as they come on top."""
    ended = call("plan", SUITE, cwd=project)
    assert "`harness check` asks the baseline's system 60 calls more" in ended.words


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_check_that_was_cut_short_goes_on_with_both(project: Path, tmp_path: Path, number: int) -> None:
    """Only what is missing of either is asked, and the report is the same, byte for byte."""
    fixed = {"SOURCE_DATE_EPOCH": "1900000000"}
    other = Path(shutil.copytree(project, tmp_path / "other"))
    whole = call(*CHECK, cwd=other, PYTHONHASHSEED="1", **fixed)
    (project / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *CHECK],
        cwd=project,
        env=clean_env(**fixed),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 30
    while not (project / "calls.txt").is_file() or len((project / "calls.txt").read_text().split()) < 60:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    told = re.findall(r"go on with +harness (.*)", err.decode())
    again = shlex.split(told[0]) if told else [*CHECK, "--resume", "c"]
    (project / "slow").unlink()
    changed = call(*again, "--fresh", "0.4", cwd=project)
    assert (changed.code, "was begun with other --fresh" in changed.words) == (2, True)
    resumed = call(*again, cwd=project, **fixed)
    assert (resumed.code, resumed.out) == (whole.code, whole.out)
    assert files_of(project) == files_of(other)
    asked = calls_of(project)
    assert len({one for one in asked if one[0] == "own"}) == 60
    assert len(asked) <= len(set(asked)) + 4
    (project / "reports/runs/c/fresh.jsonl").unlink()
    gone = call(*CHECK, "--resume", "c", cwd=project)
    assert (gone.code, "fresh.jsonl is gone" in gone.words) == (2, True)
