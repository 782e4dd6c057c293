"""What a judge replied to the shares of each label, strictly: what is not exactly a verdict is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from harness.errors import JudgeFailure

Shares = tuple[tuple[float, ...], ...]

LEAST_MASS = 0.5
"""Probability that the verdicts among the likeliest tokens must have together, else there is no verdict."""
_LINE = re.compile(r"([0-9]{1,6}): (.+)")


def read_reply(body: Any, output: str, labels: Sequence[str], n_items: int) -> Shares:
    """Read the decoded body of a chat completion.

    Args:
        body: JSON types.
        output: how verdicts were asked for (see ``JudgeSettings``).
        labels: the closed set, each exactly as it must be written.
        n_items: how many verdicts there must be; 1 for ``logprob``.

    Returns:
        one row per item, one share per label, each row adding up to 1.

    Raises:
        JudgeFailure: what is wrong, in words that show nothing of the reply but its kind.
    """
    choices = _get(body, "choices", list)
    choice = _first(choices, "choices")
    if len(choices) > 1:
        raise _bad(f"it has {len(choices)} choices, not one")
    message = _get(choice, "message", dict)
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise _bad("it declined to judge")
    if message.get("tool_calls") or message.get("function_call"):
        raise _bad("it calls a tool")
    if output == "logprob":
        return (_from_tokens(choice, labels),)
    if choice.get("finish_reason") == "length":
        raise _bad("it was cut off at max_tokens")
    text = message.get("content")
    if not isinstance(text, str):
        raise _bad("it holds no text")
    found = _from_lines(text) if output == "text" else _from_json(text)
    return _shares(found, labels, n_items)


def decode_strict(text: str) -> Any:
    """Decode JSON; NaN, Infinity, numbers too large, keys given twice and further text are refused.

    Raises:
        JudgeFailure: it is not JSON in this sense.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_doubles
        )
    except RecursionError:
        raise _bad("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _bad(f"it is not one JSON value: {error.msg.lower()} at character {error.pos + 1}") from None
    except ValueError as error:
        raise _bad(f"it is not JSON: {error}") from None


def _from_json(text: str) -> list[tuple[int, str]]:
    value = decode_strict(text)
    if not isinstance(value, dict) or set(value) != {"verdicts"}:
        raise _bad('it is not an object with the one key "verdicts"')
    rows = value["verdicts"]
    if not isinstance(rows, list):
        raise _bad('"verdicts" is not a list')
    found = []
    for row in rows:
        if not isinstance(row, dict) or set(row) != {"item", "verdict"}:
            raise _bad('a verdict is not an object with the keys "item" and "verdict"')
        item, verdict = row["item"], row["verdict"]
        if type(item) is not int:  # true is no number, nor is 1.0
            raise _bad(f'"item" is {type(item).__name__}, not a whole number')
        if not isinstance(verdict, str):
            raise _bad(f'"verdict" is {type(verdict).__name__}, not text')
        found.append((item, verdict))
    return found


def _from_lines(text: str) -> list[tuple[int, str]]:
    found = []
    for number, line in enumerate(text.strip().splitlines(), 1):
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise _bad(f"line {number} is not a number, a colon, a blank and a verdict")
        found.append((int(match[1]), match[2]))
    return found


def _shares(found: Sequence[tuple[int, str]], labels: Sequence[str], n_items: int) -> Shares:
    """Every item has one verdict, of the closed set."""
    numbers = [item for item, _ in found]
    if sorted(numbers) != list(range(1, n_items + 1)):
        raise _bad(f"it judges {len(numbers)} items, not each of {n_items} once")
    if any(verdict not in labels for _, verdict in found):
        raise _bad("it has a verdict that is not one of those wanted")
    by_item = dict(found)
    return tuple(tuple(float(by_item[item] == label) for label in labels) for item in range(1, n_items + 1))


def _from_tokens(choice: dict[str, Any], labels: Sequence[str]) -> tuple[float, ...]:
    """Share of each label among the likeliest first tokens; a token stands for the one label it begins."""
    if not isinstance(choice.get("logprobs"), dict):
        raise _bad("the server gives no log-probabilities: choose another `output`")
    first = _first(_get(choice["logprobs"], "content", list), "content")
    masses = dict.fromkeys(labels, 0.0)
    for candidate in _get(first, "top_logprobs", list):
        token, logprob = _get(candidate, "token", str), candidate.get("logprob")
        if isinstance(logprob, bool) or not isinstance(logprob, (int, float)) or not logprob <= 1e-3:
            raise _bad("a log-probability is not a number up to 0")
        begun = [label for label in labels if _is_begun(label, token)]
        if len(begun) == 1:
            masses[begun[0]] += math.exp(min(0.0, logprob))
    total = math.fsum(masses.values())
    if not LEAST_MASS <= total <= 1 + 1e-3:
        raise _bad(f"the verdicts have {total:.2f} of the probability, not {LEAST_MASS:g} to 1")
    return tuple(mass / total for mass in masses.values())


def _is_begun(label: str, token: str) -> bool:
    word = token.strip().casefold()
    return bool(word) and label.casefold().startswith(word)


def _get(value: Any, name: str, kind: type) -> Any:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind):
        raise _bad(f"{name!r} is missing or not {kind.__name__}")
    return found


def _first(found: list[Any], name: str) -> dict[str, Any]:
    if not found or not isinstance(found[0], dict):
        raise _bad(f"{name!r} holds no object")
    first: dict[str, Any] = found[0]
    return first


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _bad(what: str) -> JudgeFailure:
    return JudgeFailure(f"the judge's reply was refused: {what}", answered=True)
