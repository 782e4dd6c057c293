"""Reading what a judge replied: exactly a verdict, or refused (F6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import JudgeFailure
from harness.judges.replies import decode_strict, read_reply

LABELS = ("supported", "unsupported", "contradicted")
GOOD = '{"verdicts": [{"item": 1, "verdict": "supported"}, {"item": 2, "verdict": "contradicted"}]}'
ROWS = '{"item": 1, "verdict": "supported"}, {"item": 2, "verdict": "unsupported"}'


def _reply(content: Any, **message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **message}, "finish_reason": "stop"}]}


def _row(item: str = "1", verdict: str = '"supported"') -> str:
    return (
        f'{{"verdicts": [{{"item": {item}, "verdict": {verdict}}}, {{"item": 2, "verdict": "supported"}}]}}'
    )


BAD_JSON = {
    "empty": "",
    "blank": "  \n",
    "prose": "The first is supported.",
    "prose around": f"Here you are: {GOOD}",
    "prose behind": f"{GOOD} I hope this helps.",
    "cut off": GOOD[:-3],
    "fenced": f"```json\n{GOOD}\n```",
    "fenced without a word": f"```\n{GOOD}\n```",
    "two objects": GOOD + GOOD,
    "two objects on lines": f"{GOOD}\n{GOOD}",
    "single quotes": GOOD.replace('"', "'"),
    "trailing comma": GOOD.replace("]}", ",]}"),
    "comment": GOOD.replace("{", "{ // sure\n", 1),
    "a list": f"[{ROWS}]",
    "a string": '"supported"',
    "a number": "1",
    "null": "null",
    "true": "true",
    "NaN": "NaN",
    "NaN inside": _row(item="NaN"),
    "Infinity inside": _row(item="Infinity"),
    "minus Infinity inside": _row(item="-Infinity"),
    "1e999 inside": _row(item="1e999"),
    "minus 1e999 inside": _row(item="-1e999"),
    "item 1.0": _row(item="1.0"),
    "item '1'": _row(item='"1"'),
    "item true": _row(item="true"),
    "item null": _row(item="null"),
    "item 0": _row(item="0"),
    "item 3": _row(item="3"),
    "item -1": _row(item="-1"),
    "item huge": _row(item="9" * 5000),
    "verdict 1": _row(verdict="1"),
    "verdict 1.0": _row(verdict='"1.0"'),
    "verdict true": _row(verdict="true"),
    "verdict null": _row(verdict="null"),
    "verdict a list": _row(verdict='["supported"]'),
    "verdict capitalised": _row(verdict='"Supported"'),
    "verdict with a blank": _row(verdict='" supported"'),
    "verdict of another set": _row(verdict='"relevant"'),
    "verdict with a reason": _row(verdict='"supported, because"'),
    "verdict empty": _row(verdict='""'),
    "a missing claim": '{"verdicts": [{"item": 1, "verdict": "supported"}]}',
    "no claims": '{"verdicts": []}',
    "a claim too many": f'{{"verdicts": [{ROWS}, {{"item": 3, "verdict": "supported"}}]}}',
    "a claim twice": GOOD.replace('"item": 2', '"item": 1'),
    "a key twice": GOOD.replace('"item": 1', '"item": 2, "item": 1'),
    "verdicts twice": '{"verdicts": [], ' + GOOD[1:],
    "two verdicts": GOOD.replace(
        '"verdict": "supported"', '"verdict": "unsupported", "verdict": "supported"'
    ),
    "an extra key": GOOD[:-1] + ', "score": 1.0}',
    "an extra key in a row": GOOD.replace('"item": 1', '"item": 1, "why": "x"'),
    "another key": GOOD.replace("verdicts", "results"),
    "rows as an object": '{"verdicts": {"1": "supported", "2": "supported"}}',
    "rows as text": '{"verdicts": ["supported", "supported"]}',
    "rows nested": f'{{"verdicts": [[{ROWS}]]}}',
    "nested too deeply": '{"verdicts": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a score instead": '{"score": 1.0}',
    "a refusal": "I'm sorry, but I can't help with that.",
    "byte order mark": "\ufeff" + GOOD,
    "NUL": GOOD + "\0",
}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_f6_a_number_that_is_none_is_refused_wherever_it_stands(number: str) -> None:
    """In a verdict and around it: tokens, log-probabilities, what nobody looks at."""
    for text in (number, f'{{"usage": {{"prompt_tokens": {number}}}}}', f"[[{number}]]"):
        with pytest.raises(JudgeFailure, match=r"it is not JSON: .*number"):
            decode_strict(text)


@pytest.mark.parametrize("content", BAD_JSON.values(), ids=BAD_JSON)
def test_f6_what_is_not_exactly_the_object_is_refused(content: str) -> None:
    """Every malformed reply is refused as answered, with a message that shows nothing of it."""
    with pytest.raises(JudgeFailure, match="reply was refused") as caught:
        read_reply(_reply(content), "json", LABELS, 2)
    assert caught.value.answered
    assert "supported" not in caught.value.message


BODIES: dict[str, Any] = {
    "no object": [],
    "no choices": {},
    "choices null": {"choices": None},
    "choices empty": {"choices": []},
    "choice null": {"choices": [None]},
    "no message": {"choices": [{}]},
    "message null": {"choices": [{"message": None}]},
    "content null": _reply(None),
    "content a list": _reply([{"type": "text", "text": GOOD}]),
    "content a number": _reply(1),
    "declined": _reply(GOOD, refusal="I won't."),
    "cut off": {"choices": [{"message": {"content": GOOD}, "finish_reason": "length"}]},
    "an error": {"error": {"message": "overloaded"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_f6_what_is_no_completion_is_refused(body: Any) -> None:
    """A body without a message of text has no verdict."""
    with pytest.raises(JudgeFailure, match="refused"):
        read_reply(body, "json_schema", LABELS, 2)


def test_a_verdict_for_each_item_is_read() -> None:
    """In any order; the shares follow the items, and are 1 for the label said."""
    swapped = '{"verdicts": [{"item": 2, "verdict": "contradicted"}, {"item": 1, "verdict": "supported"}]}'
    for content in (GOOD, swapped, f"\n {GOOD} \n"):
        assert read_reply(_reply(content), "json_schema", LABELS, 2) == ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    lines = "1: supported\n2: contradicted\n"
    assert read_reply(_reply(lines), "text", LABELS, 2) == ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize(
    "content",
    [
        "supported",
        "1: supported",
        "1: supported\n3: supported",
        "1: supported\n1: supported",
        "1: supported\n2: Supported",
        "1: supported\n2: supported because",
        "1 supported\n2 supported",
        "1: supported\n\n2: supported",
        "Verdicts:\n1: supported\n2: supported",
        "1: supported\n2: supported\nDone.",
        "1:supported\n2:supported",
        GOOD,
    ],
)
def test_f6_other_lines_are_refused(content: str) -> None:
    """A line for each item and nothing else."""
    with pytest.raises(JudgeFailure, match="refused"):
        read_reply(_reply(content), "text", LABELS, 2)


def _tokens(*top: tuple[Any, Any]) -> dict[str, Any]:
    listed = [{"token": token, "logprob": logprob} for token, logprob in top]
    choice = {"message": {"content": "x"}, "finish_reason": "length"}
    return {"choices": [{**choice, "logprobs": {"content": [{"token": "x", "top_logprobs": listed}]}}]}


def test_probabilities_are_those_of_the_tokens_that_begin_one_label() -> None:
    """Case and blanks do not matter; what begins no label is left out, and the rest adds up to 1."""
    body = _tokens(
        ("supp", -0.5108256), (" Supported", -2.3025851), ("un", -1.6094379), ("The", -3.0), ("", -4)
    )
    ((supported, unsupported, contradicted),) = read_reply(body, "logprob", LABELS, 1)
    assert supported == pytest.approx(0.7 / 0.9)
    assert unsupported == pytest.approx(0.2 / 0.9)
    assert contradicted == 0.0
    grades = read_reply(_tokens(("5", -0.2231436), ("4", -1.6094379)), "logprob", ("5", "4", "3"), 1)
    assert grades[0] == pytest.approx((0.8, 0.2, 0.0))


@pytest.mark.parametrize(
    "body",
    [
        _reply("supported"),
        {"choices": [{"message": {"content": "x"}, "logprobs": None}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": None}}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": []}}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"top_logprobs": None}]}}]},
        _tokens(),
        _tokens(("The", -0.1), ("supported", -3.0)),
        _tokens(("supported", True)),
        _tokens(("supported", "-0.1")),
        _tokens(("supported", None)),
        _tokens(("supported", float("nan"))),
        _tokens(("supported", 0.5)),
        _tokens((7, -0.1)),
        _tokens(("supported", -0.1), ("Supported", -0.1)),
    ],
    ids=str,
)
def test_f6_log_probabilities_that_tell_no_verdict_are_refused(body: dict[str, Any]) -> None:
    """None, or no numbers up to 0, or little mass on the verdicts, or more than there is."""
    with pytest.raises(JudgeFailure, match="refused"):
        read_reply(body, "logprob", LABELS, 1)


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_f6_any_text_at_all_is_a_verdict_or_a_refusal(content: str) -> None:
    """Nothing but JudgeFailure leaves the reader, whatever the judge says."""
    for output in ("json", "text"):
        with pytest.raises(JudgeFailure):
            read_reply(_reply(content), output, LABELS, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"message": {"content": GOOD, "tool_calls": [{"id": "1"}]}}, "it calls a tool"),
        ({"message": {"content": GOOD, "function_call": {"name": "f"}}}, "it calls a tool"),
        ({"finish_reason": "content_filter"}, "it declined to judge"),
    ],
)
def test_f6_a_verdict_beside_something_else_is_none(change: dict[str, Any], said: str) -> None:
    """A tool called, or a text cut by a filter: whatever stands beside it."""
    reply = _reply(GOOD)
    reply["choices"][0] |= change
    with pytest.raises(JudgeFailure, match=said):
        read_reply(reply, "json", LABELS, 2)


def test_f6_two_replies_are_none() -> None:
    """Nothing tells which of two choices is meant, and digits of other scripts are not in the form."""
    reply = _reply(GOOD)
    reply["choices"] *= 2
    with pytest.raises(JudgeFailure, match="it has 2 choices"):
        read_reply(reply, "json", LABELS, 2)
    with pytest.raises(JudgeFailure, match="line 1 is not a number"):
        read_reply(_reply("\u0661: supported\n2: supported"), "text", LABELS, 2)
