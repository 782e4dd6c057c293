"""The corpus: documents by id, and evidence that must be in their text."""

from pathlib import Path
from typing import Any

import pytest
from golden_files import fault, faults, load
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import GoldenError
from harness.goldens.corpus import find_quote
from harness.goldens.dataset import load_dataset
from harness.types import GoldenSource

TEXT = "Rentals can be cancelled 14 days before the billing day.\nThe deposit is  100 euros | 120 francs."
CORPUS = [{"doc_id": "prices/rent", "text": TEXT, "title": "Rent"}, {"doc_id": "other", "text": "Nothing."}]


def with_evidence(**evidence: Any) -> dict[str, Any]:
    """A case with one piece of evidence."""
    return {"id": "c1", "input": "x", "evidence": [{"doc_id": "prices/rent", **evidence}]}


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ({"quote": "14 days"}, (25, 32)),
        ({"quote": "day. The deposit is 100"}, (52, 76)),
        ({"quote": "100 euros | 120 francs."}, (73, 96)),
        ({"start": 0, "end": 7}, (0, 7)),
        ({"start": 0, "end": len(TEXT)}, (0, len(TEXT))),
        ({"start": 25, "end": 32, "quote": "14 days"}, (25, 32)),
        ({}, (None, None)),
    ],
)
def test_evidence_is_anchored_in_the_text(
    tmp_path: Path, written: dict[str, Any], span: tuple[Any, Any]
) -> None:
    """A quote is found exactly, or with any white space where it has white space; offsets stay."""
    (evidence,) = load(tmp_path, with_evidence(**written), corpus=CORPUS).cases[0].evidence
    assert (evidence.start, evidence.end) == span


@pytest.mark.parametrize(
    ("written", "what", "mend"),
    [
        (
            {"doc_id": "prices/rents"},
            "document 'prices/rents' is not in the corpus",
            "did you mean 'prices/rent'?",
        ),
        ({"doc_id": "zzz"}, "document 'zzz' is not in the corpus", "add the document, or mend the id"),
        (
            {"quote": "Rentals can be cancelled 15 days before"},
            "quote is not in 'prices/rent'",
            "it agrees up to ...'entals can be cancelled 1', then has '5 days before'",
        ),
        ({"quote": "for free"}, "quote is not in 'prices/rent'", "exact words of the document"),
        ({"quote": "rentals can be cancelled"}, "quote is not in 'prices/rent'", "exact words"),
        ({"quote": " "}, "quote is not in 'prices/rent'", "exact words"),
        ({"start": 0, "end": 1000}, "offsets 0..1000 are not within the 96 characters", "0 <= start < end"),
        ({"start": -1, "end": 5}, "offsets -1..5 are not within", "0 <= start < end"),
        ({"start": 5, "end": 5}, "offsets 5..5 are not within", "0 <= start < end"),
        ({"start": 9, "end": 5}, "offsets 9..5 are not within", "0 <= start < end"),
        ({"start": 5}, "offsets 5..None are not within", "0 <= start < end"),
        ({"end": 5}, "offsets None..5 are not within", "0 <= start < end"),
        ({"start": 0, "end": 7, "quote": "14 days"}, "quote and offsets disagree", "give one of them"),
        (
            {"doc_id": "", "quote": "zebra | lion"},
            "quote 'zebra | lion' is in no document",
            "name its doc_id",
        ),
        ({"doc_id": "", "quote": "."}, "quote '.' is in prices/rent, other", "name its doc_id"),
        ({"doc_id": ""}, "quote '' is in no document", "name its doc_id"),
    ],
)
def test_evidence_that_is_not_in_the_corpus_is_told(
    tmp_path: Path, written: dict[str, Any], what: str, mend: str
) -> None:
    """The fault names the case, which piece of evidence, and up to where a quote agrees with the text."""
    found = fault(tmp_path, {"id": "c0", "input": "x"}, with_evidence(**written), corpus=CORPUS)
    assert found.place is not None
    assert (found.place.file, found.place.line) == (str(tmp_path / "cases.jsonl"), 2)
    assert found.what.startswith(f"case 'c1': evidence[0]: {what}")
    assert mend in found.mend


def test_every_piece_of_evidence_is_checked(tmp_path: Path) -> None:
    """One wrong quote does not hide the next."""
    row = {"id": "c1", "input": "x", "evidence": {"a": 1, "other": 1, "b": 1}}
    assert [entry.what[:22] for entry in faults(tmp_path, row, corpus=CORPUS)] == [
        "case 'c1': evidence[0]",
        "case 'c1': evidence[2]",
    ]


@pytest.mark.parametrize(
    ("document", "what", "mend"),
    [
        ({"doc_id": "other", "text": "x"}, "duplicate doc_id 'other', first in line 2", "ids must be unique"),
        ({"doc_id": "d3"}, "missing required field `text`", "fields are doc_id, text, title, metadata"),
        ({"doc_id": "d3", "text": "x", "url": "y"}, "unknown field `url`", "fields are"),
        ({"doc_id": 3, "text": "x"}, "expected `str`, got `int`", "fields are"),
        ({"doc_id": "d3", "text": " "}, "field 'text' of document 'd3' is empty", "fill it"),
        ({"doc_id": "", "text": "x"}, "field 'doc_id' of document '' is empty", "fill it"),
        ('{"doc_id": "d3", "text": "\\ud800"}', "field 'text' holds half a surrogate pair", "replace"),
        (
            '{"doc_id": "d3", "text": "x", "metadata": {"a": 1e999}}',
            "field 'metadata.a' is inf",
            "leave it out",
        ),
        ("{", "not JSON", "one JSON object per line"),
        (b'{"doc_id": "\xff"}', "byte 0xff is not UTF-8", "save the file as UTF-8"),
    ],
)
def test_a_wrong_document_is_told(
    tmp_path: Path, document: dict[str, Any] | str | bytes, what: str, mend: str
) -> None:
    """A fault of the corpus names the corpus, the line and the document."""
    found = fault(tmp_path, {"input": "x"}, corpus=[*CORPUS, document])
    assert found.place is not None
    assert (found.place.file, found.place.line) == (str(tmp_path / "corpus.jsonl"), 3)
    assert what.casefold() in found.what.casefold()
    assert mend in found.mend


def test_faults_of_corpus_and_cases_come_together(tmp_path: Path) -> None:
    """Both files are checked in one go."""
    found = faults(tmp_path, {"inptu": "x"}, {"input": ""}, corpus=[*CORPUS, CORPUS[0]])
    assert [Path(entry.place.file).name for entry in found if entry.place] == [
        "corpus.jsonl",
        "cases.jsonl",
        "cases.jsonl",
    ]


def test_a_named_corpus_must_exist(tmp_path: Path) -> None:
    """A corpus that the suite names is not optional; the one beside the file is."""
    assert load(tmp_path, {"input": "x"}).corpus is None
    with pytest.raises(GoldenError, match=r"no such corpus file.*check `corpus:`"):
        load_dataset([GoldenSource(path="cases.jsonl", corpus="absent.jsonl")], tmp_path, "demo")


WORDS = st.lists(st.sampled_from(["a", "b.", "(c", "d*", "ä", "\U0001f600"]), min_size=1, max_size=12)
SPACES = st.sampled_from([" ", "\n", "  ", "\t\n"])


@settings(deadline=None)
@given(words=WORDS, space=SPACES, data=st.data())
def test_words_of_the_text_are_always_found(words: list[str], space: str, data: st.DataObject) -> None:
    """However the text is wrapped, a run of its words is found, and the span holds just these words."""
    text = space.join(words)
    start = data.draw(st.integers(0, len(words) - 1))
    quoted = words[start : data.draw(st.integers(start + 1, len(words)))]
    found = find_quote(text, " ".join(quoted))
    assert found is not None
    assert text[found[0] : found[1]].split() == quoted
