"""Runs under a budget: they stop in time, keep what was answered, decide nothing, and can be gone on with."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from project import N_CASES, SUITE, World, call_inside, copy_project

from harness.recordings import read
from harness.types import Recorded

PRICED = """
import time

def answer(query):
    n = int(query.id[2:])
    text = f"fact {n} is value{n}."
    with open("calls.txt", "a") as calls:
        calls.write(query.id + "\\n")
    time.sleep(0.002)
    found = {"output": text, "retrieved": [{"doc_id": f"d{n // 3}", "text": text}]}
    return {**found, "usage": {"cost_usd": 0.01}}

def slow(query):
    time.sleep(0.1)
    return answer(query)

def unpriced(query):
    return {name: value for name, value in answer(query).items() if name != "usage"}
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The project with its baseline, and systems that tell what they cost: a cent."""
    folder = copy_project(world.folder, tmp_path / "project")
    (folder / "pricedsystems.py").write_text(PRICED)
    suite = yaml.safe_load((folder / SUITE).read_text())
    suite["candidates"] = {
        name: {"target": f"pricedsystems:{name}"} for name in ("answer", "slow", "unpriced")
    }
    (folder / SUITE).write_text(yaml.safe_dump(suite))
    return folder


def recorded_in(folder: Path, run: str = "r") -> Recorded:
    return read(folder / "reports/runs" / run / "recording.jsonl")


def calls_in(folder: Path) -> list[str]:
    return (folder / "calls.txt").read_text().split()


def test_a_run_stops_before_more_is_spent_and_is_gone_on_with(folder: Path, capsys: Capture) -> None:
    """3, incomplete, $0.20 for twenty cases; the command that is told asks the other forty, once each."""
    arguments = ("run", SUITE, "--candidate", "answer", "--run-id", "r", "--max-cost", "0.2", "-q")
    ended = call_inside(capsys, folder, *arguments)
    assert ended.code == 3, ended.err
    assert "incomplete: its budget of $0.2 has no room for another case" in ended.err
    assert f"20 of {N_CASES} answers are kept, $0.2000 spent" in ended.err
    recorded = recorded_in(folder)
    assert (recorded.complete, len(recorded.results), len(calls_in(folder))) == (False, 20, 20)
    told = re.search(r"go on with +harness (.*)", ended.err)
    assert told is not None
    assert told[1].endswith("--resume r --max-cost 0.66")
    again = call_inside(capsys, folder, *shlex.split(told[1]))
    assert again.code == 0, again.err
    assert recorded_in(folder).complete
    assert sorted(calls_in(folder)) == sorted(set(calls_in(folder)))
    assert len(calls_in(folder)) == N_CASES


def test_what_was_spent_before_counts_for_the_run(folder: Path, capsys: Capture) -> None:
    """Gone on with under the same budget, nothing more is asked; under $0.25 five cases are."""
    base = ("run", SUITE, "--candidate", "answer", "-q")
    assert call_inside(capsys, folder, *base, "--run-id", "r", "--max-cost", "0.2").code == 3
    assert call_inside(capsys, folder, *base, "--resume", "r", "--max-cost", "0.2").code == 3
    assert len(calls_in(folder)) == 20
    assert call_inside(capsys, folder, *base, "--resume", "r", "--max-cost", "0.25").code == 3
    assert len(calls_in(folder)) == 25


@pytest.mark.parametrize("min_scored", [0.99, 0.2])
def test_no_gate_passes_on_a_run_that_is_incomplete(folder: Path, capsys: Capture, min_scored: float) -> None:
    """3 with a report, also where few cases are enough for the suite; `harness gate` says the same."""
    suite = yaml.safe_load((folder / SUITE).read_text())
    suite["gates"] = [
        {"id": "scored", "min_scored": min_scored},
        {"id": "facts", "metric": "required_facts", "min": 0.2, "bound": "point"},
    ]
    suite["budget"] = {"max_cost_usd": 0.4}
    (folder / SUITE).write_text(yaml.safe_dump(suite))
    ended = call_inside(capsys, folder, "check", SUITE, "--candidate", "answer", "--run-id", "r", "-q")
    assert ended.code == 3, ended.words
    assert "the run is incomplete" in ended.words
    assert "--resume r --max-cost 0.66" in ended.err
    assert (folder / "reports/runs/r/report.html").is_file()
    assert call_inside(capsys, folder, "gate", "r").code == 3
    whole = call_inside(capsys, folder, "check", SUITE, "--resume", "r", "--max-cost", "1", "-q")
    assert whole.code == 0, whole.words


def test_minutes_stop_a_run(folder: Path, capsys: Capture) -> None:
    """0.6 s of a run that takes 3: what was in flight is kept; the rest is asked later."""
    arguments = ("run", SUITE, "--candidate", "slow", "--run-id", "r", "--max-minutes", "0.01", "-q")
    ended = call_inside(capsys, folder, *arguments)
    assert ended.code == 3, ended.err
    assert "incomplete: its 0.01 minutes are over" in ended.err
    recorded = recorded_in(folder)
    assert not recorded.complete
    assert 1 <= len(recorded.results) == len(calls_in(folder)) <= 16
    assert ended.err.rstrip().endswith("--resume r")


def test_a_system_without_prices_is_refused_under_a_limit_of_money(folder: Path, capsys: Capture) -> None:
    """2 after one call, which is kept; without the limit the run is gone on with."""
    base = ("run", SUITE, "--candidate", "unpriced", "-q")
    ended = call_inside(capsys, folder, *base, "--run-id", "r", "--max-cost", "1")
    assert ended.code == 2
    assert "the system does not tell what an answer costs" in ended.err
    assert "--max-minutes" in ended.err
    assert "nothing was run" not in ended.err
    assert ended.err.rstrip().endswith("1 answer is kept; when that is mended, --resume r goes on")
    assert len(calls_in(folder)) == 1
    assert call_inside(capsys, folder, *base, "--resume", "r").code == 0
    assert len(calls_in(folder)) == N_CASES


def test_a_shard_and_a_race_without_prices_are_refused_alike(folder: Path, capsys: Capture) -> None:
    """2, what is kept, and how to go on: the same command for a shard, --resume for a race."""
    base = ("--max-cost", "1", "-q")
    shard = ("run", SUITE, "--candidate", "unpriced", "--run-id", "s", "--shard", "1/2", *base)
    ended = call_inside(capsys, folder, *shard)
    assert ended.code == 2
    assert ended.err.rstrip().endswith("1 answer is kept; when that is mended, the same command goes on")
    race = ("race", SUITE, "--candidates", "unpriced,slow", "--run-id", "x", *base)
    ended = call_inside(capsys, folder, *race)
    assert ended.code == 2, ended.err
    assert "kept; when that is mended, --resume x goes on" in ended.err


@pytest.mark.parametrize("option", ["--max-cost=0", "--max-cost=nan", "--max-minutes=-1"])
def test_a_budget_is_above_zero(folder: Path, capsys: Capture, option: str) -> None:
    """2: nothing, less than nothing and no number are no budget."""
    ended = call_inside(capsys, folder, "run", SUITE, option)
    assert ended.code == 2
    assert "is not a number above 0" in ended.err


def test_a_race_stops_too(folder: Path, capsys: Capture) -> None:
    """All candidates together: 3, what was answered is kept, and the race goes on."""
    base = ("race", SUITE, "--candidates", "answer,slow", "--metric", "required_facts", "-q")
    ended = call_inside(capsys, folder, *base, "--run-id", "r", "--max-cost", "0.1")
    assert ended.code == 3, ended.err
    assert "10 answers are kept, $0.1000 spent" in ended.err
    told = re.search(r"go on with +harness (.*)", ended.err)
    assert told is not None
    again = call_inside(capsys, folder, *shlex.split(told[1]), "-q")
    assert again.code == 0, again.err
