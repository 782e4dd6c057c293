"""One question to one service: what is sent, retries, times, keys, and what failures become."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from asking_doubles import settings_of, with_judges
from judge_stub import Reply, Stub, judge_soundly, labels_of, stub_judge, verdicts

from harness.errors import JudgeFailure
from harness.judges.asking import Asking
from harness.types import Opinion, Question

LABELS = ("supported", "unsupported", "contradicted")
QUESTION = Question(
    "claims.v1", (("text 1", "Sent within 11 days."),), ("Sent within 11 days.", "Within 12."), LABELS
)


def _ask(stub: Stub, **settings: Any) -> tuple[Opinion, dict[str, Any]]:
    def work(judge: Asking) -> tuple[Opinion, dict[str, Any]]:
        return judge(QUESTION), judge.account()

    return with_judges({"default": settings_of(stub, **settings)}, work)


def _in_turn(*replies: Reply) -> Any:
    left = list(replies)
    return lambda request: left.pop(0) if left else judge_soundly(request)


def test_what_is_sent() -> None:
    """Model, messages and what is set; a schema with the labels where the server enforces one."""
    with stub_judge() as stub:
        _ask(stub, api_key="k1", temperature=0.5, max_tokens=99)
        _ask(stub, output="json", temperature=None)
        _ask(stub, output="text")
        _ask(stub, output="logprob")
    first, plain, text, *tokens = stub.requests
    assert set(first) == {"model", "messages", "temperature", "max_tokens", "response_format"}
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("m", 0.5, 99)
    schema = first["response_format"]["json_schema"]
    assert schema["strict"] is True
    verdict = schema["schema"]["properties"]["verdicts"]["items"]["properties"]["verdict"]
    assert verdict == {"type": "string", "enum": list(LABELS)}
    assert plain["response_format"] == {"type": "json_object"}
    assert "temperature" not in plain
    assert "response_format" not in text
    assert [(one["max_tokens"], one["logprobs"], one["top_logprobs"]) for one in tokens] == [
        (1, True, 20)
    ] * 2
    assert stub.keys[0] == "Bearer k1"


def test_verdicts_tokens_and_cost() -> None:
    """What is said of each item, who said it, and what it took by the prices."""
    with stub_judge() as stub:
        found, account = _ask(stub, usd_per_million_tokens={"input": 2.0, "output": 8.0})
    assert [found.verdict(0), found.verdict(1)] == ["supported", "contradicted"]
    (judge,) = account["judges"]
    assert (judge["served"], judge["input_tokens"], judge["output_tokens"]) == ("stub-model-1", 100, 10)
    assert judge["cost_usd"] == pytest.approx(0.00028)
    assert "agreement" not in account


def test_log_probabilities_are_asked_for_one_item_at_a_time() -> None:
    """The fast judge: one token for each claim, and its probability is the share."""

    def script(request: dict[str, Any]) -> Reply:
        top = [{"token": "supported", "logprob": -0.2231436}, {"token": "un", "logprob": -1.6094379}]
        return Reply("supported", logprobs={"content": [{"token": "supported", "top_logprobs": top}]})

    with stub_judge(script) as stub:
        found, account = _ask(stub, output="logprob")
    assert found.shares == (pytest.approx((0.8, 0.2, 0.0)), pytest.approx((0.8, 0.2, 0.0)))
    assert stub.count == 2
    assert account["judges"][0]["input_tokens"] == 200
    one, other = (request["messages"] for request in stub.requests)
    assert one[:-1] == other[:-1]
    before = one[-1]["content"].removesuffix(QUESTION.items[0])
    assert before.endswith("item 1]\n")
    assert other[-1]["content"] == before + QUESTION.items[1]


@pytest.mark.parametrize("bad", ["no JSON", '{"verdicts": []}', json.dumps({"verdicts": [{"item": True}]})])
def test_f6_a_bad_reply_is_asked_again_once_saying_why(bad: str) -> None:
    """The second try has the fault among its instructions, in our words; both tries are paid for."""
    with stub_judge(_in_turn(Reply(bad))) as stub:
        found, account = _ask(stub)
    assert found.verdict(0) == "supported"
    assert account["judges"][0]["input_tokens"] == 200
    first, second = (request["messages"] for request in stub.requests)
    assert second[1:] == first[1:]
    assert second[0]["content"].startswith(first[0]["content"])
    assert "the judge's reply was refused" in second[0]["content"]
    assert stub.count == 2


def test_f6_twice_bad_is_a_failure_and_no_default() -> None:
    """Two tries in all, then there is no verdict."""
    with stub_judge(lambda _: Reply("yes, all of it")) as stub, pytest.raises(JudgeFailure) as caught:
        _ask(stub)
    assert stub.count == 2
    assert caught.value.answered


def test_f2_busy_services_are_asked_again_as_they_wish() -> None:
    """429 with Retry-After and 503 are tried again; the verdict is that of the try that came through."""
    busy = [Reply(status=429, body=b"{}", headers=(("Retry-After", "1"),)), Reply(status=503, body=b"{}")]
    began = time.monotonic()
    with stub_judge(_in_turn(*busy)) as stub:
        found, _ = _ask(stub, retries=3, timeout_s=20.0)
    assert found.verdict(0) == "supported"
    assert stub.count == 3
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize(("status", "calls"), [(429, 3), (500, 3), (503, 3), (400, 1), (401, 1), (404, 1)])
def test_f2_a_service_that_fails_is_a_failure(status: int, calls: int) -> None:
    """After the retries, and at once where another try cannot help; the message has the status."""
    fail = Reply(status=status, body=b'{"error": {"message": "no"}}', headers=(("retry-after-ms", "1"),))
    with (
        stub_judge(lambda _: fail) as stub,
        pytest.raises(JudgeFailure, match=f"HTTP status {status}") as caught,
    ):
        _ask(stub, retries=2)
    assert stub.count == calls
    assert not caught.value.answered


def test_f1_a_service_that_hangs_is_given_up_in_time() -> None:
    """The time is for the question in all, with every try."""
    began = time.monotonic()
    with stub_judge(lambda _: Reply("", delay_s=3.0)) as stub, pytest.raises(JudgeFailure):
        _ask(stub, timeout_s=0.3, retries=3)
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b'{"choices": [',
        b"\xff\xfe",
        b"[]",
        b'{"choices": [], "choices": []}',
        b"NaN",
    ],
)
def test_f3_a_body_that_is_no_completion_is_a_failure(body: bytes) -> None:
    """Status 200 does not make it one."""
    with stub_judge(lambda _: Reply(body=body)) as stub, pytest.raises(JudgeFailure, match="refused"):
        _ask(stub)
    assert stub.count == 2


def test_f4_a_reply_without_end_is_not_read() -> None:
    """More than a million bytes are no verdict."""
    with (
        stub_judge(lambda _: Reply(body=b" " * 1_100_000)) as stub,
        pytest.raises(JudgeFailure, match="longer"),
    ):
        _ask(stub)
    assert stub.count == 1


def test_f2_no_service_is_a_failure() -> None:
    """Where nobody listens there is no verdict."""
    with stub_judge() as stub:
        pass
    with pytest.raises(JudgeFailure, match="was not reached"):
        _ask(stub)


def test_f24_no_key_is_taken_from_the_environment() -> None:
    """Without ``api_key`` the key of the environment stays there."""
    os.environ["OPENAI_API_KEY"] = "s3cret-from-outside"
    try:
        with stub_judge() as stub:
            _ask(stub)
    finally:
        del os.environ["OPENAI_API_KEY"]
    assert stub.keys == ["Bearer none"]


def test_f24_a_key_that_the_service_echoes_is_hidden() -> None:
    """In the message of a failure, and in the name of the model."""
    os.environ["JUDGE_KEY"] = "s3cret-of-judges"
    echo = Reply(status=401, body=b'{"error": {"message": "wrong key s3cret-of-judges"}}')
    try:
        with stub_judge(lambda _: echo) as stub, pytest.raises(JudgeFailure, match=r"wrong key \[secret\]"):
            _ask(stub, api_key="${secret:JUDGE_KEY}")
        with stub_judge() as stub:
            stub.model = "m s3cret-of-judges"
            _, account = _ask(stub, api_key="${secret:JUDGE_KEY}")
    finally:
        del os.environ["JUDGE_KEY"]
    assert stub.keys == ["Bearer s3cret-of-judges"]
    assert account["judges"][0]["served"] == "m [secret]"


def test_usage_that_is_not_believable_is_unknown() -> None:
    """Negative, fractional or no numbers of tokens are not added up."""

    def script(request: dict[str, Any]) -> Reply:
        message = {"content": verdicts(request, [labels_of(request)[0]] * 2).content}
        usage = {"prompt_tokens": -5, "completion_tokens": True}
        body = {"choices": [{"message": message}], "usage": usage, "model": 7}
        return Reply(body=json.dumps(body).encode())

    with stub_judge(script) as stub:
        _, account = _ask(stub, usd_per_million_tokens={"input": 1.0, "output": 1.0})
    (judge,) = account["judges"]
    assert (judge["input_tokens"], judge["output_tokens"], judge["cost_usd"], judge["served"]) == (
        None,
        None,
        None,
        "",
    )


def test_a_missing_package_is_named() -> None:
    """Where ``openai`` is not installed the error names the command that installs it."""
    program = """
import asyncio, sys
sys.modules["openai"] = None
from harness.engine.limits import RunLimits
from harness.errors import MissingExtra
from harness.judges.client import open_client
from harness.types import JudgeSettings, RunSettings
settings = JudgeSettings("http://h/v1", "m")
async def main():
    async with open_client(settings, str, RunLimits(RunSettings(), 0).of_judge("j", settings)):
        pass
try:
    asyncio.run(main())
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert "pip install 'rag-regression-harness[openai]'" in done.stdout
