"""A project whose system is the fault server, and the server's account of what it was asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import fault_server
from project import write_lines

SUITE = """version: 1
suite: faulty
goldens: [{{path: cases.jsonl}}]
system:
{system}metrics: [required_facts, error_rate]
gates:
  - {{id: facts, metric: required_facts, min: 0.5, bound: point}}
run:
  {{max_concurrency: {in_flight}, deadline_s: {deadline_s}, retries: {retries}}}
"""

SYSTEMS = {
    "http": """  adapter: http
  url: http://127.0.0.1:{port}/ask
  request: {{id: $.id, input: $.input}}
""",
    "openai_chat": """  adapter: openai_chat
  base_url: http://127.0.0.1:{port}/v1
  model: m
  prompt: prompt.md
""",
}

MEASURED = """
import atexit, re, runpy, sys

def note():
    # Of this program alone: what getrusage tells begins with the peak of the process that forked it.
    with open("/proc/self/status") as status, open("peak.txt", "w") as file:
        file.write(re.search("VmHWM: *(\\d+)", status.read().replace("\t", " "))[1])

atexit.register(note)
sys.argv[0] = "harness"
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""
"""The program of ``harness`` that notes its peak of memory in its folder."""


def peak_mb(folder: Path) -> float:
    """The peak of memory of a program that has noted it."""
    return int((folder / "peak.txt").read_text()) / 1024


class Faulty:
    """The server that runs, on its port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def account(self) -> dict[str, dict[str, int]]:
        """What happened to each case."""
        with urlopen(f"http://127.0.0.1:{self.port}/account", timeout=30) as reply:
            found: dict[str, dict[str, int]] = json.loads(reply.read())
        return found

    def set(self, settings: Mapping[str, Any]) -> None:
        """Replace the settings."""
        data = json.dumps(settings).encode()
        with urlopen(Request(f"http://127.0.0.1:{self.port}/settings", data), timeout=30):
            pass


@contextmanager
def faulty(**settings: Any) -> Iterator[Faulty]:
    """Run the server as a process of its own."""
    command = [sys.executable, str(fault_server.__file__), json.dumps(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Faulty(int(process.stdout.readline() if process.stdout else ""))
        finally:
            process.kill()


def write_project(
    folder: Path,
    port: int,
    n: int,
    *,
    in_flight: int = 4,
    deadline_s: float = 5.0,
    retries: int = 2,
    adapter: str = "http",
) -> Path:
    """Write n cases and a suite that asks the server by an adapter."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"c{i:04}" for i in range(n)]
    write_lines(
        folder / "cases.jsonl",
        (
            {"id": case_id, "input": f"What is {case_id}?", "must_include": [str(sum(map(ord, case_id)))]}
            for case_id in ids
        ),
    )
    (folder / "prompt.md").write_text("## user\n{question}\n")
    text = SUITE.format(
        system=SYSTEMS[adapter].format(port=port),
        in_flight=in_flight,
        deadline_s=deadline_s,
        retries=retries,
    )
    (folder / "suite.yaml").write_text(text)
    return folder
