"""F30: nobody who is asked can send us elsewhere, with our key or without it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import call_inside, write_lines

from harness.recordings import read

KEY = "key-of-ours-2718"
REDIRECTS = (301, 302, 303, 307, 308)


class Server(ThreadingHTTPServer):
    """Notes who came; ``elsewhere`` is where everybody is sent, empty for nobody."""

    def __init__(self, elsewhere: str = "") -> None:
        """Listen on the loopback."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.elsewhere = elsewhere
        self.came: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Sends whoever comes elsewhere, by every status in turn; or answers well."""

    server: Server

    def do_POST(self) -> None:
        """Answer, or send elsewhere."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.came.append((self.path, self.headers["Authorization"]))
        status = REDIRECTS[len(self.server.came) % len(REDIRECTS)] if self.server.elsewhere else 200
        data = json.dumps({"output": "x", "choices": [{"message": {"content": "x"}}]}).encode()
        self.send_response(status)
        if self.server.elsewhere:
            self.send_header("Location", f"{self.server.elsewhere}{self.path}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST  # noqa: N815 -- as the server calls it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(elsewhere: str = "") -> Iterator[Server]:
    server = Server(elsewhere)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def suite_of(kind: str, url: str) -> dict[str, Any]:
    """A suite whose system, or whose judge, is a service at an address, with our key."""
    suite: dict[str, Any] = {
        "version": 1,
        "suite": "redirected",
        "goldens": [{"path": "cases.jsonl"}],
        "metrics": ["error_rate"],
        "gates": [{"id": "errors", "metric": "error_rate", "max": 1.0, "bound": "point"}],
        "run": {"retries": 0},
        "system": {"adapter": "replay", "path": "answers.jsonl"},
    }
    chat = {"base_url": f"{url}/v1", "model": "m", "api_key": "${secret:REDIRECTED_KEY}"}
    if kind == "http":
        suite["system"] = {
            "adapter": "http",
            "url": f"{url}/ask",
            "headers": {"Authorization": "${secret:REDIRECTED_KEY}"},
        }
    elif kind == "openai_chat":
        suite["system"] = {"adapter": "openai_chat", "prompt": "prompt.md", **chat}
    else:
        suite |= {
            "metrics": ["error_rate", "judged_faithfulness"],
            "judges": {"default": {**chat, "retries": 0}},
        }
    return suite


@pytest.mark.parametrize("kind", ["http", "openai_chat", "judge"])
def test_f30_no_redirect_is_followed(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five statuses, to another server that would answer well: it is never asked; each case says why."""
    monkeypatch.setenv("REDIRECTED_KEY", KEY)
    rows = [{"id": f"c{i}", "input": "What?"} for i in range(len(REDIRECTS))]
    write_lines(tmp_path / "cases.jsonl", rows)
    passage = {"doc_id": "d", "text": "It is sent on Monday."}
    answers = ({"id": row["id"], "output": passage["text"], "retrieved": [passage]} for row in rows)
    write_lines(tmp_path / "answers.jsonl", answers)
    (tmp_path / "prompt.md").write_text("## user\n{question}\n")
    with serving() as elsewhere, serving(elsewhere.url) as asked:
        (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite_of(kind, asked.url)))
        ended = call_inside(capsys, tmp_path, "run", "suite.yaml", "-q", "--run-id", "r")
    assert ended.code == 0, ended.err
    assert elsewhere.came == []
    assert len(asked.came) >= len(REDIRECTS)
    assert all(KEY in (key or "") for _, key in asked.came)
    results = read(tmp_path / "reports/runs/r/recording.jsonl").results
    if kind == "judge":
        assert {result.scores["judged_faithfulness"].status for result in results} == {"judge_error"}
    else:
        errors = [result.response.error for result in results]
        assert [error.kind for error in errors if error] == ["http_status"] * len(REDIRECTS)
        assert all("redirects are not followed" in error.message for error in errors if error)
