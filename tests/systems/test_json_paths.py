"""Tests of harness.systems.json_paths."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SystemFailure, UsageError
from harness.systems.json_paths import answer_paths, decode_json, json_path, nested

BODY = {"a": {"b": [{"c": 1}, {"c": 2}], "n": None}, "s": "text", "list": [[1, 2], [3]]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", BODY),
        ("$.s", "text"),
        ("s", "text"),
        ("$.a.b[0].c", 1),
        ("$.a.b[-1].c", 2),
        ("$.a.b[*].c", [1, 2]),
        ("$.list[*][*]", [1, 2, 3]),
        ("$.a.n", None),
        ("$.a.b", [{"c": 1}, {"c": 2}]),
    ],
)
def test_paths_lead_to_values(path: str, value: Any) -> None:
    """Keys, positions and ``[*]`` lead to the value, or to the list of all values."""
    assert json_path(path, "response").value(BODY) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.x", r"^\$\.x is missing$"),
        ("$.a.x.y", r"^\$\.a\.x is missing$"),
        ("$.a.n.x", r"^\$\.a\.n\.x is missing: \$\.a\.n is null$"),
        ("$.a.b[2]", r"^\$\.a\.b\[2\] is missing$"),
        ("$.a.b[*].d", r"^\$\.a\.b\[0\]\.d is missing$"),
        ("$.a.n[*]", r"^\$\.a\.n is null, not a list"),
        ("$.s[*]", r"^\$\.s is str, not a list: 'text'$"),
    ],
)
def test_f3_a_missing_place_is_named(path: str, message: str) -> None:
    """What is not there is ``bad_response`` and names the first place that is missing."""
    with pytest.raises(SystemFailure, match=message) as caught:
        json_path(path, "response").value(BODY)
    assert caught.value.kind == "bad_response"


@pytest.mark.parametrize("path", ["$..a", "$.a[", "$.a[x]", "$.a b", "$.a[?(@.b)]", "a.$", "$.*", "."])
def test_other_paths_are_refused(path: str) -> None:
    """What is beyond the small subset is a fault of the suite."""
    with pytest.raises(UsageError, match="is not a path"):
        json_path(path, "response.output")


def test_answer_is_read_by_paths() -> None:
    """Declared paths give the fields of a Response; the order of items is kept."""
    spec: dict[str, Any] = {
        "output": "$.data.text",
        "retrieved": {"at": "$.data.hits[*]", "doc_id": "meta.id", "text": "body", "score": "score"},
        "usage": {"input_tokens": "$.tokens.in"},
        "refused": "$.data.refused",
    }
    body = {
        "data": {
            "text": "x",
            "refused": None,
            "hits": [
                {"meta": {"id": "a"}, "body": "t", "score": 2, "more": 1},
                {"meta": {"id": "b"}, "body": "u", "score": None},
            ],
        },
        "tokens": {"in": 3},
    }
    assert answer_paths(spec, "response").read(body) == {
        "output": "x",
        "refused": None,
        "retrieved": [{"doc_id": "a", "text": "t", "score": 2}, {"doc_id": "b", "text": "u", "score": None}],
        "usage": {"input_tokens": 3},
    }


@pytest.mark.parametrize("at", ["$.hits", "$.hits[*]"])
def test_f3_a_list_may_be_empty_but_not_null_or_missing(at: str) -> None:
    """An empty list is an answer; null, a missing list, and a missing field of an item are errors."""
    paths = answer_paths({"output": "o", "retrieved": {"at": at, "doc_id": "id", "text": "text"}}, "response")
    assert paths.read({"o": "x", "hits": []})["retrieved"] == []
    for body, message in (
        ({"o": "x", "hits": None}, r"hits is null, not a list"),
        ({"o": "x"}, r"\$\.hits is missing"),
        ({"o": "x", "hits": [{"id": "a", "text": "t"}, {"id": "b"}]}, r"hits\[1\]\.text is missing"),
    ):
        with pytest.raises(SystemFailure, match=message):
            paths.read(body)


def test_an_error_stands_alone() -> None:
    """A declared error that is there is all of the answer; one that is absent or null is none."""
    paths = answer_paths({"output": "$.text", "error": "$.error"}, "response")
    assert paths.read({"error": "overloaded"}) == {"error": "overloaded"}
    assert paths.read({"text": "x"}) == {"output": "x"}
    assert paths.read({"text": "x", "error": None}) == {"output": "x"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "response has no 'output'"),
        ({"output": "o", "contexts": "c"}, "unknown name 'contexts'"),
        ({"output": "o", "retreived": "c"}, "did you mean 'retrieved'"),
        ({"output": {"at": "o"}}, "response.output takes one path"),
        ({"output": "o", "retrieved": {"doc_id": "id"}}, "has no 'at'"),
        ({"output": "o", "retrieved": {"at": "r", "doc_id": "id"}}, "has no 'text'"),
        (
            {"output": "o", "retrieved": {"at": "r", "docid": "id"}},
            "unknown name 'docid': did you mean 'doc_id'",
        ),
        ({"output": "o", "usage": {"tokens": "t"}}, "response.usage has the unknown name 'tokens'"),
        ({"output": "$..o"}, "response.output .* is not a path"),
    ],
)
def test_a_wrong_mapping_is_refused(spec: Any, message: str) -> None:
    """Unknown names and wrong paths of a mapping are faults of the suite, with the nearest name."""
    with pytest.raises(UsageError, match=message):
        answer_paths(spec, "response")


def test_dotted_names_are_nested() -> None:
    """Flat names give the nested mapping, in whatever order they stand."""
    flat = {"retrieved.doc_id": "id", "output": "o", "retrieved": "chunks", "usage.input_tokens": "n"}
    assert nested(flat) == {
        "output": "o",
        "retrieved": {"at": "chunks", "doc_id": "id"},
        "usage": {"input_tokens": "n"},
    }


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": NaN}', "[-Infinity]", "nul", "<html>", "[" * 200_000, "9" * 5000, '{"a":1}{"b":2}'],
)
def test_f3_what_is_not_json_is_refused(text: str) -> None:
    """Broken, doubled or endless JSON, and numbers that are none, are ``bad_response`` in a short message."""
    with pytest.raises(SystemFailure, match="the reply is not JSON") as caught:
        decode_json(text, "the reply")
    assert len(caught.value.message) < 400


@given(st.text(max_size=60))
def test_f3_any_text_is_json_or_refused(text: str) -> None:
    """No text makes the decoder fail in another way."""
    with contextlib.suppress(SystemFailure):
        assert decode_json(text, "the reply") == json.loads(text.removeprefix("\ufeff"))
