"""What is damaged may take a verdict away and never bring a pass; another order changes nothing at all."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import N_CASES, SUITE, call_inside, case_of, make_project, write_lines

Capture = pytest.CaptureFixture[str]
Rows = list[dict[str, Any]]
LOCK = "suites/baselines/tiny.lock.json"
RECORDING = "reports/runs/worse/recording.jsonl"
RENDERED = ("report.html", "report.md", "report.json", "junit.xml")


def answers(*, worse: bool) -> Rows:
    """What a system said: all right, or a third of it wrong."""
    found = []
    for i in range(N_CASES):
        wrong = worse and i % 3 == 1
        text = "Nobody knows." if wrong else f"fact {i} is value{i}."
        passage = {"doc_id": "d99" if wrong else f"d{i // 3}", "text": text}
        row = {"id": f"q-{i:03}", "output": text, "retrieved": [passage], "timings": {"total_s": 0.01}}
        found.append(row)
    return found


@pytest.fixture(autouse=True)
def _at_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose systems are what was said; to be checked against a baseline."""
    folder = make_project(tmp_path_factory.mktemp("metamorphic") / "project")
    suite = yaml.safe_load((folder / SUITE).read_text())
    suite["system"] = {"adapter": "replay", "path": "good.jsonl"}
    suite["candidates"] = {"worse": {"path": "worse.jsonl"}}
    suite["gates"].append({"id": "floor", "metric": "required_facts", "min": 0.5})
    (folder / SUITE).write_text(yaml.safe_dump(suite, sort_keys=False))
    write_lines(folder / "suites/good.jsonl", answers(worse=False))
    write_lines(folder / "suites/worse.jsonl", answers(worse=True))
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, capsys: Capture) -> Path:
    """The project with its baseline, and the run ``worse`` that fails against it."""
    if not (made / LOCK).exists():
        assert call_inside(capsys, made, "check", SUITE, "--run-id", "first", "-q").code == 3
        assert call_inside(capsys, made, "baseline", "promote", "first", "--reason", "x").code == 0
        assert check(capsys, made) == 1
    return Path(shutil.copytree(made, tmp_path / "project"))


def check(capsys: Capture, folder: Path, *options: str) -> int:
    """Check the worse candidate; gives the exit code."""
    shutil.rmtree(folder / "reports/runs/worse", ignore_errors=True)
    words = ("check", SUITE, "--candidate", "worse", "--run-id", "worse", "-q", "--no-early-stop")
    ended = call_inside(capsys, folder, *words, *options)
    assert "Traceback" not in ended.err
    return ended.code


# -- damage ------------------------------------------------------------------------------------------------


def without(rows: Rows, chance: random.Random) -> Iterator[str]:
    lost = set(chance.sample(range(N_CASES), chance.choice([1, 20, 59])))
    yield from (json.dumps(row) for i, row in enumerate(rows) if i not in lost)


def with_errors(rows: Rows, chance: random.Random) -> Iterator[str]:
    wrong = [
        {"error": "no"}, {"output": None}, {"output": 1}, {"output": "x", "retrieved": None},
        {"outputs": "x"}, {"output": "x", "usage": {"cost_usd": -1}}, {},
    ]  # fmt: skip
    share = chance.choice([0.02, 0.4, 1.0])
    for row in rows:
        yield json.dumps({"id": row["id"], **chance.choice(wrong)} if chance.random() < share else row)


def emptied(rows: Rows, chance: random.Random) -> Iterator[str]:
    share = chance.choice([0.02, 0.4, 1.0])
    for row in rows:
        yield json.dumps({**row, "output": "", "retrieved": []} if chance.random() < share else row)


def no_json(rows: Rows, chance: random.Random) -> Iterator[str]:
    at = chance.randrange(N_CASES)
    wrong = chance.choice(['{"id": ', "[]", '{"id": "q-001", "output": NaN}', "\0", '"x"', "null"])
    yield from (wrong if i == at else json.dumps(row) for i, row in enumerate(rows))


@pytest.mark.parametrize("damage", [without, with_errors, emptied, no_json])
def test_f7_damaged_answers_never_bring_a_pass(
    project: Path, capsys: Capture, damage: Callable[[Rows, random.Random], Iterator[str]]
) -> None:
    """Answers that are gone, wrong, empty, or no answers: a run that fails does not pass by it."""
    for seed in range(2):
        lines = damage(answers(worse=True), random.Random(seed))  # noqa: S311
        (project / "suites/worse.jsonl").write_text("".join(f"{line}\n" for line in lines))
        assert check(capsys, project) in {1, 2, 3}


def test_f12_a_damaged_recording_never_brings_a_pass(project: Path, capsys: Capture) -> None:
    """Bytes changed or cut, lines lost, doubled, changed over: the same verdict, none, or an error."""
    sound = (project / RECORDING).read_bytes()
    lines, chance = sound.splitlines(keepends=True), random.Random(1)  # noqa: S311
    damaged = []
    for _ in range(4):
        at = chance.randrange(len(sound))
        damaged.append(sound[:at] + bytes([sound[at] ^ (1 << chance.randrange(8))]) + sound[at + 1 :])
        damaged.append(sound[: len(sound) - chance.randrange(len(sound) // 2)])
        one, other = sorted(chance.sample(range(1 + N_CASES, len(lines)), 2))
        damaged.append(b"".join([*lines[:one], *lines[one + 1 :]]))
        damaged.append(
            b"".join([*lines[:one], lines[other], *lines[one + 1 : other], lines[one], *lines[other + 1 :]])
        )
    codes = set()
    for content in damaged:
        (project / RECORDING).write_bytes(content)
        ended = call_inside(capsys, project, "gate", "worse")
        assert "Traceback" not in ended.err
        codes.add(ended.code)
    assert codes <= {1, 3, 4}
    assert 4 in codes


def test_f12_a_damaged_baseline_never_brings_a_pass(project: Path, capsys: Capture) -> None:
    """Neither its lock nor its recording, whatever of them is changed, cut, or gone."""
    chance = random.Random(2)  # noqa: S311
    for path in (project / "suites/baselines").iterdir():
        sound = path.read_bytes()
        for way in ("flip", "cut", "gone"):
            at = chance.randrange(len(sound) - 1)
            flipped = sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :]
            path.write_bytes(flipped if way == "flip" else sound[:at])
            if way == "gone":
                path.unlink()
            ended = call_inside(capsys, project, "gate", "worse")
            assert ended.code in {1, 2, 3, 4}, (path.name, way)
            assert "Traceback" not in ended.err
        path.write_bytes(sound)


def test_f33_goldens_without_the_hard_cases_do_not_pass(project: Path, capsys: Capture) -> None:
    """The cases that fail are deleted, or made easy: the baseline is of other goldens, and that is said."""
    cases = [case_of(i, {}) for i in range(N_CASES)]
    fewer = [case for i, case in enumerate(cases) if i % 3 != 1]
    easier = [
        {**case, "must_include": ["knows"], "evidence": []} if i % 3 == 1 else case
        for i, case in enumerate(cases)
    ]
    for goldens in (fewer, easier):
        write_lines(project / "goldens/cases.jsonl", goldens)
        assert check(capsys, project) == 3
        shutil.rmtree(project / "reports/runs/worse")
        words = ("check", SUITE, "--candidate", "worse", "--run-id", "worse", "-q")
        assert (
            "goldens of baseline 'first' and run 'worse' differ" in call_inside(capsys, project, *words).words
        )


# -- order -------------------------------------------------------------------------------------------------


def verdicts(folder: Path) -> dict[str, Any]:
    """All that was decided and computed, by name."""
    report = json.loads((folder / "reports/runs/worse/report.json").read_text())
    found: dict[str, Any] = {verdict["gate"]: {**verdict, "line": None} for verdict in report["verdicts"]}
    for each in (*report["comparisons"], *report["slices"]):
        found[f"{each['metric']} {each['slice']}"] = each
    return found


def shuffle_goldens(folder: Path, chance: random.Random) -> None:
    for name in ("goldens/cases.jsonl", "goldens/corpus.jsonl", "suites/worse.jsonl"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        chance.shuffle(lines)
        (folder / name).write_text("".join(lines))


def shuffle_suite(folder: Path, chance: random.Random) -> None:
    suite = yaml.safe_load((folder / SUITE).read_text())
    chance.shuffle(suite["gates"])
    chance.shuffle(suite["metrics"])
    suite["slices"] = {"unit": {"from": "document_id"}, **suite["slices"]}
    items = list(suite.items())
    chance.shuffle(items)
    (folder / SUITE).write_text(yaml.safe_dump(dict(items), sort_keys=False))


@pytest.mark.parametrize("shuffle", [shuffle_goldens, shuffle_suite])
def test_order_changes_no_verdict_and_no_number(
    project: Path, capsys: Capture, shuffle: Callable[[Path, random.Random], None]
) -> None:
    """Cases, documents and answers in another order, or gates, metrics and slices; more calls at once."""
    before = verdicts(project)
    for seed, in_flight in ((1, "1"), (2, "7")):
        shuffle(project, random.Random(seed))  # noqa: S311
        assert check(capsys, project, "-j", in_flight) == 1
        after = verdicts(project)
        assert {name: after[name] for name in before} == before


def test_shards_in_any_order_and_asked_again_give_the_same_report(
    project: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A shard that was asked twice, or cut short and gone on with, is the same part of the same report."""
    whole = project / "reports/runs/worse"
    assert check(capsys, project) == 1
    wanted = {name: (whole / name).read_bytes() for name in RENDERED}
    parts = {}
    for where, numbers in (("one", (1, 2, 3)), ("again", (2, 3)), ("cut", (2,))):
        for number in numbers:
            words = ("run", SUITE, "--candidate", "worse", "--run-id", "worse", "-q", "--at-once", "1")
            reports = tmp_path / where
            if where == "cut":
                begun = reports / "runs/worse/shards/shard-2-of-3.unfinished.jsonl"
                begun.parent.mkdir(parents=True)
                lines = parts["one", 2].read_bytes().splitlines(keepends=True)
                begun.write_bytes(b"".join(lines[: len(lines) * 2 // 3])[:-20])
            ended = call_inside(capsys, project, *words, "--shard", f"{number}/3", "--reports", str(reports))
            assert ended.code == 0, ended.err
            parts[where, number] = next((reports / "runs/worse/shards").glob(f"shard-{number}-of-3.jsonl"))
    for order in (
        [("one", 1), ("one", 2), ("one", 3)],
        [("again", 3), ("cut", 2), ("one", 1)],
        [("again", 2), ("one", 3), ("one", 2), ("one", 1), ("again", 3), ("cut", 2)],
    ):
        shutil.rmtree(whole)
        assert call_inside(capsys, project, "runs", "merge", *(str(parts[one]) for one in order)).code == 0
        assert call_inside(capsys, project, "gate", "worse").code == 1
        assert {name: (whole / name).read_bytes() for name in RENDERED} == wanted
