"""F17 to F25 at once: what is planted in every input is looked for in all that every verb leaves behind.

A secret stands nowhere; nothing steers a terminal, a CI runner, a browser or a spreadsheet; the texts of
people stand only in the files that docs/reports.md names.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import duckdb
import pytest
from canary import (
    CONTROLS,
    HOSTILE,
    INPUTS,
    PAYLOAD,
    PERSON,
    SECRET,
    TICKET,
    Elements,
    Service,
    formulas,
    holds_secret,
    service,
    steers,
    unpacked,
    write_project,
)
from markdown_it import MarkdownIt
from project import Ended, call_on_terminal

from harness.cli import run_command

N_CASES = 8
KEEP_TEXTS = (
    "*/recording.jsonl", "*/report.html", "*/report.md", "*/report.json", "*/junit.xml", "*/audit.html",
    "*/audit.json", "*/harness.duckdb", "*/response-cache/*", "*/shards/*.jsonl", "packet.html", "packet.csv",
    "ragas.jsonl", "out.html", "out.md", "out.json", "out.xml",
)  # fmt: skip
"""The files that may hold what a person wrote: those that docs/reports.md names, and what was asked for."""
SHOWN = {"show", "query"}
"""Verbs whose output shows texts; as one JSON document (--json) others give their whole report."""
REFUSED = {
    "run suite.yaml --where topic={payload}": 5,
    "show three {payload}": 2,
    "query {payload}": 2,
    "gate {payload}": 2,
    "runs import suite.yaml": 4,
}
QUERIES = {
    "responses": "select * from responses limit 3",
    "cases": "select * from cases limit 3",
    "scores": "select * from scores limit 9",
    "retrieved": "select * from retrieved limit 3",
    "passages": "select * from passages limit 3",
}
VERBS = (
    "validate suite.yaml",
    "plan suite.yaml",
    "run suite.yaml --run-id two --candidate other --cache",
    "baseline promote one --force --reason {payload}",
    "baseline show suite.yaml",
    "check suite.yaml --run-id three --candidate other --cache -o out.html -o out.md -o out.json -o out.xml",
    "gate three",
    "gate three --json",
    "report three",
    "show three q-01",
    "show three q-01 --json",
    "show three --errors",
    "compare one two -o out.c.html -o out.c.json",
    "compare one two --json",
    "audit three",
    "audit three --json",
    "runs list",
    "runs show three",
    "judge canaries suite.yaml -q",
    "label export three --metric judged_faithfulness --rubric rubric.txt --references -o packet.html",
    "label export three --metric judged_faithfulness --rubric rubric.txt --anew -o packet.csv",
    "dataset export three -o ragas.jsonl",
    "score three --run-id four",
    "run suite.yaml --run-id parts --shard 1/2",
    "run suite.yaml --run-id parts --shard 2/2",
    "runs merge reports/runs/parts",
    "run suite.yaml --where topic={payload}",
    "show three {payload}",
    "query {payload}",
    "gate {payload}",
    "runs import suite.yaml",
    "doctor",
)


class Left(NamedTuple):
    """What the verbs left behind: files, and what each of them said, on a terminal and into pipes."""

    folder: Path
    said: dict[str, Ended]

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name not in INPUTS]

    def ending(self, *suffixes: str) -> list[Path]:
        found = [path for path in self.files if path.suffix in suffixes]
        assert found
        return found


def call_quietly(folder: Path, *arguments: str) -> Ended:
    """Run a command line in this process, with both of its outputs in pipes that take UTF-8."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = run_command(list(arguments))
    for stream in (out, err):
        stream.seek(0)
    return Ended(code, out.read(), err.read())


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """Every verb over a project in which everything that takes text is hostile."""
    said: dict[str, Ended] = {}
    with service() as url, pytest.MonkeyPatch.context() as patch:
        folder = write_project(tmp_path_factory.mktemp("canary") / "project", url, N_CASES)
        patch.setenv("CANARY", SECRET)
        check = ("check", "suite.yaml", "--run-id", "one", "--cache")
        said["check"] = call_on_terminal(*check, cwd=folder, CANARY=SECRET, NO_COLOR="1")
        queries = [
            ["query", sql, "--format", form] for sql in QUERIES.values() for form in ("csv", "table", "json")
        ]
        for words in [verb.split() for verb in VERBS] + queries:
            arguments = [
                word.format(payload=HOSTILE.replace("\0", "")) if "{p" in word else word for word in words
            ]
            said[" ".join(words)] = call_quietly(folder, *arguments)
    yield Left(folder, said)
    shutil.rmtree(folder)


def test_every_verb_did_its_work(left: Left) -> None:
    """What is looked at below is there, hostile; what cannot be done is told without a traceback."""
    assert not [words for words, ended in left.said.items() if "Traceback" in ended.err]
    codes = {words: ended.code for words, ended in left.said.items()}
    assert {words: code for words, code in codes.items() if code in (2, 4, 5)} == REFUSED
    recorded = (left.folder / "reports/runs/three/recording.jsonl").read_bytes()
    assert recorded.count(b"Bearer [secret]") > N_CASES
    assert recorded.count(PERSON.encode()) > 5 * N_CASES
    sent = {asked["input"] for asked in Service.asked if "input" in asked}
    assert sent == {f"{PAYLOAD} {i}" for i in range(N_CASES)}  # to the byte: nothing in it was expanded


def test_f24_no_file_and_no_output_holds_a_secret(left: Left) -> None:
    """Plain, URL-encoded or in base64, also in what is packed; nor does a table of the database."""
    assert [path for path in left.files if holds_secret(unpacked(path))] == []
    assert [
        words for words, ended in left.said.items() if holds_secret(f"{ended.out}{ended.err}".encode())
    ] == []
    with duckdb.connect(str(left.folder / "reports/harness.duckdb"), read_only=True) as con:
        tables = [name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
        values = "".join(str(con.table(name).fetchall()) for name in tables)
    assert values.count("[secret]") > N_CASES
    assert not holds_secret(values.encode())


def test_f19_f20_nothing_that_is_said_steers(left: Left) -> None:
    """Neither a terminal nor a CI runner, whichever verb says it, in whichever form."""
    found = {words: (steers(ended.out), steers(ended.err)) for words, ended in left.said.items()}
    assert {words: found for words, found in found.items() if any(found)} == {}


def test_f19_no_file_that_is_read_steers_a_terminal(left: Left) -> None:
    """Pages, Markdown, XML and CSV hold no control character; in files of JSON lines no escape is raw."""
    for path in left.ending(".html", ".md", ".xml", ".csv"):
        assert re.search(CONTROLS, path.read_text().replace("\r\n", "\n")) is None, path
    for path in left.ending(".json", ".jsonl", ".gz"):
        assert re.search(rb"[\x00-\x08\x0b-\x1f]", unpacked(path)) is None, path


def test_f18_no_page_has_an_element_or_an_address_of_the_data(left: Left) -> None:
    """Nothing that loads, runs or leads elsewhere, in any page that any verb writes."""
    for path in left.ending(".html"):
        found = Elements(path.read_text())
        assert not found.names & {"img", "iframe", "object", "embed", "form", "base", "link"}, path
        assert found.live == set(), path
        assert "canary()" not in "".join(found.scripts), path


def test_f20_markdown_holds_no_markup_of_the_data(left: Left) -> None:
    """As a renderer reads it: no element, no link, no mention, no summary that is closed early."""
    for path in left.ending(".md"):
        page = Elements(MarkdownIt("commonmark", {"html": True}).enable("table").render(path.read_text()))
        assert not page.names & {"img", "a", "script", "svg"}, path
        assert page.live == set(), path


def test_f21_no_cell_of_a_table_is_a_formula(left: Left) -> None:
    """In packets for raters and in queries, whatever separates the cells."""
    tables = {words: ended.out for words, ended in left.said.items() if words.endswith("csv")}
    tables |= {path.name: path.read_text() for path in left.ending(".csv")}
    assert len(tables) > 3
    assert {name: found for name, text in tables.items() if (found := formulas(text))} == {}


def test_f22_xml_is_xml(left: Left) -> None:
    """Every JUnit file can be read, and says what the data said, as text."""
    read = {path.name: ET.parse(path).getroot() for path in left.ending(".xml")}  # noqa: S314 -- our own
    assert "onerror=canary()" in "".join(read["out.xml"].itertext())


def test_f25_what_a_person_wrote_stands_only_where_texts_are_kept(left: Left) -> None:
    """Not in a baseline, a lock, a label, a verdict's cache, a page of numbers, or a log."""
    name = PERSON.split()[1].encode()
    kept = [str(path.relative_to(left.folder)) for path in left.files if name in unpacked(path)]
    assert [path for path in kept if not any(fnmatch(path, one) for one in KEEP_TEXTS)] == []
    assert {one for one in KEEP_TEXTS if not any(fnmatch(path, one) for path in kept)} == set()
    for path in (left.folder / "baselines").iterdir():
        assert TICKET.encode() not in unpacked(path)
    told = {words for words, ended in left.said.items() if PERSON.split()[1] in ended.out + ended.err}
    assert {words.split()[0] for words in told if "--json" not in words} == SHOWN


def test_f25_a_run_that_is_deleted_is_forgotten(left: Left, tmp_path: Path) -> None:
    """As docs/reports.md says: folders, cache and database gone, and the database built again without it."""
    folder = Path(shutil.copytree(left.folder, tmp_path / "project"))
    for name in ("one", "two", "four", "parts"):
        shutil.rmtree(folder / "reports/runs" / name)
    shutil.rmtree(folder / "reports/response-cache")
    for path in (folder / "reports").glob("harness.duckdb*"):
        path.unlink()
    assert call_quietly(folder, "runs", "import").code == 0
    listed = call_quietly(folder, "query", "select distinct run_id from responses", "--format", "csv")
    assert listed.out == "run_id\nthree\n"
