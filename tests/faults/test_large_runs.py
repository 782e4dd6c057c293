"""Large runs: what one case more takes of memory is bounded, from the goldens to the report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW, MANY = 1000, 5000
TEXT = " ".join(f"clause {number} of the lease sets a period of {number % 90} days;" for number in range(40))
SUITE = """version: 1
suite: large
goldens: [{path: cases.jsonl}]
system: {adapter: replay, path: answers.jsonl}
metrics: [required_facts]
gates: [{id: facts, metric: required_facts, min: 0.5, bound: point}]
"""
MEASURED = """
import re, runpy, sys
sys.argv[0] = "harness"
try:
    runpy.run_module("harness", run_name="__main__", alter_sys=True)
finally:
    # Of this program alone: what getrusage tells begins with the peak of the process that forked it.
    with open("/proc/self/status") as status, open("peak.txt", "w") as file:
        file.write(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
"""


def peak_kb(folder: Path, *arguments: str) -> int:
    """The most memory of a whole command that ends well, in kB."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int((folder / "peak.txt").read_text())


def peaks_kb(folder: Path, n_cases: int) -> dict[str, int]:
    """The peaks of a run and of a gate against an equal one, of cases with 2 kB of text each."""
    folder.mkdir()
    with (folder / "cases.jsonl").open("w") as cases, (folder / "answers.jsonl").open("w") as answers:
        for number in range(n_cases):
            name, text = f"c{number:05}", f"{number}: {TEXT}"
            case = {"id": name, "input": f"What does {text} mean?", "must_include": [str(number)]}
            passage = {"doc_id": name, "text": text}
            answer = {"id": name, "output": f"It is {number}.", "retrieved": [passage]}
            cases.write(json.dumps(case) + "\n")
            answers.write(json.dumps(answer) + "\n")
    (folder / "suite.yaml").write_text(SUITE)
    peak_kb(folder, "run", "suite.yaml", "--run-id", "base")
    found = {"run": peak_kb(folder, "run", "suite.yaml", "--run-id", "new")}
    return found | {"gate": peak_kb(folder, "gate", "new", "--baseline", "base")}


@pytest.fixture(scope="module")
def growth_kb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What a case more takes at the peak, by command."""
    folder = tmp_path_factory.mktemp("large")
    few, many = (peaks_kb(folder / str(n), n) for n in (FEW, MANY))
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in few}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells peak memory on Linux only")
@pytest.mark.parametrize(("command", "limit_kb"), [("run", 20), ("gate", 43)])
def test_f38_a_case_more_takes_little_memory(
    growth_kb: dict[str, float], command: str, limit_kb: int
) -> None:
    """A question and a passage of 2 kB each: a few copies of them at most, one more for each run compared.

    A run that holds its goldens twice takes 24 kB a case, a report made at one go 49 kB.
    """
    assert growth_kb[command] <= limit_kb
