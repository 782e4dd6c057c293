"""Large runs: what one case more takes of memory is bounded, and what is not held changes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from project import SUITE, call_inside, copy_project, make_project

from harness import cases
from harness.recordings import results
from harness.store import Store

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import large_runs

FEW, MANY = 1000, 5000
HELD = 500_000
"""Bytes of results that are held, and of cases that are shown: little, so that few cases are many."""
TEXT = " ".join(f"clause {number} of the lease sets a period of {number % 90} days;" for number in range(40))
LARGE = """version: 1
suite: large
goldens: [{path: cases.jsonl}]
system: {adapter: replay, path: answers.jsonl}
metrics: [required_facts]
gates: [{id: facts, metric: required_facts, min: 0.5, bound: point}]
"""
LITTLE = f"""
import harness.cases, harness.recordings.results, harness.regressions
harness.recordings.results.HELD_BYTES = harness.regressions.SHOWN_BYTES = {HELD}
harness.cases.HELD_BYTES = {HELD}
"""


def peak_kb(folder: Path, *arguments: str) -> float:
    """The most memory of a whole command, in kB."""
    return 1024 * large_runs.measure(folder, *arguments, first=LITTLE)["peak_mb"]


def peaks_kb(folder: Path, n_cases: int) -> dict[str, float]:
    """The peaks of a run, of a gate against an equal one and what a baseline of it is for.

    Cases have 2 kB of text each.
    """
    folder.mkdir()
    with (folder / "cases.jsonl").open("w") as cases, (folder / "answers.jsonl").open("w") as answers:
        for number in range(n_cases):
            name, text = f"c{number:05}", f"{number}: {TEXT}"
            case = {"id": name, "input": f"What does {text} mean?", "must_include": [str(number)]}
            passage = {"doc_id": name, "text": text}
            answer = {"id": name, "output": f"It is {number}.", "retrieved": [passage]}
            cases.write(json.dumps(case) + "\n")
            answers.write(json.dumps(answer) + "\n")
    (folder / "suite.yaml").write_text(LARGE)
    peak_kb(folder, "run", "suite.yaml", "--run-id", "base")
    commands = {
        "run": ("run", "suite.yaml", "--run-id", "new"),
        "gate": ("gate", "new", "--baseline", "base"),
        "baseline": ("baseline", "promote", "base", "--reason", "the first", "--keep-text"),
        "plan": ("plan", "suite.yaml"),
    }
    return {name: peak_kb(folder, *arguments) for name, arguments in commands.items()}


ON_LINUX = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="tells peak memory on Linux only"
)


@pytest.fixture(scope="module")
def growth_kb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What a case more takes at the peak, by command."""
    folder = tmp_path_factory.mktemp("large")
    few, many = (peaks_kb(folder / str(n), n) for n in (FEW, MANY))
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in few}


@ON_LINUX
@pytest.mark.parametrize(("command", "limit_kb"), [("run", 11), ("gate", 4), ("baseline", 2.3), ("plan", 3)])
def test_f38_a_case_more_takes_little_memory(
    growth_kb: dict[str, float], command: str, limit_kb: float
) -> None:
    """A question and a passage of 2 kB each: where its lines stand, its scores, and neither of the two.

    Where goldens are held, a gate takes 5.2 kB a case, a baseline 3.2 kB, a plan 5.3 kB; a gate that holds
    both answers takes 16 kB, a report of all cases made at one go 49 kB, a baseline that is packed at one go
    12 kB.
    """
    assert growth_kb[command] <= limit_kb


def test_f38_what_is_not_held_gives_the_same_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs with errors and repeats, promoted, gated, scored again, merged, imported: the same files."""
    project = make_project(tmp_path / "project")
    commands = (
        ("run", SUITE, "--run-id", "base", "--repeat", "2"),
        ("baseline", "promote", "base", "--reason", "the first", "--force"),
        ("check", SUITE, "--candidate", "worse", "--run-id", "worse", "--no-early-stop"),
        ("check", SUITE, "--candidate", "failing", "--run-id", "failing", "--no-early-stop"),
        ("gate", "worse", "--baseline", "base"),
        ("score", "worse", "--run-id", "again"),
        ("audit", "worse", "--baseline", "base"),
        ("compare", "base", "worse", "failing"),
        ("runs", "import"),
        ("run", SUITE, "--run-id", "some", "--limit", "7", "--seed", "3"),
        ("dataset", "variants", "goldens/cases.jsonl", "-o", "variants.jsonl"),
        ("label", "export", "base", "--metric", "required_facts", "--n", "4", "-o", "packet.csv"),
        ("race", SUITE, "--candidates", "plain,worse", "--run-id", "race", "--metric", "required_facts"),
    )
    found = {}
    for held in (10**9, 0):
        monkeypatch.setattr(results, "HELD_BYTES", held)
        monkeypatch.setattr(cases, "HELD_BYTES", held)
        folder = copy_project(project, tmp_path / str(held))
        said = [call_inside(capsys, folder, *command) for command in commands]
        assert not any(ended.code > 3 or "Traceback" in ended.err for ended in said), said
        kept = {"report.json", "report.html", "report.md", "junit.xml", "audit.json", "audit.html"}
        kept.add("variants.jsonl")
        files = {
            path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.name in kept
        }
        with Store(folder / "reports/harness.duckdb") as store:
            rows = [(row.run_id, row.n_results, row.complete, row.outcome) for row in store.runs()]
        found[held] = [ended.code for ended in said], rows, files
    assert found[0] == found[10**9]
    assert len(found[0][2]) >= 9


@ON_LINUX
def test_f38_the_large_run_in_short(tmp_path: Path) -> None:
    """What `make bench-large` does with 100,000 cases, with 200: it ends, and no goal is missed."""
    page = tmp_path / "page.md"
    assert large_runs.main(["--cases", "200", "--out", str(page)]) == 0
    assert "Every goal was met." in page.read_text()
    assert "| gate |" in page.read_text()
