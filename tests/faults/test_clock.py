"""F13: the clock of the machine jumps while a run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import N_CASES, SUITE, call, copy_project

JUMPING = """
import runpy, sys, time
real, asked = time.time, [0]

def jumps():
    asked[0] += 1
    return real() + (-3600, 0, 31536000)[asked[0] % 3]

time.time = jumps
sys.argv[0] = "harness"
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_f13_a_clock_that_jumps_moves_no_duration_and_no_verdict(
    project: Path, tmp_path: Path, isolation: str
) -> None:
    """An hour back, a year on, at every look at the clock: times are lengths, and the verdict is the same.

    Calls are timed where their process is asked, and, without one, where the system is.
    """
    folder = copy_project(project, tmp_path / "project")
    text = (folder / SUITE).read_text()
    (folder / SUITE).write_text(
        text.replace("  adapter: python\n", f"  adapter: python\n  isolation: {isolation}\n")
    )
    steady = call("check", SUITE, "--run-id", "steady", "--quiet", cwd=folder)
    jumped = call("check", SUITE, "--run-id", "jumped", "--quiet", cwd=folder, program=("-c", JUMPING))
    assert (steady.code, jumped.code) == (0, 0), steady.err + jumped.err
    lines = (folder / "reports/runs/jumped/recording.jsonl").read_text().splitlines()
    answers = [json.loads(line)["data"] for line in lines if json.loads(line)["kind"] == "answer"]
    assert answers
    assert all(0 <= answer["response"]["timings"]["total_s"] < 60 for answer in answers)


def test_f13_runs_are_in_the_order_of_loading_whatever_their_clock_said(
    project: Path, tmp_path: Path
) -> None:
    """A run begun "in the year 2001" is still the second one that was loaded."""
    folder = copy_project(project, tmp_path / "project")
    assert call("run", SUITE, "--run-id", "a", cwd=folder).code == 0
    assert call("run", SUITE, "--run-id", "b", cwd=folder, SOURCE_DATE_EPOCH="1000000000").code == 0
    sql = "select run_id, n_results from runs order by load_order"
    rows = json.loads(call("query", sql, "--format", "json", cwd=folder).out)
    assert rows == [{"run_id": "a", "n_results": N_CASES}, {"run_id": "b", "n_results": N_CASES}]
