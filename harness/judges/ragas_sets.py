"""The datasets of ragas in and out, and its test-set generator."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import JudgeFailure, UsageError
from harness.judges.client import Client, Tokens, cost_usd, question_clock, tokens_of
from harness.judges.from_ragas import (
    SHOWN,
    embedding_model,
    import_ragas,
    language_model,
    quiet,
    ragas_version,
    sample_of,
)
from harness.judges.replies import decode_strict
from harness.types import Case, Corpus, JudgeSettings, Response, ResponseError, Result, Usage

if TYPE_CHECKING:
    import openai
    from ragas import EvaluationDataset

    from harness.engine.budget import Budget
    from harness.engine.limits import Host

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


async def generate_rows(
    corpus: Corpus, client: Client, host: Host, budget: Budget, size: int
) -> list[dict[str, Any]]:
    """Have ragas' test-set generator write golden cases from the documents of a corpus.

    They are drafts: tagged ``generated``, with the generator and the model in their metadata. The model is
    asked a handful of questions per document, and one or two per case.

    Args:
        corpus: the documents.
        client: the service that writes; its model for embeddings is asked, too.
        host: the limits that ``client`` was opened with.
        budget: what all requests together may cost and take; each is begun as a case is in a run.
        size: how many cases are wanted; doubles are left out.

    Raises:
        MissingExtra: ragas is not installed.
        UsageError: the judge has no embeddings, the budget is used up, or the generator failed; the message
            says on what.
    """
    door = Door(client, host, budget)
    budget.begin(door)
    try:
        async with door.sdk() as sdk:
            work = asyncio.create_task(asyncio.to_thread(_made, corpus, client.settings, sdk, size))
            try:
                made = await asyncio.shield(work)
            finally:
                door.stop("")
                await asyncio.wait([work])  # a thread cannot be ended; without replies it ends by itself
    except (Exception, asyncio.CancelledError) as error:
        if door.shut_for:
            mend = "raise the suite's budget, or want fewer cases with --size"
            raise UsageError(f"the test-set generator was ended: {door.shut_for}", mend=mend) from error
        if isinstance(error, (UsageError, asyncio.CancelledError)):
            raise
        said = client.hide(f"{type(error).__name__}: {error}")[: 2 * SHOWN]
        raise UsageError(f"the test-set generator of ragas failed: {said}") from error
    if not made.samples:
        raise UsageError("the test-set generator of ragas wrote no case", mend="try another model")
    rows = golden_rows(made.to_evaluation_dataset(), corpus)
    for row, sample in zip(rows, made.samples, strict=True):
        row["tags"] = ["generated"]
        row["metadata"] = {
            "generator": f"ragas {ragas_version()}",
            "synthesizer": sample.synthesizer_name,
            "model": client.settings.model,
        }
    return list({row["id"]: row for row in rows}.values())


def _made(corpus: Corpus, settings: JudgeSettings, sdk: openai.AsyncOpenAI, size: int) -> Any:
    """Run the generator, which runs one event loop after the other."""
    generator = import_ragas("ragas.testset").TestsetGenerator
    models = {"llm": language_model(settings, sdk), "embedding_model": embedding_model(settings, sdk)}
    texts = [document.text for document in corpus.documents.values()]
    with quiet():
        return generator(**models).generate_with_chunks(
            texts, testset_size=size, transforms=_transforms(**models)
        )


class Door:
    """Sends what ragas asks from event loops of its own, in the one loop in which limits are kept."""

    def __init__(self, client: Client, host: Host, budget: Budget) -> None:
        """Take the client, which is used from now on by this alone."""
        self.shut_for = ""
        self._client, self._host, self._budget = client, host, budget
        self._home = asyncio.get_running_loop()
        self._sending: set[concurrent.futures.Future[Any]] = set()

    def sdk(self) -> openai.AsyncOpenAI:
        """Give the SDK for whoever asks from elsewhere."""
        import openai

        async def send(_: Any, request: Any, **options: Any) -> Any:
            sending = asyncio.run_coroutine_threadsafe(self._send(request, options), self._home)
            self._sending.add(sending)
            try:
                return await asyncio.wrap_future(sending)
            finally:
                self._sending.discard(sending)

        kind: Any = type("Elsewhere", (openai.DefaultAsyncHttpxClient,), {"send": send})
        sdk, _ = self._client.sdk_for_others
        return sdk.with_options(http_client=kind())

    def stop(self, why: str) -> None:
        """Send no request any more, and give up those that are sent: nothing comes of them."""
        self.shut_for = self.shut_for or why
        self._host.close()
        self._budget.close()
        for sending in list(self._sending):
            sending.cancel()

    def stop_after(self, seconds: float, why: str) -> None:
        """Stop when so much time has passed."""
        self._home.call_later(seconds, self.stop, why)

    async def _send(self, request: Any, options: dict[str, Any]) -> Any:
        """Send one request in its turn; what is written is held by the budget, embeddings are paid beside."""
        if self._budget.max_cost_usd is None or _embeds(request):
            reply, cost = await self._sent(request, options)
            self._budget.paid(cost or 0.0)
            return reply
        await self._budget.admit()
        told = Response(error=ResponseError("connection", "nothing is paid for"))
        try:
            reply, cost = await self._sent(request, options)
            if cost is not None:
                told = Response(usage=Usage(cost_usd=cost))
            elif reply.is_success:
                self.stop("the service does not tell its tokens, a budget of money cannot be kept")
        finally:
            self._budget.finished(told)
        return reply

    async def _sent(self, request: Any, options: dict[str, Any]) -> tuple[Any, float | None]:
        """Give the reply, and its cost in US dollars; None where it does not tell."""
        async with asyncio.timeout(self._client.settings.timeout_s) as clock:
            question_clock.set(clock)
            _, http = self._client.sdk_for_others
            reply = await http.send(request, **options)
        tokens = _tokens_in(reply.text) if reply.is_success else Tokens()
        read, written = tokens.prompt_tokens, 0 if _embeds(request) else tokens.completion_tokens
        if self._host.counts_tokens and read is not None:
            self._host.used(len(request.content), read + (written or 0))
        return reply, cost_usd(self._client.settings, read, written)


def _embeds(request: Any) -> bool:
    path: str = request.url.path
    return path.endswith("/embeddings")


def _tokens_in(reply: str) -> Tokens:
    try:
        body = decode_strict(reply)
    except JudgeFailure:
        return Tokens()
    return tokens_of(body.get("usage") if isinstance(body, dict) else None)


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
