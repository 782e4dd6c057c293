"""Tests of harness.systems.openai_chat against a loopback service."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from system_doubles import run, served

from harness.errors import SystemFailure, UsageError
from harness.systems import openai_chat
from harness.types import Passage, Query, Response, Usage

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
QUERY = Query("q1", "How long?", contexts=(Passage("given", "14 days", 1),))
REPLY = {
    "choices": [{"message": {"content": "14 days."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 50},
}


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    path = tmp_path / "prompt.txt"
    path.write_text("## system\nBe brief.\n## user\n{contexts}\nQ: {question}\n")
    return path


def _ask(handler: Handler, prompt: Path, **options: Any) -> Response:
    async def work() -> Response:
        async with (
            served(handler, "/v1/chat/completions") as address,
            openai_chat.connect(base_url=f"{address}/v1", model="m1", prompt=prompt, **options) as system,
        ):
            return await system(QUERY)

    answer: Response = run(work())
    return answer


def _replies(body: Any, **options: Any) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(body=body, **options)
        return web.json_response(body, **options)

    return handler


def test_what_is_sent(prompt: Path) -> None:
    """The request holds model, messages and what is set, and the key as a bearer token; nothing else."""
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((await request.json(), request.headers.get("Authorization")))
        return web.json_response(REPLY)

    _ask(handler, prompt, api_key="k1", temperature=0.5, max_tokens=99)
    _ask(handler, prompt, temperature=None)
    (first, key), (second, _) = seen
    assert first == {
        "model": "m1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "[1] 14 days\nQ: How long?"},
        ],
        "temperature": 0.5,
        "max_tokens": 99,
    }
    assert key == "Bearer k1"
    assert set(second) == {"model", "messages"}


def test_f24_no_key_is_taken_from_the_environment(prompt: Path) -> None:
    """Without ``api_key`` the key of the environment stays there."""
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.json_response(REPLY)

    os.environ["OPENAI_API_KEY"] = "s3cret"
    try:
        _ask(handler, prompt)
    finally:
        del os.environ["OPENAI_API_KEY"]
    assert seen == ["Bearer none"]


def test_the_headers_are_those_of_the_sdk(prompt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once; also what it takes from the environment beside the key."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response(REPLY)

    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.delenv("OPENAI_PROJECT_ID", raising=False)
    _ask(handler, prompt)
    headers = seen[0].headers
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("AsyncOpenAI/Python ")
    assert (headers["OpenAI-Organization"], headers.get("OpenAI-Project")) == ("org-1", None)
    assert len(headers) == len(set(headers))


def test_answer_usage_and_cost(prompt: Path) -> None:
    """The response holds text, given passages, tokens, the cost by the prices, and the time of generation."""
    answer = _ask(_replies(REPLY), prompt, usd_per_million_tokens={"input": 2.0, "output": 8.0})
    assert (answer.output, answer.refused) == ("14 days.", None)
    assert answer.retrieved == QUERY.contexts
    assert answer.usage == Usage(1000, 50, pytest.approx(0.0024))
    assert answer.timings.generate_s is not None
    assert answer.timings.generate_s > 0
    assert answer.timings.retrieve_s is None


def test_unknown_usage_and_prices_stay_unknown(prompt: Path) -> None:
    """Without usage or prices there are no tokens or no cost, rather than 0."""
    assert _ask(_replies(REPLY), prompt).usage == Usage(1000, 50, None)
    answer = _ask(
        _replies({**REPLY, "usage": None}), prompt, usd_per_million_tokens={"input": 1, "output": 1}
    )
    assert answer.usage == Usage()


EITHER_WAY = pytest.mark.parametrize("isolation", ["process", "none"])


@EITHER_WAY
def test_a_retriever_gives_the_passages(isolation: str, prompt: Path) -> None:
    """With a retriever its passages are sent and recorded, with the time that it took."""

    async def handler(request: web.Request) -> web.StreamResponse:
        content = (await request.json())["messages"][-1]["content"]
        return web.json_response({"choices": [{"message": {"content": content}}]})

    answer = _ask(handler, prompt, retriever="system_targets:retrieve", isolation=isolation)
    assert answer.output == "[1] about How long?\n\n[2] more\nQ: How long?"
    assert [(one.doc_id, one.score) for one in answer.retrieved] == [("r1", 0.5), ("r2", None)]
    assert answer.timings.retrieve_s is not None
    assert answer.timings.retrieve_s >= 0.02


@EITHER_WAY
def test_f3_broken_text_of_a_retriever_is_repaired(isolation: str, prompt: Path) -> None:
    """As that of any system: what is no valid Unicode is spelt out, and the response says so."""
    answer = _ask(_replies(REPLY), prompt, retriever="system_targets:retrieve_broken", isolation=isolation)
    assert [passage.text for passage in answer.retrieved] == ["a\\ud800b"]
    assert answer.text_repaired


@EITHER_WAY
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("retrieve_wrongly", "bad_response", "the retriever: retrieved is dict, not a list: {'hits': []}"),
        ("failing", "exception", "the retriever: RuntimeError: told to raise"),
        ("text", "bad_response", "the retriever: retrieved is str, not a list: 'How long?'"),
        ("response", "bad_response", "the retriever: retrieved is Response, not a list: "),
    ],
)
def test_f3_a_wrong_retriever_is_a_failure(
    name: str, kind: str, message: str, isolation: str, prompt: Path
) -> None:
    """What it raises, and what is no list of passages; the model is not asked."""
    asked: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        return web.json_response(REPLY)

    with pytest.raises(SystemFailure) as caught:
        _ask(handler, prompt, retriever=f"system_targets:{name}", isolation=isolation)
    assert (caught.value.kind, asked) == (kind, [])
    assert str(caught.value).startswith(message)


def test_f2_what_a_retriever_says_of_another_attempt_is_heeded(prompt: Path) -> None:
    """Whether and when it is to be asked again; its HTTP status is not that of the model's host."""
    with pytest.raises(SystemFailure) as caught:
        _ask(_replies(REPLY), prompt, retriever="system_targets:retrieve_later", isolation="none")
    failure = caught.value
    assert (failure.retry, failure.retry_after_s, failure.http_status) == (True, 2.0, None)


def test_a_refusal_is_an_answer(prompt: Path) -> None:
    """Where the service marks a refusal, its text is the output and the response says so."""
    answer = _ask(_replies({"choices": [{"message": {"content": None, "refusal": "I can't."}}]}), prompt)
    assert (answer.output, answer.refused) == ("I can't.", True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "the reply is not JSON"),
        (b"", "the reply is not JSON"),
        ({"choices": []}, r"^\$\.choices\[0\] is missing$"),
        ({"choices": None}, r"^\$\.choices\[0\] is missing$"),
        ({"error": {"message": "x"}}, r"^\$\.choices is missing$"),
        ({"choices": [{"message": None}]}, r"message is not an object: None"),
        ({"choices": [{"message": {"content": None, "tool_calls": []}}]}, "output is missing"),
        ({"choices": [{"message": {"content": ["x"]}}]}, "output is list, not text"),
        ({**REPLY, "usage": []}, r"^\$\.usage is not an object: \[\]$"),
        ({**REPLY, "usage": {"prompt_tokens": "many"}}, "usage.input_tokens is not a whole number"),
        (b'{"pad": "' + b"x" * 2_100_000 + b'"}', "longer than response_bytes=2000000"),
    ],
)
def test_f3_a_wrong_reply_is_refused(body: Any, message: str, prompt: Path) -> None:
    """A reply with status 200 that is no completion is ``bad_response`` and names the place."""
    with pytest.raises(SystemFailure, match=message) as caught:
        _ask(_replies(body), prompt)
    assert (caught.value.kind, caught.value.retry) == ("bad_response", False)


@pytest.mark.parametrize(
    ("status", "retry", "after"),
    [(401, False, None), (404, False, None), (429, True, 3.0), (500, True, 3.0), (307, False, None)],
)
def test_f2_statuses_are_failures_asked_once(
    status: int, retry: bool, after: float | None, prompt: Path
) -> None:
    """An error status is a SystemFailure after one request: nothing is retried here, nor redirected."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        headers = {"Retry-After": "3", "Location": "/v1/elsewhere"}
        return web.Response(status=status, text='{"error": {"message": "no"}}', headers=headers)

    with pytest.raises(SystemFailure, match=f"HTTP status {status}") as caught:
        _ask(handler, prompt)
    assert (caught.value.kind, caught.value.retry, caught.value.retry_after_s) == (
        "http_status",
        retry,
        after,
    )
    assert asked == ["/v1/chat/completions"]


def test_f2_a_broken_connection_is_a_connection_error(prompt: Path) -> None:
    """A service that hangs up amid its reply is ``connection``, and may be retried."""

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "500"})
        await reply.prepare(request)
        await reply.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return reply

    with pytest.raises(SystemFailure) as caught:
        _ask(handler, prompt)
    assert (caught.value.kind, caught.value.retry) == ("connection", True)


def test_f2_no_service_is_a_connection_error(prompt: Path) -> None:
    """Where nobody listens the failure is ``connection`` and may be retried."""

    async def work() -> None:
        async with served(_replies(REPLY)) as address:
            pass
        async with openai_chat.connect(base_url=f"{address}/v1", model="m", prompt=prompt) as system:
            await system(QUERY)

    with pytest.raises(SystemFailure) as caught:
        run(work())
    assert (caught.value.kind, caught.value.retry) == ("connection", True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "host/v1"}, "base_url 'host/v1' is not"),
        ({"base_url": "http://127.0.0.1:9/v1?version=3"}, "base_url goes on after its path"),
        ({"api_key": "sk-secret\n"}, "^api_key holds what no header can: [^-]*$"),
        ({"api_key": "sk-schlüssel"}, "^api_key holds what no header can: [^-]*$"),
        ({"usd_per_million_tokens": {"input": 1.0}}, "needs the prices 'input' and 'output'"),
        ({"usd_per_million_tokens": {"input": 1.0, "output": -1.0}}, "from 0"),
        ({"retriever": "system_targets:no_such"}, "retriever 'system_targets:no_such'"),
        ({"retriever": "system_targets:no_such", "isolation": "none"}, "retriever 'system_targets:no_such'"),
        ({"retriever": "system_targets:NOT_CALLABLE"}, "retriever .* is int, not callable"),
        ({"retriever": "system_targets:retrieve", "workers": 65}, "workers is 65: from 1 to 64"),
        (
            {"retriever": "system_targets:retrieve", "workers": 2, "isolation": "none"},
            "workers is 2: isolation: none has no workers",
        ),
        ({"workers": 2}, "system.workers is of a retriever, and there is none: name one with 'retriever'"),
        ({"isolation": "none"}, "system.isolation is of a retriever, and there is none"),
    ],
)
def test_wrong_options_are_refused_before_any_call(
    options: dict[str, Any], message: str, prompt: Path
) -> None:
    """A wrong option is a fault of the suite, found when the connection opens."""

    async def work() -> None:
        given: dict[str, Any] = {
            "base_url": "http://127.0.0.1:9/v1",
            "model": "m",
            "prompt": prompt,
            **options,
        }
        async with openai_chat.connect(**given):
            pass

    with pytest.raises(UsageError, match=message):
        run(work())


def test_a_missing_package_is_named(prompt: Path) -> None:
    """Where ``openai`` is not installed the error names the command that installs it."""
    program = """
import asyncio, pathlib, sys
sys.modules["openai"] = None
from harness.errors import MissingExtra
from harness.systems import openai_chat
async def main():
    async with openai_chat.connect(base_url="http://h/v1", model="m", prompt=pathlib.Path(sys.argv[1])):
        pass
try:
    asyncio.run(main())
except MissingExtra as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(prompt)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert "pip install 'rag-regression-harness[openai]'" in done.stdout
