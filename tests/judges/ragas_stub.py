"""Replies to what ragas asks: statements and verdicts soundly, anything else by its schema."""

from __future__ import annotations

import json
import re
from typing import Any

from judge_stub import Reply

_NUMBER = re.compile(r"\d+")


def answer_ragas(request: dict[str, Any]) -> Reply:
    """Answer as a model that keeps to the JSON Schema in its instructions."""
    if "input" in request:
        return _embed(request["input"])
    instructions, asked = request["messages"][0]["content"], request["messages"][1]["content"]
    schema, _ = json.JSONDecoder().raw_decode(instructions[instructions.index("{") :])
    if schema["title"] == "StatementGeneratorOutput":
        found: Any = {"statements": _sentences(_given(asked)["answer"])}
    elif schema["title"] == "NLIStatementOutput":
        given = _given(asked)
        found = {"statements": [_verdict(text, given["context"]) for text in given["statements"]]}
    elif schema["title"] == "ContextRecallOutput":
        found = {"classifications": []}
    else:
        found = _filled(schema, schema.get("$defs", {}))
    return Reply(json.dumps(found))


def _given(prompt: str) -> dict[str, Any]:
    """The last JSON object of a prompt of ragas is the input."""
    decoder, found = json.JSONDecoder(), {}
    for match in re.finditer(r"^\s*(?:Input: |input: )?\{", prompt, re.MULTILINE):
        try:
            value, _ = decoder.raw_decode(prompt[match.end() - 1 :])
        except json.JSONDecodeError:
            continue
        if isinstance(value, dict):
            found = value
    return found


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?。])\s+", text.strip()) if part]


def _verdict(text: str, context: str) -> dict[str, Any]:
    numbers = set(_NUMBER.findall(text))
    supported = bool(numbers) and numbers <= set(_NUMBER.findall(context))
    return {"statement": text, "reason": "by numbers", "verdict": int(supported)}


def _filled(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    """Make the least value that fits a JSON Schema."""
    if "$ref" in schema:
        return _filled(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], defs)
    kind = schema.get("type")
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return {"Lindow": _filled(schema["additionalProperties"], defs)}
    if kind == "object":
        return {name: _filled(part, defs) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_filled(schema["items"], defs)]
    if kind in ("integer", "number"):
        return 3
    return True if kind == "boolean" else "Lindow"


def _embed(texts: Any) -> Reply:
    listed = texts if isinstance(texts, list) else [texts]
    rows = [{"object": "embedding", "index": i, "embedding": [1.0, 0.5, 0.25]} for i, _ in enumerate(listed)]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return Reply(body=json.dumps({"object": "list", "data": rows, "model": "e", "usage": usage}).encode())
