"""Whether the retrieved passages support what an answer claims; offline, by signals fitted on labels."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from harness.language import likely_language
from harness.metrics.claims import Aside, Claim, Reading, read_claims
from harness.metrics.passages import Window, read_sources
from harness.metrics.refusal import observe
from harness.metrics.support import Finding, check_claim, shipped_weights
from harness.registry import metric
from harness.types import Case, Response, Score

# So many passages are shown as evidence for a claim.
MOST_EVIDENCE = 3


@metric("faithfulness", version=3)
def faithfulness(case: Case, response: Response) -> Score:
    """Share of the answer's claims that the retrieved passages support, 0..1.

    Claims are those of ``claims.read_claims``. Each is judged as in ``support.check_claim``: supported,
    unsupported or contradicted. Words, numbers and names are compared, not meanings: a paraphrase in quite
    other words counts as unsupported, and a wrong claim made of the passage's own words as supported. An
    answer in another language than the passages cannot be compared and is ``not_applicable``, as are
    refusals, questions back and answers without claims. Claims without any passage are unsupported.

    ``details`` holds the counts; for each claim its offsets in the output, verdict, why, probability of
    support 0..1 (at even odds), the best window as document, rank and offsets in the passage's text (None
    where there is none), and ``evidence``, up to three windows of different passages, best first, each with
    the share 0..1 of the claim's words that it has; for each sentence set aside its offsets and the reason;
    the language of the passages; and ``notice`` where the weights were not fitted on that language.
    """
    output = response.output or ""
    behavior, _ = observe(response)
    if behavior in ("refuse", "clarify"):
        did = "refused" if behavior == "refuse" else "asked back"
        return Score(status="not_applicable", reason=f"the system {did}: it claims nothing")
    spoken = likely_language(output)
    expected = spoken or _language_of(case)
    reading = read_claims(output, expected)
    if not reading.claims:
        return Score(status="not_applicable", reason="the answer makes no claim")
    sources = read_sources(response.retrieved, expected)
    if sources.items and spoken and sources.language and spoken != sources.language:
        reason = f"the answer is in {spoken}, the passages in {sources.language}: their words differ"
        return Score(status="not_applicable", reason=reason)
    texts = dict.fromkeys(claim.text for claim in reading.claims)
    findings = {text: check_claim(text, sources, case.query.input) for text in texts}
    return _score(reading, findings, sources.language)


def _language_of(case: Case) -> str | None:
    """Give the language that the case is labelled with, as a code of two letters."""
    named = re.match(r"[a-z]{2}(?![a-z])", case.groups.get("language", "").strip().casefold())
    return named.group() if named else None


def _score(reading: Reading, findings: dict[str, Finding], language: str | None) -> Score:
    counts = Counter(findings[claim.text].verdict for claim in reading.claims)
    notice = _notice(language)
    details = {
        "claims": [describe_claim(claim, findings[claim.text]) for claim in reading.claims],
        "supported": counts["supported"],
        "unsupported": counts["unsupported"],
        "contradicted": counts["contradicted"],
        "asides": [_aside(aside) for aside in reading.asides],
        "language": language,
        **({"notice": notice} if notice else {}),
    }
    return Score(value=counts["supported"] / len(reading.claims), reason=notice, details=details)


def _notice(language: str | None) -> str:
    """Say that a language was not shown to the weights, "" if it was."""
    shown = shipped_weights().languages
    if language in shown:
        return ""
    known = f"in {language}" if language else "in a language that does not show"
    return (
        f"the passages are {known}, the weights were fitted on {', '.join(shown)}: read changes, not levels"
    )


def describe_claim(claim: Claim, finding: Finding) -> dict[str, Any]:
    """Give what a report shows of a claim: its place, the verdict and why, and the evidence, best first."""
    best = finding.windows[0] if finding.windows else None
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": finding.verdict,
        "why": finding.why,
        "probability": round(finding.probability, 4),
        "doc_id": best.source.passage.doc_id if best else None,
        "rank": best.source.passage.rank if best else None,
        "passage_start": best.start if best else None,
        "passage_end": best.end if best else None,
        "evidence": [_evidence(window) for window in finding.windows[:MOST_EVIDENCE]],
    }


def _evidence(window: Window) -> dict[str, Any]:
    passage = window.source.passage
    return {
        "doc_id": passage.doc_id,
        "rank": passage.rank,
        "start": window.start,
        "end": window.end,
        "coverage": round(window.coverage, 4),
    }


def _aside(aside: Aside) -> dict[str, Any]:
    return {"start": aside.start, "end": aside.end, "reason": aside.reason}
