"""A project with a baseline, made once for the tests of faults, and where processes note themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import SUITE, call, make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("faults") / "project")
    assert call("check", SUITE, "--run-id", "first", cwd=folder).code == 3
    assert call("baseline", "promote", "first", "--reason", "the first", cwd=folder).code == 0
    return folder


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which systems note their processes."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    return tmp_path / "pids"
