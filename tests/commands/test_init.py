"""``harness init``: what it writes, what it refuses, and that the project runs as its README says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from harness.commands.init import NEXT, SCHEMA, WRITTEN
from harness.gates.drop import MIN_CLUSTERS, MIN_PAIRS
from harness.goldens.dataset import load_dataset
from harness.suites.suite import load_suite


class Ended(NamedTuple):
    """A command that ended: its exit code, and both its outputs together."""

    code: int
    text: str


def call(command: str, folder: Path) -> Ended:
    program, *arguments = shlex.split(command)
    assert program == "harness"
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init") / "my eval"
    ended = call(f"harness init {shlex.quote(str(folder))}", folder.parent)
    assert ended.code == 0, ended.text
    for command in (f"cd {shlex.quote(str(folder))}", *NEXT):
        assert f"\n  {command}\n" in ended.text
    return folder


@pytest.fixture(scope="module")
def flow(project: Path) -> list[tuple[str, Ended]]:
    """Everything that init, the README and the workflow tell the user to run, in their order."""
    (check,) = re.findall(r"run: (harness .*)", read(project, ".github/workflows/rag-gate.yml"))
    ended = [(command, call(command, project)) for command in (*NEXT, check)]
    assistant = project / "assistant.py"
    text = assistant.read_text(encoding="utf-8")
    assert text.count("TOP_K = 3") == 1
    assistant.write_text(text.replace("TOP_K = 3", "TOP_K = 1"), encoding="utf-8")
    later = (
        NEXT[0],
        "harness show last renewals-late-dvd-en",
        "harness validate suites/assistant.yaml",
        "harness schema suite",
    )
    return ended + [(command, call(command, project)) for command in later]


def read(project: Path, name: str) -> str:
    return (project / name).read_text(encoding="utf-8")


def test_init_writes_the_starter_byte_for_byte(project: Path) -> None:
    """What lies in the package is what the user gets, and nothing else but a schema and a .gitignore."""
    written = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert written - {".gitignore"} >= set(WRITTEN)
    for name in set(WRITTEN) - {SCHEMA}:
        assert (project / name).read_bytes() == files("harness").joinpath("starter", name).read_bytes()


def test_the_whole_flow(flow: list[tuple[str, Ended]]) -> None:
    """Inconclusive without a baseline, promoted, passed twice, failed once TOP_K is 1."""
    codes = [ended.code for _, ended in flow]
    assert codes == [3, 0, 0, 0, 1, 0, 0, 0], "\n".join(f"{c}\n{e.text}" for c, e in flow)


def test_the_first_check_says_how_to_go_on(flow: list[tuple[str, Ended]]) -> None:
    """Without a baseline the console names the command that makes one."""
    assert "harness baseline promote" in " ".join(flow[0][1].text.split())


def test_the_failure_names_the_gate_on_retrieval(flow: list[tuple[str, Ended]]) -> None:
    """TOP_K = 1 loses documents, and the verdict says so first."""
    text = flow[4][1].text
    assert "FAILED" in text
    assert "recall@3 fell" in " ".join(text.split())


def test_every_command_of_the_readme_was_run(project: Path, flow: list[tuple[str, Ended]]) -> None:
    """A command that the README shows is one that the flow above has run."""
    text = read(project, "README.md")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    shown += re.findall(r"(?<!`)`(harness [^`]*)`", text)
    assert shown[:3] == list(NEXT)
    assert len(shown) >= 6
    assert set(shown) <= {command for command, _ in flow}


def test_the_readme_names_every_file(project: Path) -> None:
    """Each written file has its row; only the README does not describe itself."""
    text = read(project, "README.md")
    assert [name for name in WRITTEN if f"| `{name}` |" not in text] == ["README.md"]


def test_the_suite_fits_the_schema_beside_it(project: Path) -> None:
    """The schema line points at a file that init wrote, and the suite is valid by it."""
    text = read(project, "suites/assistant.yaml")
    match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert match
    schema = json.loads(read(project, f"suites/{match.group(1)}"))
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_the_goldens_are_enough_for_the_gates(project: Path) -> None:
    """Every quote is found, both languages ask the same, and drops have enough pairs and documents."""
    file = load_suite(project / "suites" / "assistant.yaml")
    dataset = load_dataset(file.suite.goldens, file.folder, file.suite.suite)
    answerable = [case for case in dataset.cases if case.evidence]
    assert all(item.start is not None for case in answerable for item in case.evidence)
    assert all(case.must_include and case.expected_output for case in answerable)
    assert len(answerable) >= MIN_PAIRS
    assert len({case.cluster for case in answerable}) > MIN_CLUSTERS
    assert {case.expected_behavior for case in dataset.cases if not case.evidence} == {"refuse"}
    by_language = {
        language: {
            case.id.removesuffix(f"-{language}")
            for case in dataset.cases
            if case.groups["language"] == language
        }
        for language in ("en", "de")
    }
    assert by_language["en"] == by_language["de"]
    assert len(dataset.cases) == 2 * len(by_language["en"])


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """With files in the way it names them all, writes nothing, and ends with 2."""
    for name in ("README.md", "assistant.py"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    ended = call("harness init", tmp_path)
    assert ended.code == 2
    assert "README.md" in ended.text
    assert "assistant.py" in ended.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "assistant.py"]
    assert read(tmp_path, "README.md") == "mine"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "reports/\n"),
        ("*.pyc", "*.pyc\nreports/\n"),
        ("*.pyc\n", "*.pyc\nreports/\n"),
        ("/reports\n", "/reports\n"),
        ("reports/*\n", "reports/*\n"),
    ],
)
def test_reports_are_ignored_once(tmp_path: Path, before: str | None, after: str) -> None:
    """An entry is added to .gitignore, only where there is none."""
    from click.testing import CliRunner

    from harness.commands.init import init

    ignore = tmp_path / ".gitignore"
    if before is not None:
        ignore.write_text(before, encoding="utf-8")
    ended = CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False, standalone_mode=False)
    assert ended.return_value == 0
    assert ignore.read_text(encoding="utf-8") == after
