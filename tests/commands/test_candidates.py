"""Candidates from the command line: several recorded runs compared, and a race that saves calls."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from project import (
    N_CASES,
    SUITE,
    World,
    call,
    call_inside,
    clean_env,
    copy_project,
    make_project,
    write_lines,
)

Said = pytest.CaptureFixture[str]

RACERS = """
import os, threading

lock = threading.Lock()

def note(name, query):
    with lock, open("calls.txt", "a") as calls:
        calls.write(f"{name} {query.id}\\n")

def text(query):
    n = int(query.id[2:])
    fact = f"fact {n} is value{n}."
    return {"output": fact, "retrieved": [{"doc_id": f"d{n // 3}", "text": fact}],
            "usage": {"cost_usd": 0.002}}

def wrong(query):
    return {"output": "Nobody knows.", "retrieved": [{"doc_id": "d99", "text": "Nothing."}],
            "usage": {"cost_usd": 0.0001}}

def good(query):
    note("good", query)
    return text(query) if int(query.id[2:]) % 31 != 7 else wrong(query)

def near(query):
    note("near", query)
    return text(query) if int(query.id[2:]) % 31 else wrong(query)

def bad(query):
    note("bad", query)
    return text(query) if int(query.id[2:]) % 2 else wrong(query)

def broken(query):
    note("broken", query)
    raise ValueError("the index is gone")

def hanging(query):
    note("hanging", query)
    if not os.path.exists("mended"):
        import time
        time.sleep(60)
    return text(query)
"""
RACE_SUITE = """version: 1
suite: race
goldens:
  - path: ../goldens/cases.jsonl
system: { adapter: python, target: "racers:good" }
candidates:
  near: { target: "racers:near" }
  bad: { target: "racers:bad" }
  broken: { target: "racers:broken" }
slices:
  language: { from: groups.language }
metrics: [required_facts, error_rate]
choose:
  quality: required_facts
  require:
    - { metric: cost_usd, max: 0.01 }
    - { metric: required_facts, min: 0.5 }
run: { max_concurrency: 4 }
gates:
  - { id: facts, metric: required_facts, min: 0.5 }
"""


@pytest.fixture
def racing(tmp_path: Path) -> Path:
    """A project with four candidates that note every call; 240 cases in 80 documents."""
    folder = make_project(tmp_path / "project")
    (folder / "racers.py").write_text(RACERS)
    (folder / "suites/race.yaml").write_text(RACE_SUITE)
    cases = [
        {
            "id": f"q-{i:03}",
            "input": f"What is fact {i}?",
            "must_include": [f"value{i}"],
            "groups": {"language": "de" if i % 2 else "en"},
            "document_id": f"d{i // 3}",
        }
        for i in range(240)
    ]
    write_lines(folder / "goldens/cases.jsonl", cases)
    (folder / "goldens/corpus.jsonl").unlink()
    return folder


def calls_made(folder: Path) -> Counter[str]:
    """Calls by candidate, as the systems themselves noted them."""
    return Counter(line.split()[0] for line in (folder / "calls.txt").read_text().splitlines())


def test_compare_puts_runs_side_by_side(world: World, tmp_path: Path, capsys: Said) -> None:
    """The table, the sentence, the page and its JSON; the same bytes in any order of the runs; 80 columns."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    ended = call_inside(capsys, folder, "compare", "same", "worse", "failing")
    assert ended.code == 0, ended.err
    assert "Ship plain system because of all candidates it alone is beaten by none" in ended.words
    assert "worse: recall@5 worse by 0.333" in ended.words
    assert "failing: 18 of 60 cases were not scored and count at their worst" in ended.words
    assert max(map(len, ended.out.splitlines())) <= 80
    page = folder / "reports/compare/failing+same+worse"
    before = {path.name: path.read_bytes() for path in page.iterdir()}
    assert set(before) == {"candidates.html", "candidates.json"}
    again = call("compare", "worse", "failing", "same", cwd=folder, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert again.out == ended.out
    assert {path.name: path.read_bytes() for path in page.iterdir()} == before
    found = json.loads(before["candidates.json"])
    assert [one["run"]["id"] for one in found["candidates"]] == ["same", "failing", "worse"]
    assert (
        json.loads(call_inside(capsys, folder, "compare", "same", "worse", "failing", "--json").out) == found
    )


def test_compare_writes_where_asked_and_on_what_is_asked(world: World, tmp_path: Path, capsys: Said) -> None:
    """The first metric named is the quality where the suite declares none."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    line = ("compare", "first", "same", "--metric", "required_facts", "-o", "here/page.json")
    assert call_inside(capsys, folder, *line).code == 0
    found = json.loads((folder / "here/page.json").read_text())
    assert found["quality"] == "required_facts"
    assert list(found["candidates"][0]["standings"]) == ["required_facts"]
    assert found["choice"]["pick"] is None
    names = {one["name"] for one in found["candidates"]}
    assert names == {"plain system first", "plain system same"}


def test_compare_chooses_by_a_file(world: World, tmp_path: Path, capsys: Said) -> None:
    """With --suite its `choose:` decides, and a requirement nobody meets leaves nothing to ship."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    text = (folder / SUITE).read_text()
    text += "choose: { quality: recall@5, require: [{ metric: cost_usd, max: 1 }] }\n"
    (folder / "suites/other.yaml").write_text(text)
    ended = call_inside(capsys, folder, "compare", "same", "worse", "--suite", "suites/other.yaml")
    assert ended.code == 0
    assert "Ship none: none is shown to meet every requirement." in ended.words
    assert "◆ cannot tell for plain system, worse" in ended.words


def test_compare_refuses_other_goldens(world: World, tmp_path: Path, capsys: Said) -> None:
    """3, unless told to compare the cases that are the same."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    lines = (folder / "goldens/cases.jsonl").read_text().splitlines()
    case = {**json.loads(lines[0]), "input": "What else?"}
    (folder / "goldens/cases.jsonl").write_text("\n".join([json.dumps(case), *lines[1:]]) + "\n")
    assert call("run", SUITE, "--run-id", "other", cwd=folder).code == 0
    refused = call_inside(capsys, folder, "compare", "same", "other")
    assert (refused.code, refused.out) == (3, "")
    assert "--intersect" in refused.err
    ended = call_inside(capsys, folder, "compare", "same", "other", "--intersect")
    assert ended.code == 0
    assert "1 case that changed is left out" in ended.words


def test_a_race_saves_calls_in_fact(racing: Path, capsys: Said) -> None:
    """Losers are asked no further: the systems' own count of calls is what the race reports."""
    ended = call("race", "suites/race.yaml", "--run-id", "r", cwd=racing)
    assert ended.code == 0, ended.err
    made = calls_made(racing)
    assert made["good"] == made["near"] == 240
    assert made["bad"] == made["broken"] < 100
    total = sum(made.values())
    assert f"{total} of 960 calls made, {960 - total} saved" in ended.words
    assert "dropped bad" in ended.words
    assert "left: " in ended.words
    for name, n in (("bad", made["bad"]), ("plain", 240)):
        shown = call_inside(capsys, racing, "report", f"r-{name}")
        assert shown.code == 0
        report = json.loads((racing / f"reports/runs/r-{name}/report.json").read_text())
        assert report["accounting"]["answered"] == n
    assert max(map(len, ended.out.splitlines())) <= 80


def test_a_race_that_is_over_early_stops_for_everybody(racing: Path) -> None:
    """Two racers, one of them hopeless: the other's recording ends at the look that decided."""
    ended = call("race", "suites/race.yaml", "--run-id", "r", "--candidates", "plain,broken", cwd=racing)
    assert ended.code == 0, ended.err
    made = calls_made(racing)
    assert made["good"] == made["broken"] < 240
    assert "one candidate is left" in ended.words
    assert "Ship plain system because it alone" in ended.words


def test_a_candidate_of_a_race_can_be_asked_the_rest(racing: Path, capsys: Said) -> None:
    """Its recording is a run like any other: resumed, it asks what is missing and nothing else."""
    call("race", "suites/race.yaml", "--run-id", "r", "--candidates", "plain,bad", cwd=racing)
    before = calls_made(racing)["bad"]
    ended = call("run", "suites/race.yaml", "--resume", "r-bad", cwd=racing)
    assert ended.code == 0, ended.err
    lines = [line for line in (racing / "calls.txt").read_text().splitlines() if line.startswith("bad")]
    assert before < 240
    assert len(lines) == len(set(lines)) == 240
    compared = call_inside(capsys, racing, "compare", "r-bad", "r-plain", "--json")
    assert compared.code == 0
    assert len(json.loads(compared.out)["candidates"]) == 2


def test_a_finished_race_asks_nothing_again(racing: Path) -> None:
    """Resumed, it takes the same looks on what is recorded, and shows the same."""
    first = call("race", "suites/race.yaml", "--run-id", "r", cwd=racing)
    made = calls_made(racing)
    again = call("race", "suites/race.yaml", "--resume", "r", cwd=racing)
    assert again.code == 0, again.err
    assert calls_made(racing) == made
    assert again.out == first.out


def test_a_race_pays_no_answer_twice(racing: Path, capsys: Said) -> None:
    """--cache keeps the answers of every candidate by itself; another race of them asks nobody, and says so.

    What an answer cost when it was asked is compared; times are those of no candidate. A budget that has no
    room for a single call is enough.
    """
    line = ("race", "suites/race.yaml", "-q", "--candidates", "plain,near,bad", "--cache-dir", "kept")
    first = call_inside(capsys, racing, *line, "--cache", "--run-id", "a")
    assert first.code == 0, first.err
    assert "asked again when its code here changes" in first.words
    made = calls_made(racing)
    total = sum(made.values())
    assert f"{total} of 720 calls made, {720 - total} saved" in first.words
    for n, (use, *more) in enumerate([("--cache", "--max-cost", "0.0001"), ("--cache-only",)]):
        again = call_inside(capsys, racing, *line, use, *more, "--run-id", f"b{n}")
        assert again.code == 0, again.err
        assert calls_made(racing) == made
        assert f"0 of 720 calls made, {total} answered from a cache, {720 - total} saved" in again.words
        assert "plain system: 240 answers came from a cache and are no part of its latency" in again.words
        assert "or cost; their latency is not known" in again.words
        assert max(map(len, again.out.splitlines())) <= 80
    results = [
        json.loads((racing / f"reports/compare/{name}/candidates.json").read_text())
        for name in ("a-bad+a-near+a-plain", "b0-bad+b0-near+b0-plain")
    ]
    costs = [[one["cost_per_1000"]["value"] for one in found["candidates"]] for found in results]
    assert costs[0] == costs[1]
    assert None not in costs[0]
    fresh = call_inside(capsys, racing, *line, "--no-cache", "--run-id", "c")
    assert fresh.code == 0
    assert sum(calls_made(racing).values()) == 2 * total


def test_a_new_candidate_is_asked_beside_those_whose_answers_are_kept(racing: Path, capsys: Said) -> None:
    """Only it is asked; that it alone has times is said where they decide."""
    line = ("race", "suites/race.yaml", "-q", "--cache")
    assert call_inside(capsys, racing, *line, "--candidates", "plain,bad", "--run-id", "a").code == 0
    before = calls_made(racing)
    ended = call_inside(capsys, racing, *line, "--candidates", "plain,near", "--run-id", "b")
    assert ended.code == 0, ended.err
    asked = calls_made(racing) - before
    assert set(asked) <= {"near", "good"}
    assert asked["near"] == 240
    assert asked["good"] == 240 - before["good"]
    assert "came from a cache and are no part of its latency" in ended.words


def test_a_race_with_nothing_kept_chooses_nobody(racing: Path, capsys: Said) -> None:
    """2 where no answer was ever kept; where others were, each is missing at its worst: none is shipped."""
    line = ("race", "suites/race.yaml", "-q", "--cache-only", "--candidates", "plain,near", "--run-id", "a")
    refused = call_inside(capsys, racing, *line)
    assert refused.code == 2
    assert "--cache-only: no answers are kept in reports/response-cache" in refused.words
    assert not (racing / "reports/runs").exists()
    (racing / "reports/response-cache").mkdir(parents=True)
    ended = call_inside(capsys, racing, *line)
    assert not (racing / "calls.txt").exists()
    assert "Ship none" in ended.words
    assert "0 of 480 calls made, " in ended.words
    refused = call_inside(capsys, racing, *line[:-1], "b", "--no-cache")
    assert refused.code == 2
    assert "exclude each other" in refused.words


def test_a_race_cut_short_goes_on(racing: Path) -> None:
    """130: what is answered is kept, the command that goes on is printed, and no case is asked twice."""
    text = RACE_SUITE.replace("racers:near", "racers:hanging")
    (racing / "suites/race.yaml").write_text(text)
    command = [sys.executable, "-m", "harness", "race", "suites/race.yaml", "--run-id", "r", "-j", "2"]
    process = subprocess.Popen(command, cwd=racing, env=clean_env(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (racing / "calls.txt").exists() and "hanging" in (racing / "calls.txt").read_text():
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "harness race suites/race.yaml --resume r" in err
    (racing / "mended").touch()
    ended = call("race", "suites/race.yaml", "--resume", "r", cwd=racing)
    assert ended.code == 0, ended.err
    lines = (racing / "calls.txt").read_text().splitlines()
    answered = [line for line in lines if not line.startswith("hanging")]
    assert len(answered) == len(set(answered))
    assert {line.split()[1] for line in answered if line.startswith("good")} == {
        line.split()[1] for line in lines if line.startswith("hanging")
    }


def test_a_race_begun_otherwise_is_not_gone_on_with(racing: Path, capsys: Said) -> None:
    """2: other looks or another seed would ask in another order."""
    call("race", "suites/race.yaml", "--run-id", "r", "--candidates", "plain,bad", cwd=racing)
    for option in (("--seed", "5"), ("--looks", "50,100")):
        line = ("race", "suites/race.yaml", "--resume", "r", "--candidates", "plain,bad", *option)
        ended = call_inside(capsys, racing, *line)
        assert ended.code == 2
        assert "begun with other --looks or --seed" in ended.err


def test_the_number_of_workers_changes_no_look(world: World, tmp_path: Path) -> None:
    """One call at a time, or seven: who leads and how sure it is."""
    folder = copy_project(world.folder, tmp_path / "project")
    shown = [
        call("race", SUITE, "--candidates", "plain,worse", "--run-id", f"r{j}", "-j", j, "--json", cwd=folder)
        for j in ("1", "7")
    ]
    found = [json.loads(ended.out) for ended in shown]
    looks = [[(look["n_cases"], *look["limits"].values()) for look in one["race"]["looks"]] for one in found]
    assert looks[0] == looks[1]
    assert found[0]["race"]["n_cases"] == N_CASES
