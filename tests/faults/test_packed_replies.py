"""F4: a small reply that unpacks to gigabytes stays small behind the SDK too, whatever its status."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import fault_server
import pytest

GROWTH_MB = 24
"""A piece of 64 kB that is unpacked whole is 64 MB of blanks."""

SYSTEM = """
from pathlib import Path
from harness.systems.openai_chat import connect
from harness.types import Query
async def ask(url):
    prompt = Path("prompt.md")
    prompt.write_text("## user\\n{question}\\n")
    async with connect(base_url=url, model="m", prompt=prompt) as system:
        await measured(lambda: system(Query("c1", "What is it?")))
"""
JUDGE = """
from harness.judges.client import open_client
from harness.types import JudgeSettings, Question
async def ask(url):
    question = Question("claims.v1", (("passages", "It is."),), ("It is.",), ("supported", "no"))
    async with open_client(JudgeSettings(base_url=url, model="m", retries=0), str) as judge:
        await measured(lambda: judge.ask(question, "abc"))
"""
MEASURE = """
import asyncio, re, sys
def memory(name):
    return int(re.search(name + r":\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
async def measured(call):
    before = memory("VmRSS")
    try:
        await call()
    except Exception as error:
        print(type(error).__name__, getattr(error, "kind", ""), error)
    print(memory("VmHWM") - before)
asyncio.run(ask(sys.argv[1]))
"""


@contextmanager
def bombs(status: int) -> Iterator[str]:
    """A server whose every reply is a bomb; gives its address."""
    ready: queue.SimpleQueue[tuple[int, Callable[[], None]]] = queue.SimpleQueue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await fault_server.bomb(writer, status)
        writer.close()

    async def run() -> None:
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ready.put((port, lambda: loop.call_soon_threadsafe(end.set)))
        await end.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    port, end = ready.get(timeout=30)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        end()
        thread.join()


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(("who", "says"), [(SYSTEM, "SystemFailure"), (JUDGE, "JudgeFailure")])
def test_f4_a_packed_reply_stays_small(who: str, says: str, status: int, tmp_path) -> None:
    """It is a failure that says why, and takes no more memory than the limit."""
    with bombs(status) as url:
        ended = subprocess.run(
            [sys.executable, "-c", who + MEASURE, url],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    said, grown = ended.stdout.splitlines()
    assert said.startswith(says)
    assert ("longer than" if status == 200 else "500") in said
    assert float(grown) < GROWTH_MB, said
