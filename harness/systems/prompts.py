"""A prompt file in two parts, filled in one pass: values stand in it word for word, never read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from harness.errors import Place, UsageError, did_you_mean
from harness.types import Passage, Query

PLACEHOLDERS = ("question", "contexts", "history")

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_PART = re.compile(r"^##[ \t]*(\w+)[ \t]*$", re.MULTILINE)


class Prompt(NamedTuple):
    """The text of the system message (empty: none) and of the user message."""

    system: str
    user: str

    def messages(self, query: Query, passages: tuple[Passage, ...]) -> list[dict[str, str]]:
        """Fill the prompt; earlier turns become messages of their own where it has no ``{history}``."""
        values = {
            "question": query.input,
            "contexts": "\n\n".join(f"[{passage.rank}] {passage.text}" for passage in passages),
            "history": "\n".join(f"{turn.role}: {turn.content}" for turn in query.history),
        }
        messages = [{"role": "system", "content": _filled(self.system, values)}] if self.system else []
        if "{history}" not in self.system + self.user:
            messages += [{"role": turn.role, "content": turn.content} for turn in query.history]
        return [*messages, {"role": "user", "content": _filled(self.user, values)}]


def read_prompt(path: Path) -> Prompt:
    """Read a file with the parts ``## system`` (may be absent) and ``## user``.

    The parts may hold ``{question}``, ``{contexts}`` and ``{history}``.

    Raises:
        UsageError: the file cannot be read, has other parts or placeholders, or does not ask the question.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"prompt {path} cannot be read: {error}") from error
    for match in _PLACEHOLDER.finditer(text):
        if match[1] not in PLACEHOLDERS:
            hint = did_you_mean(match[1], PLACEHOLDERS)
            raise UsageError(f"unknown placeholder {match[0]}", _place(path, text, match), hint)
    parts: dict[str, str] = {}
    headings = list(_PART.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=False):
        name = heading[1].lower()
        if name not in ("system", "user") or name in parts:
            raise UsageError(f"unknown or repeated part {heading[0]!r}", _place(path, text, heading))
        parts[name] = text[heading.end() : end].strip()
    if "{question}" not in parts.get("user", ""):
        raise UsageError(f"prompt {path} has no part '## user' with the placeholder {{question}}")
    return Prompt(parts.get("system", ""), parts["user"])


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _place(path: Path, text: str, match: re.Match[str]) -> Place:
    return Place(str(path), text.count("\n", 0, match.start()) + 1)
