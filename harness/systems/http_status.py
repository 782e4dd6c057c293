"""Replies over HTTP that hold no answer, as failures of the call: by status, by length, unreadable."""

from __future__ import annotations

import time

from harness.errors import SystemFailure
from harness.systems.answers import SHOWN, bad, decode_text, shown
from harness.unpacking import UnreadableReply, retry_after_s

RETRYABLE = frozenset({408, 429})
"""Statuses below 500 that another attempt may mend; every status from 500 is retryable too."""


def status_failure(status: int, body: str, retry_after: str | None) -> SystemFailure:
    """Make the failure for a status outside 200 to 299; 408, 429 and 5xx may be retried.

    Args:
        status: the HTTP status.
        body: the text of the reply, of which the message shows the first 200 characters.
        retry_after: the value of the Retry-After header, None where there is none.
    """
    if 300 <= status < 400:
        what = f"HTTP status {status}: redirects are not followed"
        return SystemFailure("http_status", what, http_status=status)
    retry = status in RETRYABLE or status >= 500
    wait = retry_after_s(retry_after, now=time.time()) if retry and retry_after else None
    what = f"HTTP status {status}: {shown(body)}"
    return SystemFailure("http_status", what, retry=retry, retry_after_s=wait, http_status=status)


def too_long(body: bytes, limit: int) -> SystemFailure:
    """Make the failure for a reply that goes on beyond ``response_bytes``; shows how it begins."""
    start = shown(decode_text(body[: 4 * SHOWN]), cut=True)
    return bad("the reply", f"is longer than response_bytes={limit}: {start}")


def unreadable(reply: UnreadableReply) -> SystemFailure:
    """Make the failure for a reply that cannot be unpacked; one that is torn may be asked for again."""
    return SystemFailure("connection" if reply.torn else "bad_response", str(reply), retry=reply.torn)
