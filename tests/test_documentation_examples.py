"""The examples in the guides work: suites load, pipelines parse, queries are answered, systems answer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from guides import GUIDES, blocks, code, completed, rows, section

from harness.cli import cli
from harness.errors import SuiteError
from harness.store.query import run_query
from harness.store.store import Store
from harness.suites.suite import load_suite
from harness.suites.yaml import load_yaml


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (name, text)
        for name in GUIDES
        if name != "ci.md"
        for language, title, text in blocks(name)
        if language == "yaml" and not title.startswith(".github/")
    ],
)
def test_every_yaml_example_is_a_valid_suite(name: str, text: str, tmp_path: Path) -> None:
    """Examples load as they are, or as a part of a suite."""
    assert load_suite(completed(text, tmp_path)).suite.version == 1, name


def test_what_is_said_to_be_refused_is_refused(tmp_path: Path) -> None:
    """Each value of the table of refused YAML, unquoted, is an error."""
    refused = [
        code
        for row in rows(section("suites.md", "Which YAML is refused"))
        for code in re.findall("`([^`]+)`", row[0])
    ]
    assert len(refused) > 15
    path = tmp_path / "suite.yaml"
    for found in refused:
        text = f"{found} x" if found.endswith(":") else "<<: {}" if found == "<<" else f"key: {found}"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SuiteError):
            load_yaml(path)


def test_every_ci_example_is_a_pipeline() -> None:
    """The examples for CI are YAML, and what they run is shell."""
    found = [yaml.safe_load(text) for text in code("ci.md", "yaml")]
    github, gitlab, steps, keyless = found
    steps = [*github["jobs"]["gate"]["steps"], *steps, *keyless]
    scripts = [step["run"] for step in steps if "run" in step]
    scripts += gitlab["rag-gate"]["script"]
    assert len(scripts) == 8
    for script in scripts:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_every_query_is_answered(tmp_path: Path) -> None:
    """The examples of SQL run on a store without runs."""
    path = tmp_path / "harness.duckdb"
    with Store(path):
        pass
    queries = code("reports.md", "sql")
    assert len(queries) == 3
    for sql in queries:
        columns, found = run_query(path, sql)
        assert columns
        assert found == []


class Service(BaseHTTPRequestHandler):
    """The services of the examples: a RAG system and a chat model."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = "Within 30 days."
        if "messages" in asked:
            reply: dict[str, Any] = {"choices": [{"message": {"content": text}}]}
            reply["usage"] = {"prompt_tokens": 10, "completion_tokens": 4}
        else:
            source = {"id": "refunds", "text": "within 30 days", "score": 1.0}
            reply = {"answer": text, "sources": [source], "tokens": asked["options"]["top_k"]}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> Iterator[Path]:
    """A folder with every file that the guides show, in the environment that the examples want."""
    for name in ("goldens.md", "systems.md"):
        for _, title, text in blocks(name):
            if title:
                path = tmp_path / title
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("RAG_URL", f"{address}/ask")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
    for name in ("RAG_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "not a secret")
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("example", code("systems.md", "yaml"), ids=lambda text: text.split()[2].strip('"'))
def test_every_system_example_answers(
    example: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example of a system or metric, as it stands, answers and scores both golden cases."""
    assert cli.main(["run", str(completed(example, project)), "-q", "--json"], standalone_mode=False) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accounting"]["answered"] == found["accounting"]["selected"] == 2
    assert all(estimate["n_unscored"] == 0 for estimate in found["estimates"].values())
