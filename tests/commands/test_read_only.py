"""Verbs that only read work where nothing may be written: on a read-only mount, by a user who may not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from project import SUITE, World, call_inside, clean_env, nobody

from harness.store.store import Store

READING = {
    "runs list": "same",
    "runs show same": "system.adapter",
    "show same q-001": "fact 1 is value1.",
    "query 'select count(*) as n from runs'": "(1 row)",
    f"validate {SUITE}": "60 cases",
    f"plan {SUITE}": "60 cases",
    f"baseline show {SUITE}": "first",
    f"baseline verify {SUITE}": "1 run of one system",
    "report same -o {out}/report.html": "",
    "doctor": " runs, ",
}
MOUNTED = """
mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" || exit 77
touch here 2>/dev/null && exit 77
"""


@pytest.fixture
def project(world: World) -> Iterator[Path]:
    """The project with its runs, where every user may read and only its owner write."""
    with TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        yield Path(shutil.copytree(world.folder, Path(base, "project")))


def listing(folder: Path) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if "__pycache__" not in str(path)
    }


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, to mount")
def test_f10_whatever_only_reads_works_on_a_read_only_mount(project: Path, tmp_path: Path) -> None:
    """Every such verb, as a command of its own; nothing is written beside either."""
    before = listing(project)
    commands = [f'"{sys.executable}" -m harness {line.format(out=tmp_path)}; echo "= $?"' for line in READING]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", MOUNTED + "\n".join(commands)],
        cwd=project,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("nothing can be mounted here")
    codes = {
        line: int(code)
        for line, code in zip(READING, re.findall(r"^= (\d+)$", done.stdout, re.MULTILINE), strict=True)
    }
    assert codes == {line: 4 if line == "doctor" else 0 for line in READING}, done.stderr
    for line, said in zip(READING, re.split(r"^= \d+$", done.stdout, flags=re.MULTILINE), strict=False):
        assert READING[line] in said, line
    assert "is not writable" in done.stderr + done.stdout  # doctor says that no run can be kept here
    assert listing(project) == before


@pytest.mark.parametrize("line", ["runs list", "runs show same", "show same q-001"])
def test_f10_whatever_only_reads_works_for_who_may_not_write(
    project: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """Another user's runs: a copy on a shared disk, an archive of CI."""
    assert call_inside(capsys, project, *line.split()).code == 0  # everything is imported that is needed
    for path in (project / "reports").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)
    before = listing(project)
    with nobody():
        ended = call_inside(capsys, project, *line.split())
    assert "Permission" not in ended.words
    assert ended.code == 0, ended.err
    assert READING[line] in ended.words
    assert listing(project) == before


def test_readers_do_not_wait_for_each_other(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several lists at the same time: none has the database for itself."""
    with Store(project / "reports/harness.duckdb", read_only=True) as store:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "runs", "list"],
            cwd=project,
            env=clean_env(),
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert len(store.runs()) >= 4
    assert b"worse" in done.stdout
