"""One system held open with its recording, asked in several goes."""

import asyncio
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from msgspec.structs import replace
from world import cases_of, recorded_of

from harness.api.asking import Plan, missing, open_session
from harness.api.beginning import RunOptions, plan_run
from harness.api.validating import validate
from harness.engine.progress import Silent
from harness.engine.signals import Signals
from harness.errors import UsageError
from harness.recordings import Recording, read
from harness.suites.suite import choose_system
from harness.systems.callables import folder_importable
from harness.types import Response, Result

SUITE = """
version: 1
suite: own
goldens: [{path: cases.jsonl}]
system: {adapter: "NAME:connect", key: "${secret:OWN_KEY}"}
metrics: [error_rate]
gates: [{id: errors, metric: error_rate, max: 0.5, bound: point}]
run: {repeats: 2, max_concurrency: 3}
"""
ADAPTER = """
from contextlib import asynccontextmanager
from pathlib import Path

def note(word):
    with Path("log.txt").open("a") as file:
        file.write(word + "\\n")

@asynccontextmanager
async def connect(*, key: str):
    note("opened")
    if key == "wrong-key":
        raise RuntimeError(f"no such key: {key}")
    yield lambda query: f"{query.id} {key}"
    note("closed")
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    name = f"asked_rag_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(ADAPTER, encoding="utf-8")
    lines = "".join(f'{{"id": "q{n}", "input": "Where?"}}\n' for n in range(6))
    (tmp_path / "cases.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "suite.yaml").write_text(SUITE.replace("NAME", name), encoding="utf-8")
    monkeypatch.setenv("OWN_KEY", "open-sesame")
    with chdir(tmp_path), folder_importable(tmp_path):
        checked = validate(Path("suite.yaml"))
        yield Plan(checked.file, checked.dataset, choose_system(checked.file, ""))


def test_a_system_is_opened_once_for_all_that_is_asked(plan: Plan, tmp_path: Path) -> None:
    """Several goes share the system, the recording, the secrets and the count of what was done."""
    run, cases = plan_run(plan, RunOptions(run_id="r"))
    progress = Silent(len(cases) * run.repeats, 0)

    async def go() -> None:
        async with open_session(plan, run, recording, progress) as session:
            with Signals(progress) as signals:
                for part in (cases[:2], cases[2:]):
                    await session.ask(missing(read(recording.path), part), signals)
                assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "opened\n"

    with Recording.create(tmp_path / "r.jsonl", run, cases, plan.dataset.digests) as recording:
        asyncio.run(go())
        recording.finish()
    recorded = read(tmp_path / "r.jsonl")
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "opened\nclosed\n"
    assert progress.counts.done == len(recorded.results) == 12
    assert recorded.complete
    assert missing(recorded, cases) == []
    assert {result.response.output for result in recorded.results} == {f"q{n} [secret]" for n in range(6)}


def test_a_system_that_does_not_open_says_why_and_no_secret(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2: what the user's adapter raised is told, with the secret left out."""
    monkeypatch.setenv("OWN_KEY", "wrong-key")
    run, cases = plan_run(plan, RunOptions(run_id="r"))

    async def go() -> None:
        async with open_session(plan, run, recording, Silent(6, 0)):
            raise AssertionError

    with (
        Recording.create(tmp_path / "r.jsonl", run, cases, plan.dataset.digests) as recording,
        pytest.raises(UsageError, match=r"cannot be opened: RuntimeError: no such key: \[secret\]"),
    ):
        asyncio.run(go())


def test_what_is_missing_is_what_has_no_result() -> None:
    """Every case once before any is asked again; an error is a result unless errors are asked again."""
    cases = cases_of(3)
    recorded = recorded_of(cases, {"quality": [1.0, "timeout", None]})
    assert [(todo.case_id, todo.repeat) for todo in missing(recorded, cases)] == [("c002", 0)]
    again = missing(recorded, cases, retry_errors=True)
    assert [(todo.case_id, todo.repeat) for todo in again] == [("c001", 0), ("c002", 0)]
    # The error was asked again, and the run cut short before that answer was scored.
    answered = Result("c001", 0, Response("at last"))
    cut = replace(recorded, unscored=(answered,))
    for retry_errors in (False, True):
        todo = missing(cut, cases, retry_errors=retry_errors)
        assert [one.answer for one in todo] == [answered.response, None]
    twice = recorded_of(cases, {"quality": [1.0, 1.0, None]}, repeats=2)
    pairs = [(todo.case_id, todo.repeat) for todo in missing(twice, cases[1:])]
    assert pairs == [("c002", 0), ("c001", 1), ("c002", 1)]
