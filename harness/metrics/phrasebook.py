"""The words by which answers decline, ask back, give advice or are polite: one file per language."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from importlib.resources import files
from typing import NamedTuple

from harness.language import words

CUES = (
    "decline",  # the speaker will not or cannot do what was asked
    "lack",  # the speaker does not know, or the sources do not say
    "offer",  # a question that offers more
    "ask",  # a question which of several things is meant
    "ask_more",  # a question for more to go on
    "aside",  # greetings, thanks, lead-ins: nothing that could be true or false of the sources
    "advice",  # advice, and words about the sources
    "limits",  # what the speaker is or has no access to: an assistant, training data, the present day
    "guidance",  # where or how the asker may find it without the speaker
    "judgment",  # what was asked for, or supposed, is called wrong
    "denial",  # it is called untrue or impossible
    "defines",  # the meaning of a word is given
    "harm",  # words of danger, crime and injury
    "values",  # words of rights, fairness and privacy
    "unreal",  # what was asked about is called invented, impossible or misunderstood
    "turn",  # a turn from a refusal to an answer after all
)
"""What a phrase may show of the sentence it stands in. Each file says which phrases show it."""

# What a sentence does shows early; the limit bounds the time that a hostile answer can take.
LONGEST_LOOK = 600

# A quotation among fewer words than these is the sentence itself.
FEWEST_AROUND = 3

_QUOTED = re.compile('["“„«»「『][^"“”„«»「」『』]*["”“»«」』]')
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": None, "*": None, "_": None, "#": None, "\n": " "})
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Found(NamedTuple):
    """A phrase that stands in a sentence, as it is written there, and its language."""

    words: str
    language: str


def plain(text: str) -> str:
    """Make the beginning of a sentence comparable: NFKC, case-folded, plain apostrophes, no markup.

    Characters that are not seen (controls, zero width, directions of writing) are left out, and so are
    words that the sentence only quotes.
    """
    cut = _INVISIBLE.sub("", text[: 2 * LONGEST_LOOK])[:LONGEST_LOOK]
    seen = unicodedata.normalize("NFKC", cut).casefold().translate(_PLAIN).strip()
    unquoted = _QUOTED.sub('""', seen)
    return unquoted if len(words(unquoted)) >= FEWEST_AROUND else seen


def find(cue: str, sentence: str) -> Found | None:
    """Give the first phrase with this cue in a ``plain`` sentence, in any language; None if there is none."""
    match = _expression(cue).search(sentence)
    return Found(match.group().strip(), match.lastgroup or "") if match else None


@functools.cache
def languages() -> dict[str, str]:
    """Give code and English name of the languages that have a file."""
    return {code: book["name"] for code, book in _books().items()}


@functools.cache
def _books() -> dict[str, dict[str, str]]:
    """Read all files: language code to name and, by cue, the lines with their lists filled in.

    A list may name those above it.
    """
    books = {}
    folder = files("harness.metrics") / "phrases"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        read = tomllib.loads(unicodedata.normalize("NFKC", file.read_text(encoding="utf-8")))
        if unknown := set(read["phrases"]) - set(CUES):
            raise ValueError(f"phrases/{file.name}: unknown cue {min(unknown)!r}")
        book = {"name": read["name"]}
        for cue, block in read["phrases"].items():
            filled = block.strip()
            for name, pattern in reversed(read.get("lists", {}).items()):
                filled = filled.replace(f"<{name}>", pattern)
            book[cue] = "|".join(filled.splitlines())
        books[file.name.removesuffix(".toml")] = book
    return books


@functools.cache
def _expression(cue: str) -> re.Pattern[str]:
    """Join the lines of all languages for one cue; the group that matched is named after its language."""
    return re.compile("|".join(f"(?P<{code}>{book[cue]})" for code, book in _books().items() if cue in book))
