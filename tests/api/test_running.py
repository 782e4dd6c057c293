"""Running a suite with code of the user's own."""

import sys
from contextlib import chdir
from pathlib import Path

import pytest

from harness.api.beginning import RunOptions
from harness.api.running import run
from harness.api.validating import validate
from harness.places import Places

SUITE = """
version: 1
suite: own
goldens: [{path: cases.jsonl}]
system: {adapter: "own_rag_NAME:connect"}
metrics: [error_rate]
gates: [{id: errors, metric: error_rate, max: 0.5, bound: point}]
"""
ADAPTER = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def connect():
    yield lambda query: "yes"
    raise RuntimeError("the index does not close")
"""


def test_a_system_that_does_not_close_costs_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is complete, and what went wrong at the end is said."""
    name = f"own_rag_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "input": "Where?"}\n', encoding="utf-8")
    (tmp_path / "suite.yaml").write_text(SUITE.replace("own_rag_NAME", name), encoding="utf-8")
    with chdir(tmp_path):
        done = run(validate(Path("suite.yaml")), RunOptions(run_id="r"), Places(tmp_path / "reports"))
    assert done.recorded.complete
    assert [result.response.output for result in done.recorded.results] == ["yes"]
    assert "the system did not close: RuntimeError: the index does not close" in capsys.readouterr().err


def test_a_process_is_not_asked_more_than_it_has_workers(tmp_path: Path) -> None:
    """Questions never wait for a worker within their own deadline: a slow program loses none of them."""
    program = "import json, sys, time\nfor line in sys.stdin:\n    time.sleep(0.1)\n"
    program += '    print(json.dumps({"id": json.loads(line)["id"], "output": "yes"}), flush=True)\n'
    (tmp_path / "rag.py").write_text(program, encoding="utf-8")
    cases = "".join(f'{{"id": "q{n}", "input": "Where?"}}\n' for n in range(8))
    (tmp_path / "cases.jsonl").write_text(cases, encoding="utf-8")
    system = f'{{adapter: process, command: ["{sys.executable}", rag.py]}}'
    text = SUITE.replace('{adapter: "own_rag_NAME:connect"}', system) + "run: {deadline_s: 0.6}\n"
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")
    with chdir(tmp_path):
        done = run(validate(Path("suite.yaml")), RunOptions(run_id="r"), Places(tmp_path / "reports"))
    assert [result.response.error for result in done.recorded.results] == [None] * 8
