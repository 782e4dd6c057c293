"""One line of a recording: values to bytes and back, with the checksum between them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from harness.types import Case, EarlyStop, Response, Result, Run, Score, Shard

_ENCODER = msgspec.json.Encoder()


class CaseLine(Struct, frozen=True, omit_defaults=True):
    """One planned case with its digest, and the stage (from 0) in which it is asked."""

    digest: str
    case: Case
    stage: Annotated[int, Meta(ge=0, le=99)] = 0


class AnswerLine(Struct, frozen=True):
    """An answer as it arrived; its scores come in a line of their own."""

    case_id: str
    repeat: int
    response: Response


class ScoresLine(Struct, frozen=True):
    """The scores of the last answer of a case and repeat."""

    case_id: str
    repeat: int
    scores: dict[str, Score]


class End(Struct, frozen=True, omit_defaults=True):
    """``results`` counts the result lines before this one, ``sha256`` is that of all lines before it.

    ``texts`` is false where the texts were left out. ``stop`` says that the run stopped early, and where.
    """

    results: int
    sha256: str
    texts: bool = True
    stop: EarlyStop | None = None


_DECODERS: dict[bytes, msgspec.json.Decoder[Any]] = {
    b"shard": msgspec.json.Decoder(Shard),
    b"run": msgspec.json.Decoder(Run),
    b"case": msgspec.json.Decoder(CaseLine),
    b"answer": msgspec.json.Decoder(AnswerLine),
    b"scores": msgspec.json.Decoder(ScoresLine),
    b"result": msgspec.json.Decoder(Result),
    b"end": msgspec.json.Decoder(End),
}


def dump(kind: bytes, value: Struct) -> bytes:
    """Give the line of a value. Text that UTF-8 cannot hold is spelled out; an answer is marked for it."""
    try:
        return _frame(kind, _ENCODER.encode(value))
    except UnicodeEncodeError:
        tree = _spell_out(msgspec.to_builtins(value))
        if isinstance(value, (AnswerLine, Result)):
            tree["response"]["text_repaired"] = True
        return _frame(kind, _ENCODER.encode(tree))


def dump_header(
    run: Run,
    cases: Iterable[Case],
    digests: Mapping[str, str],
    stages: Mapping[str, int],
    shard: Shard | None = None,
) -> Iterator[bytes]:
    """Give the lines before the results: of which shard, the run, each case with its digest and its stage."""
    if shard is not None:
        yield dump(b"shard", shard)
    yield dump(b"run", run)
    for case in cases:
        yield dump(b"case", CaseLine(digests[case.id], case, stages.get(case.id, 0)))


def unframe(line: bytes) -> tuple[bytes, bytes] | None:
    """Give kind and data of a line, or None where a single byte of it is not as it was written."""
    kind = line[9 : line.find(b'"', 9)]
    data = line[9 + len(kind) + len('","data":') : -len(',"crc32":"01234567"}\n')]
    return (kind, data) if kind in _DECODERS and _frame(kind, data) == line else None


def parse(kind: bytes, data: bytes) -> Any:
    """Give the value of a line's data: Shard, Run, CaseLine, AnswerLine, ScoresLine, Result or End.

    Raises:
        ValueError: the data does not describe such a value.
    """
    try:
        return _DECODERS[kind].decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def repair(response: Response) -> Response:
    r"""Spell out text that UTF-8 cannot hold: a lone surrogate becomes ``\ud800``, marked ``text_repaired``.

    A response without such text comes back as it is.
    """
    try:
        _ENCODER.encode(response)
    except UnicodeEncodeError:
        mended = msgspec.convert(_spell_out(msgspec.to_builtins(response)), Response)
        return msgspec.structs.replace(mended, text_repaired=True)
    return response


def _frame(kind: bytes, data: bytes) -> bytes:
    return b'{"kind":"%s","data":%s,"crc32":"%08x"}\n' % (kind, data, zlib.crc32(data))


def _spell_out(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(tree, dict):
        return {_spell_out(key): _spell_out(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_spell_out(value) for value in tree]
    return tree
