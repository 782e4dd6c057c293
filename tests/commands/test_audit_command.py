"""``harness audit`` as a stranger calls it: files, terminal, exit codes, faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import SUITE, World, call, call_inside, call_on_terminal, make_project

Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The project with its runs, but without the system: an audit asks nobody."""
    folder = tmp_path / "project"
    shutil.copytree(world.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.duckdb"))
    (folder / "mysystems.py").unlink()
    return folder


def test_audit_writes_its_files_and_the_same_again(folder: Path) -> None:
    """audit.html and audit.json lie beside the run's report, the same bytes under another hash seed."""
    first = call("audit", "worse", cwd=folder)
    files = [folder / "reports/runs/worse" / name for name in ("audit.html", "audit.json")]
    before = [file.read_bytes() for file in files]
    again = call("audit", "worse", cwd=folder, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert (first.code, again.code) == (1, 1)
    assert [file.read_bytes() for file in files] == before
    assert first.out.splitlines()[-1].split() == ["audit", "reports/runs/worse/audit.html"]


def test_exit_code_is_that_of_the_gap_gates(folder: Path, capsys: Said) -> None:
    """1 where a gap gate fails although nothing else is decided, 0 where it passes or there is none."""
    assert call_inside(capsys, folder, "audit", "same").code == 0
    failed = call_inside(capsys, folder, "audit", "worse")
    assert (failed.code, "gap: de is worse than the rest by 1.000" in failed.words) == (1, True)
    assert call_inside(capsys, folder, "audit", "failing").code == 3
    path = folder / "reports/runs/worse/recording.jsonl"
    assert '"max_gap":0.25' in path.read_text()


def test_the_summary_fits_the_terminal(folder: Path) -> None:
    """80 columns, the gravest first, and what was not audited at the end."""
    ended = call_on_terminal("audit", "worse", cwd=folder, NO_COLOR="1")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("3 gaps audited: worse beyond tolerance 2")
    table = [line for line in lines if line.startswith(("recall@5", "required_facts", "error_rate"))]
    assert [line.split()[2] for line in table] == ["FAIL", "FAIL", "none"]
    assert "widened" in ended.out
    assert "not audited  needless refusals" in ended.out


def test_json_is_one_document_and_the_file(folder: Path, capsys: Said) -> None:
    """--json prints what audit.json holds; -o writes it elsewhere, by its ending."""
    ended = call_inside(capsys, folder, "audit", "worse", "--json", "-o", "here/a.json", "-o", "here/a.html")
    document = json.loads(ended.out)
    assert document["kind"] == "audit"
    assert document["exit_code"] == 1
    assert {item["gap"]["metric"] for item in document["gaps"]} == {
        "recall@5",
        "required_facts",
        "error_rate",
    }
    assert json.loads((folder / "here/a.json").read_text()) == document
    assert (folder / "here/a.html").read_text().startswith("<!doctype html>")


def test_change_is_against_the_baseline_that_is_named(folder: Path, capsys: Said) -> None:
    """By default the suite's own lock; a run of that name with --baseline."""

    def changes(*arguments: str) -> float:
        found = json.loads(call_inside(capsys, folder, "audit", *arguments, "--json").out)
        item = next(item for item in found["gaps"] if item["gap"]["metric"] == "recall@5")
        return float(next(row["change"] for row in item["changes"] if row["group"] == "de"))

    assert changes("worse") == pytest.approx(1.0)
    assert changes("worse", "--baseline", "worse") == 0.0
    assert changes("same", "--baseline", "worse") == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "worse", "--slice", "langage"), "did you mean 'language'?"),
        (("audit", "worse", "--by-topic", "topic"), "no slice 'topic' in the suite"),
        (("audit", "worse", "--margin", "0"), "above 0 and at most 1"),
        (("audit", "worse", "--margin", "much"), "not a valid float"),
        (("audit", "worse", "-o", "a.pdf"), "cannot tell the format of 'a.pdf'"),
        (("audit", "wrose"), "did you mean 'worse'?"),
    ],
)
def test_wrong_arguments_are_told(folder: Path, capsys: Said, arguments: tuple[str, ...], said: str) -> None:
    """2, with what is right, and nothing written."""
    ended = call_inside(capsys, folder, *arguments)
    assert (ended.code, said in ended.words) == (2, True), ended.words
    assert not (folder / "reports/runs/worse/audit.html").exists()


def test_hostile_names_of_groups_stay_text(tmp_path: Path) -> None:
    """A group named like an escape, a workflow command or markup steers nothing."""
    evil = "\x1b[31m\n::error::<script>alert(1)</script>"
    changes = {f"q_{i:03}": {"groups": {"language": evil}} for i in range(0, 60, 3)}
    project = make_project(tmp_path / "project", **changes)
    assert call("run", SUITE, "--run-id", "evil", "--candidate", "worse", "-q", cwd=project).code == 0
    ended = call("audit", "evil", cwd=project, NO_COLOR="1")
    assert ended.code == 1, ended.words
    assert "\x1b" not in ended.out + ended.err
    assert not [line for line in ended.out.splitlines() if line.startswith("::")]
    page = (project / "reports/runs/evil/audit.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
