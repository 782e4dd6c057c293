"""Whether the sources that an answer names are sources that it had."""

from __future__ import annotations

from harness.registry import metric
from harness.types import Case, Response, Score


@metric("citation_valid", version=1)
def citation_valid(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """Share of the citations whose document is among the retrieved.

    Every citation counts, also a repeated one; an answer without citations is ``not_applicable``.
    ``details["invalid"]`` lists the documents that were cited and not retrieved, each once.
    """
    if not response.citations:
        return Score(status="not_applicable", reason="the answer cites nothing")
    retrieved = {passage.doc_id for passage in response.retrieved}
    cited = [citation.doc_id for citation in response.citations]
    invalid = [doc_id for doc_id in cited if doc_id not in retrieved]
    return Score(
        value=1 - len(invalid) / len(cited),
        details={"cited": len(cited), "invalid": list(dict.fromkeys(invalid))},
    )
