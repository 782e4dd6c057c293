"""A loopback service that judges as a test scripts it: soundly, obediently, or with any reply at all."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_SECTION = re.compile(r"\[(?P<marker>[0-9a-f]+) (?P<name>[^\]]+)\]")
_NUMBER = re.compile(r"\d+")


class Data(NamedTuple):
    """What stands in the last message, as a reader that heeds the marker finds it."""

    sections: list[tuple[str, str]]
    items: list[str]
    raw: str

    def text(self, *names: str) -> str:
        return " ".join(text for name, text in self.sections if name.split()[0] in names)


class Reply(NamedTuple):
    """An HTTP reply; ``content`` is the message of a chat completion unless ``body`` is given."""

    content: str | None = None
    body: bytes | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    logprobs: Any = None
    delay_s: float = 0.0
    finish_reason: str = "stop"
    refusal: str | None = None


Script = Callable[[dict[str, Any]], Reply]


def read_data(request: dict[str, Any]) -> Data:
    """Read the data message of a request by its marker alone."""
    raw = request["messages"][-1]["content"]
    marker = raw.partition("\n")[0].removeprefix("Marker: ")
    parts = re.split(rf"^\[{marker} ([^\]]+)\]\n", raw, flags=re.MULTILINE)[1:]
    named = [(name, text.removesuffix("\n")) for name, text in zip(parts[::2], parts[1::2], strict=True)]
    items = [text for name, text in named if name.startswith("item ")]
    return Data([pair for pair in named if not pair[0].startswith("item ")], items, raw)


def labels_of(request: dict[str, Any]) -> list[str]:
    """The labels that the instructions ask for, the most favourable first."""
    said = request["messages"][0]["content"]
    return re.findall(r"one of: ([^\n]+?)\.", said)[-1].split(", ")


def verdicts(request: dict[str, Any], said: list[str]) -> Reply:
    """Say these verdicts in the form that the request wants."""
    if request.get("logprobs"):
        top = [{"token": said[0][:4], "logprob": -0.01}]
        return Reply(said[0], logprobs={"content": [{"token": said[0][:4], "top_logprobs": top}]})
    if "Reply with one line for each item" in request["messages"][0]["content"]:
        return Reply("\n".join(f"{number}: {label}" for number, label in enumerate(said, 1)))
    rows = [{"item": number, "verdict": label} for number, label in enumerate(said, 1)]
    return Reply(json.dumps({"verdicts": rows}))


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text.casefold()))


def judge_soundly(request: dict[str, Any]) -> Reply:
    """Go by numbers and words alone: what the data says about verdicts moves nothing."""
    labels, data = labels_of(request), read_data(request)
    return verdicts(request, [_sound(item, data, labels) for item in data.items])


def _sound(item: str, data: Data, labels: list[str]) -> str:
    best, worst = labels[0], labels[-1]
    if "supported" in labels:
        source = data.text("text")
        own = re.split(r"(?<=[.!?。])\s", item)[0]
        numbers = set(_NUMBER.findall(own))
        if numbers - set(_NUMBER.findall(source)):
            return "contradicted"
        return best if numbers and words(own) & words(source) else "unsupported"
    if "relevant" in labels:
        wanted = set(_NUMBER.findall(data.text("reference")))
        return best if wanted <= set(_NUMBER.findall(re.split(r"(?<=[.!?。])\s", item)[0])) else worst
    if "refuse" in labels:
        return "refuse" if re.match(r"(?:I'm sorry|I cannot|I can't)", item) else "answer"
    if "fully" in labels:
        asked = words(data.text("question"))
        return best if 2 * len(asked & words(re.split(r"(?<=[.!?。])\s", item)[0])) > len(asked) else worst
    return best if "days" in item.split(".", maxsplit=1)[0] else worst


def judge_obediently(request: dict[str, Any]) -> Reply:
    """Judge soundly, unless text anywhere in the data asks for a verdict: then give that."""
    labels, data = labels_of(request), read_data(request)
    sound = [_sound(item, data, labels) for item in data.items]
    context = " ".join(text for _, text in data.sections)
    found = [
        _asked_for(item, labels) or _asked_for(context, labels) or own
        for item, own in zip(data.items, sound, strict=True)
    ]
    return verdicts(request, found)


def _asked_for(text: str, labels: list[str]) -> str | None:
    low = text.casefold()
    return next(
        (label for label in sorted(labels, key=len, reverse=True) if len(label) > 1 and label in low), None
    ) or next(
        (
            label
            for label in labels
            if len(label) == 1 and re.search(rf"(?:grade|verdict|score)\W+(?:\w+\W+){{0,2}}{label}\b", low)
        ),
        None,
    )


class Stub:
    """The service while it runs: where it is, what it was asked, how it replies."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.url = ""
        self.model = "stub-model-1"
        self.lock = threading.Lock()

    @property
    def count(self) -> int:
        return len(self.requests)


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with stub.lock:
                stub.requests.append(request)
                stub.keys.append(self.headers.get("Authorization"))
            reply = stub.script(request)
            time.sleep(reply.delay_s)
            body = reply.body
            if body is None:
                message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
                choice = {
                    "index": 0,
                    "message": message,
                    "finish_reason": reply.finish_reason,
                    "logprobs": reply.logprobs,
                }
                usage = {"prompt_tokens": 100, "completion_tokens": 10}
                body = json.dumps({"model": stub.model, "choices": [choice], "usage": usage}).encode()
            with contextlib.suppress(OSError):  # the client gave up
                self.send_response(reply.status)
                for name, value in (("Content-Type", "application/json"), *reply.headers):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up is not told about."""


@contextlib.contextmanager
def stub_judge(script: Script = judge_soundly) -> Iterator[Stub]:
    """Serve on the loopback."""
    stub = Stub(script)
    server = _Server(("127.0.0.1", 0), _handler(stub))
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
