"""The system under test: answers questions to the (invented) town library of Lindmoor, by keywords.

Put your own system here: keep `answer(query)`, and let it call your retriever and your model.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

TOP_K = 3  # documents that an answer may use; set it to 1 and see the gate fail
SENTENCES = 3  # in an answer
ENOUGH = 4.5  # weight of shared keywords below which no document is about the question
OFF_LIMITS = ("phone number", "telefonnummer", "dose", "dosis")
NOT_ALLOWED = "Sorry, I cannot help with that. / Dabei kann ich leider nicht helfen."
NOT_FOUND = "Sorry, our documents do not say. / Dazu steht in unseren Unterlagen leider nichts."


def keywords(text: str) -> set[str]:
    """Give the words of a text, cut to five letters so that most endings do not matter."""
    return {word[:5] for word in re.findall(r"\w+", text.lower())}


CORPUS = Path(__file__).parent / "goldens" / "assistant" / "corpus.jsonl"
DOCUMENTS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
TEXTS = [f"{document['title']}. {document['text']}" for document in DOCUMENTS]
HOLDERS = Counter(word for text in TEXTS for word in keywords(text))  # how many documents hold a word
RARE = {word for word, count in HOLDERS.items() if count < len(DOCUMENTS) / 3}


def shared(question: str, text: str) -> float:
    """Weigh the keywords that a question and a text share: the fewer documents hold one, the more."""
    both = keywords(question) & keywords(text) & RARE
    return sum(math.log(len(DOCUMENTS) / HOLDERS[word]) for word in both)


def answer(query: Any) -> dict[str, Any]:
    """Answer `query.input` with the sentences that share most with it, from the TOP_K best documents."""
    question = query.input
    if any(term in question.lower() for term in OFF_LIMITS):
        return {"output": NOT_ALLOWED, "refused": True}
    scored = [(shared(question, text), document) for text, document in zip(TEXTS, DOCUMENTS, strict=True)]
    best = sorted(scored, key=lambda pair: pair[0], reverse=True)[:TOP_K]
    retrieved = [{"doc_id": doc["doc_id"], "text": doc["text"], "score": score} for score, doc in best]
    if best[0][0] < ENOUGH:
        return {"output": NOT_FOUND, "refused": True, "retrieved": retrieved}
    sentences = [
        (score + shared(question, sentence), sentence, doc["doc_id"])
        for score, doc in best
        for sentence in re.split(r"(?<=[.!?]) ", doc["text"])
    ]
    chosen = sorted(sentences, key=lambda item: item[0], reverse=True)[:SENTENCES]
    return {
        "output": " ".join(sentence for _, sentence, _ in chosen),
        "retrieved": retrieved,
        "citations": [doc_id for _, _, doc_id in chosen],
    }
