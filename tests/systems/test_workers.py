"""Tests of the processes that python systems run in: how many there are, and whose time their start is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from system_doubles import run

from harness.engine.asking import ask
from harness.errors import SystemFailure, UsageError
from harness.systems import python
from harness.types import Query, Response, RunSettings

MODULE = """
import asyncio, os, sys, time
from pathlib import Path

time.sleep(float(os.environ.get("IMPORT_S", "0")))
with open("imported", "a") as imported:
    imported.write(f"{os.getpid()}\\n")

def pid(query):
    return str(os.getpid())

def slow(query):
    time.sleep(0.8)
    return str(os.getpid())

async def slow_async(query):
    await asyncio.sleep(0.3)
    return str(os.getpid())

def sleepy(query):
    time.sleep(3600 if query.input == "hang" else 0)
    return str(os.getpid())

def slow_at_first(query):
    time.sleep(0.5 if query.id == "0" else 0)
    return "fine"

async def blocking(query):
    if query.input == "hang":
        time.sleep(3600)
    return "fine"

def environment(query):
    return os.environ[query.input]

def printing(query):
    print("said: naïve \u20ac")
    return "fine"

def long(query):
    return "x" * 70_000_000 if query.input == "long" else "fine"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the module."""
    (tmp_path / "worked.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _with(target: str, work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
    async def opened() -> Any:
        async with python.connect(target=f"worked:{target}", **options) as system:
            return await work(system)

    return run(opened())


def _asked(n: int) -> Callable[[Any], Awaitable[set[str]]]:
    async def work(system: Any) -> set[str]:
        answers = await asyncio.gather(*(system(Query(str(i), "x")) for i in range(n)))
        return {answer.output for answer in answers}

    return work


def _n_started(folder: Path) -> int:
    return len((folder / "imported").read_text().split())


def test_a_process_more_is_started_only_for_a_call_that_waits(folder: Path) -> None:
    """Quick calls share one process however many are asked at once; slow ones get one each."""
    assert len(_with("pid", _asked(50))) == 1
    assert _n_started(folder) == 1
    assert len(_with("slow", _asked(4))) > 1
    assert 1 + 2 <= _n_started(folder) <= 1 + 4


def test_calls_that_wait_together_do_not_each_start_a_process(folder: Path) -> None:
    """Fifty wait behind one for half a second: as many are started at a time as are there, not fifty."""
    assert _with("slow_at_first", _asked(50)) == {"fine"}
    assert 1 < _n_started(folder) <= 8


def test_async_calls_share_one_process_side_by_side(folder: Path) -> None:
    """Their waits overlap."""
    started = time.monotonic()
    assert len(_with("slow_async", _asked(20))) == 1
    assert time.monotonic() - started < 20 * 0.3
    assert _n_started(folder) == 1


@pytest.mark.parametrize("target", ["slow", "slow_async"])
def test_workers_says_how_many_there_are(target: str, folder: Path) -> None:
    """All are there from the beginning, and share the calls."""
    assert len(_with(target, _asked(6), workers=3)) == 3
    assert _n_started(folder) == 3


def test_f1_the_start_of_a_process_is_no_calls_time(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """An import that takes longer than the deadline costs no case, neither at first nor after a kill."""
    monkeypatch.setenv("IMPORT_S", "0.7")
    settings = RunSettings(deadline_s=0.4)

    async def work(system: Any) -> list[Response]:
        texts = ("fine", "hang", "fine", "hang", "fine")
        return [await ask(system, Query(str(n), text), settings) for n, text in enumerate(texts)]

    answers = _with("sleepy", work, workers=1)
    kinds = [answer.error.kind if answer.error else "" for answer in answers]
    assert kinds == ["", "timeout", "", "timeout", ""]
    assert max(answer.timings.total_s or 0 for answer in answers) < 0.4
    assert _n_started(folder) == 3


def test_f1_no_call_is_sent_to_a_loop_that_owes_a_sign_of_life() -> None:
    """After a timeout a blocked loop has a second to show itself: who comes meanwhile waits, at no cost."""
    settings = RunSettings(deadline_s=0.5)

    async def work(system: Any) -> list[Response]:
        return [await ask(system, Query(text, text), settings) for text in ("hang", "fine", "hang", "fine")]

    answers = _with("blocking", work)
    assert [answer.error.kind if answer.error else "" for answer in answers] == ["timeout", ""] * 2
    assert {answer.attempts for answer in answers} == {1}


def test_f1_giving_up_while_a_process_starts_leaves_none(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A connection that is cancelled while the module is imported ends that process."""
    monkeypatch.setenv("IMPORT_S", "30")
    before = _children()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), python.connect(target="worked:pid"):
                pass

    run(work())
    assert _children() == before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_function_has_the_environment_of_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the user's own code: it may read its keys as it would in this process."""
    monkeypatch.setenv("CANARY", "tweet")

    async def work(system: Any) -> str:
        return (await system(Query("q", "CANARY"))).output

    assert _with("environment", work) == "tweet"


def test_what_a_function_prints_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, so that it can be debugged as ever."""
    assert _with("printing", _asked(3)) == {"fine"}
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "said: naïve €\n" * 3)


def test_f3_an_answer_that_is_too_long_is_refused() -> None:
    """Its process is replaced; the next call is answered."""

    async def work(system: Any) -> str:
        with pytest.raises(SystemFailure, match="longer than") as caught:
            await system(Query("q", "long"))
        assert caught.value.kind == "bad_response"
        return (await system(Query("q", "fine"))).output

    assert _with("long", work) == "fine"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('no licence')", "cannot be imported: SystemExit: no licence"),
        ("import os; print('no index'); os._exit(3)", "the program ended with status 3: no index"),
        ("import ctypes; ctypes.string_at(0)", "the program was ended by SIGSEGV"),
        ("1 +", r"cannot be imported: SyntaxError"),
    ],
)
def test_a_module_that_ends_on_import_is_refused(code: str, message: str, folder: Path) -> None:
    """However it ends, that is a fault of the suite, found before any call."""
    (folder / "worked.py").write_text(code)
    with pytest.raises(UsageError, match=message):
        _with("pid", _asked(1))


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": 65}, {"workers": 1, "isolation": "none"}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    """1 to 64 workers, and none without processes."""
    with pytest.raises(UsageError, match="workers"):
        _with("pid", _asked(1), **options)
