"""A project with a baseline, made once for the tests of faults."""

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
