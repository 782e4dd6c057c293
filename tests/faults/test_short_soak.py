"""The soak and the kills of the benchmarks, in short: same code, one round each."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from faulty_project import faulty, write_project

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import kills
import soak


def test_f8_a_round_of_the_soak_accounts_for_every_case(tmp_path: Path) -> None:
    """Faults, kills and resumes; the account stops at the first thing that does not add up."""
    with faulty(seed=5) as server:
        account = soak.one_round(server, tmp_path, random.Random(5))  # noqa: S311
    assert account["answers"] == account["cases"] == soak.N_CASES
    assert account["twice_recorded"] == 0


def test_f8_killed_at_a_random_moment_nothing_is_lost(tmp_path: Path) -> None:
    """At most what was in flight is asked twice, and the report is that of a run that nobody killed."""
    with faulty(latency_s=kills.LATENCY_S) as server:
        whole = write_project(tmp_path / "whole", server.port, kills.N_CASES, in_flight=kills.IN_FLIGHT)
        ended = kills.check(whole)
        row = kills.one_kill(server, tmp_path / "killed", random.Random(11), 4.0)  # noqa: S311
    assert (row["lost"], row["code"]) == (0, ended.code)
    assert row["repeated"] <= kills.IN_FLIGHT
    assert row["files"] == kills.files(whole)
