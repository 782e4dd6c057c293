"""The datasets of ragas in and out, and its test-set generator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.judges.from_ragas import (
    SHOWN,
    embedding_model,
    import_ragas,
    language_model,
    quiet,
    ragas_version,
    sample_of,
)
from harness.types import Case, Corpus, JudgeSettings, Result

if TYPE_CHECKING:
    from ragas import EvaluationDataset

ID_DIGITS = 12


def evaluation_dataset(cases: Iterable[Case], results: Iterable[Result]) -> EvaluationDataset:
    """Give recorded answers as ragas' ``EvaluationDataset``, in order; those that are errors are left out."""
    by_id = {case.id: case for case in cases}
    ragas = import_ragas("ragas")
    rows = [
        sample_of(by_id[result.case_id], result.response)
        for result in results
        if result.response.error is None
    ]
    found: EvaluationDataset = ragas.EvaluationDataset.from_list(rows)
    return found


def golden_rows(dataset: EvaluationDataset, corpus: Corpus | None = None) -> list[dict[str, Any]]:
    """Give the samples of an ``EvaluationDataset`` as golden cases; ids are made from their content.

    Reference contexts become evidence where they are, or hold, a document of the corpus.
    """
    return [_golden_row(sample, corpus) for sample in dataset.to_list()]


def _golden_row(sample: Mapping[str, Any], corpus: Corpus | None) -> dict[str, Any]:
    question, reference = str(sample["user_input"]), str(sample.get("reference") or "")
    digest = hashlib.sha256(f"{question}\0{reference}".encode("utf-8", "surrogatepass")).hexdigest()
    row: dict[str, Any] = {"id": f"ragas-{digest[:ID_DIGITS]}", "input": question}
    if reference:
        row["expected_output"] = reference
    documents = corpus.documents.values() if corpus is not None else ()
    contexts = [str(text) for text in sample.get("reference_contexts") or ()]
    gold = [one.doc_id for one in documents if any(one.text in text for text in contexts)]
    if gold:
        row["evidence"] = [{"doc_id": doc_id} for doc_id in gold]
    return row


def generate_rows(
    corpus: Corpus, settings: JudgeSettings, size: int, hide: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Have ragas' test-set generator write golden cases from the documents of a corpus.

    They are drafts: tagged ``generated``, with the generator and the model in their metadata. The model is
    asked a handful of questions per document, and one or two per case.

    Raises:
        MissingExtra: ragas is not installed.
        UsageError: the judge has no embeddings, or the generator failed; the message says on what.
    """
    import openai

    generator = import_ragas("ragas.testset").TestsetGenerator
    # ragas runs one event loop after the other: a connection must not outlive the loop that it belongs to.
    limits = openai.DEFAULT_CONNECTION_LIMITS.__class__(max_keepalive_connections=0)
    sdk = openai.AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.api_key or "none",
        max_retries=settings.retries,
        timeout=settings.timeout_s,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, limits=limits),
    )
    models = {"llm": language_model(settings, sdk), "embedding_model": embedding_model(settings, sdk)}
    texts = [document.text for document in corpus.documents.values()]
    try:
        with quiet():
            made = generator(**models).generate_with_chunks(
                texts, testset_size=size, transforms=_transforms(**models)
            )
    except Exception as error:
        said = hide(f"{type(error).__name__}: {error}")[: 2 * SHOWN]
        raise UsageError(f"the test-set generator of ragas failed: {said}") from error
    if not made.samples:
        raise UsageError("the test-set generator of ragas wrote no case", mend="try another model")
    rows = golden_rows(made.to_evaluation_dataset(), corpus)
    for row, sample in zip(rows, made.samples, strict=True):
        row["tags"] = ["generated"]
        row["metadata"] = {
            "generator": f"ragas {ragas_version()}",
            "synthesizer": sample.synthesizer_name,
            "model": settings.model,
        }
    return list({row["id"]: row for row in rows}.values())


class _Characters:
    """Cuts long documents by characters; ragas' own tokenizer fetches a file from elsewhere."""

    def encode(self, text: str) -> list[int]:
        """One number for each character."""
        return [ord(sign) for sign in text]

    def decode(self, tokens: Sequence[int]) -> str:
        """The characters again."""
        return "".join(map(chr, tokens))


def _transforms(llm: Any, embedding_model: Any) -> list[Any]:
    """What ragas does to documents by default, but for the overlap of names: it needs a further package."""
    steps = import_ragas("ragas.testset.transforms")
    named = import_ragas("ragas.testset.transforms.extractors.llm_based")
    return [
        steps.SummaryExtractor(llm=llm, tokenizer=_Characters()),
        steps.CustomNodeFilter(llm=llm),
        steps.Parallel(
            steps.EmbeddingExtractor(
                embedding_model=embedding_model,
                property_name="summary_embedding",
                embed_property_name="summary",
            ),
            named.ThemesExtractor(llm=llm, tokenizer=_Characters()),
            named.NERExtractor(llm=llm, tokenizer=_Characters()),
        ),
        steps.CosineSimilarityBuilder(
            property_name="summary_embedding", new_property_name="summary_similarity", threshold=0.7
        ),
    ]
