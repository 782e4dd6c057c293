"""F1: a retriever that hangs costs its own case and no other, and none waits for its worker in vain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from faulty_project import Faulty, faulty
from hanging_cases import DEADLINE_S, ask_all, assert_gone, check

from harness.types import Result


@pytest.fixture
def service() -> Iterator[Faulty]:
    """A chat model that answers every question."""
    with faulty(content="fine") as running:
        yield running


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    path = tmp_path / "prompt.md"
    path.write_text("## user\n{contexts}\n{question}\n")
    return path


def ask_chat(
    service: Faulty,
    prompt: Path,
    retriever: str,
    *,
    deadline_s: float = DEADLINE_S,
    options: Mapping[str, Any] = MappingProxyType({}),
    **texts: str,
) -> tuple[dict[str, Result], float]:
    """Ask 20 cases with a retriever, 4 at a time; ``texts`` are questions of some."""
    given = {
        "base_url": f"http://127.0.0.1:{service.port}/v1",
        "model": "m",
        "prompt": prompt,
        "retriever": f"hanging_retrievers:{retriever}",
        **options,
    }
    return ask_all("openai_chat", given, deadline_s=deadline_s, **texts)


@pytest.mark.parametrize(
    ("name", "options", "n_processes"),
    [
        ("spinning", {}, 2),
        ("sleeping_with_the_lock", {}, 2),
        ("backtracking", {"workers": 2}, 2),
        ("blocking_its_loop", {"workers": 4}, 2),
        ("awaiting", {}, 0),
        ("heedless", {}, 0),
    ],
)
def test_f1_a_retriever_that_hangs_costs_one_case(
    name: str, options: dict[str, Any], n_processes: int, service: Faulty, prompt: Path, pids: Path
) -> None:
    """Plain or async, holding Python's lock or its loop: it is ended at the deadline, with its child."""
    check(*ask_chat(service, prompt, name, options=options, q3="hang"))
    if n_processes:
        assert_gone(pids, n_processes)


def test_f1_one_process_for_all_searches_lets_those_beside_a_blocked_loop_be_late(
    service: Faulty, prompt: Path, pids: Path
) -> None:
    """Without ``workers`` an async retriever has one loop: it costs those in flight at most, and once."""
    results, seconds = ask_chat(service, prompt, "blocking_its_loop", q3="hang")
    errors = {case: found.response.error for case, found in results.items() if found.response.error}
    assert "q3" in errors
    assert {error.kind for error in errors.values()} == {"timeout"}
    assert len(errors) <= 4
    assert len(results) == 20
    assert seconds < 2 * DEADLINE_S + 3
    assert_gone(pids, 2)


@pytest.mark.parametrize("name", ["ending", "ending_later"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exit", "the retriever: the program ended with status 3: "),
        ("crash", "the retriever: the program was ended by SIGSEGV: "),
        ("fork", "the retriever: the program ended with status 0: "),
    ],
)
def test_f1_a_retriever_that_ends_its_process_costs_one_case(
    name: str, text: str, message: str, service: Faulty, prompt: Path, pids: Path
) -> None:
    """``process``, in words that name the retriever; calls beside it in the same process are asked again."""
    results, _ = ask_chat(service, prompt, name, q3=text)
    errors = {case: found.response.error for case, found in results.items() if found.response.error}
    assert set(errors) == {"q3"}
    assert errors["q3"].kind == "process"
    assert errors["q3"].message.startswith(message)
    if text == "exit":
        assert "no index at /data" in errors["q3"].message
    attempts = [found.response.attempts for case, found in results.items() if case != "q3"]
    assert attempts.count(1) >= (19 if name == "ending" else 16)
    assert set(attempts) <= {1, 2}
    if text == "fork":
        assert_gone(pids, 2 if name == "ending" else 4)


@pytest.mark.parametrize("name", ["ending", "ending_later"])
def test_f1_a_retriever_has_neither_input_nor_output_of_the_protocol(
    name: str, service: Faulty, prompt: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What it prints does not get between the replies but to standard error; its standard input is empty."""
    results, _ = ask_chat(service, prompt, name, q3="read")
    texts = {case: [passage.text for passage in found.response.retrieved] for case, found in results.items()}
    assert texts == {f"q{n}": ["read ''" if n == 3 else "fine"] for n in range(20)}
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "spoken by the function\n" * 20)


def test_f1_the_wait_for_a_worker_is_no_cases_time(service: Faulty, prompt: Path) -> None:
    """Twenty searches of 0.3 s in one process: each case is charged for its own, however long it waited."""
    results, seconds = ask_chat(service, prompt, "slow", deadline_s=0.9, options={"workers": 1})
    responses = [found.response for found in results.values()]
    assert [response.error for response in responses] == [None] * 20
    assert seconds > 20 * 0.3
    for response in responses:
        timings = response.timings
        assert timings.total_s is not None
        assert timings.retrieve_s is not None
        assert timings.generate_s is not None
        assert 0.3 <= timings.retrieve_s < 0.6
        assert timings.retrieve_s + timings.generate_s <= timings.total_s


def test_a_worker_is_free_while_the_model_answers(prompt: Path) -> None:
    """Searches in one process that take no time, answers that take 0.4 s: four at a time all the same."""
    with faulty(content="fine", latency_s=0.4) as slow_model:
        results, seconds = ask_chat(slow_model, prompt, "ending", options={"workers": 1})
    assert [found.response.error for found in results.values()] == [None] * 20
    assert seconds < 20 * 0.4 / 2


@pytest.mark.parametrize("options", [{"workers": 1}, {}, {"isolation": "none"}])
def test_f2_a_refused_answer_is_asked_for_again_with_its_search(
    options: dict[str, Any], prompt: Path
) -> None:
    """Refusals of the model while others wait for the one worker: every case has its answer and passages."""
    refused = {f"c{n:04}" for n in range(0, 20, 5)}
    script = {case_id: ["429", "503", "ok"] for case_id in refused}
    texts = {f"q{n}": f"What is c{n:04}?" for n in range(20)}
    with faulty(script=script, latency_s=0.01) as refusing:
        results, _ = ask_chat(refusing, prompt, "naming", deadline_s=30.0, options=options, **texts)
        account = refusing.account()
    responses = {case: found.response for case, found in results.items()}
    assert [response.error for response in responses.values()] == [None] * 20
    found = {case: [passage.text for passage in response.retrieved] for case, response in responses.items()}
    assert found == {case: [case] for case in texts}
    assert {case for case, counts in account.items() if counts["asked"] == 3} == refused
    assert sorted(response.attempts for response in responses.values()) == [1] * 16 + [3] * 4
