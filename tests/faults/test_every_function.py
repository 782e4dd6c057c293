"""F26 and F28: no function of DuckDB reads a file or the environment; no text of the data names a file."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import duckdb
import pytest
from project import call, make_project, write_lines

from harness.errors import UsageError
from harness.store import run_query

PRIVATE = "only-in-a-private-file-4711"
REACHES = re.compile(r"env|read|file|sett|var|secr|path|load|http|glob|exec|query|writ|system|copy|log|curr")
"""What functions that give one value are called where they could reach out; there are a thousand others."""
FORMS = {
    "table": ("from {name}('{file}')",),
    "scalar": ("select {name}('{file}')", "select {name}('HARNESS_CANARY')"),
}
FORMS |= {"table_macro": FORMS["table"], "macro": FORMS["scalar"], "pragma": ("call {name}('{file}')",)}
FORMS |= {"aggregate": FORMS["scalar"][:1]}


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_f28_no_function_at_all_tells_what_is_outside(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a later DuckDB brings: every function for tables, and those whose names reach out."""
    monkeypatch.setenv("HARNESS_CANARY", PRIVATE)
    private = tmp_path / "private.csv"
    private.write_text(f"a,b\n{PRIVATE},1\n")
    names = duckdb.sql("select distinct function_type, function_name from duckdb_functions()").fetchall()
    assert len(names) > 500
    store = tmp_path / "harness.duckdb"
    store.write_bytes((project / "reports/harness.duckdb").read_bytes())
    before, answered = digest(tmp_path), 0
    for kind, name in sorted(names):
        is_tried = kind in {"table", "table_macro", "pragma"} or REACHES.search(name)
        for form in FORMS.get(kind, ()) if is_tried else ():
            quoted = '"{}"'.format(name.replace('"', '""'))
            try:
                found = run_query(store, form.format(name=quoted, file=private), timeout_s=5)
            except UsageError as refused:
                said = str(refused)
            else:
                answered += 1
                said = str(found)
            assert PRIVATE not in said, (name, form)
    assert answered > 20
    assert digest(tmp_path) == before


WATCHED = """
import os, runpy, sys

def watch(event, arguments):
    if event == "open" and "private.txt" in str(arguments[0]):
        os.write(2, f"OPENED {arguments[0]}\\n".encode())

sys.addaudithook(watch)
sys.argv[0] = "harness"
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""


def test_f26_no_text_of_goldens_and_answers_is_a_file_or_an_address(tmp_path: Path) -> None:
    """Paths that are there, and addresses, wherever a text may stand: nothing is opened."""
    folder = make_project(tmp_path / "p")
    (folder / "private.txt").write_text(PRIVATE)
    (folder / "goldens/private.txt").write_text(PRIVATE)
    names = ("private.txt", "../private.txt", str(folder / "private.txt"), f"file://{folder}/private.txt")
    cases = [
        {
            "id": f"c{i}",
            "input": name,
            "history": [{"role": "user", "content": name}],
            "contexts": [{"doc_id": name, "text": name}],
            "expected_output": [name],
            "must_include": [name],
            "evidence": [{"doc_id": name, "quote": name}],
            "tags": [name],
            "metadata": {"path": name},
            "document_id": name,
        }
        for i, name in enumerate(names)
    ]
    write_lines(folder / "goldens/cases.jsonl", cases)
    write_lines(
        folder / "goldens/corpus.jsonl", [{"doc_id": name, "text": f"{name}\n{name}"} for name in names]
    )
    with (folder / "mysystems.py").open("a") as file:
        file.write(
            "\n\ndef path(query):\n    return {'output': query.input, 'citations': [query.input],"
            " 'retrieved': [{'doc_id': query.input, 'text': query.input}]}\n"
        )
    suite = folder / "suites/tiny.yaml"
    suite.write_text(suite.read_text().replace("mysystems:answer", "mysystems:path"))
    for words in ("check suites/tiny.yaml --run-id r -q", "show r c1"):
        ended = call(*words.split(), cwd=folder, program=("-c", WATCHED))
        assert ended.code in {0, 3}, ended.err
        assert "OPENED" not in ended.err
        assert PRIVATE not in ended.out
    report = json.loads((folder / "reports/runs/r/report.json").read_text())
    assert {pair["case"]["query"]["input"] for pair in report["cases"]} == set(names)
    files = [path for path in (folder / "reports").rglob("*") if path.is_file()]
    assert [path for path in files if PRIVATE.encode() in path.read_bytes()] == []
