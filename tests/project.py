"""A small project to use the command line in, as a stranger would: goldens, systems, a suite, and calls."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.cli import run_command

N_CASES = 60
SUITE = "suites/tiny.yaml"
LANGUAGES = ("en", "de", "fr")

SYSTEMS = """
import os, threading, time

lock = threading.Lock()

def answer(query):
    n = int(query.id[2:])
    text = f"fact {n} is value{n}."
    return {"output": text, "retrieved": [{"doc_id": f"d{n // 3}", "text": text}]}

def worse(query):
    if int(query.id[2:]) % 3 == 1:
        return {"output": "Nobody knows.", "retrieved": [{"doc_id": "d99", "text": "Nothing."}]}
    return answer(query)

def failing(query):
    if int(query.id[2:]) % 10 < 3:
        raise ValueError("the index is gone")
    return answer(query)

def counted(query):
    with lock, open("calls.txt", "a") as calls:
        calls.write(query.id + "\\n")

def slow(query):
    counted(query)
    time.sleep(0.06)
    return worse(query)

def mended(query):
    counted(query)
    return answer(query) if os.path.exists("mended") else failing(query)

def hanging(query):
    counted(query)
    time.sleep(60)
"""

SUITE_TEXT = """version: 1
suite: tiny
goldens:
  - path: ../goldens/cases.jsonl
system:
  adapter: python
  target: mysystems:answer
candidates:
  worse: { target: "mysystems:worse" }
  failing: { target: "mysystems:failing" }
  slow: { target: "mysystems:slow" }
  mended: { target: "mysystems:mended" }
  hanging: { target: "mysystems:hanging" }
  absent: { target: "mysystems:absent" }
slices:
  language: { from: groups.language, min_n: 15, audit: true }
metrics:
  - recall@5
  - required_facts
  - error_rate
run: { max_concurrency: 2 }
gates:
  - { id: recall, metric: recall@5, max_drop: 0.1 }
  - { id: facts, metric: required_facts, max_drop: 0.1 }
  - { id: gap, metric: recall@5, slice: language, max_gap: 0.25 }
"""


class Ended(NamedTuple):
    """A command that ended: its exit code and both of its outputs."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Both outputs with every run of white space as one blank, so that wrapping does not matter."""
        return " ".join(f"{self.out} {self.err}".split())


class World(NamedTuple):
    """A project with a baseline (run ``first``) and runs ``same``, ``worse`` and ``failing``."""

    folder: Path
    first: Ended
    promoted: Ended
    same: Ended
    worse: Ended
    failing: Ended


def make_project(folder: Path, **changes: Mapping[str, Any]) -> Path:
    """Write the project; ``changes`` are fields to set in a case, by its id with ``_`` for ``-``."""
    for name in ("suites", "goldens"):
        (folder / name).mkdir(parents=True)
    (folder / "mysystems.py").write_text(SYSTEMS)
    (folder / SUITE).write_text(SUITE_TEXT)
    write_lines(folder / "goldens/cases.jsonl", (case_of(i, changes) for i in range(N_CASES)))
    documents = (
        {"doc_id": f"d{d}", "text": " ".join(f"fact {i} is value{i}." for i in range(3 * d, 3 * d + 3))}
        for d in range(N_CASES // 3)
    )
    write_lines(folder / "goldens/corpus.jsonl", documents)
    return folder


def case_of(i: int, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Case ``q-000``, ``q-001``, ..., in three languages, three to a document."""
    return {
        "id": f"q-{i:03}",
        "input": f"What is fact {i}?",
        "expected_output": f"fact {i} is value{i}",
        "must_include": [f"value{i}"],
        "evidence": [{"doc_id": f"d{i // 3}", "quote": f"fact {i} is value{i}."}],
        "groups": {"language": LANGUAGES[i % 3]},
        "document_id": f"d{i // 3}",
        **changes.get(f"q_{i:03}", {}),
    }


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def copy_project(project: Path, folder: Path) -> Path:
    """Copy a project without its reports."""
    return Path(shutil.copytree(project, folder, ignore=shutil.ignore_patterns("reports", "__pycache__")))


def call(*arguments: str, cwd: Path, program: Sequence[str] = (), **env: str) -> Ended:
    """Call ``harness`` with nothing of this environment but what it needs, and ``env``."""
    done = subprocess.run(
        [sys.executable, *(program or ("-m", "harness")), *arguments],
        cwd=cwd,
        env=clean_env(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def call_on_terminal(*arguments: str, cwd: Path, columns: int = 80, both: bool = False, **env: str) -> Ended:
    """Call on a terminal of so many columns; standard error is in a pipe unless ``both`` are on it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=cwd,
        env=clean_env(**{"TERM": "xterm-256color", **env}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if both else subprocess.PIPE,
    )
    os.close(theirs)
    shown = bytearray()
    with suppress(OSError):  # the other end is closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    _, err = process.communicate(timeout=60)
    return Ended(process.returncode, shown.decode().replace("\r\n", "\n"), (err or b"").decode())


def call_inside(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> Ended:
    """Run a command line in this process: quick, for what does not depend on the process itself."""
    capsys.readouterr()
    with chdir(folder):
        code = run_command(list(arguments))
    said = capsys.readouterr()
    return Ended(code, said.out, said.err)


def clean_env(**env: str) -> dict[str, str]:
    """The environment of a call."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **env}


def call_all(calls: Iterable[Sequence[str]], cwd: Path, **env: str) -> list[Ended]:
    """Call several times side by side; gives the results in order."""
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda arguments: call(*arguments, cwd=cwd, **env), calls))


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who owns nothing, where this is root, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
