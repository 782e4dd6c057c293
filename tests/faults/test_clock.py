"""F13: the clock of the machine jumps while a run goes on."""

from __future__ import annotations

import json
import sys
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


PROGRAM = """
import json, sys
from mysystems import answer

class Query:
    pass

for line in sys.stdin:
    query = Query()
    query.id = json.loads(line)["id"]
    print(json.dumps({"id": query.id, **answer(query)}), flush=True)
"""
SYSTEMS = {
    "python": "  adapter: python\n  target: mysystems:answer\n",
    "python here": "  adapter: python\n  target: mysystems:answer\n  isolation: none\n",
    "process": f"  adapter: process\n  command: [{sys.executable}, program.py]\n",
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_f13_a_clock_that_jumps_moves_no_duration_and_no_verdict(
    project: Path, tmp_path: Path, system: str
) -> None:
    """An hour back, a year on, at every look at the clock: times are lengths, and the verdict is the same.

    Calls are timed by the process of the function, by who asks it, or by who asks a program.
    """
    folder = copy_project(project, tmp_path / "project")
    (folder / "program.py").write_text(PROGRAM)
    text = (folder / SUITE).read_text()
    assert text.count(SYSTEMS["python"]) == 1
    text = (
        text.partition("candidates:")[0].replace(SYSTEMS["python"], SYSTEMS[system])
        + text[text.index("slices:") :]
    )
    (folder / SUITE).write_text(text)
    jumped = call("check", SUITE, "--run-id", "jumped", "--quiet", cwd=folder, program=("-c", JUMPING))
    assert jumped.code == 0, jumped.err
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
