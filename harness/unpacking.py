"""Reads replies over HTTP: up to a limit that counts what they unpack to, and when they want another try."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

ACCEPTED = "gzip, deflate"
"""What is asked for, as ``Accept-Encoding``; whatever else comes is refused."""
ERROR_BYTES = 4000
"""So much is read of a reply whose status is no success."""

_OF_THE_WIRE = {b"content-encoding", b"content-length", b"transfer-encoding"}


class UnreadableReply(Exception):
    """A reply cannot be unpacked; ``torn``: it began well, so another attempt may mend it."""

    def __init__(self, what: str, *, torn: bool) -> None:
        """Take what is wrong, as words that follow "the reply"."""
        super().__init__(f"the reply {what}")
        self.torn = torn


async def read_unpacked(pieces: AsyncIterable[bytes], encoding: str, most: int) -> bytes:
    """Read a reply, unpacked piece by piece, up to so many bytes; of what lies beyond, nothing is held.

    Args:
        pieces: the reply as it comes over the wire.
        encoding: its ``Content-Encoding``; empty where it has none.
        most: bytes after unpacking, from 1. Who wants to know whether there are more asks for one more.

    Raises:
        UnreadableReply: an encoding that was not asked for, or a reply that is not packed as it says.
    """
    unpacker = _unpacker(encoding)
    body = bytearray()
    async for piece in pieces:
        room = most - len(body)
        body += piece[:room] if unpacker is None else _unpacked(unpacker, piece, room)
        if len(body) >= most:
            return bytes(body)
    if unpacker is not None and not unpacker.eof:
        raise UnreadableReply("ends amid what is packed", torn=True)
    return bytes(body)


def capped(kind: Any, most: int) -> Any:
    """Make of a kind of the SDK's clients (``openai.DefaultAioHttpClient``) one that reads up to a limit.

    The SDK itself would unpack the whole of a reply that is an error, and of every reply that it is not told
    to stream. Here each reply is read whole before the SDK sees it: up to ``most`` bytes, or
    ``ERROR_BYTES`` where its status is no success. Text is taken for UTF-8, whatever a reply says: it could
    name a codec that unpacks.
    """

    async def send(self: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:  # noqa: ARG001
        request.headers["Accept-Encoding"] = ACCEPTED
        reply = await kind.send(self, request, stream=True, **options)
        try:
            content = await _content(reply, most)
        finally:
            await reply.aclose()
        whole = type(reply)(
            reply.status_code,
            headers=[(name, value) for name, value in reply.headers.raw if name.lower() not in _OF_THE_WIRE],
            content=content,
            request=request,
            extensions=reply.extensions,
        )
        whole.encoding = "utf-8"
        return whole

    return type("Capped", (kind,), {"send": send})


async def _content(reply: Any, most: int) -> bytes:
    encoding = reply.headers.get("content-encoding", "")
    if reply.is_success:
        return await read_unpacked(reply.aiter_raw(), encoding, most)
    try:
        return await read_unpacked(reply.aiter_raw(), encoding, ERROR_BYTES)
    except UnreadableReply as unreadable:  # the status says more
        return f"({unreadable})".encode()


def retry_after_s(value: str, now: float) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date (RFC 9110, section 10.2.3).

    Returns:
        Seconds from ``now`` (seconds since the epoch), at least 0; None where it cannot be read.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)


def _unpacker(encoding: str) -> Any:
    """Give what unpacks, by the first bytes from gzip or zlib; None where nothing is packed."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name not in ACCEPTED.split(", "):
        raise UnreadableReply(f"is packed as {name[:40]!r}, which was not asked for", torn=False)
    return zlib.decompressobj(32 + zlib.MAX_WBITS)


def _unpacked(unpacker: Any, piece: bytes, most: int) -> bytes:
    """Unpack to no more than so many bytes: a bomb stays small."""
    if unpacker.eof:  # zlib would keep all of it
        raise UnreadableReply("goes on after the end of what is packed", torn=False)
    try:
        unpacked: bytes = unpacker.decompress(unpacker.unconsumed_tail + piece, most)
    except zlib.error as error:
        raise UnreadableReply(f"cannot be unpacked: {error}", torn=True) from error
    return unpacked
