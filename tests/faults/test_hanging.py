"""F1: a system that hangs costs its own case and no other, in time, and leaves no process behind."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from project import SUITE_TEXT, clean_env, make_project

from harness.engine.progress import Silent
from harness.engine.runner import Asked, Todo, run_cases
from harness.engine.scorer import Work
from harness.engine.signals import Signals
from harness.systems.opening import open_system
from harness.types import Case, Metric, Query, Response, Result, RunSettings, Score

DEADLINE_S = 1.5
PROGRAM = str(Path(__file__).with_name("hanging_systems.py"))
"""Also a program that answers lines."""


class Kept:
    """A journal that keeps results by case."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}

    def answered(self, case_id: str, repeat: int, response: Response) -> None:
        """Wait for the scores."""

    def scored(self, result: Result) -> None:
        self.results[result.case_id] = result


def ask_all(adapter: str, options: dict[str, Any], **texts: str) -> tuple[dict[str, Result], float]:
    """Ask 20 cases, 4 at a time; ``texts`` are questions of some; gives results, and seconds of asking."""
    kept = Kept()
    scored = Metric("answered", lambda case, response: Score(value=1.0), 1, "Always 1.")
    settings = RunSettings(max_concurrency=4, deadline_s=DEADLINE_S)
    work = Work({"answered": scored}, {}, settings, lambda response: response)
    cases = [Case(query=Query(f"q{n}", texts.get(f"q{n}", "fine"))) for n in range(20)]

    async def go() -> float:
        async with open_system(adapter, options) as system:
            started = time.monotonic()
            progress = Silent(20, 0)
            with Signals(progress) as signals:
                todo = ((Asked(system, work, kept), Todo(case, 0)) for case in cases)
                await run_cases(todo, 4, progress, signals)
            return time.monotonic() - started

    return kept.results, asyncio.run(go())


def check(results: dict[str, Result], seconds: float) -> None:
    """One timed out, 19 are scored, and it took no longer than the deadline and a little."""
    errors = {name: found.response.error for name, found in results.items() if found.response.error}
    assert {name: error.kind for name, error in errors.items()} == {"q3": "timeout"}
    assert [found.scores["answered"].status for found in results.values()].count("scored") == 19
    assert len(results) == 20
    assert DEADLINE_S <= seconds < DEADLINE_S + 2


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which systems note their processes."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    return tmp_path / "pids"


def assert_gone(pids: Path, n: int) -> None:
    """So many processes were noted, and none of them runs any more."""
    noted = [int(line) for line in pids.read_text().split()]
    assert len(noted) == n
    deadline = time.monotonic() + 5
    left = [pid for pid in noted if is_running(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [pid for pid in noted if is_running(pid)]
    assert left == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("spinning", {}),
        ("sleeping_with_the_lock", {}),
        ("backtracking", {"workers": 2}),
        ("blocking_its_loop", {"workers": 4}),
    ],
)
def test_f1_a_python_function_that_hangs_costs_one_case(
    name: str, options: dict[str, Any], pids: Path
) -> None:
    """Whatever holds it, even C code that lets no other thread run: it is ended, with its child process."""
    check(*ask_all("python", {"target": f"hanging_systems:{name}", **options}, q3="hang"))
    assert_gone(pids, 2)


@pytest.mark.parametrize("name", ["awaiting", "heedless"])
def test_f1_an_async_function_that_waits_costs_one_case(name: str) -> None:
    """Given up where it heeds that; ended with its process where it does not."""
    check(*ask_all("python", {"target": f"hanging_systems:{name}"}, q3="hang"))


def test_f1_a_program_that_hangs_costs_one_case(pids: Path) -> None:
    """A program that ignores SIGTERM, with a child that does so too and holds its pipes open."""
    options = {"command": [sys.executable, PROGRAM], "workers": 2, "env": {"PIDS": str(pids)}}
    check(*ask_all("process", options, q3="hang"))
    assert_gone(pids, 2)


@contextmanager
def serving(drip: bytes) -> Iterator[str]:
    """A server that answers, but for "hang": then it sends headers and a byte now and then, or nothing."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            while (asked := connection.recv(65536)) and not ended.is_set():
                if b"hang" not in asked:
                    body = b'{"output": "fine"}'
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall(head % len(body) + body)
                    continue
                if drip:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not ended.wait(1.0):
                    try:
                        connection.sendall(drip)
                    except OSError:
                        return

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/ask"
    finally:
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@pytest.mark.parametrize("drip", [b"", b" "], ids=["silent", "dripping"])
def test_f1_a_service_that_hangs_costs_one_case(drip: bytes) -> None:
    """One that accepts and never answers, and one that sends a byte a second: the deadline is one in all."""
    with serving(drip) as url:
        check(*ask_all("http", {"url": url}, q3="hang"))


@pytest.mark.parametrize("name", ["ending", "ending_later"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exit", "the program ended with status 3: "),
        ("crash", "the program was ended by SIGSEGV: "),
        ("fork", "the program ended with status 0: "),
    ],
)
def test_f1_a_function_that_ends_its_process_costs_one_case(
    name: str, text: str, message: str, pids: Path
) -> None:
    """``process``, with the end of what it printed; calls beside it in the same process are asked again."""
    results, _ = ask_all("python", {"target": f"hanging_systems:{name}"}, q3=text)
    errors = {name: found.response.error for name, found in results.items() if found.response.error}
    assert set(errors) == {"q3"}
    assert errors["q3"].kind == "process"
    assert errors["q3"].message.startswith(message)
    if text == "exit":
        assert "no index at /data" in errors["q3"].message
    attempts = {name: found.response.attempts for name, found in results.items() if name != "q3"}
    assert set(attempts.values()) == ({1} if name == "ending" else {1, 2})
    assert sum(n == 2 for n in attempts.values()) <= 3
    if text == "fork":
        assert_gone(pids, 2 if name == "ending" else 4)


@pytest.mark.parametrize("name", ["ending", "ending_later"])
def test_f1_a_function_has_neither_input_nor_output_of_the_protocol(name: str) -> None:
    """What it prints does not get between the replies, and its standard input is empty."""
    results, _ = ask_all("python", {"target": f"hanging_systems:{name}"}, q3="read")
    outputs = {name: found.response.output for name, found in results.items()}
    assert outputs == {f"q{n}": "read ''" if n == 3 else "fine" for n in range(20)}


SYSTEM = """
import ctypes, os, sys, pathlib
sys.path.insert(0, os.environ["FAULTS"])
import hanging_systems

def answer(query):
    if query.id == "q-003":
        hanging_systems.with_child()
        pathlib.Path("hangs").touch()
        ctypes.PyDLL(None).sleep(3600)
    return "fine"
"""


@pytest.mark.parametrize("adapter", ["python", "process"])
@pytest.mark.parametrize("signals", [("INT",), ("INT", "INT"), ("TERM",), ("KILL",)], ids="-".join)
def test_f1_nothing_is_left_however_a_run_ends(
    adapter: str, signals: tuple[str, ...], tmp_path: Path
) -> None:
    """Ctrl-C, a second one, SIGTERM, and SIGKILL of the harness itself: every process ends."""
    folder = make_project(tmp_path / "project")
    (folder / "mysystems.py").write_text(SYSTEM)
    if adapter == "process":
        loop = (
            "import json, sys, mysystems; from types import SimpleNamespace as S\n"
            "for line in sys.stdin:\n"
            "    query = S(**json.loads(line))\n"
            "    print(json.dumps({'id': query.id, 'output': mysystems.answer(query)}), flush=True)\n"
        )
        (folder / "loop.py").write_text(loop)
        system = f"adapter: process\n  command: [{sys.executable}, loop.py]\n  cwd: ..\n  workers: 2\n"
        system += "  env: { FAULTS: '${env:FAULTS}', PIDS: '${env:PIDS}' }\n"
        text = SUITE_TEXT.replace("adapter: python\n  target: mysystems:answer\n", system)
        text = text[: text.index("candidates:")] + text[text.index("slices:") :]
        (folder / "suites/tiny.yaml").write_text(text)
    pids = tmp_path / "pids"
    env = clean_env(PIDS=str(pids), FAULTS=str(Path(__file__).parent))
    command = [sys.executable, "-m", "harness", "run", "suites/tiny.yaml", "--run-id", "r"]
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not (folder / "hangs").exists():
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)
    began = time.monotonic()
    for name in signals:
        process.send_signal(signal.Signals[f"SIG{name}"])
        time.sleep(0.1)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < (9 if len(signals) == 1 else 4)
    assert process.returncode == {"INT": 130, "TERM": 143, "KILL": -9}[signals[0]]
    assert b"Traceback" not in err
    assert_gone(pids, 2)
