"""Tests of harness.systems.process: programs that die, hang, babble or leave children behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from system_doubles import WORKER, System, run

from harness.errors import SystemFailure, UsageError
from harness.systems import process
from harness.types import Query, Response


def _with(work: Callable[[System], Awaitable[Any]], **options: Any) -> Any:
    async def opened() -> Any:
        async with process.connect(**{"command": WORKER, **options}) as system:
            return await work(system)

    return run(opened())


def _output(text: str, **options: Any) -> str:
    async def work(system: System) -> str:
        return (await system(Query("q", text))).output or ""

    output: str = _with(work, **options)
    return output


def _is_running(pid: int) -> bool:
    """Say whether a process still runs; one that is dead and only waits to be reaped does not."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True


def test_f24_the_environment_is_a_short_list(tmp_path: Path) -> None:
    """A program gets PATH and the like and what it is given by name, and no other variable."""
    os.environ["CANARY_SECRET"] = "s3cret"  # noqa: S105 - it is one
    try:
        seen = json.loads(_output("env", env={"MODEL": "m", "LANG": "C.UTF-8"}))
    finally:
        del os.environ["CANARY_SECRET"]
    assert seen["MODEL"] == "m"
    assert seen["LANG"] == "C.UTF-8"
    assert set(seen) <= {*process.ENVIRONMENT, "MODEL"}
    assert seen["PATH"] == os.environ["PATH"]


def test_program_runs_in_its_folder(tmp_path: Path) -> None:
    """``cwd`` is where it runs."""
    assert _output("cwd", cwd=tmp_path) == str(tmp_path.resolve())


def test_a_dead_program_is_started_again_for_the_next_call() -> None:
    """The call it dies in fails with the tail of its standard error; the next call gets a new program."""

    async def work(system: System) -> None:
        first = (await system(Query("a", "pid"))).output
        with pytest.raises(SystemFailure) as caught:
            await system(Query("b", "raise"))
        assert caught.value.kind == "process"
        assert caught.value.message.startswith("the program ended with status 3: ")
        assert caught.value.message.endswith("told to raise")
        assert 500 < len(caught.value.message) < 550
        assert (await system(Query("c", "pid"))).output not in (None, first)

    _with(work)


def test_a_program_that_ends_at_once_fails_its_call() -> None:
    """It can be started, so the suite is right; each call says how it ended."""

    async def work(system: System) -> None:
        for n in range(3):
            with pytest.raises(SystemFailure, match="the program ended with status 3: no index") as caught:
                await system(Query(str(n), "x"))
            assert caught.value.kind == "process"

    program = "import os; os.write(2, b'no index'); os._exit(3)"
    for _ in range(5):
        _with(work, command=[sys.executable, "-S", "-c", program], workers=2)


def test_a_program_that_closes_its_output_is_a_failure() -> None:
    """A program that can answer no more is ended, and started again."""

    async def work(system: System) -> None:
        with pytest.raises(SystemFailure, match=r"closed its output: \(nothing on standard error") as caught:
            await system(Query("a", "close"))
        assert caught.value.kind == "process"
        assert (await system(Query("b", "fine"))).output == "fine"

    _with(work)


def test_a_program_that_ended_between_calls_is_started_again() -> None:
    """A program that has ended while nobody asked costs no call; its children are ended at once."""

    async def work(system: System) -> None:
        first, child = (await system(Query("a", "last"))).output.split()
        assert not _is_running(int(first))
        await asyncio.sleep(0.05)
        assert not _is_running(int(child))
        assert (await system(Query("b", "fine"))).output == "fine"

    _with(work)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raw Loading model...", "the program's line is not JSON .*'Loading model...'"),
        ('raw {"output": "x"}', "id is missing"),
        ('raw ["x"]', "id is missing"),
        ('raw {"id": "other", "output": "x"}', "id is 'other', not that of the question, 'q'"),
        ("long 5000", "the line is longer than response_bytes=1000: 'y y y"),
    ],
)
def test_f3_a_line_that_is_no_reply_is_refused(text: str, message: str) -> None:
    """A line out of step is ``bad_response``; the program is replaced, so that no later call is mixed up."""

    async def work(system: System) -> None:
        first = (await system(Query("p", "pid"))).output
        with pytest.raises(SystemFailure, match=message) as caught:
            await system(Query("q", text))
        assert caught.value.kind == "bad_response"
        assert (await system(Query("p", "pid"))).output not in (None, first)

    _with(work, response_bytes=1000)


def test_f3_a_wrong_answer_in_step_keeps_the_program() -> None:
    """A reply with wrong fields, or with an error, fails its call only."""

    async def work(system: System) -> None:
        first = (await system(Query("p", "pid"))).output
        with pytest.raises(SystemFailure, match="output is int"):
            await system(Query("q", 'raw {"id": "q", "output": 5}'))
        with pytest.raises(SystemFailure, match="no index") as caught:
            await system(Query("q", "error no index"))
        assert caught.value.kind == "exception"
        assert (await system(Query("p", "pid"))).output == first

    _with(work)


def test_f5_invalid_bytes_are_repaired() -> None:
    """Bytes that are no UTF-8 are spelled out and flagged."""

    async def work(system: System) -> None:
        answer = await system(Query("q", "bytes"))
        assert (answer.output, answer.text_repaired) == ("a\\udcffb", True)

    _with(work)


def test_f1_a_late_program_is_killed_with_its_children() -> None:
    """When a call is cancelled the program and its whole process group end; other workers go on."""

    async def work(system: System) -> tuple[int, int]:
        child = int((await system(Query("c", "child"))).output or "")
        parent = int((await system(Query("p", "pid"))).output or "")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await system(Query("h", "hang"))
        assert not _is_running(child)
        assert not _is_running(parent)
        assert (await system(Query("g", "fine"))).output == "fine"
        return child, parent

    _with(work)


def test_f1_nothing_is_left_at_the_end() -> None:
    """Closing the connection ends all programs and the children that they left behind."""

    async def work(system: System) -> list[int]:
        asked = ("pid", "child", "pid", "child", "pid")
        answers = await asyncio.gather(*(system(Query(str(n), text)) for n, text in enumerate(asked)))
        return [int(answer.output or "") for answer in answers]

    pids = _with(work, workers=3)
    assert len(set(pids)) >= 4
    assert not any(map(_is_running, pids))


def test_workers_answer_side_by_side() -> None:
    """As many calls run at once as there are workers; one more waits its turn."""

    async def work(system: System) -> set[str | None]:
        answers = await asyncio.gather(*(system(Query(str(n), "pid")) for n in range(6)))
        return {answer.output for answer in answers}

    assert len(_with(work, workers=2)) == 2


def test_waiting_for_a_worker_is_not_the_programs_time() -> None:
    """``total_s`` runs from the sending of the line; a time that the program tells is kept."""

    async def work(system: System) -> list[Response]:
        started = time.perf_counter()
        answers = await asyncio.gather(*(system(Query(str(n), "nap 0.15")) for n in range(3)))
        assert time.perf_counter() - started >= 0.45
        reply = json.dumps({"id": "q", "output": "x", "timings": {"total_s": 9.0}})
        return [*answers, await system(Query("q", f"raw {reply}"))]

    *naps, told = (answer.timings.total_s for answer in _with(work))
    assert all(0.15 <= seconds < 0.3 for seconds in naps)
    assert told == 9.0


@pytest.mark.parametrize("place", range(0, 24, 3))
@pytest.mark.parametrize(("deed", "options"), [("raw", {}), ("raw", {"response_bytes": 190}), ("cry", {})])
def test_no_part_of_a_secret_is_left_where_text_is_cut(
    deed: str, options: dict[str, Any], place: int
) -> None:
    """A secret on the edge of what a message shows is not in it at all, since half of one is not found."""
    secret = "sk-0123456789-abcdefghij"  # noqa: S105 - it is one
    edge = 500 if deed == "cry" else options.get("response_bytes", 200)
    words = ("w " * 300)[: edge - place]
    text = f"{secret[:-1]}_ {words[::-1]}" if deed == "cry" else f"{words} {secret} and more words to come"

    async def work(system: System) -> str:
        with pytest.raises(SystemFailure) as caught:
            await system(Query("q", f"{deed} {text}"))
        return caught.value.message

    message = _with(work, **options).replace(secret, "[secret]").replace(f"{secret[:-1]}_", "[secret]")
    shared = [secret[at : at + 4] for at in range(len(secret) - 3) if secret[at : at + 4] in message]
    assert shared == []
    assert "w w w" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": []}, "needs a command"),
        ({"workers": 0}, "1 to 64 workers"),
        ({"command": ["./no-such-program"]}, "'./no-such-program' cannot be started: .*No such file"),
        ({"command": [sys.executable, "a\0b"]}, "cannot be started"),
        ({"cwd": Path("no-such-folder")}, "cannot be started: .*no-such-folder"),
    ],
)
def test_wrong_options_are_refused_before_any_call(options: dict[str, Any], message: str) -> None:
    """A program that cannot be started is a fault of the suite, found when the connection opens."""

    async def work(_: System) -> None:
        raise AssertionError("it opened")

    with pytest.raises(UsageError, match=message):
        _with(work, **options)
