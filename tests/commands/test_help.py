"""Help: every verb at 80 columns, and a door that opens fast."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from project import call_inside, clean_env

from harness.cli import VERBS

SUBVERBS = ("baseline show", "baseline promote", "runs list", "runs show", "runs import",
            "selftest gate", "selftest metrics", "dataset variants", "label export", "label import",
            "judge calibrate", "judge agree")  # fmt: skip
HEAVY = {"numpy", "scipy", "sklearn", "pandas", "duckdb", "jinja2", "openai", "httpx", "aiohttp", "datasets",
         "ragas", "ray", "rich", "yaml"}  # fmt: skip
LOADED = """
import json, sys
from harness.cli import run_command
code = run_command(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["", *VERBS, *SUBVERBS])
def test_help_fits_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Every verb explains itself: usage, a sentence, every option with a text of its own."""
    ended = call_inside(capsys, tmp_path, *command.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"Usage: harness {command}".rstrip())
    assert [line for line in lines if len(line) > 80] == []
    assert "..." not in "\n".join(lines[1:])
    assert "RANGE" not in ended.out
    assert call_inside(capsys, tmp_path, *command.split(), "-h").out == ended.out


def test_every_verb_has_its_file_and_its_line() -> None:
    """The table of verbs, the files of verbs and the help are one list."""
    files = {path.stem for path in (Path(__file__).parents[2] / "harness/commands").glob("*.py")}
    parts = {
        "__init__",
        "beforehand",
        "candidates",
        "ending",
        "estimates",
        "freshness",
        "judge_calibrate",
        "outputs",
        "planted",
        "score_file",
        "tables",
        "terminal",
    }
    assert files - parts == set(VERBS)


def test_help_lists_every_verb_and_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first thing that a newcomer reads."""
    out = call_inside(capsys, tmp_path, "--help").out
    assert [line.split()[0] for line in out.partition("Verbs:\n")[2].splitlines()] == list(VERBS)
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130/143"):
        assert code in out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["chekc"]])
def test_the_door_opens_fast(tmp_path: Path, arguments: list[str]) -> None:
    """Asking for help loads none of the heavy packages and costs little processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == (2 if arguments == ["chekc"] else 0)
    assert HEAVY & set(modules) == set()
    assert after.ru_utime - before.ru_utime < 0.5
