"""Tests of harness.systems.python and harness.systems.callables."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import pytest
import system_targets
from system_doubles import run, threads_left

from harness.errors import SystemFailure, UsageError
from harness.systems import python
from harness.systems.callables import adapted
from harness.types import Query, Response

Isolation = Literal["process", "none"]
EITHER_WAY = pytest.mark.parametrize("isolation", ["process", "none"])


def _ask(target: str, *texts: str, isolation: Isolation = "process") -> list[Response]:
    async def work() -> list[Response]:
        async with python.connect(target=f"system_targets:{target}", isolation=isolation) as system:
            return [await system(Query("q", text)) for text in texts]

    answers: list[Response] = run(work())
    assert threads_left() == 0
    return answers


@pytest.mark.parametrize(
    ("target", "output"),
    [
        ("text", "x"),
        ("response", "x"),
        ("later", "x"),
        ("service", "service x"),
        ("service.answer", "method x"),
    ],
)
@EITHER_WAY
def test_any_callable_is_a_system(target: str, output: str, isolation: Isolation) -> None:
    """Functions, methods and objects, plain or async, answer with a str, a mapping or a Response."""
    assert _ask(target, "x", isolation=isolation)[0].output == output


def test_f1_async_functions_share_a_loop_of_their_own() -> None:
    """All calls run on one loop, so that clients can be shared between them, and it is not the caller's."""
    system_targets.LOOPS.clear()
    names = {answer.output for answer in _ask("loop_id", "a", "b", isolation="none")}
    assert names == {"harness-system"}
    assert len(set(system_targets.LOOPS)) == 1


@pytest.mark.parametrize("target", ["failing", "failing_async"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise", "RuntimeError: told to raise"),
        ("exit", "SystemExit: bye"),
        ("interrupt", "KeyboardInterrupt"),
        ("cancelled", "CancelledError: mine"),
        ("surrogate", r"ValueError: a\ud800b"),
    ],
)
@EITHER_WAY
def test_whatever_is_raised_is_a_failure(target: str, text: str, message: str, isolation: Isolation) -> None:
    """An exception of any kind fails its call and nothing else; its text is made valid."""
    with pytest.raises(SystemFailure) as caught:
        _ask(target, text, isolation=isolation)
    assert (caught.value.kind, caught.value.message, caught.value.retry) == ("exception", message, False)


@EITHER_WAY
@pytest.mark.parametrize("target", ["failing", "failing_async"])
def test_a_system_may_say_how_it_failed(target: str, isolation: Isolation) -> None:
    """A SystemFailure raised by the function is passed on as it is; even StopIteration comes through."""
    with pytest.raises(SystemFailure, match="told") as caught:
        _ask(target, "own", isolation=isolation)
    assert (caught.value.kind, caught.value.retry, caught.value.retry_after_s) == ("http_status", True, 2.0)
    with pytest.raises(SystemFailure, match="StopIteration"):
        _ask(target, "stop", isolation=isolation)


@pytest.mark.parametrize("target", ["no_argument", "no_argument_async"])
def test_a_wrong_signature_is_a_failure_of_the_call(target: str) -> None:
    """A function that does not take a query fails with Python's own words."""
    with pytest.raises(SystemFailure, match=r"TypeError: no_argument.* takes 0 positional arguments"):
        _ask(target, "x")


def test_f1_a_blocked_loop_is_replaced() -> None:
    """An async function that blocks is cut off at the deadline, and later calls get a loop that runs."""

    async def work() -> float:
        async with python.connect(target="system_targets:blocking", isolation="none") as system:
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await system(Query("b", "block"))
            answers = await asyncio.gather(*(system(Query(str(n), f"fine {n}")) for n in range(3)))
            assert [answer.output for answer in answers] == ["fine 0", "fine 1", "fine 2"]
            return time.monotonic() - started

    assert run(work()) < 1.9
    assert threads_left() == 0


PROGRAM = """
import asyncio
from harness.systems import python
from harness.types import Query

async def main():
    async with python.connect(target="hanging:{name}", isolation="{isolation}") as system:
        try:
            async with asyncio.timeout(0.2):
                await system(Query("q", "x"))
        except TimeoutError:
            print("timeout", flush=True)

asyncio.run(main())
"""
HANGING = """
import time
def plain(query):
    while True:
        time.sleep(0.01)
async def blocked(query):
    time.sleep(3600)
"""


@EITHER_WAY
@pytest.mark.parametrize("name", ["plain", "blocked"])
def test_f1_a_hanging_function_does_not_keep_the_program(
    name: str, isolation: Isolation, tmp_path: Path
) -> None:
    """A call that never returns keeps neither the deadline nor the end of the program waiting."""
    (tmp_path / "hanging.py").write_text(HANGING)
    command = [sys.executable, "-c", PROGRAM.replace("{name}", name).replace("{isolation}", isolation)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("timeout\n", "", 0)


def test_the_current_folder_can_be_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's folder is importable while the connection is open, and no longer."""
    (tmp_path / "my_rag_project.py").write_text("def answer(query):\n    return 'mine'\n")
    monkeypatch.chdir(tmp_path)

    async def work() -> str | None:
        async with python.connect(target="my_rag_project:answer") as system:
            return (await system(Query("q", "x"))).output

    assert run(work()) == "mine"
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("system_targets", "not of the form 'module:attribute'"),
        ("no_such_module:x", "no module named 'no_such_module'"),
        ("system_targets:txt", "did you mean 'text'"),
        ("system_targets:NOT_CALLABLE", "is int, not callable"),
        ("broken_on_import:x", "cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
@EITHER_WAY
def test_a_wrong_target_is_refused_before_any_call(
    target: str, message: str, isolation: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be imported or called is a fault of the suite, found when the connection opens."""
    (tmp_path / "broken_on_import.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)

    async def work() -> None:
        async with python.connect(target=target, isolation=isolation):
            pass

    with pytest.raises(UsageError, match=message):
        run(work())


@pytest.mark.parametrize(
    "system", [system_targets.text, system_targets.later, system_targets.service, system_targets.response]
)
def test_a_system_of_somebody_else_is_adapted(system: Any) -> None:
    """Whatever form of system a foreign ``connect`` yields, it becomes an async Query -> Response."""
    answer = run(adapted(system)(Query("q", "x")))
    assert isinstance(answer, Response)
    assert answer.output in {"x", "service x"}


@pytest.mark.parametrize("system", [system_targets.failing, system_targets.failing_async])
def test_a_failure_of_somebody_elses_system_is_a_system_failure(system: Any) -> None:
    """What such a system raises is a SystemFailure too."""
    with pytest.raises(SystemFailure, match="RuntimeError: told to raise"):
        run(adapted(system)(Query("q", "x")))
