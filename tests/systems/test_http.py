"""Tests of harness.systems.http: faults of servers and of the network, and what is sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from system_doubles import http_echo, run, served

from harness.errors import SystemFailure, UsageError
from harness.systems import http
from harness.types import Message, Passage, Query, Response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
QUERY = Query("q1", "Grüße", (Message("user", "h"),), (Passage("d", "t", 1),))


def _ask(handler: Handler, query: Query = QUERY, **options: Any) -> Response:
    async def work() -> Response:
        async with served(handler) as address, http.connect(url=f"{address}/ask", **options) as system:
            return await system(query)

    answer: Response = run(work())
    return answer


def _fails(handler: Handler, **options: Any) -> SystemFailure:
    with pytest.raises(SystemFailure) as caught:
        _ask(handler, **options)
    return caught.value


def _replies(body: bytes, **options: Any) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, **options)

    return handler


def test_the_body_may_speak_our_own_words() -> None:
    """Without a mapping the reply holds the fields of a Response, and ``input`` alone is sent."""
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, await request.json(), request.headers["Content-Type"]))
        return web.json_response({"output": "x", "retrieved": ["t"]})

    answer = _ask(handler)
    assert (answer.output, answer.retrieved[0].text) == ("x", "t")
    assert seen == [("POST", {"input": "Grüße"}, "application/json")]


def test_request_fields_are_nested_and_literal_or_from_the_query() -> None:
    """Dotted names nest; a ``$`` path reads the query, everything else is sent as it stands."""
    fields = {
        "question": "$.input",
        "options.top_k": 5,
        "options.mode": "fast",
        "last": "$.history[-1].content",
        "texts": "$.contexts[*].text",
        "flag": None,
    }

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"output": await request.text()})

    assert json.loads(_ask(handler, request=fields).output or "") == {
        "question": "Grüße",
        "options": {"top_k": 5, "mode": "fast"},
        "last": "h",
        "texts": ["t"],
        "flag": None,
    }


def test_get_sends_query_parameters() -> None:
    """GET sends texts as they are and everything else as JSON, in the query string."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"output": json.dumps([request.method, dict(request.query)])})

    answer = _ask(handler, method="GET", request={"q": "$.input", "k": 5, "h": "$.history"})
    history = json.dumps([{"role": "user", "content": "h"}])
    assert json.loads(answer.output or "") == ["GET", {"q": "Grüße", "k": "5", "h": history}]


def test_headers_are_sent_and_cookies_are_not_kept() -> None:
    """Every request carries the headers; no call sees what an earlier one was given."""

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.json_response({"output": f"{request.headers['X-Key']} {request.headers.get('Cookie')}"})
        reply.set_cookie("session", "1")
        return reply

    async def work() -> list[str | None]:
        async with (
            served(handler) as address,
            http.connect(url=f"{address}/ask", headers={"X-Key": "k"}) as system,
        ):
            return [(await system(QUERY)).output for _ in range(2)]

    assert run(work()) == ["k None", "k None"]


BODIES: list[tuple[bytes, str]] = [
    (b"", "is not JSON"),
    (b"<!doctype html><title>Login</title>", "is not JSON .*<!doctype html>"),
    (b'{"answer": "x", "sources": [', "is not JSON"),
    (b'{"answer": "x"}', r"^\$\.sources is missing$"),
    (b'{"answer": "x", "sources": null}', r"\$\.sources is null, not a list"),
    (b'{"answer": "x", "sources": {}}', r"\$\.sources is dict, not a list"),
    (b'{"answer": "x", "sources": [{"id": "a"}]}', r"^\$\.sources\[0\]\.text is missing$"),
    (b'{"answer": "x", "sources": [{"id": [], "text": ""}]}', r"retrieved\[0\]\.doc_id is list, not text"),
    (b'{"answer": null, "sources": []}', "output is missing"),
    (b'{"answer": 5, "sources": []}', "output is int, not text: 5"),
    (b'{"answer": NaN, "sources": []}', "is not JSON .*NaN"),
    (b'["answer"]', r"\$\.answer is missing: \$ is list"),
    (b"null", r"\$\.answer is missing: \$ is null"),
    (b'"text"', r"\$\.answer is missing: \$ is str"),
    (b"[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("body", "message"), BODIES)
def test_f3_a_wrong_reply_is_refused_by_path(body: bytes, message: str) -> None:
    """A reply with status 200 that is not what was declared is ``bad_response`` and names the path."""
    paths = {"output": "$.answer", "retrieved": {"at": "$.sources[*]", "doc_id": "id", "text": "text"}}
    failure = _fails(_replies(body, content_type="application/json"), response=paths)
    with pytest.raises(SystemFailure, match=message):
        raise failure
    assert (failure.kind, failure.retry) == ("bad_response", False)
    assert len(failure.message) < 450


def test_f3_an_empty_list_is_an_answer() -> None:
    """No passage retrieved is no error."""
    paths = {"output": "$.answer", "retrieved": {"at": "$.sources[*]", "doc_id": "id", "text": "text"}}
    assert _ask(_replies(b'{"answer": "x", "sources": []}'), response=paths) == Response(output="x")


def test_f4_a_long_reply_is_cut_off() -> None:
    """A reply of exactly ``response_bytes`` is read, one byte more is refused."""
    body = json.dumps({"output": "x" * 5000}).encode()
    assert _ask(_replies(body), response_bytes=len(body)).output == "x" * 5000
    failure = _fails(_replies(body), response_bytes=len(body) - 1)
    assert failure.kind == "bad_response"
    assert f"response_bytes={len(body) - 1}" in failure.message


def test_f4_a_decompression_bomb_is_cut_off() -> None:
    """Ten gigabytes in ten megabytes of gzip end at the limit, counted after decompression."""
    member = gzip.compress(bytes(10_000_000))

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await reply.prepare(request)
        for _ in range(1000):
            await reply.write(member)
        return reply

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failure = _fails(handler)
    assert "response_bytes=2000000" in failure.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize(
    ("status", "retry"),
    [(400, False), (401, False), (404, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_f2_statuses_that_may_be_retried(status: int, retry: bool) -> None:
    """408, 429 and 5xx may be retried, other statuses not; Retry-After counts where a retry is possible."""
    failure = _fails(_replies(b"<b>no\x1b</b>", status=status, headers={"Retry-After": "2"}))
    assert (failure.kind, failure.retry) == ("http_status", retry)
    assert failure.retry_after_s == (2.0 if retry else None)
    assert failure.message == rf"HTTP status {status}: '<b>no\x1b</b>'"


def test_f2_an_endless_error_page_is_not_read() -> None:
    """Of the page that comes with an error no more is read than is shown."""

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(status=500)
        await reply.prepare(request)
        while True:
            await reply.write(b"no " * 1000)

    assert _fails(handler).message.startswith("HTTP status 500: 'no no")


def test_f30_redirects_are_not_followed() -> None:
    """A redirect is an error, even to the same server: headers must not travel."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.query_string)
        raise web.HTTPTemporaryRedirect("/ask?again")

    failure = _fails(handler, headers={"Authorization": "k"})
    assert (failure.kind, failure.retry) == ("http_status", False)
    assert "redirects are not followed" in failure.message
    assert asked == [""]


def test_f2_no_server_is_a_connection_error() -> None:
    """Where nobody listens the failure is ``connection`` and may be retried."""

    async def work() -> None:
        async with served(http_echo) as address:
            pass
        async with http.connect(url=f"{address}/ask") as system:
            await system(QUERY)

    with pytest.raises(SystemFailure) as caught:
        run(work())
    assert (caught.value.kind, caught.value.retry) == ("connection", True)


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"\x00\x01 garbage\r\n\r\n"]
)
def test_f2_a_broken_connection_is_a_connection_error(sent: bytes) -> None:
    """A server that hangs up before, amid or instead of a reply is ``connection``, and may be retried."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def work() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, http.connect(url=f"http://127.0.0.1:{port}/") as system:
            await system(QUERY)

    with pytest.raises(SystemFailure) as caught:
        run(work())
    assert (caught.value.kind, caught.value.retry) == ("connection", True)


def test_f3_broken_compression_is_a_failure() -> None:
    """A body that is not what its Content-Encoding says is a SystemFailure like any other."""
    assert _fails(_replies(b'{"output": "x"}', headers={"Content-Encoding": "gzip"})).kind == "connection"


def test_f1_a_dripping_reply_can_be_cancelled() -> None:
    """One byte now and then does not keep a deadline outside from ending the call."""

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        while True:
            await reply.write(b" ")
            await asyncio.sleep(0.01)

    async def work() -> None:
        async with served(handler) as address, http.connect(url=f"{address}/ask") as system:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await system(QUERY)

    run(work())


def test_f5_invalid_text_is_repaired() -> None:
    """Bytes that are no UTF-8 and lone surrogates are spelled out and flagged; a BOM is nothing."""
    assert _ask(_replies(b'{"output": "a\xffb"}')) == Response(output="a\\udcffb", text_repaired=True)
    assert _ask(_replies(rb'{"output": "a\ud800b"}')) == Response(output="a\\ud800b", text_repaired=True)
    assert _ask(_replies(b'\xef\xbb\xbf{"output": "x"}')) == Response(output="x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "ftp://host/"}, "not an http:// or https:// address"),
        ({"url": "http://user:word@localhost/"}, "url holds a name or password"),
        ({"url": "http://"}, "not an http:// or https:// address"),
        ({"url": "http://[::1"}, "not an http:// or https:// address"),
        ({"headers": {"A b": "x"}}, "header name 'A b'"),
        ({"headers": {"A": "x\r\nB: y"}}, "holds a line break"),
        ({"request": {"a": 1, "a.b": 2}}, "exclude each other"),
        ({"request": {"a": "$.inptu"}}, "did you mean 'input'"),
        ({"request": {"a": "$.config.top_k"}}, r"a query has no '\$\.config\.top_k'"),
        ({"response": {"answer": "$.answer"}}, "has no 'output'"),
    ],
)
def test_wrong_options_are_refused_before_any_call(options: dict[str, Any], message: str) -> None:
    """A wrong option is a fault of the suite, found when the connection opens."""

    async def work() -> None:
        async with http.connect(**{"url": "http://127.0.0.1:9/", **options}):
            pass

    with pytest.raises(UsageError, match=message):
        run(work())


@pytest.mark.parametrize("place", range(0, 24, 3))
@pytest.mark.parametrize(("status", "options"), [(500, {}), (200, {}), (200, {"response_bytes": 190})])
def test_no_part_of_a_secret_is_left_where_a_body_is_cut(
    status: int, options: dict[str, Any], place: int
) -> None:
    """A server that repeats the key on the edge of what a message shows leaves no half of it there."""
    secret = "sk-0123456789-abcdefghij"  # noqa: S105 - it is one
    words = ("w " * 300)[: options.get("response_bytes", 200) - place]
    body = f"{words} {secret} and more words to come".encode()
    message = _fails(_replies(body, status=status), **options).message.replace(secret, "[secret]")
    assert [secret[at : at + 4] for at in range(len(secret) - 3) if secret[at : at + 4] in message] == []
    assert "w w w" in message
