"""F29 and F31: nothing listens, and nothing comes from outside that was not asked for by name and digest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from project import SUITE, call, copy_project

ROOT = Path(__file__).parents[2]
DEAF = """
import runpy, socket, sys

def refuse(*_):
    raise SystemExit("LISTENS")

socket.socket.listen = refuse
socket.socket.bind = refuse
sys.argv[0] = "harness"
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""
CORE = {
    "aiohttp",
    "click",
    "duckdb",
    "jinja2",
    "msgspec",
    "numpy",
    "pandas",
    "pyyaml",
    "rich",
    "scipy",
    "tenacity",
}
"""What an installation without extras brings; each was weighed, and another one needs a reason."""


def test_f29_no_command_listens(project: Path, tmp_path: Path) -> None:
    """There is no web view to be attacked from a page: what is looked at is a file, and no port is opened."""
    folder = copy_project(project, tmp_path / "project")
    for command in (
        ("check", SUITE, "--run-id", "r", "--quiet"),
        ("report", "r"),
        ("query", "select 1"),
        ("show", "r", "--errors"),
        ("doctor",),
    ):
        ended = call(*command, cwd=folder, program=("-c", DEAF))
        assert "LISTENS" not in ended.err
        assert ended.code in {0, 3}, ended.words
    assert "serve" not in call("--help", cwd=folder).out


def test_f31_every_package_of_the_lock_is_pinned_with_its_digest() -> None:
    """Another file under the same name and version is refused by the installer."""
    text = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"\n(?=[A-Za-z0-9])", "\n" + text.partition("\n")[2].strip())
    named = [package for package in packages if re.match(r"\s*[A-Za-z0-9][\w.-]*==", package)]
    assert len(named) > 60
    assert all("--hash=sha256:" in package for package in named)
    assert "http://" not in text
    assert "https://" not in text


def test_f31_what_is_installed_without_extras_is_short_and_bounded() -> None:
    """Each dependency of the core is known here, and has an upper bound."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=\[;! ]", one)[0].lower() for one in wanted}
    assert names <= CORE
    assert all("<" in one for one in wanted), wanted


def test_f31_no_workflow_runs_an_action_by_a_name_that_can_move() -> None:
    """Actions of others are named by commit."""
    used = [
        line.partition("uses:")[2].split("#")[0].strip()
        for path in (ROOT / ".github").rglob("*.yml")
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    assert used
    assert all(one.startswith("./") or re.search(r"@[0-9a-f]{40}$", one) for one in used), used
