"""Whether the sources that an answer cites exist, back its claims, and are cited for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from harness.language import likely_language
from harness.metrics.cited import Cited, read_citations, without_marks
from harness.metrics.claims import Claim, read_claims
from harness.metrics.faithfulness import describe_claim
from harness.metrics.passages import read_sources
from harness.metrics.refusal import observe
from harness.metrics.support import Finding, check_claim
from harness.registry import metric
from harness.types import Case, Passage, Response, Score

ASKS = "cite"
"""The key of ``metadata`` by which a case asks for citations: ``true``."""


class CitedClaim(NamedTuple):
    """A claim, what it cites, and what the cited passages say of it."""

    claim: Claim
    citations: tuple[Cited, ...]
    finding: Finding

    @property
    def supported(self) -> bool:
        """Whether the cited passages support the claim."""
        return self.finding.verdict == "supported"


@metric("citation_valid", version=2)
def citation_valid(case: Case, response: Response) -> Score:
    """Share of the citations that name a passage which was there: retrieved, or given with the question.

    Citations are those beside the answer and the marks in its text (see ``cited.read_citations``). Every
    citation counts, also a repeated one; an answer without citations is ``not_applicable``.
    ``details["invalid"]`` lists what was cited and not there, each once.
    """
    given = _given(case, response)
    citations = read_citations(response, given)
    if not citations:
        return Score(status="not_applicable", reason="the answer cites nothing")
    known = {passage.doc_id for passage in given}
    invalid = [cited.shown for cited in citations if cited.doc_id not in known]
    return Score(
        value=1 - len(invalid) / len(citations),
        details={"cited": len(citations), "invalid": list(dict.fromkeys(invalid))},
    )


@metric("citation_precision", version=2)
def citation_precision(case: Case, response: Response) -> Score:
    """Share of the claims with a citation that the passages cited for them support, 0..1.

    Claims and support are those of ``faithfulness``, with the cited passages alone. A citation of what was
    not there supports nothing. ``not_applicable`` where no claim has a citation. ``details["claims"]`` has
    every claim with its offsets, what it cites, whether that supports it, and why.
    """
    found = _claims(case, response)
    if isinstance(found, Score):
        return found
    cited = [claim for claim in found if claim.citations]
    if not cited:
        return Score(status="not_applicable", reason="no claim of the answer cites anything")
    return _score(response, found, sum(claim.supported for claim in cited) / len(cited))


@metric("citation_recall", version=2)
def citation_recall(case: Case, response: Response) -> Score:
    """Share of the claims of an answer that a passage cited for them supports, 0..1.

    As ``citation_precision``, over all claims. An answer that cites nothing is ``not_applicable``, but where
    the case asks for citations (``metadata: {"cite": true}``): there it is 0.
    """
    found = _claims(case, response)
    if isinstance(found, Score):
        return found
    asked = case.metadata.get(ASKS) is True
    if not asked and not any(claim.citations for claim in found):
        return Score(status="not_applicable", reason="the answer cites nothing, and none was asked for")
    return _score(response, found, sum(claim.supported for claim in found) / len(found))


def _claims(case: Case, response: Response) -> list[CitedClaim] | Score:
    """Give the claims with what they cite, or why there are none to speak about."""
    behavior, _ = observe(response)
    if behavior in ("refuse", "clarify"):
        did = "refused" if behavior == "refuse" else "asked back"
        return Score(status="not_applicable", reason=f"the system {did}: it claims nothing")
    given = _given(case, response)
    citations = read_citations(response, given)
    output = without_marks(response.output or "", citations)
    claims = read_claims(output).claims
    if not claims:
        return Score(status="not_applicable", reason="the answer makes no claim")
    spoken, written = (likely_language(text) for text in (output, " ".join(one.text for one in given)))
    if citations and spoken and written and spoken != written:
        reason = f"the answer is in {spoken}, the passages in {written}: their words differ"
        return Score(status="not_applicable", reason=reason)
    backing = _assigned(citations, [(claim.start, claim.end) for claim in claims], output)
    return [
        CitedClaim(claim, cited, _check(claim.text, cited, given, case.query.input))
        for claim, cited in zip(claims, backing, strict=True)
    ]


def _check(claim: str, cited: Sequence[Cited], given: Sequence[Passage], question: str) -> Finding:
    """Judge a claim against the passages of its citations, taken together."""
    if not cited:
        return Finding("unsupported", "it cites nothing", 0.0, [])
    named = {item.doc_id for item in cited}
    passages = [passage for passage in given if passage.doc_id in named]
    if not passages:
        return Finding("unsupported", "what it cites was not there", 0.0, [])
    return check_claim(claim, read_sources(passages), question)


def _assigned(
    citations: Sequence[Cited], spans: Sequence[tuple[int, int]], output: str
) -> list[tuple[Cited, ...]]:
    """Give the citations of each claim: of its words, at it, or of the whole answer."""
    found: list[list[Cited]] = [[] for _ in spans]
    for cited in citations:
        for index in _backed(cited, spans, output):
            found[index].append(cited)
    return [tuple(items) for items in found]


def _backed(cited: Cited, spans: Sequence[tuple[int, int]], output: str) -> list[int]:
    """Give the claims, by index, that a citation backs.

    A mark between two claims belongs to the one before it on its line, else to the next on its line.
    """
    if cited.span is not None:
        first, last = cited.span
        return [index for index, (start, end) in enumerate(spans) if start < last and first < end]
    if cited.at is None:
        return list(range(len(spans)))
    at, after = cited.at
    inside = [index for index, (start, end) in enumerate(spans) if start <= at < end]
    before = [index for index, (_, end) in enumerate(spans) if end <= at and "\n" not in output[end:at]]
    behind = [
        index for index, (start, _) in enumerate(spans) if start >= after and "\n" not in output[after:start]
    ]
    return inside or before[-1:] or behind[:1]


def _score(response: Response, claims: Sequence[CitedClaim], value: float) -> Score:
    output = response.output or ""
    return Score(value=value, details={"claims": [_describe(claim, output) for claim in claims]})


def _describe(cited: CitedClaim, output: str) -> dict[str, Any]:
    claim = cited.claim._replace(text=output[cited.claim.start : cited.claim.end])  # with its marks
    cites = list(dict.fromkeys(one.shown for one in cited.citations))
    return {**describe_claim(claim, cited.finding), "cites": cites}


def _given(case: Case, response: Response) -> tuple[Passage, ...]:
    """Give the passages that an answer could cite: the retrieved ones, then those given with the question."""
    retrieved = {passage.doc_id for passage in response.retrieved}
    rest = [passage for passage in case.query.contexts if passage.doc_id not in retrieved]
    return (*response.retrieved, *rest)
