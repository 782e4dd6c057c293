"""A small complete RAG system without a model: BM25 over chunks, extracted sentences, honest abstention."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import Place, UsageError
from harness.language import words
from harness.systems.bm25 import Chunk, Index, Tokenize, cut, segmented, unsegmented
from harness.types import Citation, Document, Passage, Query, Response

HALF_SCORE = 5.0
"""A passage scores 0.5 when its match weighs as much as this many terms that occur in one passage only."""

NO_ANSWER = {
    "en": "I'm sorry, I could not find an answer to that in our documents.",
    "de": "Das konnte ich in unseren Unterlagen leider nicht finden.",
    "fr": "Désolé, je n'ai pas trouvé de réponse à cette question dans nos documents.",
    "es": "Lo siento, no he encontrado una respuesta a eso en nuestros documentos.",
    "ja": "申し訳ありませんが、資料の中に回答が見つかりませんでした。",
}
NOT_ALLOWED = {
    "en": "I'm sorry, I can't help with that.",
    "de": "Dabei kann ich leider nicht helfen.",
    "fr": "Désolé, je ne peux pas vous aider sur ce point.",
    "es": "Lo siento, no puedo ayudar con eso.",
    "ja": "申し訳ありませんが、その件についてはお答えできません。",
}

_COMMON = {
    "en": "the a is are do does i my you your can if to of for and what how when it in on have not with was",
    "de": "der die das ich mein meine ist sind kann wie was wenn und zu für ein eine nicht mit auf wir es im",
    "fr": "le la les je mon ma est sont peut comment que si et pour un une ne pas sur nous il de du des en",
    "es": "el la los las yo mi es son puedo cómo que qué y para una con por de del se lo al tengo hay en su",
}
_COMMON_WORDS = {language: frozenset(listed.split()) for language, listed in _COMMON.items()}
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


@asynccontextmanager
async def connect(  # noqa: PLR0913 - every one is an option of the suite
    *,
    corpus: Path,
    top_k: int = 5,
    chunk_words: int = 80,
    chunk_overlap: int = 20,
    min_score: float = 0.5,
    sentences: int = 2,
    segment_unspaced: bool = True,
    skip_outdated: bool = True,
    refuse_terms: Path | None = None,
) -> AsyncIterator[Callable[[Query], Awaitable[Response]]]:
    """Index a corpus and answer from it. The same question always gets the same answer.

    Args:
        corpus: JSON Lines of ``{"doc_id", "title", "text", "metadata"}``.
        top_k: passages to retrieve, from 1.
        chunk_words: words in a passage, from 1.
        chunk_overlap: words that a passage may repeat of the one before, from 0.
        min_score: abstain where the best passage scores less, 0 (never) to 1 (always). The score is
            s / (s + 5), s being the BM25 score in units of a term that occurs in one passage only.
        sentences: sentences in an answer, from 1.
        segment_unspaced: False: scripts written without spaces are not cut into words.
        skip_outdated: leave out documents whose metadata says ``status: outdated``.
        refuse_terms: a text file of terms, one a line; a question that holds one is refused.

    Raises:
        UsageError: an option is out of range, or a file is wrong.
    """
    _check(top_k, chunk_words, chunk_overlap, min_score, sentences)
    documents = [
        document
        for document in _read_corpus(corpus)
        if not (skip_outdated and document.metadata.get("status") == "outdated")
    ]
    chunks = [chunk for document in documents for chunk in cut(document, chunk_words, chunk_overlap)]
    settings = _Settings(top_k, min_score, sentences, segmented if segment_unspaced else unsegmented)
    library = _Library(chunks, settings, _read_terms(refuse_terms) if refuse_terms else [])

    async def answer(query: Query) -> Response:
        return library.answer(query)

    yield answer


class _Settings(NamedTuple):
    top_k: int
    min_score: float
    sentences: int
    tokenize: Tokenize


class _Sentence(NamedTuple):
    weight: float
    rank: int
    position: int
    doc_id: str
    text: str


class _Library:
    """The indexed passages and how questions are answered from them."""

    def __init__(self, chunks: list[Chunk], settings: _Settings, refused: list[list[str]]) -> None:
        self._chunks = chunks
        self._settings = settings
        self._refused = refused
        tokenize = settings.tokenize
        self._index = Index([tokenize(f"{chunk.document.title}\n{chunk.text}") for chunk in chunks])
        self._sentence_terms = [
            [frozenset(tokenize(chunk.text[start:end])) for start, end in chunk.sentences] for chunk in chunks
        ]

    def answer(self, query: Query) -> Response:
        """Retrieve, then refuse, abstain or extract."""
        terms = list(dict.fromkeys(self._settings.tokenize(query.input)))
        ranked = [
            (position, strength / (strength + HALF_SCORE))
            for position, score in self._index.rank(terms, self._settings.top_k)
            for strength in (self._index.rare_terms(score),)
        ]
        passages = tuple(
            Passage(chunk.document.doc_id, chunk.text, rank, score, chunk.start)
            for rank, (position, score) in enumerate(ranked, 1)
            for chunk in (self._chunks[position],)
        )
        chosen = self._best_sentences(terms, ranked)
        if self._is_refused(query.input):
            return Response(output=NOT_ALLOWED[language_of(query.input)], retrieved=passages, refused=True)
        if not chosen or ranked[0][1] < self._settings.min_score:
            return Response(output=NO_ANSWER[language_of(query.input)], retrieved=passages, refused=True)
        return _quoting(chosen, passages)

    def _is_refused(self, question: str) -> bool:
        asked = words(question) if self._refused else []
        return any(_occurs(term, asked) for term in self._refused)

    def _best_sentences(self, terms: list[str], ranked: list[tuple[int, float]]) -> list[_Sentence]:
        """Pick the sentences that cover most of the question, weighted by idf and by their passage."""
        found: dict[str, _Sentence] = {}
        for rank, (position, score) in enumerate(ranked):
            chunk = self._chunks[position]
            for span, present in zip(chunk.sentences, self._sentence_terms[position], strict=True):
                text = chunk.text[span[0] : span[1]]
                weight = score * math.fsum(self._index.idf(term) for term in terms if term in present)
                if weight > 0 and text not in found:
                    found[text] = _Sentence(weight, rank, span[0], chunk.document.doc_id, text)
        best = sorted(found.values(), key=lambda one: (-one.weight, one.rank, one.position))
        return sorted(best[: self._settings.sentences], key=lambda one: (one.rank, one.position))


def language_of(text: str) -> str:
    """Guess the language by script and by common words: en, de, fr, es or ja; en where nothing speaks."""
    if _JAPANESE.search(text):
        return "ja"
    found = words(text)
    votes = {language: sum(word in common for word in found) for language, common in _COMMON_WORDS.items()}
    return max(votes, key=lambda language: votes[language])


def _quoting(chosen: list[_Sentence], passages: tuple[Passage, ...]) -> Response:
    output = ""
    citations: list[Citation] = []
    for sentence in chosen:
        output += "\n" if output else ""
        citations.append(Citation(sentence.doc_id, len(output), len(output) + len(sentence.text)))
        output += sentence.text
    return Response(output=output, retrieved=passages, refused=False, citations=tuple(citations))


def _occurs(term: list[str], asked: list[str]) -> bool:
    return any(asked[at : at + len(term)] == term for at in range(len(asked) - len(term) + 1))


def _check(top_k: int, chunk_words: int, chunk_overlap: int, min_score: float, sentences: int) -> None:
    for name, value, low in (
        ("top_k", top_k, 1),
        ("chunk_words", chunk_words, 1),
        ("chunk_overlap", chunk_overlap, 0),
        ("sentences", sentences, 1),
    ):
        if value < low:
            raise UsageError(f"{name} is {value}, below {low}")
    if not 0.0 <= min_score <= 1.0:
        raise UsageError(f"min_score is {min_score}, not between 0 and 1")


def _read_corpus(path: Path) -> list[Document]:
    documents: dict[str, Document] = {}
    decoder = msgspec.json.Decoder(Document)
    for number, line in enumerate(_read(path).split(b"\n"), 1):
        if not line.strip():
            continue
        place = Place(str(path), number)
        try:
            document = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"this is not a document: {error}", place) from error
        if document.doc_id in documents:
            raise UsageError(f"doc_id {document.doc_id!r} occurs twice", place)
        documents[document.doc_id] = document
    return list(documents.values())


def _read_terms(path: Path) -> list[list[str]]:
    try:
        lines = _read(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error}") from error
    terms = [words(line) for line in lines if not line.startswith("#")]
    return [term for term in terms if term]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
