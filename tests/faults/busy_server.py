"""A loopback service that is busy: it answers by a script, or admits so many requests at once."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One reply: its status and its Retry-After in seconds, if any."""

    status: int
    retry_after: str | None = None


@dataclass
class Busy:
    """What the service does, and what it has seen.

    Each question is answered by ``script``, step by step, the last one for ever; beyond ``admits`` requests
    at once it gets a 429. ``cost_usd`` and ``latency_s`` are those of an answer.
    """

    script: tuple[Step, ...] = (Step(200),)
    admits: int = 10**9
    latency_s: float = 0.0
    cost_usd: float | None = None
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    began_at: dict[str, list[float]] = field(default_factory=dict)
    refused: int = 0
    in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, question: str) -> Step:
        with self.lock:
            number = self.asked[question]
            self.asked[question] += 1
            self.began_at.setdefault(question, []).append(time.monotonic())
            self.in_flight += 1
            if self.in_flight > self.admits:
                self.refused += 1
                return Step(429)
        return self.script[min(number, len(self.script) - 1)]


def _handler(busy: Busy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            step = busy.step(fields["input"])
            if step.status == 200:
                time.sleep(busy.latency_s)
            number = fields["input"].removeprefix("What is fact ").removesuffix("?")
            text = f"fact {number} is value{number}."
            answer: dict[str, Any] = {"output": text, "retrieved": [{"doc_id": "d", "text": text}]}
            if busy.cost_usd is not None:
                answer["usage"] = {"cost_usd": busy.cost_usd}
            with busy.lock:
                busy.in_flight -= 1
            self.reply(step, json.dumps(answer).encode() if step.status == 200 else b"busy")

        def reply(self, step: Step, body: bytes) -> None:
            with contextlib.suppress(OSError):  # the client gave up
                self.send_response(step.status)
                if step.retry_after is not None:
                    self.send_header("Retry-After", step.retry_after)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def busy_server(**changes: Any) -> Iterator[Busy]:
    """Serve on the loopback."""
    busy = Busy(**changes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(busy))
    server.daemon_threads = True
    busy.url = f"http://127.0.0.1:{server.server_port}/ask"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield busy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
