"""A service with every kind of fault: each case is explained, in time, in little memory."""

from __future__ import annotations

import json
import time

import pytest
from fault_server import FAULTS
from faulty_project import MEASURED, faulty, peak_mb, write_project
from project import call

SCRIPTS = {
    "c0001": ["429", "503", "ok"],
    "c0002": ["503"],
    "c0003": ["hang"],
    "c0004": ["drip"],
    "c0005": ["reset", "ok"],
    "c0006": ["half", "half", "ok"],
    "c0007": ["html"],
    "c0008": ["nan"],
    "c0009": ["deep"],
    "c0010": ["huge"],
    "c0011": ["bomb"],
    "c0012": ["500", "ok"],
    "c0013": ["400bomb"],
    "c0014": ["brotli"],
}
ENDS = {
    "c0002": "http_status",
    "c0003": "timeout",
    "c0004": "timeout",
    "c0007": "bad_response",
    "c0008": "bad_response",
    "c0009": "bad_response",
    "c0010": "bad_response",
    "c0011": "bad_response",
    "c0013": "http_status",
    "c0014": "bad_response",
}
DEADLINE_S = 4.0


def test_every_kind_of_fault_is_scripted() -> None:
    """What the server can do is asked of it."""
    assert set(FAULTS) == {word for words in SCRIPTS.values() for word in words} - {"ok"}


@pytest.fixture(scope="module", params=["http", "openai_chat"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """One run of twenty cases, fourteen of them with faults, by each adapter that asks over HTTP."""
    with faulty(script=SCRIPTS) as server:
        folder = write_project(
            tmp_path_factory.mktemp("faulty") / "project",
            server.port,
            20,
            in_flight=20,
            deadline_s=DEADLINE_S,
            adapter=request.param,
        )
        began = time.monotonic()
        ended = call("check", "suite.yaml", "--run-id", "r", cwd=folder, program=("-c", MEASURED))
        took = time.monotonic() - began
        lines = map(json.loads, (folder / "reports/runs/r/recording.jsonl").read_text().splitlines())
        answers = {
            line["data"]["case_id"]: line["data"]["response"] for line in lines if line["kind"] == "answer"
        }
        return {
            "ended": ended,
            "took": took,
            "answers": answers,
            "account": server.account(),
            "rss_mb": peak_mb(folder),
        }


def test_f1_the_deadline_holds_whatever_the_service_does(ran) -> None:
    """Silence and a byte a second end at the deadline; everything else is scored."""
    assert ran["took"] < DEADLINE_S + 20  # start-up on a busy machine, and the report
    assert {case_id for case_id, answer in ran["answers"].items() if "error" in answer} == set(ENDS)


def test_f2_f3_every_failure_has_its_kind_and_its_attempts(ran) -> None:
    """What may be retried is, at most as often as the suite says; what is malformed is not."""
    kinds = {
        case_id: answer["error"]["kind"] for case_id, answer in ran["answers"].items() if "error" in answer
    }
    assert kinds == ENDS
    asked = {case_id: counts["asked"] for case_id, counts in ran["account"].items()}
    assert max(asked.values()) == 3
    assert asked["c0001"] == asked["c0002"] == asked["c0006"] == 3
    assert {asked[case_id] for case_id in ("c0005", "c0012")} == {2}
    assert (
        {n for case_id, n in asked.items() if ENDS.get(case_id) == "bad_response"} == {asked["c0013"]} == {1}
    )


def test_f4_a_reply_that_unpacks_to_gigabytes_stays_small_here(ran) -> None:
    """Ten gigabytes behind a few megabytes are read up to the limit."""
    assert ran["rss_mb"] < 300


def test_f7_a_run_with_errors_is_not_passed(ran) -> None:
    """Ten of 20 without an answer: 3 or 1, never 0."""
    assert ran["ended"].code in {1, 3}, ran["ended"].words
