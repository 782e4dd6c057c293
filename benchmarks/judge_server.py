"""A loopback judge for engine.py: gives every item the first verdict after a fixed time, and counts."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

_LABELS = re.compile(r"one of: ([^\n]+?)\.")
_ITEM = re.compile(r"^\[[0-9a-f]+ item (\d+)\]$", re.MULTILINE)


class Counts:
    """What was asked since the last reset; times by the clock that every process shares."""

    def __init__(self) -> None:
        self.hits = self.connections = self.in_flight = self.peak = 0
        self.first = self.last = self.since = self.area = 0.0

    def moved(self, by: int) -> None:
        """A request came or went."""
        now = time.perf_counter()
        self.first = self.first or now
        self.area += self.in_flight * (now - self.since) if self.since else 0.0
        self.since, self.in_flight = now, self.in_flight + by
        self.peak = max(self.peak, self.in_flight)
        if by > 0:
            self.hits += 1
        else:
            self.last = now

    def told(self) -> dict[str, Any]:
        """The counts, with the mean number of requests in flight between the first and the last."""
        span = self.last - self.first
        return {**vars(self), "mean_in_flight": self.area / span if span else 0.0, "span_s": span}


def verdicts(request: dict[str, Any]) -> str:
    """The first of the labels that the instructions name, for every item of the data."""
    said = request["messages"][0]["content"]
    label = _LABELS.findall(said)[-1].split(", ")[0]
    items = _ITEM.findall(request["messages"][-1]["content"])
    rows = [{"item": int(number), "verdict": label} for number in items]
    message = {"role": "assistant", "content": json.dumps({"verdicts": rows})}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"model": "m", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}
    )


async def main(latency_s: float) -> None:
    """Serve until killed; print the port."""
    counts = Counts()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                if path == "/stats":
                    reply = json.dumps(counts.told())
                elif path == "/reset":
                    counts.__init__()  # type: ignore[misc]
                    reply = "{}"
                else:
                    counts.moved(1)
                    reply = verdicts(json.loads(body))
                    await asyncio.sleep(latency_s)
                    counts.moved(-1)
                data = reply.encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % len(data)
                    + data
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
