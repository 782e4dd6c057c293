"""A loopback service with faults: a script by case, or a seeded share of every kind of fault.

    python fault_server.py '{"latency_s": 0.02, "shares": {"429": 0.05, "hang": 0.01}, "seed": 1}'

prints its port. `POST /ask` with `{"id": ..., "input": ...}` answers `{"output": ...}` as the script for that
id says, one word an attempt (the last goes on): `ok`, a status (`429`, `503`), `hang`, `drip`, `reset`,
`half`, `html`, `nan`, `deep`, `huge`, `bomb`, `400bomb` (an error that unpacks to gigabytes), `brotli`.
`POST /v1/chat/completions` does the same as a chat model, whose questions name the id; `content` in the
settings is what it says then. `GET /account` tells what happened to each id: how often it was
asked, and how often a whole good answer was sent. `POST /settings` replaces the settings, not the account.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import struct
import sys
import zlib
from collections import Counter, defaultdict
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

FAULTS = ("429", "500", "503", "hang", "drip", "reset", "half", "html", "nan", "deep", "huge")
FAULTS += ("bomb", "400bomb", "brotli")
_PATH = re.compile(r"\w+ (\S+)")
_ID = re.compile(r"\bc\d{4}\b")
_LENGTH = re.compile(r"content-length: *(\d+)", re.IGNORECASE)


class Server:
    """What the service does, and the account of it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.account: dict[str, Counter[str]] = defaultdict(Counter)
        self.chance = random.Random(settings.get("seed", 0))  # noqa: S311 -- faults, not secrets

    def fate(self, case_id: str) -> str:
        """What becomes of this attempt."""
        attempt = self.account[case_id]["asked"]
        script = self.settings.get("script", {}).get(case_id)
        if script is not None:
            return str(script[min(attempt, len(script)) - 1])
        left = self.chance.random()
        for fault, share in self.settings.get("shares", {}).items():
            left -= share
            if left < 0:
                return str(fault)
        return "ok"

    async def answer(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer one question, or fail at it."""
        chat = "messages" in asked
        case_id = _id_in(asked) if chat else str(asked.get("id"))
        self.account[case_id]["asked"] += 1
        fate = self.fate(case_id)
        self.account[case_id][fate] += 1
        await asyncio.sleep(self.settings.get("latency_s", 0.0))
        said = f"The answer to {case_id} is {sum(map(ord, case_id))}."
        message = {"choices": [{"message": {"content": self.settings.get("content", said)}}]}
        good = json.dumps(message if chat else {"output": said}).encode()
        if fate == "ok":
            await send(writer, good)
            self.account[case_id]["sent"] += 1
        elif fate.isdigit():
            await send(
                writer,
                b'{"error": "no"}',
                int(fate),
                f"retry-after: {self.settings.get('retry_after', 0)}\r\n",
            )
        elif fate == "hang":
            await asyncio.sleep(3600)
        elif fate == "drip":
            writer.write(head(200, 10_000))
            for _ in range(10_000):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
        elif fate == "reset":
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif fate == "half":
            writer.write(head(200, len(good)) + good[: len(good) // 2])
            await writer.drain()
            writer.close()
        elif fate.endswith("bomb"):
            await bomb(writer, int(fate.removesuffix("bomb") or 200))
        elif fate == "brotli":
            await send(writer, good, further="content-encoding: br\r\n")
        else:
            bodies = {
                "html": b"<html><body>504 Gateway Time-out</body></html>",
                "nan": b'{"output": NaN}',
                "deep": b"[" * 100_000,
                "huge": b'{"output": "' + b"x" * 5_000_000 + b'"}',
            }
            await send(writer, bodies[fate])


def _id_in(asked: dict[str, Any]) -> str:
    """The id that the last message names."""
    found = _ID.search(asked["messages"][-1]["content"])
    return found[0] if found else ""


def head(status: int, length: int, further: str = "") -> bytes:
    """The head of a reply."""
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{further}\r\n"
    ).encode()


async def send(writer: asyncio.StreamWriter, body: bytes, status: int = 200, further: str = "") -> None:
    """Send a whole reply."""
    writer.write(head(status, len(body), further) + body)
    await writer.drain()


async def bomb(writer: asyncio.StreamWriter, status: int, megabytes: int = 10_000) -> None:
    """Send a small reply that unpacks to ten gigabytes of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = f"HTTP/1.1 {status} X\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n"
    writer.write(start.encode())
    piece = b" " * 1_000_000
    for _ in range(megabytes):
        writer.write(packer.compress(piece))
        await writer.drain()
        await asyncio.sleep(0)
    writer.close()


async def main(settings: dict[str, Any]) -> None:
    """Serve until killed."""
    server = Server(settings)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                start = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                found, length = _PATH.match(start), _LENGTH.search(start)
                body = await reader.readexactly(int(length[1])) if length else b""
                path = found[1] if found else ""
                if path == "/account":
                    await send(writer, json.dumps(server.account).encode())
                elif path == "/settings":
                    server.settings = json.loads(body)
                    await send(writer, b"{}")
                else:
                    await server.answer(json.loads(body), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}))
