"""F4: replies are unpacked piece by piece, to no more than what is asked for."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.unpacking import UnreadableReply, read_unpacked


def read(pieces: Iterator[bytes] | list[bytes], encoding: str = "", most: int = 1000) -> bytes:
    async def come() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return asyncio.run(read_unpacked(come(), encoding, most))


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "identity", "gzip", "GZIP", "deflate"]),
    st.integers(1, 400),
    st.integers(1, 50),
)
def test_f4_what_is_read_is_the_beginning_of_what_was_sent(
    body: bytes, encoding: str, most: int, step: int
) -> None:
    """However it is packed, and cut into pieces."""
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding.lower(), bytes)
    sent = pack(body)
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    assert read(pieces, encoding, most) == body[:most]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "deflate, br"])
def test_f4_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    """By its name, before anything of it is read."""
    with pytest.raises(
        UnreadableReply, match=f"^the reply is packed as '{encoding}', which was not"
    ) as found:
        read([b"x"], encoding)
    assert not found.value.torn


@pytest.mark.parametrize(
    ("sent", "what", "torn"),
    [
        (b"plain", "cannot be unpacked: ", True),
        (gzip.compress(b"x" * 100)[:-4], "ends amid what is packed", True),
        (b"", "ends amid what is packed", True),
        (gzip.compress(b"x") + b"y" * 50, "goes on after the end", False),
    ],
)
def test_f4_what_is_not_packed_as_it_says_is_refused(sent: bytes, what: str, torn: bool) -> None:
    """A torn reply may be asked for again; one with more behind its end is wrong."""
    with pytest.raises(UnreadableReply, match=what) as found:
        read([sent[at : at + 5] for at in range(0, len(sent), 5)], "gzip")
    assert found.value.torn == torn


def _bomb() -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield from (packer.compress(b" " * 1_000_000) for _ in range(300))


def _tail() -> Iterator[bytes]:
    yield gzip.compress(b"x")
    yield from (b"y" * 1_000_000 for _ in range(300))


@pytest.mark.parametrize("pieces", [_bomb, _tail])
def test_f4_memory_is_bounded_by_what_is_asked_for(pieces: object) -> None:
    """Of 300 MB behind a small reply, and of 300 MB after its end, nothing is held."""
    assert callable(pieces)
    tracemalloc.start()
    try:
        assert read(pieces(), "gzip", 100_000) == b" " * 100_000
    except UnreadableReply:
        assert pieces is _tail
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8_000_000
