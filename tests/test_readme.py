"""The README tells the truth: its commands run, its excerpt is what is printed, its YAML is accepted."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.suites.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXIT_CODES = {"harness check suites/assistant.yaml": [3, 0]}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def environment():
    """The harness of this very interpreter comes first."""
    clean = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR"}}
    return {**clean, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def shell(command, folder):
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What `make demo` does once it has set itself up, in a copy of the tree."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("suites", "goldens", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    return shell("sh docs/demo.sh", folder)


@pytest.mark.slow
def test_make_demo_shows_a_pass_and_a_fail(demo):
    """It ends with 0 after a PASS and a FAIL, naming metric, slice, option, report and database."""
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "PASSED — all" in demo.stdout
    failed = demo.stdout.partition("FAILED — ")[2]
    for part in ("recall@5", "language=ja", "segment_unspaced", "report.html", "harness.duckdb", "exit 1"):
        assert part in failed


@pytest.mark.slow
def test_the_excerpt_is_what_the_demo_prints(demo):
    """Every line of the console excerpt stands in the demo's output, in this order."""
    (excerpt,) = re.findall(r"<!-- console -->\n```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    at = 0
    for line in excerpt.splitlines():
        found = demo.stdout.find(line.strip(), at)
        assert found >= 0, f"not printed any more: {line!r}"
        at = found
    assert excerpt.count("\n") > 8


def test_make_demo_and_make_test_are_targets():
    """Both do their set-up first; `make -n` shows what they run."""
    demo, test = blocks("sh")[0].split("\n")[:2]
    assert (demo, test) == ("make demo", "make test")
    assert "docs/demo.sh" in shell("make -n demo", ROOT).stdout
    assert "-m pytest" in shell("make -n test", ROOT).stdout


@pytest.mark.slow
def test_start_your_own_runs_as_written(tmp_path):
    """init, check without a baseline (3), promote, check (0)."""
    folder = tmp_path
    seen = {command: list(codes) for command, codes in EXIT_CODES.items()}
    for command in blocks("sh")[1].strip().splitlines():
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ")
            continue
        done = shell(command, folder)
        expected = seen[command].pop(0) if command in seen else 0
        assert done.returncode == expected, f"{command}: {done.stdout}{done.stderr}"


def test_the_yaml_is_accepted(tmp_path):
    """The system block and the gates are parts of a valid suite."""
    system, gates = blocks("yaml")[:2]
    head = "version: 1\nsuite: readme\ngoldens: [{path: cases.jsonl}]\n"
    rest = "metrics: [recall@5, faithfulness, required_facts, refusal_correctness, latency_s]\n"
    rest += "slices: {language: {from: groups.language}}\n"
    path = tmp_path / "suite.yaml"
    path.write_text(head + system + rest + gates, encoding="utf-8")
    suite = load_suite(path).suite
    assert suite.system["adapter"] == "http"
    kinds = [gate.kind for gate in suite.gates]
    assert kinds == [*["drop"] * 5, "bound", "gap", "scored", "cases"]


def test_the_exit_codes_are_those_of_the_code():
    """Every code of the table exists, and every code is in the table."""
    from harness.errors import ExitCode

    told = {
        int(code)
        for row in re.findall(r"^\| ([\d, ]+) \| [a-z]", README, re.MULTILINE)
        for code in row.split(", ")
    }
    assert told == {int(code) for code in ExitCode}


def test_links_lead_somewhere():
    """Every relative link of the README is a file or folder of the repository."""
    for target in re.findall(r"\]\(((?!http)[^)#]+)", README):
        assert (ROOT / target).exists(), target
