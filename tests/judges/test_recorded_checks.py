"""A check that was recorded once with its keys runs again without any, and without a network."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from judge_stub import stub_judge
from judged_project import scores_of, write_project
from project import call

from harness.recordings import read

KEYS = {"RAG_TOKEN": "rag-key-123456", "JUDGE_KEY": "judge-key-123456"}
WITHOUT_NETWORK = """
import runpy, socket

def refuse(*_):
    raise SystemExit("the network was used")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refuse
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""


class Rag(BaseHTTPRequestHandler):
    """A service that wants a key."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == "Bearer rag-key-123456"
        n = int(asked["question"].split()[3])
        text = f"Order {n} is sent within {n + 10} days."
        said = text if n % 5 else f"Order {n} is sent within 99 days."
        body = json.dumps({"output": said, "retrieved": [{"doc_id": f"d{n}", "text": text}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rag)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_f35_f39_a_recorded_check_runs_without_keys_and_network(tmp_path: Path) -> None:
    """Recorded once with keys, replayed with none: the same scores and exit code; what is missing is told."""
    with stub_judge() as judge, serving() as url:
        settings = {"api_key": "${secret:JUDGE_KEY}", "base_url": "${env:JUDGE_URL}"}
        system = {
            "adapter": "http",
            "url": "${env:RAG_URL}/ask",
            "headers": {"Authorization": "Bearer ${secret:RAG_TOKEN}"},
            "request": {"question": "$.input"},
        }
        folder = write_project(tmp_path / "p", judge.url, judge=settings, system=system)
        env = {"RAG_URL": url, "JUDGE_URL": judge.url}
        check = ("check", "suite.yaml", "-q", "--cache-dir", "recorded")
        first = call(*check, "--cache", "--run-id", "a", cwd=folder, **env, **KEYS)
    assert first.code in {0, 3}, first.err
    assert {score.status for score in scores_of(folder, "a").values()} == {"scored"}
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not [key for key in KEYS.values() if key.encode() in kept]

    offline = ("-c", WITHOUT_NETWORK)
    second = call(*check, "--cache-only", "--run-id", "b", cwd=folder, program=offline, **env)
    assert second.code == first.code, second.err
    assert "6 of 6 answers came from a cache" in second.words
    assert scores_of(folder, "b") == scores_of(folder, "a")

    shutil.copytree(folder / "recorded/judge-cache", tmp_path / "verdicts")
    shutil.rmtree(folder / "recorded/judge-cache")
    third = call(*check, "--cache-only", "--run-id", "c", cwd=folder, program=offline, **env)
    assert third.code == 3
    found = scores_of(folder, "c").values()
    assert {score.status for score in found} == {"judge_error"}
    assert all("no verdict is kept for this question" in score.reason for score in found)

    shutil.copytree(tmp_path / "verdicts", folder / "recorded/judge-cache")
    goldens = folder / "cases.jsonl"
    goldens.write_text(goldens.read_text().replace("When is order 3 sent?", "When was order 3 sent?"))
    fourth = call(*check, "--cache-only", "--run-id", "d", cwd=folder, program=offline, **env)
    assert fourth.code == 3
    results = read(folder / "reports/runs/d/recording.jsonl").results
    (missing,) = (one.response.error for one in results if one.response.error is not None)
    assert missing.kind == "not_recorded"
    assert "run once with --cache" in missing.message
    statuses = [score.status for score in scores_of(folder, "d").values()]
    assert sorted(statuses) == ["scored"] * 5 + ["system_error"]


def test_f35_without_its_keys_a_run_that_may_ask_is_refused(tmp_path: Path) -> None:
    """Only --cache-only does without: a key that is missing is told before anything is asked."""
    folder = write_project(tmp_path / "p", "http://127.0.0.1:9", judge={"api_key": "${secret:JUDGE_KEY}"})
    refused = call("check", "suite.yaml", "--cache", cwd=folder)
    assert refused.code == 2
    assert "'JUDGE_KEY' is not set" in refused.words
