"""The shipped suite, secrets, texts and the network: what only whole runs can show."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import duckdb
import pytest
from project import Ended, call, write_lines

ROOT = Path(__file__).parent.parent
CANARY = "canary+Secret/42==x"
GUARD = """
import os, runpy, sys

def watch(event, arguments):
    outside = None
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        outside = None if isinstance(arguments[1], (str, bytes)) else arguments[1]
    elif event.startswith("socket.get") and event != "socket.gethostname":
        outside = arguments
    elif event == "subprocess.Popen" and arguments[1][0] != "git":
        outside = arguments[1]
    if outside is not None:
        os.write(2, f"OUTSIDE {event} {outside!r}\\n".encode())

sys.addaudithook(watch)
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""
TEXTS = ("{{7*7}}", "${env:HOME}", "{0.__class__}", "%(x)s", "file:///etc/hostname", "${secret:CANARY}",
         "{case} $.input {{ config }}", "<%= 7*7 %> #{7*7} `id` $(id) \\u0041 \"quoted\" \u00e4\U0001f600")  # fmt: skip


# -- the shipped suite -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Ended]:
    """The demo: the system as it is and with one option changed, both watched for what they open."""
    reports = str(tmp_path_factory.mktemp("shipped"))
    check = ("check", "suites/support.yaml", "--reports", reports)
    with ThreadPoolExecutor(2) as pool:
        same = pool.submit(call, *check, cwd=ROOT, program=("-c", GUARD))
        degraded = pool.submit(call, *check, "--candidate", "degraded", cwd=ROOT, program=("-c", GUARD))
        return same.result(), degraded.result()


def test_the_shipped_suite_passes_unchanged(shipped: tuple[Ended, Ended]) -> None:
    """0, against the baseline that is shipped with it."""
    assert shipped[0].code == 0, shipped[0].words


def test_the_shipped_suite_fails_degraded(shipped: tuple[Ended, Ended]) -> None:
    """1, and the headline names the languages that lost their words and the option that was changed."""
    assert shipped[1].code == 1, shipped[1].words
    head = " ".join(shipped[1].out.partition("\n\n")[2].partition("\n\n")[0].split())
    assert "language=ja" in head
    assert "segment_unspaced" in head


def test_f39_the_reference_system_opens_no_socket(shipped: tuple[Ended, Ended]) -> None:
    """A whole check connects to nothing, looks no name up and starts no program but git."""
    for ended in shipped:
        assert "OUTSIDE" not in ended.err


def test_f39_the_guard_sees_sockets(tmp_path: Path) -> None:
    """The same guard does notice a system that calls out."""
    project = secret_project(tmp_path / "project", "http://127.0.0.1:9")
    ended = call("check", "suite.yaml", "--limit", "1", cwd=project, program=("-c", GUARD), CANARY=CANARY)
    assert "OUTSIDE socket.connect" in ended.err


# -- secrets and texts -------------------------------------------------------------------------------------

SYSTEMS = """
import base64
from contextlib import contextmanager
from urllib.parse import quote

@contextmanager
def connect(*, token: str, nested: dict[str, str]):
    calls = []

    def answer(query):
        calls.append(query)
        with open("seen-own.txt", "a") as seen:
            seen.write(repr(query.input) + "\\n")
        if len(calls) % 2:
            raise ValueError(f"refused {token} {nested['again']} {quote(token, safe='')}")
        text = base64.b64encode(b"Bearer " + token.encode()).decode()
        return {"output": text, "retrieved": [{"doc_id": token, "text": token}], "citations": [token]}

    yield answer
"""
PROGRAM = """
import json, os, sys

for line in sys.stdin:
    query = json.loads(line)
    with open("seen-process.txt", "a") as seen:
        seen.write(repr(query["input"]) + "\\n")
    print("my token is", os.environ["TOKEN"], file=sys.stderr, flush=True)
    if query["id"] == "q3":
        sys.exit(1)
    reply = {"id": query["id"], "output": os.environ["TOKEN"]} if query["id"] != "q4" else {"no": os.environ["TOKEN"]}
    print(json.dumps(reply), flush=True)
"""
SUITE = """
version: 1
suite: secrets
goldens: [{{ path: cases.jsonl }}]
system:
  adapter: http
  url: {url}/ask
  headers: {{ Authorization: "Bearer ${{secret:CANARY}}" }}
candidates:
  own:
    adapter: mysystems:connect
    url: null
    headers: null
  process: {{ adapter: process }}
metrics: [token_f1, error_rate]
gates:
  - {{ id: errors, metric: error_rate, max: 1.0 }}
"""


class Server(BaseHTTPRequestHandler):
    """Tells everybody the token that it was sent; refuses every other request with 401."""

    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Answer one question."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(body["input"])
        token = self.headers["Authorization"]
        refused = len(self.seen) % 2 == 0
        reply = {"error": f"bad token {token}"} if refused else {"output": f"{token} {quote(token)}"}
        data = json.dumps(reply).encode()
        self.send_response(401 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def secret_project(folder: Path, url: str) -> Path:
    """Three suites over the same goldens, each with a secret in the options of its system."""
    folder.mkdir()
    (folder / "mysystems.py").write_text(SYSTEMS)
    (folder / "program.py").write_text(PROGRAM)
    write_lines(
        folder / "cases.jsonl",
        ({"id": f"q{i}", "input": text, "expected_output": text} for i, text in enumerate(TEXTS)),
    )
    return folder
