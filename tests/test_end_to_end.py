"""The shipped suite, secrets, texts and the network: what only whole runs can show."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import quote

import duckdb
import pytest
from msgspec.structs import replace
from project import Ended, call, write_lines

from harness.recordings import read
from harness.types import Timings

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
TEXTS = (
    "{{7*7}}",
    "${env:HOME}",
    "{0.__class__}",
    "%(x)s",
    "file:///etc/hostname",
    "${secret:CANARY}",
    "{case} $.input {{ config }}",
    '<%= 7*7 %> #{7*7} `id` $(id) \\u0041 "quoted" \u00e4\U0001f600',
)


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


@pytest.mark.parametrize("host", ["198.51.100.7", "evil.test"])
def test_f39_no_test_leaves_this_machine(host: str) -> None:
    """Whatever the process of the tests would call outside is refused before it is called."""
    with pytest.raises(AssertionError, match=r"a test (connects|looks up)"):
        socket.create_connection((host, 80), timeout=0.1)


def test_f39_the_guard_sees_sockets(tmp_path: Path) -> None:
    """The same guard does notice a system that calls out."""
    project = secret_project(tmp_path / "project", "http://127.0.0.1:9")
    ended = call("check", "http.yaml", "--limit", "1", cwd=project, program=("-c", GUARD), CANARY=CANARY)
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

@contextmanager
def closed(*, token: str):
    raise ConnectionError(f"nobody knows {token}")
    yield
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
    reply = {"id": query["id"], "output": os.environ["TOKEN"]}
    if query["id"] == "q4":
        reply = {"no id": os.environ["TOKEN"]}
    print(json.dumps(reply), flush=True)
"""
SUITE = """
version: 1
suite: secrets
goldens: [{ path: cases.jsonl }]
metrics: [token_f1, error_rate]
run: { retries: 0 }
gates:
  - { id: errors, metric: error_rate, max: 1.0 }
system:
"""
KINDS = {
    "http": """
  adapter: http
  url: URL/ask
  headers: { Authorization: "Bearer ${secret:CANARY}" }
""",
    "own": """
  adapter: mysystems:connect
  token: ${secret:CANARY}
  nested: { again: "x-${secret:CANARY}-x" }
""",
    "process": f"""
  adapter: process
  command: ["{sys.executable}", program.py]
  env: {{ TOKEN: "${{secret:CANARY}}" }}
""",
    "closed": """
  adapter: mysystems:closed
  token: ${secret:CANARY}
""",
    "wrong": """
  adapter: process
  command: ["./no-such-program-${secret:CANARY}"]
""",
}


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
    """Suites over the same goldens, each with a secret in the options of its system."""
    folder.mkdir()
    (folder / "mysystems.py").write_text(SYSTEMS)
    (folder / "program.py").write_text(PROGRAM)
    for name, system in KINDS.items():
        (folder / f"{name}.yaml").write_text(SUITE.lstrip() + system.lstrip("\n").replace("URL", url))
    write_lines(
        folder / "cases.jsonl",
        ({"id": f"q{i}", "input": text, "expected_output": text} for i, text in enumerate(TEXTS)),
    )
    return folder


class Secret(NamedTuple):
    """A project whose systems tell their secrets, and how the checks of its suites ended."""

    folder: Path
    ended: dict[str, Ended]
    seen: list[str]


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = secret_project(
        tmp_path_factory.mktemp("secret") / "project", f"http://127.0.0.1:{server.server_port}"
    )
    with ThreadPoolExecutor(3) as pool:
        waiting = {
            name: pool.submit(call, "check", f"{name}.yaml", "--run-id", name, cwd=folder, CANARY=CANARY)
            for name in KINDS
        }
        yield Secret(folder, {name: future.result() for name, future in waiting.items()}, Server.seen)
    server.shutdown()
    server.server_close()


def shapes(text: str) -> list[bytes]:
    """A secret as it may stand somewhere: plain, URL-encoded, in JSON, in base64 at any offset."""
    encoded = [base64.b64encode(b"0" * shift + text.encode())[4:-4] for shift in range(3)]
    return [text.encode(), quote(text).encode(), quote(text, safe="").encode(), *encoded]


def test_f24_the_systems_did_tell_their_secret(secret: Secret) -> None:
    """What came back held it, and stands there hidden: in answers, passages, errors."""
    for name in ("http", "own", "process"):
        assert secret.ended[name].code in (0, 3), secret.ended[name].words
        assert b"[secret]" in (secret.folder / f"reports/runs/{name}/recording.jsonl").read_bytes()
    recorded = (secret.folder / "reports/runs/http/recording.jsonl").read_text()
    assert "bad token Bearer [secret]" in recorded


def test_f24_no_file_holds_a_secret(secret: Secret) -> None:
    """Every byte of every artefact, the database among them; and both outputs of every command."""
    files = [path for path in (secret.folder / "reports").rglob("*") if path.is_file()]
    assert len(files) > 15
    for shape in shapes(CANARY):
        assert [path for path in files if shape in path.read_bytes()] == []
        for ended in secret.ended.values():
            assert shape.decode() not in ended.out + ended.err


def test_f24_no_table_holds_a_secret(secret: Secret) -> None:
    """The database compresses, so its values are looked at too."""
    with duckdb.connect(str(secret.folder / "reports/harness.duckdb"), read_only=True) as con:
        tables = [name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
        values = "".join(str(con.table(name).fetchall()) for name in tables)
    assert "[secret]" in values
    for shape in shapes(CANARY):
        assert shape.decode() not in values


@pytest.mark.parametrize(
    ("name", "said"),
    [("wrong", "no-such-program-[secret]"), ("closed", "ConnectionError: nobody knows [secret]")],
)
def test_f24_a_fault_does_not_tell_a_secret(secret: Secret, name: str, said: str) -> None:
    """2: the message about a system that cannot be opened says what is wrong but for the secret."""
    assert secret.ended[name].code == 2
    assert said in secret.ended[name].err
    assert not (secret.folder / "reports/runs" / name).exists()


def test_f24_a_secret_that_is_not_set_is_named(secret: Secret) -> None:
    """2: nothing was asked, and no run is left behind."""
    ended = call("check", "http.yaml", "--run-id", "unset", cwd=secret.folder)
    assert ended.code == 2
    assert "'CANARY' is not set" in ended.err
    assert not (secret.folder / "reports/runs/unset").exists()


def test_f17_golden_texts_reach_every_system_as_they_are(secret: Secret) -> None:
    """Nothing in them is expanded, on the way there and in what is kept."""
    assert sorted(secret.seen) == sorted(TEXTS)
    for name in ("own", "process"):
        lines = (secret.folder / f"seen-{name}.txt").read_text().splitlines()
        assert sorted(lines) == sorted(map(repr, TEXTS))
    found = call("show", "own", "q1", "--json", cwd=secret.folder)
    assert json.loads(found.out)["case"]["query"]["input"] == "${env:HOME}"
    assert json.loads(found.out)["case"]["expected_output"] == ["${env:HOME}"]


@pytest.mark.slow
def test_the_same_answers_and_scores_whatever_the_hash_seed(tmp_path: Path) -> None:
    """Sets of words are iterated in an order that changes from process to process; results do not."""
    kept = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "harness", "run", "suites/support.yaml", "--limit", "200", "-q"]
        subprocess.run(
            [*command, "--run-id", "r", "--reports", str(tmp_path / seed)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        results = read(tmp_path / seed / "runs/r/recording.jsonl").results
        kept.append([replace(item, response=replace(item.response, timings=Timings())) for item in results])
    assert kept[0] == kept[1]
