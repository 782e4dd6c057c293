"""``harness baseline check``: the baseline's own system asked a fresh sample."""

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
from project import Ended, call, call_inside, call_on_terminal, clean_env

Said = pytest.CaptureFixture[str]
CHECK = ("baseline", "check", SUITE)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a baseline of one run."""
    folder = make_fresh(tmp_path_factory.mktemp("fresh") / "project")
    assert call("run", SUITE, "--run-id", "base", cwd=folder).code == 0
    assert call("baseline", "promote", "base", "--reason", "first", cwd=folder).code == 0
    calls_of(folder)
    return folder


@pytest.fixture
def project(promoted: Path, tmp_path: Path) -> Path:
    """A copy to write in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.duckdb")
    return Path(shutil.copytree(promoted, tmp_path / "project", ignore=ignored))


def test_a_baseline_that_holds(project: Path) -> None:
    """0; what was asked is a sample of whole documents, and a run of its own; 80 columns."""
    ended = call(*CHECK, "--run-id", "f", cwd=project)
    assert ended.code == 0, ended.err
    assert "baseline of fresh: 60 of its 160 cases asked again (15 documents, seed 0)" in ended.out
    assert "the baseline still holds: no metric moved" in ended.words
    assert max(map(len, ended.out.splitlines())) <= 80
    asked = calls_of(project)
    assert {who for who, _ in asked} == {"own"}
    assert len(asked) == len(set(asked)) == 60
    assert len({int(case_id[2:]) // 4 for _, case_id in asked}) == 15
    shown = call("runs", "show", "f", "--json", cwd=project)
    run = json.loads(shown.out)
    assert run["seed"] == 0
    assert sorted(run["selection"]["cases"].split(",")) == sorted(case_id for _, case_id in asked)
    refused = call("baseline", "promote", "f", "--reason", "x", cwd=project)
    assert (refused.code, "only a part of the goldens" in refused.words) == (2, True)


def test_a_baseline_that_moved(project: Path) -> None:
    """3; the metrics, how far, interval and p; and the command that mends it; the same as JSON."""
    (project / "moved").touch()
    ended = call_on_terminal(*CHECK, cwd=project)
    assert ended.code == 3, ended.err
    assert re.search(
        r"! the baseline moved: recall@5 −0\.\d+ \[−0\.\d+, −0\.\d+\], adjusted p < 0\.001", ended.words
    )
    assert f"run it again with `harness run {SUITE}`" in ended.words
    assert max(map(len, ended.out.splitlines())) <= 80
    found = json.loads(call(*CHECK, "--json", cwd=project).out)
    assert found["baseline"] == ["base"]
    assert found["freshness"]["state"] == "moved"
    first = found["freshness"]["moves"][0]
    assert (first["metric"], first["state"]) == ("recall@5", "moved")
    assert first["comparison"]["change"] < -0.2


def test_the_same_answers_give_the_same_bytes(project: Path) -> None:
    """Text and JSON, under another hash seed and in another order of the calls."""
    for form in ((), ("--json",)):
        said = [
            call(*CHECK, *form, "--run-id", f"r{seed}{len(form)}", *more, cwd=project, PYTHONHASHSEED=seed)
            for seed, more in (("1", ()), ("2", ("-j", "1")))
        ]
        assert said[0].out.replace("r1", "r2") == said[1].out


def test_share_and_seed_choose_the_sample(project: Path) -> None:
    """More of it, or other documents; the suite's share where none is named."""
    sets = []
    for options in (("--share", "0.6"), ("--seed", "7"), ()):
        assert call(*CHECK, *options, cwd=project).code == 0
        sets.append({case_id for _, case_id in calls_of(project)})
    assert [len(cases) for cases in sets] == [96, 60, 60]
    assert sets[2] < sets[0]
    assert sets[1] != sets[2]
    (project / SUITE).write_text((project / SUITE).read_text().replace("runs: 1,", "runs: 1, fresh: 0.5,"))
    assert call(*CHECK, cwd=project).code == 0
    assert len(calls_of(project)) == 80
    assert call(*CHECK, "--share", "0", cwd=project).code == 2


def test_lost_answers_never_make_it_hold(project: Path) -> None:
    """3 with the reason and how to go on; with the answers there it holds after all."""
    (project / "failing").touch()
    ended = call(*CHECK, "--run-id", "f", cwd=project)
    assert ended.code == 3
    assert (
        "it cannot be told whether the baseline still holds: recall@5 could not be paired in" in ended.words
    )
    assert "calls failed: `harness show f --errors` lists them" in ended.words
    (again,) = re.findall(r"ask again what failed: `harness (.*?)`", ended.words)
    (project / "failing").unlink()
    failed = sum(case_id[-1] in "05" for _, case_id in calls_of(project))
    mended = call(*shlex.split(again), cwd=project)
    assert mended.code == 0, mended.err
    assert len(calls_of(project)) == failed


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("freshsystems:own", "freshsystems:better", "the suite differs from it in system (system.target"),
        ("recall@5", "recall@7", ""),
        ("suite: fresh", "suite: other", "no baseline lock"),
    ],
)
def test_another_system_is_refused_before_any_call(project: Path, before: str, after: str, said: str) -> None:
    """2 with what differs; another metric has no values in the baseline and is left out."""
    text = (project / SUITE).read_text()
    (project / SUITE).write_text(text.replace(before, after))
    ended = call(*CHECK, "--run-id", "f", cwd=project)
    assert ended.code == (2 if said else 0), ended.err
    assert said in ended.words
    if said:
        assert calls_of(project) == []
        assert not (project / "reports/runs/f").exists()


def test_changed_code_is_another_system(project: Path, capsys: Said) -> None:
    """The fingerprint holds the digest of the module; what to do is said."""
    path = project / "freshsystems.py"
    path.write_text(path.read_text() + "\n# changed\n")
    ended = call(*CHECK, cwd=project)
    assert ended.code == 2
    assert "system (system.target.sha256)" in ended.words
    assert "put a change under `candidates:`" in ended.words
    assert "nothing was run" in ended.err


def test_a_candidate_that_is_gone_is_refused(project: Path) -> None:
    """The baseline may be of a candidate; it is that one which is asked, while the suite has it."""
    assert call("run", SUITE, "--candidate", "better", "--run-id", "b", cwd=project).code == 0
    assert call("baseline", "promote", "b", "--reason", "x", cwd=project).code == 0
    calls_of(project)
    assert call(*CHECK, cwd=project).code == 0
    assert {who for who, _ in calls_of(project)} == {"better"}
    text = (project / SUITE).read_text()
    (project / SUITE).write_text(text.replace("  better:", "  other:"))
    ended = call(*CHECK, cwd=project)
    assert ended.code == 2
    assert "the baseline is of candidate 'better', which the suite has no more" in ended.words


def test_changed_goldens_are_refused_or_left_out(project: Path) -> None:
    """2; with --intersect only unchanged cases are drawn; too few of them: 3, before any call."""
    path = project / "goldens/cases.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:20]).replace("What is", "What was") + "".join(lines[20:]))
    ended = call(*CHECK, cwd=project)
    assert (ended.code, "--intersect" in ended.words) == (2, True)
    assert calls_of(project) == []
    assert call(*CHECK, "--intersect", "--share", "1", cwd=project).code == 0
    assert {int(case_id[2:]) for _, case_id in calls_of(project)} == set(range(20, 160))
    path.write_text("".join(lines[:48]) + "".join(lines[48:]).replace("What is", "What was"))
    ended = call(*CHECK, "--intersect", cwd=project)
    assert ended.code == 3
    assert "48 cases from 12 documents are too few to tell" in ended.words
    assert calls_of(project) == []


def test_without_a_gate_on_a_drop_there_is_nothing_to_compare(project: Path, capsys: Said) -> None:
    """3, before any call."""
    text = (project / SUITE).read_text().split("gates:")[0]
    (project / SUITE).write_text(text + "gates: [{ id: least, metric: recall@5, min: 0.1 }]\n")
    ended = call_inside(capsys, project, *CHECK)
    assert (ended.code, "no gate is on a drop: there is nothing to compare" in ended.words) == (3, True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sample_that_was_cut_short_goes_on(project: Path, number: int) -> None:
    """Only what is missing is asked, by the command that was told."""
    whole = call(*CHECK, "--run-id", "whole", cwd=project)
    calls_of(project)
    (project / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *CHECK, "--run-id", "f", "-j", "2"],
        cwd=project,
        env=clean_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 30
    while not (project / "calls.txt").is_file() or len((project / "calls.txt").read_text().split()) < 20:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    ended = Ended(process.returncode, out.decode(), err.decode())
    again = [*CHECK, "--resume", "f"]
    if number == signal.SIGINT:
        assert ended.code == 130
        (told,) = re.findall(r"go on with +harness (.*)", ended.err)
        again = shlex.split(told)
    (project / "slow").unlink()
    resumed = call(*again, cwd=project)
    assert resumed.code == 0, resumed.err
    assert resumed.out == whole.out
    asked = calls_of(project)
    assert len(set(asked)) == 60
    assert len(asked) <= 62
    other = call(*CHECK, "--resume", "f", "--share", "0.5", cwd=project)
    assert (other.code, "was begun with other --where, --case, --limit and --share" in other.words) == (
        2,
        True,
    )
