"""The guides tell the truth: every name of the code stands in them, and every example works."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest
import yaml

from harness.cli import VERBS, cli
from harness.errors import ExitCode
from harness.goldens.fields import ALIASES, RawCase
from harness.registry import METRICS, SYSTEMS, find_metric, find_system
from harness.store.query import run_query
from harness.store.store import Store
from harness.suites.meaning import RULES
from harness.suites.suite import load_suite
from harness.systems.process import ENVIRONMENT
from harness.types import (
    Gate,
    GoldenSource,
    Response,
    ResponseError,
    RunSettings,
    SliceRule,
    Status,
    Suite,
)

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GUIDES = sorted(path.name for path in DOCS.glob("*.md"))
STRUCTS = {
    "The suite": Suite,
    "goldens": GoldenSource,
    "slices": SliceRule,
    "run": RunSettings,
    "gates": Gate,
}
BASE = {
    "version": "1",
    "suite": "example",
    "goldens": "[{ path: goldens/cases.jsonl }]",
    "system": "{ adapter: reference, corpus: goldens/corpus.jsonl }",
    "metrics": "[recall@5, faithfulness, refusal_correctness, latency_s]",
    "slices": "{ language: { from: groups.language } }",
    "gates": "[{ id: complete, min_scored: 0.99 }]",
}
"""What an example that shows a part of a suite is completed with."""

Block = tuple[str, str, str]
"""Language, title and text of a fenced block."""


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The text below a heading, up to the next one of any level."""
    parts = re.split(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", read(name), flags=re.M | re.S), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def rows(text: str) -> list[list[str]]:
    """The rows of every table in a text, heads left out."""
    found: list[list[str]] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            continue
        if set(line) <= set("|-: "):
            found.pop()
        else:
            found.append(cells)
    return found


def blocks(name: str) -> list[Block]:
    found = re.findall(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)
    return [(language, title, text) for language, title, text in found]


def shown(default: object) -> str:
    """A default as the tables write it."""
    if default is inspect.Parameter.empty or default is msgspec.NODEFAULT:
        return "required"
    if default is None or default == () or default == {}:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, msgspec.Struct):
        return "see there"
    return f"{default:g}" if isinstance(default, float) else str(default) or "empty"


def completed(fragment: str, folder: Path) -> Path:
    """Write a suite of an example: what it lacks comes from BASE."""
    given = set(re.findall(r"^(\w+):", fragment, re.MULTILINE))
    rest = "" if "version" in given else "".join(f"{k}: {v}\n" for k, v in BASE.items() if k not in given)
    path = folder / "suite.yaml"
    path.write_text(fragment + rest, encoding="utf-8")
    return path


def test_every_verb_is_listed() -> None:
    """The list of verbs has each verb of the command line once, in the same order."""
    listed = [row[0].strip("`") for row in rows(section("README.md", "Verbs"))]
    assert listed == [f"harness {verb}" for verb in VERBS]


def test_every_guide_is_in_the_index() -> None:
    """The index links every guide."""
    assert {name for name in GUIDES if f"]({name})" not in read("README.md")} == {"README.md"}


def test_every_exit_code_is_explained() -> None:
    """The table has each exit code, and the verbs name no other."""
    listed = {int(code) for row in rows(section("gates.md", "Exit codes")) for code in row[0].split(", ")}
    assert listed == {int(code) for code in ExitCode}
    named = {code for row in rows(section("README.md", "Verbs")) for code in re.findall(r"\d+", row[2])}
    assert {int(code) for code in named} <= listed


@pytest.mark.parametrize("heading", STRUCTS)
def test_every_suite_key_is_explained(heading: str) -> None:
    """Each table of keys has exactly the fields of its type, with their defaults."""
    listed = {row[0].strip("`"): row[2] for row in rows(section("suites.md", heading))}
    fields = msgspec.structs.fields(STRUCTS[heading])
    defaults = {
        field.encode_name: field.default
        if field.default_factory is msgspec.NODEFAULT
        else field.default_factory()
        for field in fields
    }
    assert listed == {name: shown(default) for name, default in defaults.items()}


@pytest.mark.parametrize("adapter", SYSTEMS)
def test_every_adapter_option_is_explained(adapter: str) -> None:
    """Each adapter's table has exactly the options of its signature, in order, with their defaults."""
    listed = [(row[0].strip("`"), row[2]) for row in rows(section("systems.md", adapter))]
    parameters = inspect.signature(find_system(adapter)).parameters.values()
    assert listed == [(parameter.name, shown(parameter.default)) for parameter in parameters]


def test_every_metric_is_explained() -> None:
    """Each metric has one row, with its cut-off, range, direction and version."""
    listed = {row[0].strip("`"): (row[2], row[3], row[5]) for row in rows(read("metrics.md")) if len(row) == 6}
    expected = {}
    for name in METRICS:
        metric = find_metric(f"{name}@5" if f"{name}@k" in listed else name)
        high = "and up" if metric.high is None else f"to {metric.high:g}"
        better = "higher" if metric.higher_is_better else "lower"
        key = f"{name}@k" if metric.cutoff else name
        expected[key] = (f"{metric.low:g} {high}", better, str(metric.version))
    assert listed == expected


def test_every_status_is_explained() -> None:
    """The table of statuses has the closed set."""
    assert [row[0].strip("`") for row in rows(section("metrics.md", "Statuses"))] == list(get_args(Status))


def test_every_gate_rule_has_its_section() -> None:
    """The five rules are listed, each with its verdicts below."""
    listed = {name for row in rows(section("gates.md", "Gates")) for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == set(RULES)
    for heading in ("max_drop", "min and max", "max_gap", "cases"):
        assert "**pass**" in section("gates.md", heading)
        assert "**fail**" in section("gates.md", heading)


def test_every_golden_field_is_explained() -> None:
    """The table has exactly the fields that are read, and every name that is read for one."""
    listed = {row[0].strip("`"): row[3] for row in rows(section("goldens.md", "Fields"))}
    assert set(listed) == set(RawCase.__struct_fields__)
    for name, others in ALIASES.items():
        assert set(others) <= set(re.findall(r"`([\w.]+)`", listed[name]))


def test_every_part_of_an_answer_is_explained() -> None:
    """The table of an answer has the fields of a Response; every kind of error is named."""
    listed = {row[0].strip("`") for row in rows(section("systems.md", "What a system answers"))}
    assert listed == set(Response.__struct_fields__) - {"text_repaired"}
    kinds = get_args(inspect.get_annotations(ResponseError, eval_str=True)["kind"])
    for name in (*kinds, *ENVIRONMENT):
        assert f"`{name}`" in read("systems.md")


def test_the_tree_is_the_tree() -> None:
    """The drawn tree names every module and package of ours."""
    (tree,) = re.findall(r"^harness/\n(.*?)\n\n\w", read("architecture.md"), re.MULTILINE | re.DOTALL)
    drawn = set(re.findall(r"^  ([\w.]+)/? ", tree, re.MULTILINE))
    found = {path.name for path in (ROOT / "harness").iterdir() if not path.name.startswith("__pycache__")}
    assert drawn == found - {"__init__.py", "py.typed"}


@pytest.mark.parametrize("name", [name for name in GUIDES if name != "ci.md"])
def test_every_yaml_example_is_a_valid_suite(name: str, tmp_path: Path) -> None:
    """Examples load as they are, or as a part of a suite."""
    for language, _, text in blocks(name):
        if language == "yaml":
            assert load_suite(completed(text, tmp_path)).suite.version == 1


def test_every_ci_example_is_a_pipeline() -> None:
    """The examples for CI are YAML, and what they run is shell."""
    found = [yaml.safe_load(text) for language, _, text in blocks("ci.md") if language == "yaml"]
    github, gitlab, steps = found
    scripts = [step["run"] for step in [*github["jobs"]["gate"]["steps"], *steps] if "run" in step]
    scripts += gitlab["rag-gate"]["script"]
    assert len(scripts) == 7
    for script in scripts:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_exists(name: str) -> None:
    """Verbs, their parts and their options in the guides are those of the command line."""
    context = click.Context(cli)
    for verb, rest in re.findall(r"\bharness ([a-z]+)((?: [^`\n]*)?)", re.sub(r"\(.*?\)", "", read(name))):
        if verb not in VERBS:
            assert not rest.startswith(" -"), f"harness {verb}{rest}"
            continue
        command = cli.get_command(context, verb)
        words = re.split(r" (?:\|\||&&|>)", rest)[0].split()
        if isinstance(command, click.Group) and words:
            command = command.get_command(context, words[0])
        assert command is not None, f"harness {verb}{rest}"
        known = {text for option in command.params for text in option.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= known, f"harness {verb}{rest}"


@pytest.mark.parametrize("name", [*(f"docs/{name}" for name in GUIDES), "README.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    """Relative links lead to files, and their anchors to headings."""
    page = ROOT / name
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{name}: {target}"


def test_every_query_is_answered(tmp_path: Path) -> None:
    """The examples of SQL run on a store without runs."""
    path = tmp_path / "harness.duckdb"
    with Store(path):
        pass
    queries = [text for language, _, text in blocks("reports.md") if language == "sql"]
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
    thread = threading.Thread(target=server.serve_forever)
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


EXAMPLES = [text for language, _, text in blocks("systems.md") if language == "yaml"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split()[2].strip('"'))
def test_every_system_example_answers(
    example: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example of a system or metric, as it stands, answers and scores both golden cases."""
    assert cli.main(["run", str(completed(example, project)), "-q", "--json"], standalone_mode=False) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accounting"]["answered"] == found["accounting"]["selected"] == 2
    assert all(estimate["n_unscored"] == 0 for estimate in found["estimates"].values())
