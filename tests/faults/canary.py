"""Planted everywhere, then looked for everywhere: a secret, a person, and text that some sink could obey."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import yaml
from project import write_lines

SECRET = "canary+Secret/42==x"  # noqa: S105 -- planted
PERSON = "Zora Quillmarten zora@quillmarten.test"
TICKET = "ticket-9313"
"""What errors tell, beside the key."""
STEERING = (
    "\x1b]52;c;Y2FuYXJ5\x07\x1b]8;;http://canary.test\x07\x1b[31mred \x9b1m \u202eltr \r\x00 ::error::x\n"
    "::error file=x::canary\n##[error]canary\n ##vso[task.setvariable]canary\n"
    "````\n<img src=http://canary.test/f>\n```\n<img src=http://canary.test/f>\n"
)
MARKUP = (
    "<img src=http://canary.test/i onerror=canary()><script>canary()</script></script></td></details>"
    "<svg/onload=canary()> ![c](http://canary.test/p) [c](javascript:canary()) http://canary.test/l"
    " @canary/org ```` ]]> {{7*7}} {% canary %} [bold]canary[/bold]"
)
FORMULA = "=cmd|' /c canary'!A1"
HOSTILE = f"{FORMULA} {MARKUP};{FORMULA} {STEERING}"
PAYLOAD = f"{HOSTILE} {PERSON}"
"""What stands in texts; labels, names, options and errors are hostile and tell of nobody."""
INPUTS = ("cases.jsonl", "corpus.jsonl", "suite.yaml", "rubric.txt")
CONTROLS = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
"""What steers a terminal, but for tabs and line feeds."""


class Service(BaseHTTPRequestHandler):
    """A system and a judge that give their key away, in hostile answers; every fourth time it is an error.

    By PUT the system lacks what its answers must hold: that is the candidate that gets worse.
    """

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Answer a question, or judge."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(asked)
        key = self.headers["Authorization"]
        said = f"{FORMULA} {key} {PAYLOAD if self.command == 'POST' else PERSON + HOSTILE}"
        if self.path == "/ask":
            passage = {"doc_id": f"=d {key} {MARKUP}", "text": said}
            reply: Any = {"output": said, "retrieved": [passage], "citations": [passage["doc_id"]]}
        else:
            items = re.findall(r"^\[\w+ item (\d+)\]$", asked["messages"][-1]["content"], re.MULTILINE)
            rows = [{"item": int(item), "verdict": "supported"} for item in items]
            content = json.dumps({"verdicts": rows}) if len(self.asked) % 3 else said
            reply = {"model": f"{HOSTILE} {key}", "choices": [{"message": {"content": content}}]}
        failed = len(self.asked) % 4 == 0
        # The beginning of an error's text is shown wherever there are errors: it tells of nobody.
        data = json.dumps({"error": f"{TICKET} {key} {HOSTILE}"} if failed else reply).encode()
        self.send_response(401 if failed else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self) -> None:
        """Answer as the candidate."""
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service() -> Iterator[str]:
    """Serve on the loopback; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def case_of(i: int) -> dict[str, Any]:
    """A case that is hostile in every field that takes any text, and tells of a person in every text."""
    twin = {"twin_of": f"q-{i - 1:02}"} if i % 2 else {}
    return {
        **twin,
        "id": f"q-{i:02}",
        "input": f"{PAYLOAD} {i}",
        "contexts": [{"doc_id": f"@doc {MARKUP}", "text": PAYLOAD}],
        "history": [{"role": "user", "content": PAYLOAD}, {"role": "assistant", "content": PAYLOAD}],
        "expected_output": [PAYLOAD],
        "must_include": [PERSON if i % 2 else PAYLOAD],
        "must_not_include": [f"-{PAYLOAD}"],
        "policy": HOSTILE,
        "evidence": [{"doc_id": f"@doc {MARKUP}", "quote": PAYLOAD}],
        "groups": {"language": f"+l {MARKUP}\x1b[31m" if i % 2 else "en"},
        "tags": [HOSTILE],
        "metadata": {"topic": f"-t {MARKUP}\x1b[31m", HOSTILE: HOSTILE},
        "document_id": f"=doc {MARKUP} {i // 2}",
    }


def write_project(folder: Path, url: str, n: int) -> Path:
    """Write goldens and a suite whose system and judge have the secret as their key."""
    folder.mkdir()
    write_lines(folder / "cases.jsonl", map(case_of, range(n)))
    write_lines(folder / "corpus.jsonl", [{"doc_id": f"@doc {MARKUP}", "text": f"{PAYLOAD} {PAYLOAD}"}])
    (folder / "rubric.txt").write_text(HOSTILE)
    key = "${secret:CANARY}"
    suite = {
        "version": 1,
        "suite": "canary",
        "description": HOSTILE.replace("\0", ""),
        "goldens": [{"path": "cases.jsonl"}],
        "system": {
            "adapter": "http",
            "url": f"{url}/ask",
            "headers": {"Authorization": f"Bearer {key}"},
            "request": {"input": "$.input", "history": "$.history", "note": HOSTILE.replace("\0", "")},
        },
        "candidates": {"other": {"method": "PUT"}},
        "metrics": ["required_facts", "recall@5", "judged_faithfulness", "error_rate"],
        "judges": {
            "default": {"base_url": f"{url}/v1", "model": f"m {MARKUP}", "api_key": key, "retries": 0}
        },
        "slices": {
            "language": {"from": "groups.language", "min_n": 2, "audit": True},
            "topic": {"from": "metadata.topic", "min_n": 2},
        },
        "gates": [
            {"id": "facts", "metric": "required_facts", "min": 0.5, "bound": "point"},
            {"id": "faithful", "metric": "judged_faithfulness", "min": 0.5},
            {"id": "recall", "metric": "recall@5", "max_drop": 0.1},
            {"id": "gap", "metric": "recall@5", "slice": "language", "max_gap": 0.25},
        ],
        "run": {"retries": 0, "max_concurrency": 2},
    }
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite, allow_unicode=False))
    return folder


# -- looking for it ----------------------------------------------------------------------------------------


def shapes(text: str) -> list[bytes]:
    """A secret as it may stand somewhere: plain, URL-encoded, in JSON, in base64 at any offset."""
    encoded = [base64.b64encode(b"0" * shift + text.encode())[4:-4] for shift in range(3)]
    return [text.encode(), quote(text).encode(), quote(text, safe="").encode(), *encoded]


def unpacked(path: Path) -> bytes:
    """The bytes of a file, with what is packed in it or in its blocks unpacked."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    for block in re.findall(rb">(H4sI[A-Za-z0-9+/=]+)<", content):
        content += gzip.decompress(base64.b64decode(block))
    return content


def holds_secret(content: bytes) -> bool:
    """Whether the secret stands there, in whatever shape."""
    return any(shape in content for shape in shapes(SECRET))


def steers(text: str) -> str | None:
    """What a terminal or a CI runner would obey in a text."""
    found = re.search(rf"{CONTROLS}|^\s*::|##(vso)?\[", text, re.MULTILINE)
    return text[max(0, found.start() - 60) : found.end() + 20] if found else None


class Elements(HTMLParser):
    """The elements of a page, those of their attributes that would load or run something, and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.live: set[str] = set()
        self.scripts: list[str] = []
        self._in = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.add(tag)
        self._in = tag
        for name, value in attrs:
            if name.startswith("on") or (
                name in ("src", "href", "action") and not (value or "").startswith("#")
            ):
                self.live.add(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        """Note a script."""
        if self._in == "script":
            self.scripts.append(data)


def formulas(text: str) -> list[str]:
    """The cells of a CSV that a spreadsheet would run, whichever separator it goes by."""
    cells = [
        cell
        for separator in ",;\t"
        for row in csv.reader(io.StringIO(text), delimiter=separator)
        for cell in row
    ]
    numbers = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?")
    return [cell for cell in cells if re.match(r"[\s\"]*[=+\-@]", cell) and not numbers.fullmatch(cell)]
