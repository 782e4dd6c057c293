"""A system behind HTTP: JSON out, JSON in, both mapped by paths."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from harness.errors import SystemFailure, UsageError, did_you_mean
from harness.systems.answers import decode_text, query_fields, to_response
from harness.systems.http_status import status_failure, too_long, unreadable
from harness.systems.json_paths import JsonPath, answer_paths, decode_json, json_path
from harness.types import Query, Response, Scalar
from harness.unpacking import ACCEPTED, ERROR_BYTES, UnreadableReply, read_unpacked

if TYPE_CHECKING:
    import aiohttp

_QUERY_FIELDS = ("input", "id", "history", "contexts")


@asynccontextmanager
async def connect(
    *,
    url: str,
    method: Literal["POST", "PUT", "GET"] = "POST",
    headers: dict[str, str] | None = None,
    request: dict[str, Scalar] | None = None,
    response: dict[str, str | dict[str, str]] | None = None,
    response_bytes: int = 2_000_000,
) -> AsyncIterator[Callable[[Query], Awaitable[Response]]]:
    """Connect to a service that answers one question per request.

    Redirects are not followed, cookies are not kept, proxies of the environment are not used.

    Args:
        url: where to ask, ``http://`` or ``https://``.
        method: POST and PUT send the fields as a JSON object, GET as query parameters.
        headers: sent with every request.
        request: fields to send: a dotted name (``options.top_k``) and a literal, or a path that starts
            with ``$`` into the query: ``$.input``, ``$.id``, ``$.history``, ``$.contexts``. By default
            ``input`` alone.
        response: where in the reply the fields of a Response lie (see ``json_paths.answer_paths``). By
            default the reply holds them under their own names.
        response_bytes: the longest reply that is read, after decompression, in bytes.

    Raises:
        UsageError: an option is wrong.
    """
    import aiohttp
    import yarl

    _check_url(url)
    place = yarl.URL(url)
    ask_fields = _request_fields(request if request is not None else {"input": "$.input"})
    paths = answer_paths(response, "response") if response else None
    content_type = {} if method == "GET" else {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # it unpacks whatever came at once, be it gigabytes
        headers={
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED,
            **content_type,
            **_checked_headers(headers or {}),
        },
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    ) as session:

        async def answer(query: Query) -> Response:
            fields = _filled(ask_fields, query)
            sent: dict[str, Any] = (
                {"params": _parameters(fields)} if method == "GET" else {"data": _encoded(fields)}
            )
            try:
                async with session.request(method, place, allow_redirects=False, **sent) as reply:
                    text = decode_text(await _body(reply, response_bytes))
                    body = decode_json(text, f"the reply ({reply.content_type})")
                    return to_response(paths.read(body) if paths else body)
            except UnreadableReply as error:
                raise unreadable(error) from error
            except (aiohttp.ClientError, OSError) as error:
                raise SystemFailure("connection", f"{type(error).__name__}: {error}", retry=True) from error

        yield answer


async def _body(reply: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read a reply up to the limit, counted after unpacking."""
    pieces, encoding = reply.content.iter_any(), reply.headers.get("Content-Encoding", "")
    if not 200 <= reply.status < 300:
        try:
            text = decode_text(await read_unpacked(pieces, encoding, ERROR_BYTES))
        except UnreadableReply as unreadable:
            text = f"({unreadable})"
        raise status_failure(reply.status, text, reply.headers.get("Retry-After"))
    body = await read_unpacked(pieces, encoding, limit + 1)
    if len(body) > limit:
        raise too_long(body, limit)
    return body


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"url {url!r} is not an http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise UsageError("url holds a name or password", mend="send them as a header, with ${secret:NAME}")


def _checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not name.isascii() or not name.isprintable() or any(sign in name for sign in " :"):
            raise UsageError(f"header name {name!r} is not valid")
        if any(sign in value for sign in "\r\n\0"):
            raise UsageError(f"the value of header {name!r} holds a line break")
    return headers


def _request_fields(request: Mapping[str, Scalar]) -> list[tuple[tuple[str, ...], JsonPath | Scalar]]:
    fields: list[tuple[tuple[str, ...], JsonPath | Scalar]] = []
    for name, value in request.items():
        keys = tuple(name.split("."))
        for other, _ in fields:
            if other[: len(keys)] == keys or keys[: len(other)] == other:
                raise UsageError(f"request fields {'.'.join(other)!r} and {name!r} exclude each other")
        if isinstance(value, str) and value.startswith("$"):
            path = json_path(value, f"request.{name}")
            if path.steps and path.steps[0] not in _QUERY_FIELDS:
                hint = did_you_mean(str(path.steps[0]), _QUERY_FIELDS)
                raise UsageError(f"request.{name}: a query has no {value!r}", mend=hint)
            fields.append((keys, path))
        else:
            fields.append((keys, value))
    return fields


def _filled(fields: list[tuple[tuple[str, ...], JsonPath | Scalar]], query: Query) -> dict[str, Any]:
    available = query_fields(query)
    filled: dict[str, Any] = {}
    for keys, value in fields:
        inner = filled
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value.value(available, "query") if isinstance(value, JsonPath) else value
    return filled


def _encoded(fields: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:  # a lone surrogate: JSON can escape what UTF-8 cannot hold
        return json.dumps(fields).encode()


def _parameters(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
