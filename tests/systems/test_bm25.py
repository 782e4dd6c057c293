"""Tests of harness.systems.bm25."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.language import words
from harness.systems.bm25 import K1, B, Index, cut, segmented, unsegmented
from harness.types import Document

TEXT = "One two three. Four five six seven. Eight nine. Ten eleven twelve thirteen fourteen. Fifteen."


def _texts(size: int, overlap: int, text: str = TEXT) -> list[str]:
    return [chunk.text for chunk in cut(Document("d", text), size, overlap)]


def test_chunks_are_whole_sentences() -> None:
    """Chunks end with sentences and hold at most ``size`` words, unless one sentence is longer."""
    assert _texts(7, 0) == [
        "One two three. Four five six seven.",
        "Eight nine. Ten eleven twelve thirteen fourteen.",
        "Fifteen.",
    ]
    assert _texts(4, 0)[2:] == ["Eight nine.", "Ten eleven twelve thirteen fourteen.", "Fifteen."]
    assert _texts(1000, 0) == [TEXT]


def test_chunks_overlap_by_whole_sentences() -> None:
    """A chunk repeats the last sentences of the one before that fit into ``overlap``, and always goes on."""
    assert _texts(7, 4) == [
        "One two three. Four five six seven.",
        "Four five six seven. Eight nine.",
        "Eight nine. Ten eleven twelve thirteen fourteen.",
        "Fifteen.",
    ]
    assert _texts(3, 50) == _texts(3, 0)


def test_an_empty_document_has_no_chunks() -> None:
    """Nothing but white space gives nothing to retrieve."""
    assert _texts(10, 0, " \n ") == []


@given(st.text(st.sampled_from("ab .!?\n。日本|é-1"), max_size=80), st.integers(1, 12), st.integers(0, 12))
def test_offsets_are_exact(text: str, size: int, overlap: int) -> None:
    """Every chunk and every sentence is the text at its offsets, starts increase, and no word is lost."""
    chunks = cut(Document("d", text), size, overlap)
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.start + len(chunk.text)]
        assert (
            chunk.text[slice(*chunk.sentences[0])] + chunk.text[: chunk.sentences[0][0]]
            == chunk.text[: chunk.sentences[0][1]]
        )
        assert chunk.sentences[-1][1] == len(chunk.text)
    starts = [chunk.start for chunk in chunks]
    assert starts == sorted(set(starts))
    covered = {at for chunk in chunks for at in range(chunk.start, chunk.start + len(chunk.text))}
    assert all(at in covered for at, sign in enumerate(text) if not sign.isspace())


def test_scores_are_those_of_the_formula() -> None:
    """The score equals idf * tf (k1 + 1) / (tf + k1 (1 - b + b length / mean)), summed over the terms."""
    texts = [["a", "b", "a"], ["a", "c"], ["d"]]
    ranked = dict(Index(texts).rank(["a", "c", "x"], 10))
    idf_a, idf_c = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    norm = [K1 * (1 - B + B * len(text) / 2) for text in texts]
    assert ranked == {
        0: pytest.approx(idf_a * 2 * (K1 + 1) / (2 + norm[0])),
        1: pytest.approx((idf_a + idf_c) * (K1 + 1) / (1 + norm[1])),
    }


def test_ties_stand_in_the_order_of_the_texts() -> None:
    """Equal scores are ordered by position, and only ``k`` are given."""
    index = Index([["a"], ["b"], ["a"], ["a"]])
    assert [position for position, _ in index.rank(["a"], 2)] == [0, 2]
    assert index.rank(["a", "a"], 9) == index.rank(["a"], 9)


def test_an_empty_index_finds_nothing() -> None:
    """Without texts, or without a term that occurs, there is nothing and no error."""
    assert Index([]).rank(["a"], 5) == []
    assert Index([[]]).rank(["a"], 5) == []
    assert Index([]).rare_terms(0.0) == 0.0


def test_rare_terms_is_the_unit_of_scores() -> None:
    """A score that equals the weight of a term that occurs once is one rare term."""
    index = Index([["a"], ["b"], ["b"]])
    assert index.rare_terms(index.idf("a")) == pytest.approx(1.0)
    assert index.idf("x") == 0.0


def test_terms_are_words_and_stems() -> None:
    """Long words also count by their first letters; Japanese counts in pairs, or not cut at all."""
    assert segmented("Cancelling a plan") == ["cancelling", "cance*", "a", "plan"]
    assert segmented("解約する") == words("解約する") == ["解約", "約す", "する"]
    assert unsegmented("解約する、24か月") == ["解約する", "24か月"]
    assert unsegmented("Grüße, e-bikes") == ["grüsse", "grüss*", "e", "bikes"]
