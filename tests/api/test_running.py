"""Running a suite with code of the user's own."""

from contextlib import chdir
from pathlib import Path

import pytest

from harness.api.running import RunOptions, run, validate
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
