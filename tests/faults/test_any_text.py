"""F5: whatever bytes a service sends, they arrive in every sink, the same or spelled out."""

from __future__ import annotations

import csv
import io
import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from canary import Elements, steers, unpacked
from project import Ended, call, write_lines

from harness.recordings import read
from harness.report.visible import visible

N = 80
SUITE = """version: 1
suite: texts
goldens: [{{path: cases.jsonl}}]
system: {{adapter: http, url: "http://127.0.0.1:{port}/", request: {{id: $.id}}}}
metrics: [required_facts, error_rate]
gates: [{{id: facts, metric: required_facts, max_drop: 0.01}}]
run: {{retries: 0}}
"""
ODD = (
    "\0", "\x1b[31m", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u2066", "\u200b", "\ufeff", "\ufffe",
    "\uffff", "\ud800", "\udfff", "\ud83d", "\U0001f9d1\u200d\U0001f4bb", "\U000e0041", "\U0010ffff",
    "e\u0301", "\u0130", "\r", "\n", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\u3000", "\u05d0", "\u0627",
    "\u0e01", "\u4e00", "\uac00", "</script>", "]]>", "&#0;", "&amp;", "\\", "\\ud800", '"', "'", "`", "|",
    "=1", "::error::", "##[x]", "{{7}}",
)  # fmt: skip
BROKEN = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\x80")
"""Bytes that are no UTF-8."""


def odd_text(i: int) -> str:
    """A text of signs that some sink or other could trip over; case 0 has every one of them."""
    chance = random.Random(i)  # noqa: S311
    signs = chance.sample(ODD, len(ODD)) if i == 0 else chance.choices(ODD, k=chance.randint(1, 12))
    return f"text {i} " + " x ".join(signs) + " end"


def body(i: int) -> bytes:
    """A reply with such a text everywhere: escaped, as UTF-8 with surrogates in it, with broken bytes."""
    text = odd_text(i)
    answer = {"output": text, "retrieved": [{"doc_id": text, "text": text}], "citations": [text]}
    if i % 3 == 0:
        return json.dumps(answer).encode()  # \ud800 and \u0000 as escapes
    raw = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return raw.replace(b" x ", BROKEN[i % len(BROKEN)]) if i % 3 == 1 else raw


class Service(BaseHTTPRequestHandler):
    """Sends the reply of a case; every tenth time it is an error's text."""

    def do_POST(self) -> None:
        """Answer one question."""
        i = int(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"][1:])
        self.send_response(400 if i % 10 == 9 else 200)
        self.send_header("Content-Length", str(len(body(i))))
        self.end_headers()
        self.wfile.write(body(i))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ended]]:
    """A baseline of the texts, and a check in which each of them is a regression: all of them are shown."""
    folder = tmp_path_factory.mktemp("texts")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    (folder / "suite.yaml").write_text(SUITE.format(port=server.server_port))
    cases = [{"id": f"c{i}", "input": visible(odd_text(i)), "must_include": [f"text {i} "]} for i in range(N)]
    write_lines(folder / "cases.jsonl", cases)
    assert call("run", "suite.yaml", "--run-id", "a", "-q", cwd=folder).code == 0
    promoted = ("baseline", "promote", "a", "--force", "--reason", "x", "--keep-text")
    assert call(*promoted, cwd=folder).code == 0
    ended = call("check", "suite.yaml", "--run-id", "b", "-q", "--no-early-stop", cwd=folder)
    yield folder, ended
    server.shutdown()
    server.server_close()


def told(i: int) -> str:
    """How a text is kept: what UTF-8 cannot hold is spelled out."""
    raw = json.loads(body(i).decode("utf-8", "surrogateescape"))["output"]
    kept: str = raw.encode("utf-8", "backslashreplace").decode()
    return kept


ANSWERED = [i for i in range(N) if i % 10 != 9]


def test_f5_every_text_is_kept_and_says_whether_it_was_repaired(checked: tuple[Path, Ended]) -> None:
    """In output, document and citation; an error's text, too."""
    folder, ended = checked
    assert ended.code in {0, 3}, ended.err
    results = read(folder / "reports/runs/b/recording.jsonl").results
    assert len(results) == N
    by_id = {int(result.case_id[1:]): result.response for result in results}
    for i in ANSWERED:
        found = by_id[i]
        passage = found.retrieved[0]
        assert [found.output, passage.text, passage.doc_id, found.citations[0].doc_id] == [told(i)] * 4
        as_sent = json.loads(body(i).decode("utf-8", "surrogateescape"))["output"] == told(i)
        assert found.text_repaired is not as_sent
    assert {found.error.kind for i, found in by_id.items() if found.error and i % 10 == 9} == {"http_status"}


def test_f5_every_text_is_in_the_database(checked: tuple[Path, Ended]) -> None:
    """The same as in the recording; as JSON, and as CSV for machines."""
    folder, _ = checked
    sql = "select case_id, output from responses where run_id = 'b' and output is not null"
    rows = json.loads(call("query", sql, "--format", "json", cwd=folder).out)
    assert {row["case_id"]: row["output"] for row in rows} == {f"c{i}": told(i) for i in ANSWERED}
    raw = call("query", sql, "--format", "csv", "--raw", cwd=folder).out
    rows = list(csv.DictReader(io.StringIO(raw, newline="")))
    assert {row["case_id"]: row["output"] for row in rows} == {f"c{i}": told(i) for i in ANSWERED}
    shown = call("query", sql, "--format", "csv", cwd=folder).out
    assert steers(shown) is None
    assert len(list(csv.reader(io.StringIO(shown)))) == len(ANSWERED) + 1


def test_f5_every_text_is_in_the_report(checked: tuple[Path, Ended]) -> None:
    """As JSON the same; in pages, XML and on the terminal what cannot be seen is spelled out."""
    folder, ended = checked
    run = folder / "reports/runs/b"
    shown = {
        pair["case"]["query"]["id"]: pair for pair in json.loads((run / "report.json").read_text())["cases"]
    }
    assert {one: pair["candidate"]["response"].get("output") for one, pair in shown.items()} == {
        f"c{i}": told(i) if i in ANSWERED else None for i in range(N)
    }
    page = unpacked(run / "report.html").decode()
    for i in ANSWERED:
        assert json.dumps(visible(told(i)), ensure_ascii=False)[1:-1] in page
    assert Elements(page).live == set()
    ET.parse(run / "junit.xml")  # noqa: S314 -- our own
    for text in (
        ended.out,
        ended.err,
        call("show", "b", "c0", cwd=folder).out,
        (run / "report.md").read_text(),
    ):
        assert steers(text) is None
