"""Runs that the tests of the commands share, made once."""

from __future__ import annotations

import pytest
from project import SUITE, World, call, call_all, make_project


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
