"""F10: a disk of three megabytes that is really full when all is answered; then there is room again."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from project import N_CASES, SUITE, clean_env, make_project

ALONE = ("unshare", "--user", "--map-root-user", "--mount")
SMALL = "mount -t tmpfs -o size=3m none reports"
LONG = """

def long(query):
    counted(query)
    answered = answer(query)
    text = "".join(f"{hash((query.id, n)):x} " for n in range(WORDS))
    return {**answered, "output": f"{answered['output']} {text}"}
"""


def is_possible() -> bool:
    """Whether somebody may mount a file system here, for their own eyes."""
    if shutil.which(ALONE[0]) is None:
        return False
    command = [*ALONE, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not is_possible(), reason="nobody may mount a small disk on this machine")


@pytest.mark.parametrize(
    ("words", "stage"),
    [(1300, "report"), (700, "harness.duckdb")],
    ids=["report", "database"],
)
def test_f10_a_full_disk_ends_with_what_to_do_and_loses_nothing(
    tmp_path: Path, words: int, stage: str
) -> None:
    """4, the path and the room that is left; with room again nobody is asked twice, and all is there."""
    folder = make_project(tmp_path / "project")
    with (folder / "mysystems.py").open("a") as file:
        file.write(LONG.replace("WORDS", str(words)))
    text = (folder / SUITE).read_text().replace("mysystems:answer", "mysystems:long")
    (folder / SUITE).write_text(text)
    (folder / "reports").mkdir()
    harness = f"{shlex.quote(sys.executable)} -m harness"
    script = f"""
        {SMALL} || exit 99
        {harness} check {SUITE} --run-id r -q 2>full.txt >/dev/null
        echo $? >code.txt
        find reports -name '*.part' -o -name '.*' >left.txt
        mount -o remount,size=100m reports
        command=$(sed -n "s|^ *go on with *harness|{harness}|p" full.txt)
        $command >again.txt 2>&1
        echo $? >>code.txt
        ls reports/runs/r >files.txt
    """
    command = [*ALONE, "sh", "-c", script]
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = (folder / "full.txt").read_text()
    assert (folder / "code.txt").read_text().split() == ["4", "3"], said + (folder / "again.txt").read_text()
    assert re.search(rf"reports\S*{stage}", said), said
    assert re.search(r"[\d.,]+ MB (are )?free", said)
    assert "Traceback" not in said
    assert "go on with   harness gate r" in said
    assert (folder / "left.txt").read_text() == ""
    calls = Counter((folder / "calls.txt").read_text().split())
    assert len(calls) == N_CASES
    assert calls.total() == N_CASES
    assert {"report.html", "report.json", "junit.xml"} <= set((folder / "files.txt").read_text().split())
