"""F1: a system that hangs costs its own case and no other, in time, and leaves no process behind."""

from __future__ import annotations

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

import hanging_adapters
import pytest
from faulty_project import faulty
from hanging_cases import ask_all, assert_gone, check
from project import SUITE_TEXT, clean_env, make_project

PROGRAM = str(Path(__file__).with_name("hanging_systems.py"))
"""Also a program that answers lines."""


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


@pytest.mark.parametrize("name", ["waiting", "heeding", "heedless"])
def test_f1_a_call_of_an_adapter_of_ones_own_costs_one_case(name: str) -> None:
    """Left behind in its thread, cancelled, or awaited until it ends: late is late, and others go on."""
    results, seconds = ask_all(f"hanging_adapters:{name}", {}, q3="hang")
    errors = {case: found.response.error for case, found in results.items() if found.response.error}
    assert {case: error.kind for case, error in errors.items()} == {"q3": "timeout"}
    if name == "heedless":
        assert seconds >= hanging_adapters.LATE_S
    else:
        check(results, seconds)


def test_f1_an_adapter_of_ones_own_that_blocks_the_loop_holds_all_cases() -> None:
    """That is the price of this process, and told in the guide: those beside it may be late, too."""
    results, seconds = ask_all("hanging_adapters:blocking", {}, q3="hang")
    late = {case for case, found in results.items() if found.response.error is not None}
    assert "q3" in late
    assert len(late) <= 4
    assert len(results) == 20
    assert seconds >= hanging_adapters.LATE_S


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

def retrieve(query):
    return [answer(query)]
"""
LOOP = """
import json, sys, mysystems
from types import SimpleNamespace
for line in sys.stdin:
    query = SimpleNamespace(**json.loads(line))
    print(json.dumps({"id": query.id, "output": mysystems.answer(query)}), flush=True)
"""
SYSTEMS = {
    "python": "adapter: python\n  target: mysystems:answer\n",
    "process": f"adapter: process\n  command: [{sys.executable}, loop.py]\n  cwd: ..\n  workers: 2\n"
    "  env: { FAULTS: '${env:FAULTS}', PIDS: '${env:PIDS}' }\n",
    "openai_chat": "adapter: openai_chat\n  base_url: '${env:SERVICE}'\n  model: m\n"
    "  prompt: ../prompt.md\n  retriever: mysystems:retrieve\n",
}


@pytest.mark.parametrize("adapter", SYSTEMS)
@pytest.mark.parametrize("signals", [("INT",), ("INT", "INT"), ("TERM",), ("KILL",)], ids="-".join)
def test_f1_nothing_is_left_however_a_run_ends(
    adapter: str, signals: tuple[str, ...], tmp_path: Path
) -> None:
    """Ctrl-C, a second one, SIGTERM, and SIGKILL of the harness itself: every process ends."""
    folder = make_project(tmp_path / "project")
    (folder / "mysystems.py").write_text(SYSTEM)
    (folder / "loop.py").write_text(LOOP)
    (folder / "prompt.md").write_text("## user\n{question}\n")
    text = SUITE_TEXT.replace(SYSTEMS["python"], SYSTEMS[adapter])
    text = text[: text.index("candidates:")] + text[text.index("slices:") :]
    (folder / "suites/tiny.yaml").write_text(text)
    pids = tmp_path / "pids"
    command = [sys.executable, "-m", "harness", "run", "suites/tiny.yaml", "--run-id", "r"]
    with faulty(content="fine") as service:
        address = f"http://127.0.0.1:{service.port}/v1"
        env = clean_env(PIDS=str(pids), FAULTS=str(Path(__file__).parent), SERVICE=address)
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
