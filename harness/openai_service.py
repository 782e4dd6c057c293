"""A chat completions service as the ``openai`` package reaches it: address, headers and transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    import openai


class Service(NamedTuple):
    """A service that is open; made by ``open_service``.

    Requests go out by the SDK's own client for HTTP, as the SDK would send them: to its address, with its
    headers. What its methods do beside that for every call (models of request and reply, options, addresses
    and headers put together anew, tries that are made elsewhere here) takes longer than the sending.
    """

    sdk: openai.AsyncOpenAI
    http: Any
    url: Any

    async def complete(self, body: bytes) -> Any:
        """Send one request, of JSON; give the reply, whatever its status.

        Raises:
            UnreadableReply: it cannot be unpacked.
            Exception: the service was not reached; of all the kinds that the transport has.
        """
        return await self.http.post(self.url, content=body)


@asynccontextmanager
async def open_service(
    base_url: str,
    api_key: str | None,
    *,
    kind: Callable[[Any], Any],
    needed_for: str,
) -> AsyncIterator[Service]:
    """Open a service with the fastest of the SDK's transports, which belongs to the running event loop.

    It has no limits of time of its own: whoever asks gives up when it is time.

    Args:
        base_url: with the version: ``https://host/v1``.
        api_key: None for a service without.
        kind: makes of ``openai.DefaultAioHttpClient`` the kind that sends, such as ``unpacking.capped``.
        needed_for: who wants it, where ``openai`` is not installed.

    Raises:
        MissingExtra: ``openai`` is not installed.
        UsageError: an address with a query, or a key that no header can hold.
    """
    if "?" in base_url or "#" in base_url:
        mend = "end it with the version, as in https://host/v1"
        raise UsageError("base_url goes on after its path, by '?' or '#'", mend=mend)
    if api_key and not (api_key.isascii() and api_key.isprintable()):
        mend = "set it anew, without the line break at its end, say"
        raise UsageError("api_key holds what no header can: a line break or a sign beyond ASCII", mend=mend)
    try:
        import openai
    except ImportError as error:
        raise MissingExtra("openai", "openai", needed_for) from error
    http = kind(openai.DefaultAioHttpClient)(follow_redirects=False, timeout=None)
    sdk = openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "none",  # given none, the SDK would take one from the environment
        max_retries=0,  # what is tried again is decided here
        timeout=None,
        http_client=http,
    )
    said = {**sdk.auth_headers, **sdk.default_headers}
    http.headers = {name: value for name, value in said.items() if isinstance(value, str)}  # else omitted
    async with sdk:
        yield Service(sdk, http, sdk.base_url.join("chat/completions"))
