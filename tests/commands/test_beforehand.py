"""Where results will be written is checked before the first call: nothing is paid for that cannot be kept."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from project import SUITE, World, call, call_inside, clean_env, copy_project, nobody

from harness.store.store import Store

ASKING = {
    "run": ("run", SUITE, "--candidate", "slow", "-q"),
    "check": ("check", SUITE, "--candidate", "slow", "-q"),
    "race": ("race", SUITE, "--candidates", "slow,worse", "-q"),
    "score": ("score", "first", "-q"),
    "baseline check": ("baseline", "check", SUITE, "-q"),
}


def project_with_a_baseline(world: World, folder: Path) -> Path:
    """The project with the run ``first``, its baseline, and no database yet."""
    copy_project(world.folder, folder)
    (folder / "reports/runs/first").mkdir(parents=True)
    recording = "reports/runs/first/recording.jsonl"
    (folder / recording).write_bytes((world.folder / recording).read_bytes())
    return folder


@pytest.fixture
def project(world: World, tmp_path: Path) -> Path:
    """A project of this user's own."""
    return project_with_a_baseline(world, tmp_path / "project")


@pytest.fixture
def for_all(world: World, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """A project that every user may write to, where everything was imported that a user may not read."""
    with TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        folder = project_with_a_baseline(world, Path(base, "project"))
        for verb in ("check", "race"):
            assert call_inside(capsys, folder, *ASKING[verb]).code in {0, 1}
        shutil.rmtree(folder)
        project_with_a_baseline(world, folder)
        (folder / "locked").mkdir()
        for path in (folder, folder / "reports", folder / "reports/runs"):
            path.chmod(0o777)
        yield folder


def newer(store: Path) -> None:
    with Store(store):
        pass
    with duckdb.connect(str(store)) as con:
        con.execute("update meta set schema_version = 99")


def damaged(store: Path) -> None:
    store.write_bytes(b"something else" * 100)


def miscounted(store: Path) -> None:
    assert call("runs", "import", "reports/runs/first", cwd=store.parents[1]).code == 0
    with duckdb.connect(str(store)) as con:
        con.execute("delete from scores where case_id = 'q-001'")


def was_left_alone(project: Path) -> bool:
    """Whether nothing was asked and no run was begun."""
    begun = {path.name for path in (project / "reports/runs").iterdir()} - {"first"}
    return not (project / "calls.txt").exists() and not begun


@pytest.mark.parametrize("verb", ASKING)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (newer, "has layout 99; this version of harness knows"),
        (damaged, "move the file away and rebuild it"),
        (miscounted, "run first does not have the rows that were loaded"),
    ],
)
def test_f12_a_database_that_cannot_be_used_is_told_before_the_first_call(
    project: Path, capsys: pytest.CaptureFixture[str], verb: str, spoil: Callable[[Path], None], said: str
) -> None:
    """4, with how to mend it; nothing is asked, the file stays as it is, and no run is begun."""
    store = project / "reports/harness.duckdb"
    spoil(store)
    before = store.read_bytes()
    ended = call_inside(capsys, project, *ASKING[verb])
    assert ended.code == 4, ended.err
    assert said in ended.words
    assert "nothing was asked yet" in ended.words
    assert store.read_bytes() == before
    assert was_left_alone(project)


def test_f10_a_database_that_cannot_be_written_is_told_before_the_first_call(
    for_all: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read by all, written by nobody else: a run of another user would be lost on it."""
    store = for_all / "reports/harness.duckdb"
    with Store(store):
        pass
    store.chmod(0o444)
    with nobody():
        ended = call_inside(capsys, for_all, *ASKING["check"])
    assert ended.code == 4, ended.err
    assert "or make it writable" in ended.words
    assert was_left_alone(for_all)


@pytest.mark.parametrize("verb", ["check", "race"])
@pytest.mark.parametrize("name", ["locked/new/report.html", "SUITE/report.html"])
def test_f10_a_report_that_cannot_be_written_is_told_before_the_first_call(
    for_all: Path, capsys: pytest.CaptureFixture[str], verb: str, name: str
) -> None:
    """A folder that may not be written, or that is a file."""
    path = name.replace("SUITE", SUITE)
    with nobody():
        ended = call_inside(capsys, for_all, *ASKING[verb], "-o", path)
    assert ended.code == 4, ended.err
    assert f"{path} cannot be written" in ended.words
    assert any(os.strerror(number) in ended.words for number in (errno.EACCES, errno.ENOTDIR))
    assert was_left_alone(for_all)
    assert not list((for_all / "locked").iterdir())


HOLDING = """
import sys
from pathlib import Path
from harness.store.store import Store
with Store(Path("reports/harness.duckdb")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_f11_a_database_that_is_in_use_holds_nobody_up(project: Path) -> None:
    """Who holds it now may have ended by the time it is needed: all is asked meanwhile, and then loaded."""
    command = [sys.executable, "-c", HOLDING]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=project, env=clean_env(), **piped) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        asking = [sys.executable, "-m", "harness", *ASKING["run"]]
        with subprocess.Popen(asking, cwd=project, env=clean_env(), stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + 30
            while not (project / "calls.txt").exists():
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            holder.communicate()
            assert process.wait(timeout=60) == 0
    with Store(project / "reports/harness.duckdb", read_only=True) as store:
        assert [run.candidate for run in store.runs()] == ["slow"]
