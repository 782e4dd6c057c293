"""Tests of harness.systems.answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SystemFailure
from harness.systems.answers import decode_text, query_fields, shown, to_response, to_retrieved
from harness.types import Citation, Message, Passage, Query, Response, ResponseError, Timings, Usage


def test_text_is_the_output() -> None:
    """A str is the output and nothing else."""
    assert to_response("14 days") == Response(output="14 days")


def test_mapping_gives_every_field() -> None:
    """A mapping holds the fields of a Response, in JSON types."""
    answer = {
        "output": "x",
        "retrieved": [
            {"doc_id": "a", "text": "t", "score": 1, "start": 4},
            {"doc_id": 7, "text": "u", "rank": 9},
        ],
        "refused": False,
        "citations": [{"doc_id": "a", "start": 0, "end": 1}, "b"],
        "usage": {"input_tokens": 3, "cost_usd": 0.5},
        "timings": {"total_s": 2},
        "attempts": 2,
        "cached": True,
        "error": None,
    }
    assert to_response(answer) == Response(
        output="x",
        retrieved=(Passage("a", "t", 1, 1.0, 4), Passage("7", "u", 9)),
        refused=False,
        citations=(Citation("a", 0, 1), Citation("b")),
        usage=Usage(3, None, 0.5),
        timings=Timings(2.0),
        attempts=2,
        cached=True,
    )


def test_response_is_checked_too() -> None:
    """A Response is not trusted more than a mapping: right values stay, wrong ones are refused."""
    good = Response(output="x", retrieved=(Passage("a", "t", 1),), timings=Timings(1.0), text_repaired=True)
    assert to_response(good) == good
    with pytest.raises(SystemFailure, match="output is int, not text: 7"):
        to_response(Response(output=7))  # type: ignore[arg-type]


def test_retrieved_texts_get_ranks_and_ids_of_their_own() -> None:
    """A retrieved str becomes a passage; the same text always has the same id, another text another."""
    first, second, third = to_retrieved(["one", "two", "one"]).retrieved
    assert (first.rank, second.rank, third.rank) == (1, 2, 3)
    assert first.doc_id == third.doc_id != second.doc_id


def test_numbers_of_numpy_are_numbers() -> None:
    """Scores and counts may be NumPy scalars; they become plain numbers."""
    answer = to_response(
        {
            "output": "x",
            "retrieved": [{"doc_id": np.int64(5), "text": "t", "score": np.float32(0.5)}],
            "usage": {"input_tokens": np.int32(4)},
        }
    )
    assert answer.retrieved[0] == Passage("5", "t", 1, 0.5)
    assert type(answer.retrieved[0].score) is float
    assert type(answer.usage.input_tokens) is int


BAD: list[tuple[Any, str]] = [
    (None, "answer is NoneType, not an object: None"),
    (["x"], "answer is list, not an object"),
    (b"x", "answer is bytes, not an object"),
    ({}, "output is missing"),
    ({"output": None}, "output is missing"),
    ({"output": 1}, "output is int, not text: 1"),
    ({"outptu": "x"}, "unknown field 'outptu': did you mean 'output'?"),
    ({"output": "x", "retrieved": None}, "retrieved is NoneType, not a list"),
    ({"output": "x", "retrieved": "text"}, "retrieved is str, not a list"),
    ({"output": "x", "retrieved": [3]}, r"retrieved\[0\] is int, not an object"),
    ({"output": "x", "retrieved": ["a", {"text": "t"}]}, r"retrieved\[1\]\.doc_id is missing"),
    ({"output": "x", "retrieved": [{"doc_id": "a"}]}, r"retrieved\[0\]\.text is missing"),
    ({"output": "x", "retrieved": [{"doc_id": True, "text": "t"}]}, r"doc_id is bool, not text"),
    (
        {"output": "x", "retrieved": [{"doc_id": "a", "text": "t", "rank": 0}]},
        r"rank is not a whole number from 1",
    ),
    (
        {"output": "x", "retrieved": [{"doc_id": "a", "text": "t", "score": "1"}]},
        r"score is str, not a number: '1'",
    ),
    (
        {"output": "x", "retrieved": [{"doc_id": "a", "text": "t", "score": float("nan")}]},
        "not a finite number: nan",
    ),
    ({"output": "x", "retrieved": [{"doc_id": "a", "text": "t", "score": 10**400}]}, "not a finite number"),
    (
        {"output": "x", "retrieved": [{"doc_id": "a", "text": "t", "meta": 1}]},
        r"retrieved\[0\] has the unknown",
    ),
    ({"output": "x", "refused": "no"}, "refused is str, not true or false: 'no'"),
    ({"output": "x", "refused": 0}, "refused is int, not true or false"),
    ({"output": "x", "citations": [{"start": 1}]}, r"citations\[0\]\.doc_id is missing"),
    ({"output": "x", "citations": [{"doc_id": "a", "start": 3, "end": 2}]}, "lies before start"),
    ({"output": "x", "usage": {"input_tokens": -1}}, "usage.input_tokens is not a whole number from 0: -1"),
    ({"output": "x", "usage": {"input_tokens": 1.5}}, "usage.input_tokens is not a whole number"),
    ({"output": "x", "usage": {"input_tokens": True}}, "usage.input_tokens is not a whole number"),
    ({"output": "x", "usage": {"input_tokens": 2**63}}, "usage.input_tokens is not a whole number"),
    (
        {"output": "x", "usage": {"cost_usd": float("inf")}},
        "usage.cost_usd is not a finite number from 0: inf",
    ),
    ({"output": "x", "usage": {"cost_usd": 2e100}}, r"usage.cost_usd is beyond 1e\+100: 2e\+100"),
    ({"output": "x", "timings": {"generate_s": 1e154}}, r"timings.generate_s is beyond 1e\+100: 1e\+154"),
    ({"output": "x", "usage": []}, "usage is list, not an object"),
    ({"output": "x", "timings": {"total_s": -0.1}}, "timings.total_s is not a finite number from 0: -0.1"),
    ({"output": "x", "attempts": 0}, "attempts is not a whole number from 1"),
    ({"output": "x", "attempts": 2**31}, "attempts is not a whole number up to 2147483647: 2147483648"),
    (
        {"output": "x", "retrieved": [{"doc_id": "d", "text": "t", "rank": 2**31}]},
        "rank is not a whole number up to 2147483647",
    ),
    ({"output": "x", "error": {"kind": "odd", "message": "m"}}, "error.kind is not one of"),
    ({"output": "x", "error": {"kind": "process"}}, "error.message is missing"),
]


@pytest.mark.parametrize(("answer", "message"), BAD)
def test_f3_a_wrong_answer_is_refused_by_field(answer: Any, message: str) -> None:
    """An unknown name, a wrong type or a number that is none is ``bad_response`` and names the field."""
    with pytest.raises(SystemFailure, match=message) as caught:
        to_response(answer)
    assert caught.value.kind == "bad_response"
    assert not caught.value.retry


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"kind": "timeout", "message": "late"}, "timeout"),
        (ResponseError("process", "late"), "process"),
        ("late", "exception"),
    ],
)
def test_an_error_in_the_answer_is_raised(error: Any, kind: str) -> None:
    """An answer that carries an error is that failure, with or without an output."""
    with pytest.raises(SystemFailure, match="late") as caught:
        to_response({"output": "x", "error": error})
    assert caught.value.kind == kind


def test_f3_messages_show_200_characters_and_nothing_invisible() -> None:
    """A faulty value is shown by its first 200 characters, control and bidi characters escaped."""
    assert len(shown("x" * 10_000)) <= 202
    assert len(shown("x " * 10_000)) <= 202
    assert shown("x" * 197) == repr("x" * 197)
    assert shown("\x1b[31m\u202e\0") == r"'\x1b[31m\u202e\x00'"


@pytest.mark.parametrize("kind", [str, lambda text: text.encode(), lambda text: {"key": text}])
def test_a_cut_message_holds_no_part_of_a_word(kind: Callable[[str], object]) -> None:
    """What is cut is cut between words, and says so: half of a secret could not be found and hidden."""
    for length in range(150, 220):
        found = shown(
            kind("w " * (length // 2) + "x" * (length % 2) + " SECRET-TOKEN-0123456789 " + "w " * 50)
        )
        assert "SECRET" not in found or "SECRET-TOKEN-0123456789" in found
        assert found.endswith("…")
    assert shown("one two", cut=True) == "'one …"


@given(st.text(st.characters(codec=None), max_size=40), st.text(st.characters(codec=None), max_size=40))
def test_f5_any_text_becomes_valid(output: str, text: str) -> None:
    """Any str survives as valid Unicode; the flag says whether it had to be changed."""
    answer = to_response({"output": output, "retrieved": [text, {"doc_id": output, "text": text}]})
    assert answer.output is not None
    for was, now in (
        (output, answer.output),
        (text, answer.retrieved[1].text),
        (output, answer.retrieved[1].doc_id),
    ):
        assert now.encode("utf-8")[:0] == b""
        assert now == was or answer.text_repaired
    changed = any("\ud800" <= sign <= "\udfff" for sign in output + text)
    assert answer.text_repaired == changed


def test_f5_lone_surrogates_are_spelled_out() -> None:
    """A lone surrogate is written with a backslash and reported."""
    answer = to_response("a\ud800b")
    assert (answer.output, answer.text_repaired) == ("a\\ud800b", True)


@given(st.binary(max_size=60))
def test_f5_any_bytes_decode(raw: bytes) -> None:
    """Bytes that are no UTF-8 are spelled out and flagged, others decode as they are."""
    answer = to_response(decode_text(raw))
    assert answer.output is not None
    assert answer.text_repaired != (answer.output.encode() == raw)


def test_query_fields_are_always_all_there() -> None:
    """A query in JSON types has four keys, also where they are empty."""
    assert query_fields(Query("q", "x")) == {"id": "q", "input": "x", "history": [], "contexts": []}
    full = Query("q", "x", (Message("user", "h"),), (Passage("d", "t", 1, 0.5, 3),))
    assert query_fields(full)["history"] == [{"role": "user", "content": "h"}]
    assert query_fields(full)["contexts"] == [
        {"doc_id": "d", "text": "t", "rank": 1, "score": 0.5, "start": 3}
    ]
