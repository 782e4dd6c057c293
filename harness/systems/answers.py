"""Turns what a system answers into a Response, strictly: unknown names and wrong types are refused."""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, SupportsIndex, get_args, get_type_hints

import msgspec

from harness.errors import SystemFailure, did_you_mean
from harness.types import (
    LARGEST_VALUE,
    Citation,
    Passage,
    Query,
    Response,
    ResponseError,
    Timings,
    Usage,
)

SHOWN = 200
"""Characters of a faulty value that an error message shows."""
MOST_32_BIT = 2**31 - 1
"""Largest rank and number of attempts: the database's columns hold no larger ones."""

_ERROR_KINDS = get_args(get_type_hints(ResponseError)["kind"])


def to_response(answer: object) -> Response:
    """Convert an answer: a str is the output, a mapping or Response holds the fields of a Response.

    ``retrieved`` may hold strings (their doc_id is made from their text) or mappings; ``rank`` is the
    position, from 1, where it is not given. ``citations`` may hold doc_ids. Whole numbers are taken as
    doc_ids. ``error`` is a mapping of kind and message, or a str. Text that is not valid Unicode is
    written with backslashes, and ``text_repaired`` set.

    Raises:
        SystemFailure: ``bad_response`` naming the field; or the error that the answer itself carries.
    """
    reader = _Reader()
    if isinstance(answer, str):
        return Response(output=reader.text(answer, "output"), text_repaired=reader.repaired)
    fields = reader.fields(answer, Response, "answer", required=())
    if fields.get("error") is not None:
        raise reader.error(fields["error"])
    if fields.get("output") is None:
        raise bad("output", "is missing")
    response = Response(
        output=reader.text(fields["output"], "output"),
        retrieved=reader.passages(fields.get("retrieved", ()), "retrieved"),
        refused=reader.flag(fields.get("refused"), "refused"),
        citations=reader.citations(fields.get("citations", ()), "citations"),
        usage=reader.usage(fields.get("usage")),
        timings=reader.timings(fields.get("timings")),
        attempts=reader.whole(fields.get("attempts"), "attempts", low=1, high=MOST_32_BIT) or 1,
        cached=bool(reader.flag(fields.get("cached"), "cached")),
    )
    repaired = reader.repaired or bool(reader.flag(fields.get("text_repaired"), "text_repaired"))
    return msgspec.structs.replace(response, text_repaired=repaired)


def to_retrieved(found: object) -> Response:
    """Convert what a retriever gives, strings, mappings or Passages in order: a Response of these alone.

    Raises:
        SystemFailure: ``bad_response`` naming the field.
    """
    reader = _Reader()
    passages = reader.passages(found, "retrieved")
    return Response(retrieved=passages, text_repaired=reader.repaired)


def timed(response: Response, total_s: float) -> Response:
    """Give a response the seconds that it took, unless it says them itself."""
    if response.timings.total_s is not None:
        return response
    timings = msgspec.structs.replace(response.timings, total_s=total_s)
    return msgspec.structs.replace(response, timings=timings)


def query_fields(query: Query) -> dict[str, Any]:
    """Give a query as JSON types: ``id``, ``input``, ``history`` and ``contexts``, all four always."""
    return {
        "id": query.id,
        "input": query.input,
        "history": [msgspec.structs.asdict(message) for message in query.history],
        "contexts": [msgspec.structs.asdict(passage) for passage in query.contexts],
    }


def decode_text(raw: bytes) -> str:
    """Decode UTF-8; other bytes become lone surrogates, which ``to_response`` finds and spells out."""
    return raw.decode("utf-8", "surrogateescape")


def shown(value: object, *, cut: bool = False) -> str:
    """Give the first 200 characters of a value, with everything invisible escaped, and "…" for the rest.

    A run of characters without white space that would be cut is left out whole. It may be the beginning of
    a secret, and secrets are hidden later, by searching for them: half of one would not be found. This
    rests on secrets without white space. ``cut`` says that the value itself ends at an arbitrary place.
    """
    whole = repr(value[: SHOWN + 1] if isinstance(value, (str, bytes)) else value)
    if len(whole) <= SHOWN and not cut:
        return whole
    kept = whole[:SHOWN]
    if whole[SHOWN : SHOWN + 1] != " ":  # the only white space that repr leaves
        kept = kept[: kept.rfind(" ") + 1]
    return kept + "…"


def valid_text(text: str) -> str:
    """Give the text as it is, or, where it holds lone surrogates, with those escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def bad(path: str, what: str) -> SystemFailure:
    """Make the failure for an answer that is wrong at ``path``."""
    return SystemFailure("bad_response", f"{path} {what}")


class _Reader:
    """Reads one answer, and remembers whether text had to be repaired."""

    def __init__(self) -> None:
        self.repaired = False

    def fields(
        self, value: object, kind: type[msgspec.Struct], path: str, required: tuple[str, ...]
    ) -> Mapping[str, Any]:
        """Give the fields of a mapping or of a struct of that kind, unknown names refused."""
        if isinstance(value, kind):
            return msgspec.structs.asdict(value)
        if not isinstance(value, Mapping):
            raise bad(path, f"is {type(value).__name__}, not an object: {shown(value)}")
        known = kind.__struct_fields__
        for name in value:
            if name not in known:
                hint = did_you_mean(str(name), known)
                raise bad(path, f"has the unknown field {shown(name)}: {hint}")
        for name in required:
            if name not in value:
                raise bad(f"{path}.{name}", "is missing")
        return value

    def text(self, value: object, path: str) -> str:
        if not isinstance(value, str):
            raise bad(path, f"is {type(value).__name__}, not text: {shown(value)}")
        text = valid_text(value)
        self.repaired = self.repaired or text != value
        return text

    def doc_id(self, value: object, path: str) -> str:
        if isinstance(value, SupportsIndex) and not isinstance(value, bool):
            return str(operator.index(value))
        return self.text(value, path)

    def flag(self, value: object, path: str) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        raise bad(path, f"is {type(value).__name__}, not true or false: {shown(value)}")

    def spent(self, value: object, path: str) -> float | None:
        """A cost or a time: a score will be made of it."""
        number = self.number(value, path, low=0.0)
        if number is not None and number > LARGEST_VALUE:
            raise bad(path, f"is beyond {LARGEST_VALUE:g}: {shown(value)}")
        return number

    def number(self, value: object, path: str, low: float | None = None) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, Real):
            raise bad(path, f"is {type(value).__name__}, not a number: {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number) or (low is not None and number < low):
            raise bad(
                path, f"is not a finite number{'' if low is None else f' from {low:g}'}: {shown(value)}"
            )
        return number

    def whole(self, value: object, path: str, low: int = 0, high: int = 2**63 - 1) -> int | None:
        if value is None:
            return None
        number = operator.index(value) if isinstance(value, SupportsIndex) else -1
        if isinstance(value, bool) or not low <= number <= high:
            limit = f"up to {high}" if number > high else f"from {low}"
            raise bad(path, f"is not a whole number {limit}: {shown(value)}")
        return number

    def items(self, value: object, path: str) -> Sequence[Any]:
        if isinstance(value, (list, tuple)):
            return value
        raise bad(path, f"is {type(value).__name__}, not a list: {shown(value)}")

    def passages(self, value: object, path: str) -> tuple[Passage, ...]:
        read = self.passage
        return tuple(
            read(item, rank, f"{path}[{rank - 1}]") for rank, item in enumerate(self.items(value, path), 1)
        )

    def passage(self, item: object, rank: int, path: str) -> Passage:
        if isinstance(item, str):
            text = self.text(item, path)
            return Passage(
                doc_id="sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16], text=text, rank=rank
            )
        fields = self.fields(item, Passage, path, required=("doc_id", "text"))
        return Passage(
            doc_id=self.doc_id(fields["doc_id"], f"{path}.doc_id"),
            text=self.text(fields["text"], f"{path}.text"),
            rank=self.whole(fields.get("rank"), f"{path}.rank", low=1, high=MOST_32_BIT) or rank,
            score=self.number(fields.get("score"), f"{path}.score"),
            start=self.whole(fields.get("start"), f"{path}.start"),
        )

    def citations(self, value: object, path: str) -> tuple[Citation, ...]:
        read = self.citation
        return tuple(read(item, f"{path}[{at}]") for at, item in enumerate(self.items(value, path)))

    def citation(self, item: object, path: str) -> Citation:
        if isinstance(item, (str, SupportsIndex)):
            return Citation(doc_id=self.doc_id(item, path))
        fields = self.fields(item, Citation, path, required=("doc_id",))
        start = self.whole(fields.get("start"), f"{path}.start")
        end = self.whole(fields.get("end"), f"{path}.end")
        if start is not None and end is not None and end < start:
            raise bad(f"{path}.end", f"lies before start: {end} < {start}")
        return Citation(doc_id=self.doc_id(fields["doc_id"], f"{path}.doc_id"), start=start, end=end)

    def usage(self, value: object) -> Usage:
        if value is None:
            return Usage()
        fields = self.fields(value, Usage, "usage", required=())
        return Usage(
            input_tokens=self.whole(fields.get("input_tokens"), "usage.input_tokens"),
            output_tokens=self.whole(fields.get("output_tokens"), "usage.output_tokens"),
            cost_usd=self.spent(fields.get("cost_usd"), "usage.cost_usd"),
        )

    def timings(self, value: object) -> Timings:
        if value is None:
            return Timings()
        fields = self.fields(value, Timings, "timings", required=())
        return Timings(
            total_s=self.spent(fields.get("total_s"), "timings.total_s"),
            retrieve_s=self.spent(fields.get("retrieve_s"), "timings.retrieve_s"),
            generate_s=self.spent(fields.get("generate_s"), "timings.generate_s"),
        )

    def error(self, value: object) -> SystemFailure:
        if isinstance(value, str):
            return SystemFailure("exception", self.text(value, "error"))
        fields = self.fields(value, ResponseError, "error", required=("kind", "message"))
        kind = fields["kind"]
        if kind not in _ERROR_KINDS:
            return bad("error.kind", f"is not one of {', '.join(_ERROR_KINDS)}: {shown(kind)}")
        return SystemFailure(kind, self.text(fields["message"], "error.message"))
