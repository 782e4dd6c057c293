"""``harness score``: the same answers with today's metrics and goldens, and nothing asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from project import N_CASES, SUITE, World, call, call_inside, copy_project, write_lines

from harness.recordings import read
from harness.types import Recorded

CASES = "goldens/cases.jsonl"


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The shared project with its runs, to be written to."""
    return Path(shutil.copytree(world.folder, tmp_path / "project"))


def recorded(folder: Path, run: str) -> Recorded:
    return read(folder / "reports/runs" / run / "recording.jsonl")


def change_cases(folder: Path, change: Any) -> None:
    """Write the goldens anew: ``change`` gives of every row what is to stand there, or None."""
    rows = [json.loads(line) for line in (folder / CASES).read_text().splitlines()]
    write_lines(folder / CASES, [row for old in rows if (row := change(old)) is not None])


def test_the_same_answers_are_scored_and_nothing_is_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers, errors and times stay; what is the same gives the same scores; the run names its origin."""
    (folder / "mysystems.py").write_text("raise SystemExit('asked')")
    done = call_inside(capsys, folder, "score", "failing", "--run-id", "a", "-q")
    assert done.code == 0, done.err
    before, after = recorded(folder, "failing"), recorded(folder, "a")
    assert after.results == before.results
    assert after.complete
    assert any(result.response.error for result in after.results)
    assert after.run.config == {**before.run.config, "rescored.from": "failing"}
    assert (after.run.started_at, after.run.system_fingerprint) == (
        before.run.started_at,
        before.run.system_fingerprint,
    )
    assert (after.run.origin, before.run.origin) == ("failing", "failing")
    again = call_inside(capsys, folder, "score", "a", "--run-id", "b", "-q")
    assert again.code == 0
    assert recorded(folder, "b").run.origin == "failing"


METRIC = """
from harness import Score, metric

@metric("length", version={version}, high=None)
def length(case, response):
    return Score(float(len(response.output) * {version}))
"""


def test_an_old_run_is_comparable_again_after_a_metric_changed(world: World, tmp_path: Path) -> None:
    """A version later the numbers of old and new runs mean different things; scored again they do not."""
    folder = copy_project(world.folder, tmp_path / "project")
    suite = (folder / SUITE).read_text().replace("  - error_rate\n", "  - error_rate\n  - mymetric:length\n")
    (folder / SUITE).write_text(suite)
    (folder / "mymetric.py").write_text(METRIC.format(version=1))
    assert call("run", SUITE, "-q", "--run-id", "old", cwd=folder).code == 0
    # Longer, too: written within the same second, a file as long would be taken from its compiled form.
    (folder / "mymetric.py").write_text(METRIC.format(version=2) + "\n# another version\n")
    assert call("run", SUITE, "-q", "--run-id", "new", cwd=folder).code == 0
    said = "'mymetric:length' changed its version or judge"
    assert said in call("gate", "new", "--baseline", "old", cwd=folder).words
    assert call("score", "old", "-q", "--run-id", "old-2", cwd=folder).code == 0
    gated = call("gate", "new", "--baseline", "old-2", cwd=folder)
    assert said not in gated.words
    assert "rescored.from" in gated.words
    old, again = recorded(folder, "old"), recorded(folder, "old-2")
    assert [result.scores["mymetric:length"].value for result in again.results] == [
        2 * (result.scores["mymetric:length"].value or 0) for result in old.results
    ]


def test_what_the_goldens_expect_now_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A label that was mended changes the score of the old answer, and it is told which case that is."""
    change_cases(folder, lambda row: row | ({"must_include": ["nowhere"]} if row["id"] == "q-007" else {}))
    done = call_inside(capsys, folder, "score", "first", "--run-id", "now", "-q")
    assert done.code == 0
    assert "1 case (q-007) scored against what the goldens expect now" in done.words
    values = {one.case_id: one.scores["required_facts"].value for one in recorded(folder, "now").results}
    assert values["q-007"] == 0.0
    assert min(value for case, value in values.items() if case != "q-007" and value is not None) == 1.0


def test_other_questions_are_refused_by_name_or_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cases asked otherwise, gone and new: refused with their ids; with --intersect the others are scored."""

    def change(row: dict[str, Any]) -> dict[str, Any] | None:
        if row["id"] == "q-003":
            return row | {"input": "Something else?"}
        if row["id"] == "q-004":
            return None
        return row | ({"id": "q-new"} if row["id"] == "q-005" else {})

    change_cases(folder, change)
    refused = call_inside(capsys, folder, "score", "first", "--run-id", "rest", "-q")
    assert refused.code == 2
    for said in (
        "2 cases (q-004, q-005) no longer in the goldens",
        "1 case (q-003) asked otherwise now",
        "1 case (q-new) not asked then",
        "--intersect",
    ):
        assert said in refused.words
    assert not (folder / "reports/runs/rest").exists()
    done = call_inside(capsys, folder, "score", "first", "--run-id", "rest", "-q", "--intersect")
    assert done.code == 0
    assert "left out: 1 case (q-003) asked otherwise now" in done.words
    found = recorded(folder, "rest")
    assert found.digests.keys() == {f"q-{n:03}" for n in range(N_CASES)} - {"q-003", "q-004", "q-005"}
    assert len(found.results) == found.run.n_cases == N_CASES - 3
    assert found.run.selection == {"intersect": True}


def test_what_cannot_be_scored_again_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A baseline without texts, an unfinished run, another suite's, a name that is taken, an unknown run."""
    cut = tmp_path / "cut.jsonl"
    lines = (folder / "reports/runs/first/recording.jsonl").read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(lines[:-1]))
    (folder / "suites/other.yaml").write_text((folder / SUITE).read_text().replace("suite: tiny", "suite: o"))
    slim = next((folder / "suites/baselines").glob("*.gz"))
    for arguments, said in (
        ((str(slim),), "kept without its texts"),
        ((str(cut),), "is incomplete = finish it with `harness run suites/tiny.yaml --resume first`"),
        (("first", "--suite", "suites/other.yaml"), "is of suite 'tiny', not 'o'"),
        (("first", "--run-id", "same"), "run 'same' exists already"),
        (("first", "--run-id", "a/b"), "letters, digits"),
        (("nothing",), "no run 'nothing'"),
    ):
        done = call_inside(capsys, folder, "score", *arguments, "-q")
        assert done.code == 2
        assert said in done.words


def test_a_metric_that_raises_leaves_nothing_behind(world: World, tmp_path: Path) -> None:
    """The fault is told with its place, the exit code is 4, and there is no run."""
    folder = copy_project(world.folder, tmp_path / "project")
    suite = (folder / SUITE).read_text().replace("  - error_rate\n", "  - error_rate\n  - mymetric:length\n")
    assert call("run", SUITE, "-q", "--run-id", "old", cwd=folder).code == 0
    (folder / SUITE).write_text(suite)
    (folder / "mymetric.py").write_text(METRIC.format(version=1) + "\nlen = None\n")
    done = call("score", "old", "-q", "--run-id", "again", cwd=folder)
    assert done.code == 4
    assert "mymetric.py:6" in done.words
    assert not (folder / "reports/runs/again").exists()


def test_the_same_answers_are_no_second_run_of_a_baseline(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run and the same answers scored again are one run, however often it is named."""
    assert call_inside(capsys, folder, "score", "first", "--run-id", "twice", "-q").code == 0
    done = call_inside(capsys, folder, "gate", "same", "--baseline", "first", "--baseline", "twice")
    assert done.code == 2
    assert "'first' and 'twice' hold the same answers" in done.words


def test_origin_is_the_run_itself_where_it_was_asked(world: World) -> None:
    """A run's configuration does not have the key by itself."""
    run = recorded(world.folder, "first").run
    assert run.origin == "first"
    assert replace(run, config={"rescored.from": "x"}).origin == "x"


def test_what_goes_on_wants_the_run_whose_answers_are_scored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--resume`` names the new run; without the old one it is told that both are wanted."""
    done = call_inside(capsys, folder, "score", "--resume", "again")
    assert done.code == 2
    assert "RUN is whose answers are scored, also with --resume" in done.words
