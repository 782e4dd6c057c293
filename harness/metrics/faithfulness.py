"""Whether the retrieved passages support what an answer claims, by its words; offline and without a model."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.language import likely_language
from harness.metrics.refusal import observe
from harness.metrics.sentences import Sentence, read_sentences
from harness.metrics.support import Finding, Sources, check_claim, has_content, read_sources
from harness.registry import metric
from harness.types import Case, Response, Score


@metric("faithfulness", version=2)
def faithfulness(case: Case, response: Response) -> Score:
    """Share of the answer's claims that the retrieved passages support, 0..1.

    Claims are the sentences and list items of the output; greetings, offers, headings, lead-ins, questions
    and words of refusal are set aside. Each is judged as in ``support.check_claim``: supported, unsupported
    or contradicted. Words are compared, not meanings: a paraphrase in quite other words counts as
    unsupported, and a wrong claim made of the passage's own words as supported. An answer in another
    language than the passages cannot be compared and is ``not_applicable``, as are refusals, questions
    back and answers without claims. Claims without any passage are unsupported.

    ``details`` holds the counts and, for each claim, its offsets in the output, verdict, why, coverage
    0..1, and the best window: document, rank and offsets in the passage's text (None where there is none).
    """
    output = response.output or ""
    behavior, _ = observe(response)
    if behavior in ("refuse", "clarify"):
        did = "refused" if behavior == "refuse" else "asked back"
        return Score(status="not_applicable", reason=f"the system {did}: it claims nothing")
    claims = [sentence for sentence in read_sentences(output) if _is_claim(sentence, output)]
    if not claims:
        return Score(status="not_applicable", reason="the answer makes no claim")
    sources = read_sources(response.retrieved)
    spoken = likely_language(output)
    if sources.items and spoken and sources.language and spoken != sources.language:
        reason = f"the answer is in {spoken}, the passages in {sources.language}: their words differ"
        return Score(status="not_applicable", reason=reason)
    return _score(claims, output, sources, case.query.input)


def _is_claim(sentence: Sentence, output: str) -> bool:
    return sentence.role in ("claim", "advice") and has_content(output[sentence.start : sentence.end])


def _score(claims: list[Sentence], output: str, sources: Sources, question: str) -> Score:
    texts = [output[claim.start : claim.end] for claim in claims]
    findings = {text: check_claim(text, sources, question) for text in dict.fromkeys(texts)}
    counts = Counter(findings[text].verdict for text in texts)
    details = {
        "claims": [_describe(claim, text, findings[text]) for claim, text in zip(claims, texts, strict=True)],
        "supported": counts["supported"],
        "unsupported": counts["unsupported"],
        "contradicted": counts["contradicted"],
    }
    return Score(value=counts["supported"] / len(claims), details=details)


def _describe(claim: Sentence, text: str, finding: Finding) -> dict[str, Any]:
    passage = finding.passage
    return {
        "text": text,
        "start": claim.start,
        "end": claim.end,
        "verdict": finding.verdict,
        "why": finding.why,
        "coverage": finding.coverage,
        "doc_id": passage.doc_id if passage else None,
        "rank": passage.rank if passage else None,
        "passage_start": finding.start if passage else None,
        "passage_end": finding.end if passage else None,
    }
