"""The files of phrases: readable, complete, and written as the sentences they are searched in."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path

import pytest

from harness.metrics import phrasebook
from harness.metrics.phrasebook import CUES, find, plain

FOLDER = Path(phrasebook.__file__).parent / "phrases"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_phrases(path: Path) -> None:
    """A file has a name and known cues; each line is an expression by itself, folded as sentences are."""
    book = tomllib.loads(path.read_text(encoding="utf-8"))
    assert book["name"].istitle()
    assert set(book) <= {"name", "lists", "phrases"}
    assert {"decline", "lack", "ask"} <= set(book["phrases"]) <= set(CUES)
    for block in book["phrases"].values():
        for line in block.strip().splitlines():
            filled = line
            for name, pattern in reversed(book.get("lists", {}).items()):
                filled = filled.replace(f"<{name}>", pattern)
            assert not re.search(r"<\w+>", filled), f"{path.name}: no list for {line}"
            assert re.compile(filled).groups == 0, f"{path.name}: groups need ?: in {line}"
            assert not re.compile(filled).search(""), f"{path.name}: matches nothing at all: {line}"
            letters = re.sub(r"\\.", "", unicodedata.normalize("NFKC", filled))
            assert letters == letters.casefold(), f"{path.name}: never found, as sentences are folded: {line}"


def test_a_phrase_is_found_with_its_language() -> None:
    """The words as they stand in the sentence, and whose they are."""
    assert find("lack", plain("Well, I don’t know."))[:] == ("i don't know", "en")  # type: ignore[index]
    assert find("lack", plain("Je ne sais pas."))[1] == "fr"  # type: ignore[index]
    assert find("decline", plain("Returns are free.")) is None


def test_what_is_quoted_is_not_said() -> None:
    """A quotation within a sentence goes; a sentence that is nothing but one stays."""
    assert plain('The card read "I do not know" in red.') == 'the card read "" in red.'
    assert plain('"I don\'t know."') == '"i don\'t know."'
    assert plain("Er sagte mir „keine Ahnung“ und ging.") == 'er sagte mir "" und ging.'
