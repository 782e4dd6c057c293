"""F2: a service that is busy. Another try where it helps, no load where it does not, never a verdict."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from busy_server import Busy, Step, busy_server
from project import N_CASES, call_inside, make_project

from harness.engine.limits import Host
from harness.errors import SystemFailure
from harness.recordings import read
from harness.systems.http import connect
from harness.types import Query, Recorded, Result

SUITE = "suites/tiny.yaml"
Capture = pytest.CaptureFixture[str]


def project_at(folder: Path, busy: Busy, **run: Any) -> Path:
    """A project whose system is the service; ``run`` are keys of `run:`."""
    make_project(folder)
    suite = yaml.safe_load((folder / SUITE).read_text())
    suite["system"] = {"adapter": "http", "url": busy.url}
    suite["metrics"] = ["required_facts", "error_rate"]
    suite["gates"] = [{"id": "facts", "metric": "required_facts", "min": 0.9, "bound": "point"}]
    suite["run"] = run
    del suite["candidates"]
    (folder / SUITE).write_text(yaml.safe_dump(suite))
    return folder


def recorded_in(folder: Path, run: str = "r") -> Recorded:
    return read(folder / "reports/runs" / run / "recording.jsonl")


def test_f2_the_script_of_the_table(tmp_path: Path, capsys: Capture) -> None:
    """429 with Retry-After, then 503, then 200: three requests, the wait kept, the answer recorded.

    What failed stands in the recording; the latency is that of the successful attempt alone.
    """
    with busy_server(script=(Step(429, "1"), Step(503), Step(200))) as busy:
        folder = project_at(tmp_path / "p", busy)
        ended = call_inside(capsys, folder, "run", SUITE, "-q", "--case", "q-001", "--run-id", "r")
    assert ended.code == 0, ended.err
    (result,) = recorded_in(folder).results
    response = result.response
    assert (response.output, response.attempts) == ("fact 1 is value1.", 3)
    assert [(one.kind, one.http_status) for one in response.failures] == [
        ("http_status", 429),
        ("http_status", 503),
    ]
    (began,) = busy.began_at.values()
    assert len(began) == 3
    assert began[1] - began[0] >= 1.0
    assert response.failures[0].wait_s == pytest.approx(began[1] - began[0], abs=0.2)
    assert response.timings.total_s is not None
    assert response.timings.total_s < 0.5


def test_f2_an_outage_is_inconclusive_and_is_not_multiplied(tmp_path: Path, capsys: Capture) -> None:
    """All 503: exit 3, never 0 or 1; no more requests than the case's retries, and than the run's budget."""
    with busy_server(script=(Step(503),)) as busy:
        folder = project_at(tmp_path / "p", busy, max_concurrency=2, retries=2, retry_share=0.1)
        ended = call_inside(capsys, folder, "check", SUITE, "-q", "--run-id", "r")
    assert ended.code == 3, ended.words
    assert max(busy.asked.values()) <= 3
    assert N_CASES < busy.asked.total() <= N_CASES * 1.1 + 2 * 2
    errors = [result.response.error for result in recorded_in(folder).results]
    kinds = [error.kind for error in errors if error is not None]
    assert len(kinds) == N_CASES
    assert set(kinds) <= {"http_status", "retry_budget"}
    said = next(error.message for error in errors if error is not None and error.kind == "retry_budget")
    assert re.fullmatch(r"HTTP status 503: 'busy'; not tried again, the run has spent its \d+ retries", said)


def test_f2_a_case_tells_of_the_tries_before_its_last(tmp_path: Path, capsys: Capture) -> None:
    """A service that wants a longer wait than the deadline: a timeout, and `show` says what came before."""
    with busy_server(script=(Step(429, retry_after="30"),)) as busy:
        folder = project_at(tmp_path / "p", busy, deadline_s=0.5, max_concurrency=1)
        ended = call_inside(capsys, folder, "run", SUITE, "-q", "--run-id", "r", "--case", "q-000")
    assert ended.code == 0, ended.err
    listed = call_inside(capsys, folder, "show", "r", "--errors").out
    assert listed == "q-000  timeout  no answer within 0.5 s; tried before: http_status 429\n"
    shown = call_inside(capsys, folder, "show", "r", "q-000").out
    assert re.search(r"^tried before +http_status 429, then 0\.[45] s of waiting$", shown, re.MULTILINE)


def test_f2_what_cannot_get_better_is_asked_once(tmp_path: Path, capsys: Capture) -> None:
    """All 404: one request a case, exit 3."""
    with busy_server(script=(Step(404),)) as busy:
        folder = project_at(tmp_path / "p", busy)
        ended = call_inside(capsys, folder, "check", SUITE, "-q", "--run-id", "r")
    assert ended.code == 3
    assert set(busy.asked.values()) == {1}


def test_f2_a_service_that_admits_six_is_asked_six(tmp_path: Path, capsys: Capture) -> None:
    """Of 24 in flight: every case is answered, few are refused, and the progress line says the limit."""
    with busy_server(admits=6, latency_s=0.02) as busy:
        folder = project_at(tmp_path / "p", busy, max_concurrency=24, repeats=8)
        ended = call_inside(capsys, folder, "run", SUITE, "--run-id", "r")
    assert ended.code == 0, ended.err
    results = recorded_in(folder).results
    assert {kind_of(result) for result in results} == {None}
    assert len(results) == 8 * N_CASES
    assert 0 < busy.refused <= 0.15 * len(results)
    limit = int(ended.err.rpartition("limit ")[2].partition("/24")[0])
    assert 3 <= limit <= 12


def test_f2_a_service_that_admits_more_again_is_asked_more() -> None:
    """Four at a time of sixteen, then all: near four, then far above, without another refusal."""
    with busy_server(admits=4, latency_s=0.01) as busy:
        host = Host(16)
        system: Any = None

        async def ask_often(n: int) -> None:
            todo = iter(range(n))

            async def work() -> None:
                for number in todo:
                    settled = False
                    while not settled:
                        await host.admit()
                        try:
                            await host.call(system, Query(f"q{number}", f"What is fact {number}?"), 0)
                            settled = True
                        except SystemFailure:
                            await asyncio.sleep(0.01)

            await asyncio.gather(*(work() for _ in range(16)))

        async def go() -> tuple[float, int]:
            nonlocal system
            async with connect(url=busy.url) as system:
                await ask_often(200)
                limit, refused = host.concurrency.limit, busy.refused
                busy.admits = 16
                await ask_often(400)
            return limit, refused

        limit, refused = asyncio.run(go())
    assert 2 <= limit <= 8  # a busy machine holds a reply for longer than its service counts it
    assert 0 < refused <= 50
    assert busy.refused == refused
    assert host.concurrency.limit > 12


def kind_of(result: Result) -> str | None:
    return result.response.error.kind if result.response.error else None
