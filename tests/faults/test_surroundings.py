"""F27, F37, F39: what lies in the folder, the locale and the network of whoever calls change nothing."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import SUITE, Ended, call, call_on_terminal, clean_env, copy_project, make_project

RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
WHEN = {"SOURCE_DATE_EPOCH": "1000000000"}
INSTALLED = ("-P", "-m", "harness")
"""As the installed command runs: the current folder is not on the path."""

# -- F27: nothing that lies here is run --------------------------------------------------------------------

PLANTED = ("conftest.py", "sitecustomize.py", "duckdb.py", "yaml.py", "jinja2.py", "numpy.py", "msgspec.py",
           "harness.py", "planted.py")  # fmt: skip


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('run', 'w').close()",)


@pytest.fixture(scope="module")
def trapped(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a recorded run, and code wherever some tool would load it."""
    folder = copy_project(project, tmp_path_factory.mktemp("trapped") / "project")
    assert call("check", SUITE, "--run-id", "r", "-q", cwd=folder).code == 0
    for place in ("", "suites", "reports", "reports/runs/r", "goldens"):
        for name in PLANTED:
            (folder / place / name).write_text("open('run', 'w').close()\n")
        for name in ("cache.pkl", "model.pickle", "recording.pkl"):
            (folder / place / name).write_bytes(pickle.dumps(Trap()))
    info = folder / "planted-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1\n")
    groups = ("harness.metrics", "harness.systems", "console_scripts", "pytest11")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\nplanted = planted:x\n" for group in groups))
    return folder


@pytest.mark.parametrize("code", ["import duckdb", "import pickle; pickle.load(open('cache.pkl', 'rb'))"])
def test_f27_the_traps_are_traps(trapped: Path, code: str) -> None:
    """Each of them does run where somebody loads it."""
    assert call(cwd=trapped, program=("-c", code)).code == 0
    (trapped / "run").unlink()


LOOKING = (f"validate {SUITE}", "gate r", "query from\tscores\tlimit\t1", "runs import", "doctor")


@pytest.mark.parametrize("words", LOOKING)
def test_f27_what_only_looks_runs_nothing_that_lies_there(trapped: Path, words: str) -> None:
    """Modules named like ours and others', pickles, plug-ins of an installed package: none is loaded."""
    arguments = [word.replace("\t", " ") for word in words.split(" ")]
    ended = call(*arguments, cwd=trapped, program=INSTALLED)
    assert ended.code == 0, ended.err
    assert not (trapped / "run").exists()


# -- F37: locale, streams, terminals -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose names, questions and answers are in many scripts."""
    texts = ("Grüße, Zoë?", "何を食べますか", "ما هو؟", "नमस्ते", "😀 = 1")
    cases = {f"q_{i:03}": {"input": text, "tags": [text]} for i, text in enumerate(texts)}
    folder = make_project(tmp_path_factory.mktemp("spoken") / "Prüfung 検査", **cases)
    suite = yaml.safe_load((folder / SUITE).read_text())
    suite |= {"description": "Prüfung 検査", "slices": {"spräche": {"from": "groups.language", "min_n": 15}}}
    suite["gates"][2] = {"id": "gap", "metric": "recall@5", "slice": "spräche", "max_gap": 0.25}
    (folder / SUITE).write_text(yaml.safe_dump(suite, allow_unicode=True), encoding="utf-8")
    return folder


LOCALES = {
    "utf-8": {},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "none": {"LANG": "", "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "TZ": "Asia/Kathmandu"},
}


def test_f37_files_are_the_same_in_every_locale(spoken: Path, tmp_path: Path) -> None:
    """To the byte, whatever the streams, the locale and the time zone; no stream is a reason to fail."""
    found: dict[str, list[bytes]] = {}
    for name, env in LOCALES.items():
        folder = copy_project(spoken, tmp_path / name / spoken.name)
        ended = call("check", SUITE, "--run-id", "r", cwd=folder, **WHEN, **env)
        assert ended.code == 3, ended.err
        assert "Traceback" not in ended.err
        run = folder / "reports/runs/r"
        found[name] = [(run / file).read_bytes() for file in RENDERED]
    assert [name for name, files in found.items() if files != found["utf-8"]] == []


def test_f37_a_terminal_of_one_column_will_do(spoken: Path, tmp_path: Path) -> None:
    """Nothing fails for want of room."""
    folder = copy_project(spoken, tmp_path / spoken.name)
    ended = call_on_terminal("check", SUITE, "--limit", "5", cwd=folder, columns=1, both=True)
    assert ended.code == 3, ended.out
    assert "Traceback" not in ended.out
    assert "INCONCLUSIVE" in ended.out


CLOSED = """
import os, sys
os.close(1)
os.close(2)
os.execv(sys.executable, [sys.executable, "-m", "harness", *sys.argv[1:]])
"""


def test_f37_no_stream_at_all(spoken: Path, tmp_path: Path) -> None:
    """Standard output and error closed by who calls: the exit code is the verdict, the files are there."""
    folder = copy_project(spoken, tmp_path / spoken.name)
    ended: Ended = call("check", SUITE, "--run-id", "r", "--limit", "5", cwd=folder, program=("-c", CLOSED))
    assert (ended.code, ended.out, ended.err) == (3, "", "")
    assert (folder / "reports/runs/r/report.html").is_file()


# -- F39: without a network --------------------------------------------------------------------------------

ALONE = ("unshare", "--user", "--map-root-user", "--net")


def is_possible() -> bool:
    """Whether a process can be put into a network of its own here."""
    if shutil.which(ALONE[0]) is None:
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not is_possible(), reason="no network namespaces on this machine")
def test_f39_everything_but_asking_works_without_any_network(project: Path, tmp_path: Path) -> None:
    """Not even a loopback: a check of a system in Python, its report, and building the database again."""
    folder = copy_project(project, tmp_path / "project")
    for words in (f"check {SUITE} --run-id r -q", "report r", "runs import"):
        command = [*ALONE, sys.executable, "-m", "harness", *words.split()]
        done = subprocess.run(
            command, cwd=folder, env=clean_env(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
