"""`harness run --shard` and `harness runs merge`: any machines share a run, and the verdict is the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from project import N_CASES, SUITE, Ended, World, call, call_inside, copy_project
from test_interrupts import RENDERED, calls_in, start, wait_for_calls

from harness.recordings import read_planned

OF = 4
FRAGILE = """
import os, time
from pathlib import Path
from mysystems import answer, counted

def held(query):
    counted(query)
    Path("program").write_text(str(os.getpid()))
    while Path("hold").exists():
        time.sleep(0.01)
    return answer(query)

def dying(query):
    counted(query)
    if int(query.id[2:]) % 10 == 0:
        os._exit(3)
    return answer(query)
"""
"""Systems that wait while there is a file ``hold``, or that end their process on every tenth case."""
EPOCH = {"SOURCE_DATE_EPOCH": "1000000000"}


def shard(number: int, *options: str, of: int = OF) -> tuple[str, ...]:
    return ("run", SUITE, "--run-id", "r", "--shard", f"{number}/{of}", "--at-once", "1", "--quiet", *options)


class Decided(NamedTuple):
    """A run that was decided: its folder and what the gate said."""

    folder: Path
    gate: Ended

    def files(self) -> dict[str, bytes]:
        """The report in every format."""
        return {name: (self.folder / "reports/runs/r" / name).read_bytes() for name in RENDERED}


@pytest.fixture(scope="module")
def here(world: World, tmp_path_factory: pytest.TempPathFactory) -> Decided:
    """The candidate `worse` run on one machine."""
    folder = copy_project(world.folder, tmp_path_factory.mktemp("here") / "project")
    ended = call("run", SUITE, "--run-id", "r", "--candidate", "worse", cwd=folder, **EPOCH)
    assert ended.code == 0, ended.err
    return Decided(folder, call("gate", "r", cwd=folder, **EPOCH))


@pytest.fixture(scope="module")
def there(world: World, tmp_path_factory: pytest.TempPathFactory) -> Decided:
    """The same, each shard on a machine of its own, put together on another."""
    base = tmp_path_factory.mktemp("there")
    for number in range(1, OF + 1):
        machine = copy_project(world.folder, base / f"machine-{number}")
        ended = call(*shard(number, "--candidate", "worse"), cwd=machine, PYTHONHASHSEED=str(number), **EPOCH)
        assert ended.code == 0, ended.err
    folder = copy_project(world.folder, base / "project")
    machines = [f"../machine-{number}/reports" for number in (3, 1, 4, 2)]
    merged = call("runs", "merge", *machines, cwd=folder, **EPOCH)
    assert merged.code == 0, merged.err
    return Decided(folder, call("gate", "r", cwd=folder, **EPOCH))


def test_the_verdict_is_that_of_one_machine(here: Decided, there: Decided, world: World) -> None:
    """The same exit code, console and report, byte for byte in every format; the same verdict as a check."""
    assert there.gate.code == here.gate.code == world.worse.code == 1
    assert there.gate.out == here.gate.out
    assert there.files() == here.files()


def test_a_run_put_together_is_a_run_like_any_other(there: Decided, capsys) -> None:
    """It is listed, shown, asked in SQL, and gone on with: nothing is missing."""
    listed = call_inside(capsys, there.folder, "runs", "list")
    assert "r " in listed.out
    assert "fail" in listed.out
    counted = call_inside(
        capsys, there.folder, "query", "select count(*) as n from responses where run_id = 'r'"
    )
    assert counted.code == 0, counted.err
    assert str(N_CASES) in counted.out
    shown = call_inside(capsys, there.folder, "show", "r", "q-001")
    assert shown.code == 0, shown.err
    again = call_inside(capsys, there.folder, "run", SUITE, "--resume", "r", "--candidate", "worse")
    assert again.code == 0, again.err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_f8_a_shard_that_is_cut_short_is_gone_on_with(world: World, tmp_path: Path, number: int) -> None:
    """The same command again: what was answered is not asked again; only then it has the name of a part."""
    folder = copy_project(world.folder, tmp_path / "project")
    command = shard(1, "--candidate", "slow", of=2)
    process = start(folder, *command)
    wait_for_calls(process, folder, 8)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130), err
    if number == signal.SIGINT:
        assert "of shard 1 of 2 of run r are kept" in err.decode()
        assert "the same command again goes on with it" in err.decode()
    (begun,) = (folder / "reports/runs/r/shards").iterdir()
    assert begun.name == "shard-1-of-2.unfinished.jsonl"
    kept = {case_id for case_id, _ in read_planned(begun).answered}
    assert len(kept) >= 5
    again = call(*command, cwd=folder)
    assert again.code == 0, again.err
    assert {calls_in(folder)[case_id] for case_id in kept} == {1}
    assert [path.name for path in begun.parent.iterdir()] == ["shard-1-of-2.jsonl"]
    calls = calls_in(folder)
    assert call(*command, cwd=folder).out.startswith("shard 1 of 2 of run r is there already: ")
    assert calls_in(folder) == calls
    assert call(*shard(2, "--candidate", "slow", of=2), cwd=folder).code == 0
    merged = call("runs", "merge", "reports/runs/r/shards", cwd=folder)
    assert merged.code == 0, merged.err
    assert len(calls_in(folder)) == N_CASES
    assert call("gate", "r", cwd=folder).code == 1


def test_f9_a_part_that_was_cut_off_is_gone_on_with(world: World, tmp_path: Path, capsys) -> None:
    """A copy that broke off: who does as the error says asks nothing again but what is missing."""
    folder = copy_project(world.folder, tmp_path / "project")
    assert call_inside(capsys, folder, *shard(1, of=2)).code == 0
    told = call_inside(capsys, folder, "gate", "r").err
    assert "no run 'r'" in told
    assert "only parts of it are here: harness runs merge reports/runs/r/shards" in told
    part = folder / "reports/runs/r/shards/shard-1-of-2.jsonl"
    part.write_bytes(part.read_bytes()[:-50])
    calls = calls_in(folder)
    ended = call_inside(capsys, folder, *shard(1, of=2))
    assert ended.code == 4
    assert "name it shard-1-of-2.unfinished.jsonl, and go on with it: harness run SUITE" in ended.err
    part.rename(part.with_name("shard-1-of-2.unfinished.jsonl"))
    assert call_inside(capsys, folder, *shard(1, of=2)).code == 0
    assert part.exists()
    assert calls_in(folder) == calls


def fragile_project(world: World, folder: Path) -> Path:
    copy_project(world.folder, folder)
    (folder / "fragile.py").write_text(FRAGILE)
    suite = folder / SUITE
    lines = "".join(f'  {name}: {{ target: "fragile:{name}" }}\n' for name in ("held", "dying"))
    suite.write_text(suite.read_text().replace("candidates:\n", f"candidates:\n{lines}"))
    return folder


@pytest.mark.parametrize("selected", [("--limit", "8"), ("--case", "q-007")])
def test_f8_what_a_lost_machine_did_to_its_programs_is_no_answer(
    world: World, tmp_path: Path, selected: tuple[str, ...]
) -> None:
    """The program that answers is killed first, the last case of a shard or not: it is asked once more."""
    folder = fragile_project(world, tmp_path / "project")
    command = shard(1, "--candidate", "held", *selected, "-j", "1", of=1)
    (folder / "hold").touch()
    process = start(folder, *command)
    wait_for_calls(process, folder, 1)
    begun = folder / "reports/runs/r/shards/shard-1-of-1.unfinished.jsonl"
    os.kill(int((folder / "program").read_text()), signal.SIGKILL)
    while b"SIGKILL" not in begun.read_bytes():
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=30)
    (folder / "hold").unlink()
    again = call(*command, cwd=folder)
    assert again.code == 0, again.err
    part = read_planned(begun.with_name("shard-1-of-1.jsonl"))
    assert [one.response.error for one in part.results] == [None] * len(part.cases)
    assert max(calls_in(folder).values()) == 2


def test_a_system_that_crashes_has_the_same_errors_however_often_it_is_begun(
    world: World, tmp_path: Path
) -> None:
    """A case that ends its process is told as on one machine: the error, and one attempt."""
    folder = fragile_project(world, tmp_path / "project")
    ended = call("run", SUITE, "--run-id", "whole", "--candidate", "dying", cwd=folder)
    assert ended.code == 0, ended.err
    whole = read_planned(folder / "reports/runs/whole/recording.jsonl")
    found = []
    for _ in range(2):
        assert call(*shard(1, "--candidate", "dying", of=1), cwd=folder).code == 0
        path = folder / "reports/runs/r/shards/shard-1-of-1.jsonl"
        found.append({one.case_id: one.response for one in read_planned(path).results})
        path.rename(path.with_name("shard-1-of-1.unfinished.jsonl"))
    for responses in found:
        failed = {case_id: one.error for case_id, one in responses.items() if one.error}
        assert failed == {one.case_id: one.response.error for one in whole.results if one.response.error}
        assert len(failed) == 6
        assert {one.attempts for one in responses.values()} == {1}
    assert {found[0][name] == found[1][name] for name in found[0] if not found[0][name].error} == {True}


def test_shards_ask_no_more_at_a_time_than_the_suite_says(world: World, tmp_path: Path, capsys) -> None:
    """2: two calls in flight cannot be shared by four shards that are asked at the same time."""
    folder = copy_project(world.folder, tmp_path / "project")
    command = ("run", SUITE, "--run-id", "r", "--shard")
    assert call_inside(capsys, folder, *command, "1/4").code == 0
    refused = call_inside(capsys, folder, *command, "3/4")
    assert refused.code == 2
    assert "run.max_concurrency is 2, too few to be shared by 4 shards at a time" in refused.err
    assert "--at-once" in refused.err
    assert call_inside(capsys, folder, *command, "3/4", "--at-once", "2").code == 0
    assert call_inside(capsys, folder, *command, "4/4", "-j", "4").code == 0


def test_a_system_that_cannot_be_opened_leaves_no_part(world: World, tmp_path: Path, capsys) -> None:
    """2: nothing was run, and nothing lies there."""
    folder = copy_project(world.folder, tmp_path / "project")
    ended = call_inside(capsys, folder, *shard(1, "--candidate", "absent"))
    assert ended.code == 2
    assert not any((folder / "reports/runs/r/shards").iterdir())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("--shard", "1/2"), "--shard needs --run-id"),
        (("--shard", "0/2", "--run-id", "x"), "'0/2' is not I/N"),
        (("--shard", "3/2", "--run-id", "x"), "'3/2' is not I/N"),
        (("--shard", "1", "--run-id", "x"), "'1' is not I/N"),
        (("--shard", "1/2", "--run-id", "x", "--resume", "x"), "--resume with --shard"),
        (("--shard", "1/2", "--run-id", "x", "--engine", "ray"), "--shard with --engine ray"),
        (("--shard", "1/2", "--run-id", "same"), "run 'same' exists already"),
        (("--at-once", "2"), "--at-once goes with --shard"),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, capsys, command, said) -> None:
    """2, before anything is asked."""
    ended = call_inside(capsys, world.folder, "run", SUITE, *command)
    assert ended.code == 2
    assert said in ended.err


def test_one_json_document(world: World, tmp_path: Path, capsys) -> None:
    """For the jobs of a CI matrix."""
    folder = copy_project(world.folder, tmp_path / "project")
    facts = [json.loads(call_inside(capsys, folder, *shard(n, "--json")).out) for n in (1, 2, 3, 4, 4)]
    assert Counter(one["was_there"] for one in facts) == {False: 4, True: 1}
    assert sum(one["answers"] for one in facts[:4]) == N_CASES
    assert facts[0]["part"] == "reports/runs/r/shards/shard-1-of-4.jsonl"
    merged = call_inside(capsys, folder, "runs", "merge", "reports/runs/r/shards", "--json")
    assert json.loads(merged.out)["run"] == "r"
