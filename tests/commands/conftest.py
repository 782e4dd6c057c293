"""Runs that the tests of the commands share, made once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from project import SUITE, Ended, call, call_all, make_project


class World(NamedTuple):
    """A project with a baseline (run ``first``) and runs ``same``, ``worse`` and ``failing``."""

    folder: Path
    first: Ended
    promoted: Ended
    same: Ended
    worse: Ended
    failing: Ended


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = make_project(tmp_path_factory.mktemp("commands") / "project")
    first = call("check", SUITE, "--run-id", "first", cwd=folder)
    promoted = call("baseline", "promote", "first", "--reason", "the first", cwd=folder)
    checks = call_all(
        (
            ("check", SUITE, "--run-id", "same"),
            ("check", SUITE, "--run-id", "worse", "--candidate", "worse"),
            ("check", SUITE, "--run-id", "failing", "--candidate", "failing"),
        ),
        folder,
    )
    return World(folder, first, promoted, *checks)
