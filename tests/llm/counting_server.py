"""A loopback service that hands requests on to the real one, and keeps what was asked and how long."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

LONGEST_S = 900


class Call(NamedTuple):
    """A request that was answered: both bodies, and the seconds between them."""

    request: dict[str, Any]
    reply: dict[str, Any]
    seconds: float

    @property
    def tokens(self) -> tuple[int, int]:
        """Those of the prompt and of the output, as the service counts."""
        usage = self.reply.get("usage") or {}
        return usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0


class Server:
    """The service while it runs: where it is, the model that it is asked for, and its calls so far."""

    def __init__(self, behind: str, model: str) -> None:
        self.behind, self.model, self.url = behind, model, ""
        self.calls: list[Call] = []
        self.lock = threading.Lock()

    def since(self, start: int) -> list[Call]:
        return self.calls[start:]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            started = time.perf_counter()
            request = urllib.request.Request(  # noqa: S310 -- the user's own
                server.behind + self.path.removeprefix("/v1"), body, {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=LONGEST_S) as answered:  # noqa: S310
                    status, said = answered.status, answered.read()
            except urllib.error.HTTPError as error:
                with error:
                    status, said = error.code, error.read()
            with server.lock:
                server.calls.append(Call(json.loads(body), json.loads(said), time.perf_counter() - started))
            with contextlib.suppress(OSError):  # the client gave up
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def counting(behind: str, model: str) -> Iterator[Server]:
    """Serve on the loopback, in front of the service at ``behind`` (an address with its version)."""
    server = Server(behind, model)
    http = _Http(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
