"""Prompt files to messages: instructions by themselves, data in a message of its own, examples put alike."""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

import msgspec

from harness.types import Question

FORMS = "forms.v1"
MARKER_BYTES = 6

Message = dict[str, str]

_HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(labels|first|rubric)\}")
_FORM_OF = {"json_schema": "json", "json": "json", "text": "text", "logprob": "logprob"}


class Example(NamedTuple):
    """Data as a question would hold it, and the verdict on each item."""

    sections: tuple[tuple[str, str], ...]
    items: tuple[str, ...]
    verdicts: tuple[str, ...]


class Prompt(NamedTuple):
    """The instructions and worked examples of one prompt file."""

    instruction: str
    examples: tuple[Example, ...]


@functools.cache
def read_prompt(name: str) -> Prompt:
    """Read a prompt file that ships with the package, by its name with version: ``claims.v1``.

    Parts begin with ``## instruction`` and ``## example``; within an example ``### item`` and ``### verdict``
    take turns, and any other ``###`` heading is a section of data.
    """
    instruction = ""
    examples: list[Example] = []
    for title, body in _parts(_text(name), level=2):
        if title == "instruction":
            instruction = body.strip()
            continue
        inner = [(heading, part.strip()) for heading, part in _parts(body, level=3)]
        examples.append(
            Example(
                tuple((heading, part) for heading, part in inner if heading not in ("item", "verdict")),
                tuple(part for heading, part in inner if heading == "item"),
                tuple(part for heading, part in inner if heading == "verdict"),
            )
        )
    return Prompt(instruction, tuple(examples))


def prompt_names() -> list[str]:
    """Name every prompt file, with its version."""
    there = files("harness.judges").joinpath("prompts").iterdir()
    return sorted(path.name.removesuffix(".md") for path in there if path.name != f"{FORMS}.md")


def prompt_digest(name: str) -> str:
    """SHA-256 over a prompt file and the file of forms: a change of either is another judge.

    Prompts of another package have its name and version (``ragas/0.4.3``), which stand for themselves.
    """
    if "/" in name:
        return name
    return hashlib.sha256(f"{_text(FORMS)}\0{_text(name)}".encode()).hexdigest()


def make_marker(question: Question, draw: Callable[[int], str] = secrets.token_hex) -> str:
    """Draw what the sections of one question are marked with: random, and nowhere in its data.

    All items of a question share it, so that what a server has read of it serves the next item; who wrote
    the data could not know it.
    """
    texts = [text for section in question.sections for text in section] + [*question.items]
    while True:
        marker = draw(MARKER_BYTES)
        if not any(marker in text for text in texts):
            return marker


def make_messages(question: Question, output: str, marker: str) -> list[Message]:
    """Give the messages of a question: instructions, worked examples, and the data last.

    Data is put in word for word, and nothing in it is a placeholder.
    """
    before = _before_data(question.prompt, question.labels, question.rubric, output)
    return [*before, {"role": "user", "content": _data(question.sections, question.items, marker)}]


@functools.cache
def _before_data(name: str, labels: tuple[str, ...], rubric: str, output: str) -> tuple[Message, ...]:
    """What all questions of a kind begin with."""
    prompt, form = read_prompt(name), _FORM_OF[output]
    parts = dict(_parts(_text(FORMS), level=2))
    values = {"labels": ", ".join(labels), "first": labels[0], "rubric": rubric}
    wanted = "\n\n".join((prompt.instruction, parts["data"].strip(), parts[form].strip()))
    messages = [{"role": "system", "content": _filled(wanted, values)}]
    for example in prompt.examples:
        for shown in _singly(example) if output == "logprob" else (example,):
            messages.append({"role": "user", "content": _data(shown.sections, shown.items, _mark_of(shown))})
            messages.append({"role": "assistant", "content": _reply(shown.verdicts, form)})
    return tuple(messages)


def _data(sections: Sequence[tuple[str, str]], items: Sequence[str], marker: str) -> str:
    named = [*sections, *((f"item {number}", item) for number, item in enumerate(items, 1))]
    return "\n".join([f"Marker: {marker}", *(f"[{marker} {name}]\n{text}" for name, text in named)])


def _reply(verdicts: Sequence[str], form: str) -> str:
    if form == "json":
        rows = [{"item": number, "verdict": verdict} for number, verdict in enumerate(verdicts, 1)]
        return msgspec.json.encode({"verdicts": rows}).decode()
    if form == "text":
        return "\n".join(f"{number}: {verdict}" for number, verdict in enumerate(verdicts, 1))
    return verdicts[0]


def _singly(example: Example) -> list[Example]:
    pairs = zip(example.items, example.verdicts, strict=True)
    return [Example(example.sections, (item,), (verdict,)) for item, verdict in pairs]


def _mark_of(example: Example) -> str:
    """The marker of an example: like any other, but always the same, as all that comes before the data."""
    return hashlib.sha256(repr(example.sections).encode()).hexdigest()[: 2 * MARKER_BYTES]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _parts(text: str, level: int) -> list[tuple[str, str]]:
    """Part a text at its headings of one level; what stands before the first is left out."""
    headings = [match for match in _HEADING.finditer(text) if len(match[1]) == level]
    ends = [match.start() for match in headings[1:]] + [len(text)]
    return [(match[2].strip(), text[match.end() : end]) for match, end in zip(headings, ends, strict=True)]


@functools.cache
def _text(name: str) -> str:
    return files("harness.judges").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
