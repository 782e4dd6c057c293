"""``harness baseline``: what it prints, what it writes, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call, call_inside, copy_project

Said = pytest.CaptureFixture[str]
LOCK = "suites/baselines/tiny.lock.json"


@pytest.fixture(scope="module")
def noisy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a system that varies, with five fresh runs of it and no baseline."""
    folder = copy_project(world.folder, tmp_path_factory.mktemp("noisy") / "project")
    shutil.rmtree(folder / "suites/baselines")
    system = folder / "mysystems.py"
    system.write_text(
        system.read_text()
        + "\nimport hashlib\n"
        + "def noisy(query):\n"
        + "    seed = open('seed').read() + query.id\n"
        + "    lost = hashlib.sha256(seed.encode()).digest()[0] < 20 and seed[:5] != 'lucky'\n"
        + "    return {'output': 'Nobody knows.', 'retrieved': []} if lost else answer(query)\n"
    )
    text = (folder / SUITE).read_text().replace("mysystems:answer", "mysystems:noisy")
    (folder / SUITE).write_text(text.split("  - { id: gap")[0])
    for i in range(5):
        (folder / "seed").write_text(f"run {i}")
        assert call("run", SUITE, "--run-id", f"r{i}", cwd=folder).code == 0
    return folder


@pytest.fixture
def project(noisy: Path, tmp_path: Path) -> Path:
    """A copy to write in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.duckdb")
    return Path(shutil.copytree(noisy, tmp_path / "project", ignore=ignored))


@pytest.fixture
def five(project: Path, capsys: Said) -> Path:
    """The five runs as the baseline."""
    runs = [f"r{i}" for i in range(5)]
    ended = call_inside(capsys, project, "baseline", "promote", *runs, "--reason", "five runs")
    assert ended.code == 0, ended.err
    assert "baseline of tiny: none -> r0, r1, r2, r3, r4" in ended.out
    assert "commit these files" in ended.out
    return project


def test_several_runs_are_shown(five: Path, capsys: Said) -> None:
    """Each run with its age, each metric with the runs' means and how far they lie apart; in 80 columns."""
    out = call_inside(capsys, five, "baseline", "show", SUITE).out
    assert "baseline of tiny: 5 runs, promoted" in out
    assert sum("0 days old" in line for line in out.splitlines()) == 5
    assert "by run" in out
    assert "between runs" in out
    assert "of 5 runs" not in out
    assert max(map(len, out.splitlines())) <= 80
    lock = json.loads(call_inside(capsys, five, "baseline", "show", SUITE, "--json").out)
    assert lock == json.loads((five / LOCK).read_text())


def test_one_run_is_shown_with_what_more_would_bring(world: World, tmp_path: Path, capsys: Said) -> None:
    """One soft line."""
    folder = copy_project(world.folder, tmp_path / "project")
    out = call_inside(capsys, folder, "baseline", "show", SUITE).out
    assert out.count("1 of 5 runs") == 1
    assert "by run" not in out


def test_a_gate_is_decided_against_all_runs(five: Path, capsys: Said) -> None:
    """The baseline's mean is that of the cases' means; the report tells how many runs."""
    lock = json.loads((five / LOCK).read_text())
    ended = call_inside(capsys, five, "gate", "r0", "--json")
    report = json.loads(ended.out)
    (recall,) = (item for item in report["verdicts"] if item["gate"] == "recall")
    assert recall["baseline"] == pytest.approx(lock["metrics"]["recall@5"]["value"])
    assert [run["id"] for run in report["baseline_runs"]] == [f"r{i}" for i in range(5)]
    text = call_inside(capsys, five, "gate", "r0").out
    assert "baseline r0 and 4 more runs" in " ".join(text.split())


def test_recorded_runs_are_a_baseline_for_once(project: Path, capsys: Said) -> None:
    """`--baseline` named twice averages two runs; runs of two systems are refused."""
    ended = call_inside(capsys, project, "gate", "r0", "--baseline", "r1", "--baseline", "r2", "--json")
    assert [run["id"] for run in json.loads(ended.out)["baseline_runs"]] == ["r1", "r2"]
    assert call("run", SUITE, "--run-id", "bad", "--candidate", "worse", cwd=project).code == 0
    ended = call_inside(capsys, project, "gate", "r0", "--baseline", "r1", "--baseline", "bad")
    assert ended.code == 2
    assert "cannot be one baseline: they differ in system (system.target" in ended.err


def test_a_run_that_was_checked_and_is_better_is_refused(five: Path, capsys: Said) -> None:
    """2, with the mend; after a fresh run the same system is promoted without a word."""
    (five / "seed").write_text("lucky")
    checked = call("check", SUITE, "--run-id", "lucky", cwd=five)
    means = {item["gate"]: item for item in json.loads(report_of(five, "lucky"))["verdicts"]}
    assert means["recall"]["candidate"] > means["recall"]["baseline"], checked.out
    refused = call_inside(capsys, five, "baseline", "promote", "lucky", "--reason", "higher")
    assert refused.code == 2
    assert "found better on recall@5" in refused.words
    assert f"harness run {SUITE}" in refused.words
    added = call_inside(capsys, five, "baseline", "add", "lucky")
    assert added.code == 2
    assert call("run", SUITE, "--run-id", "fresh", cwd=five).code == 0
    promoted = call_inside(capsys, five, "baseline", "promote", "fresh", "--reason", "higher")
    assert promoted.code == 0, promoted.err


def report_of(folder: Path, run: str) -> str:
    return (folder / f"reports/runs/{run}/report.json").read_text()


def test_a_further_run_is_added(five: Path, capsys: Said) -> None:
    """The latest of them are kept."""
    (five / "seed").write_text("run 6")
    assert call("run", SUITE, "--run-id", "r6", cwd=five).code == 0
    ended = call_inside(capsys, five, "baseline", "add", "r6", "--keep", "5")
    assert ended.code == 0, ended.err
    assert "r0, r1, r2, r3, r4 -> r1, r2, r3, r4, r6" in ended.out
    assert len(list((five / "suites/baselines").iterdir())) == 6


def test_verify_tells_a_whole_baseline_from_a_broken_one(five: Path, capsys: Said) -> None:
    """0; 4 with a changed recording; 2 where the lock is about something else; 2 without a lock."""
    whole = call_inside(capsys, five, "baseline", "verify", SUITE)
    assert whole.code == 0
    assert "5 runs of one system, every file as promoted" in whole.out
    lock = json.loads((five / LOCK).read_text())
    (five / LOCK).write_text(json.dumps({**lock, "system_fingerprint": "x"}))
    assert call_inside(capsys, five, "baseline", "verify", SUITE).code == 2
    (five / LOCK).write_text(json.dumps(lock))
    (five / "suites/baselines" / lock["runs"][3]["recording"]).unlink()
    assert call_inside(capsys, five, "baseline", "verify", SUITE).code == 4
    assert call_inside(capsys, five, "baseline", "verify", SUITE, "--anchor").code == 2


def test_a_stale_baseline_is_told(five: Path, capsys: Said) -> None:
    """3 from `verify`, one note in the report of a run so much later, and none where any age will do."""
    later = {"SOURCE_DATE_EPOCH": "1900000000"}
    ended = call("baseline", "verify", SUITE, cwd=five, **later)
    assert ended.code == 3
    assert "stale: " in ended.out
    checked = call("check", SUITE, "--run-id", "later", cwd=five, **later)
    assert checked.words.count("stale after 14") == 1
    text = (five / SUITE).read_text()
    (five / SUITE).write_text(text + "baseline: { stale_after_days: null }\n")
    assert call("baseline", "verify", SUITE, cwd=five, **later).code == 0
    assert "stale" not in call("check", SUITE, "--run-id", "any-age", cwd=five, **later).words


def test_a_release_keeps_its_anchor(five: Path, capsys: Said) -> None:
    """Promoted from the lock, shown and verified beside the baseline."""
    ended = call_inside(capsys, five, "baseline", "promote", LOCK, "--anchor", "--reason", "1.0")
    assert ended.code == 0, ended.err
    assert "anchor of tiny: none -> r0, r1, r2, r3, r4" in ended.out
    out = call_inside(capsys, five, "baseline", "show", SUITE, "--anchor").out
    assert "anchor of tiny: 5 runs" in out
    assert "because    1.0" in out
    assert call_inside(capsys, five, "baseline", "verify", SUITE, "--anchor").code == 0
    words = call_inside(capsys, five, "gate", "r0").words
    assert words.count("a baseline of the last release is kept, and no gate is `against: anchor`") == 1
