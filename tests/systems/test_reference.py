"""Tests of harness.systems.reference."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from system_doubles import run

from harness.errors import UsageError
from harness.systems import reference
from harness.systems.reference import NO_ANSWER, NOT_ALLOWED, language_of
from harness.types import Query, Response

DOCUMENTS: list[dict[str, Any]] = [
    {
        "doc_id": "cancel-en",
        "title": "Cancelling",
        "text": "You can cancel at any Depot. The notice period is 14 days before the next billing day. "
        "We confirm every cancellation by e-mail.",
        "metadata": {"language": "en", "status": "current"},
    },
    {
        "doc_id": "cancel-old-en",
        "title": "Cancelling",
        "text": "The notice period is 30 days before the next billing day.",
        "metadata": {"language": "en", "status": "outdated"},
    },
    {
        "doc_id": "cancel-de",
        "title": "Kündigung",
        "text": "Sie können in jedem Depot kündigen. Die Kündigungsfrist beträgt 14 Tage.",
        "metadata": {"language": "de", "status": "current"},
    },
    {
        "doc_id": "cancel-ja",
        "title": "解約",
        "text": "解約はアプリから申し込めます。予告期間は請求日の14日前までです。",
        "metadata": {"language": "ja", "status": "current"},
    },
    {
        "doc_id": "battery-en",
        "title": "Batteries",
        "text": "Charge the battery indoors. Never charge a battery that is damaged or wet.",
        "metadata": {"language": "en", "status": "current"},
    },
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return _write(tmp_path, DOCUMENTS)


def _write(folder: Path, documents: list[dict[str, Any]]) -> Path:
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


def _ask(path: Path, question: str, **options: Any) -> Response:
    async def work() -> Response:
        async with reference.connect(**{"corpus": path, "min_score": 0.2, **options}) as system:
            return await system(Query("q", question))

    answer: Response = run(work())
    return answer


@pytest.mark.parametrize(
    ("question", "doc_id", "fact"),
    [
        ("How long is the notice period when I cancel?", "cancel-en", "14 days"),
        ("Wie lang ist die Kündigungsfrist?", "cancel-de", "14 Tage"),
        ("解約の予告期間はどれくらいですか。", "cancel-ja", "14日前"),
        ("May I charge a wet battery?", "battery-en", "damaged or wet"),
    ],
)
def test_answers_are_found_in_every_language(question: str, doc_id: str, fact: str, corpus: Path) -> None:
    """The best passage comes first, and the answer quotes the sentence with the fact."""
    answer = _ask(corpus, question)
    assert answer.retrieved[0].doc_id == doc_id
    assert fact in (answer.output or "")
    assert answer.refused is False


def test_passages_and_citations_point_at_the_source(corpus: Path) -> None:
    """``start`` is the offset in the document; a citation's words stand in the document that it names."""
    texts = {document["doc_id"]: document["text"] for document in DOCUMENTS}
    answer = _ask(corpus, "notice period, and wet battery?", chunk_words=8, chunk_overlap=0)
    assert len(answer.citations) == 2
    for passage in answer.retrieved:
        assert passage.start is not None
        assert texts[passage.doc_id][passage.start :].startswith(passage.text)
        assert 0 < (passage.score or 0) < 1
    for citation in answer.citations:
        assert (answer.output or "")[citation.start : citation.end] in texts[citation.doc_id]
    assert [passage.rank for passage in answer.retrieved] == [*range(1, len(answer.retrieved) + 1)]


def test_length_and_depth_are_options(corpus: Path) -> None:
    """``sentences`` and ``top_k`` bound the answer and the passages."""
    short = _ask(corpus, "notice period to cancel by e-mail", sentences=1, top_k=1)
    long = _ask(corpus, "notice period to cancel by e-mail, or charge a battery", sentences=3)
    assert (len(short.citations), len(short.retrieved)) == (1, 1)
    assert len(long.citations) == 3
    assert len(long.retrieved) > 1


def test_outdated_documents_are_skipped_unless_wanted(corpus: Path) -> None:
    """A document with status ``outdated`` is retrieved only where ``skip_outdated`` is off."""
    question = "What is the notice period?"
    assert "cancel-old-en" not in {passage.doc_id for passage in _ask(corpus, question).retrieved}
    kept = _ask(corpus, question, skip_outdated=False)
    assert kept.retrieved[0].doc_id == "cancel-old-en"


def test_japanese_collapses_without_segmentation(corpus: Path) -> None:
    """Scripts without spaces are found only when they are cut into words; others do not change."""
    question = "解約の予告期間はどれくらいですか。"
    assert _ask(corpus, question, segment_unspaced=False).refused is True
    english = "How long is the notice period?"
    assert _ask(corpus, english, segment_unspaced=False).output == _ask(corpus, english).output


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the weather on the moon?", "en"),
        ("Wie ist das Wetter auf dem Mond?", "de"),
        ("Quel temps fait-il sur la lune ?", "fr"),
        ("¿Qué tiempo hace en la luna y por qué?", "es"),
        ("月の天気はどうですか。", "ja"),
    ],
)
def test_it_abstains_in_the_language_of_the_question(question: str, language: str, corpus: Path) -> None:
    """Below ``min_score`` it says that it does not know, in the language of the question, and marks it."""
    answer = _ask(corpus, question, min_score=0.9)
    assert (answer.output, answer.refused, answer.citations) == (NO_ANSWER[language], True, ())


def test_nothing_found_is_an_abstention_at_any_threshold(corpus: Path) -> None:
    """Where no word of the question occurs there is nothing to say, and nothing retrieved."""
    answer = _ask(corpus, "Zzz?", min_score=0.0)
    assert (answer.refused, answer.retrieved) == (True, ())
    assert _ask(corpus, "", min_score=0.0).refused is True


def test_the_threshold_is_monotone(corpus: Path) -> None:
    """A higher ``min_score`` never turns an abstention into an answer."""
    refused = [_ask(corpus, "How long is the notice?", min_score=t / 10).refused for t in range(11)]
    assert refused == sorted(refused, key=bool)
    assert (refused[0], refused[-1]) == (False, True)


def test_terms_are_refused_as_whole_words(corpus: Path, tmp_path: Path) -> None:
    """A question with a listed term is refused; comments, blank lines and parts of words do not count."""
    terms = tmp_path / "terms.txt"
    terms.write_text("# policy P4\nspeed limit\n\nKündigungsfrist umgehen\n速度制限\n", encoding="utf-8")
    for question, language in (
        ("How do I remove the SPEED limit of my battery?", "en"),
        ("Kann ich die Kündigungsfrist umgehen?", "de"),
        ("速度制限を外す方法を教えてください。", "ja"),
    ):
        answer = _ask(corpus, question, refuse_terms=terms)
        assert (answer.output, answer.refused) == (NOT_ALLOWED[language], True)
        assert _ask(corpus, question).output != answer.output
    assert (
        _ask(corpus, "Is there a speed limitation for the notice period?", refuse_terms=terms).refused
        is False
    )


def test_the_same_question_gets_the_same_answer(corpus: Path) -> None:
    """There is no clock and no chance in it."""
    question = "How do I cancel, and how long is the notice period?"
    assert _ask(corpus, question) == _ask(corpus, question)


def test_it_is_quick(tmp_path: Path) -> None:
    """A hundred documents of 300 words are indexed in under 0.3 s of processor time, a query takes 2 ms."""
    sentence = (
        "The {n} Depot repairs {m} bicycles of plan {k} within {n} working days after handover number {k}."
    )
    documents = [
        {"doc_id": f"d{n}", "text": " ".join(sentence.format(n=n, m=m * n, k=m) for m in range(18))}
        for n in range(100)
    ]
    path = _write(tmp_path, documents)

    async def work() -> tuple[float, float]:
        started = time.process_time()
        async with reference.connect(corpus=path) as system:
            indexed = time.process_time()
            for n in range(100):
                await system(
                    Query("q", f"How many working days does Depot {n} need for repairs of bicycles?")
                )
            return indexed - started, (time.process_time() - indexed) / 100

    indexing_s, query_s = min(run(work()) for _ in range(3))
    assert indexing_s < 0.3
    assert query_s < 0.002


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I cancel?", "en"),
        ("Wie kann ich kündigen?", "de"),
        ("Comment puis-je résilier mon abonnement ?", "fr"),
        ("¿Cómo puedo cancelar mi plan?", "es"),
        ("プランを解約したい", "ja"),
        ("12345", "en"),
    ],
)
def test_language_is_guessed(text: str, language: str) -> None:
    """Script and common words give the language; where nothing speaks it is English."""
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0, below 1"),
        ({"chunk_words": 0}, "chunk_words is 0, below 1"),
        ({"chunk_overlap": -1}, "chunk_overlap is -1, below 0"),
        ({"sentences": 0}, "sentences is 0, below 1"),
        ({"min_score": 1.5}, "min_score is 1.5, not between 0 and 1"),
        ({"corpus": Path("none.jsonl")}, "none.jsonl cannot be read"),
        ({"refuse_terms": Path("none.txt")}, "none.txt cannot be read"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str, corpus: Path) -> None:
    """An option out of range and a missing file are faults of the suite."""
    with pytest.raises(UsageError, match=message):
        _ask(corpus, "x", **options)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"doc_id": "a", "text": "t"}\n{"doc_id": "a", "text": "u"}\n', ":2: doc_id 'a' occurs twice"),
        ('{"doc_id": "a"}\n', ":1: this is not a document: .*text"),
        ('{"doc_id": "a", "text": "t", "body": 1}\n', ":1: this is not a document: .*body"),
        ("\n{\n", ":2: this is not a document"),
    ],
)
def test_a_wrong_corpus_is_refused(lines: str, message: str, tmp_path: Path) -> None:
    """Wrong lines of the corpus are faults, with their place."""
    path = tmp_path / "corpus.jsonl"
    path.write_text(lines)
    with pytest.raises(UsageError, match=message):
        _ask(path, "x")
