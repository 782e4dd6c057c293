"""The corpus beside the cases: documents by id, and evidence resolved against their text."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from harness.errors import Fault, GoldenError, Place, did_you_mean
from harness.goldens.lines import read_json_lines
from harness.types import Case, Corpus, Document, Evidence


def load_corpus(path: Path, faults: list[Fault]) -> Corpus:
    """Read ``{doc_id, text, title?, metadata?}`` lines; what is wrong with a line is appended to ``faults``.

    Raises:
        GoldenError: the file is missing.
    """
    if not path.is_file():
        raise GoldenError("no such corpus file", Place(str(path)), "check `corpus:` in the suite")
    documents: dict[str, Document] = {}
    lines: dict[str, int | None] = {}
    for place, values in read_json_lines(path, faults):
        try:
            document = msgspec.convert(values, Document)
        except msgspec.ValidationError as error:
            faults.append(Fault(f"document: {error}", place, "fields are doc_id, text, title, metadata"))
            continue
        if document.doc_id in documents:
            first = lines[document.doc_id]
            what = f"duplicate doc_id {document.doc_id!r}, first in line {first}"
            faults.append(Fault(what, place, "ids must be unique"))
        if not document.doc_id or not document.text.strip():
            empty = "doc_id" if not document.doc_id else "text"
            faults.append(
                Fault(f"field {empty!r} of document {document.doc_id!r} is empty", place, "fill it")
            )
        documents[document.doc_id] = document
        lines[document.doc_id] = place.line
    digest = hashlib.sha256()
    for doc_id in sorted(documents):
        digest.update(hashlib.sha256(msgspec.json.encode(documents[doc_id], order="deterministic")).digest())
    return Corpus(documents, "sha256:" + digest.hexdigest())


def resolve_evidence(case: Case, corpus: Corpus, place: Place, faults: list[Fault]) -> Case:
    """Give the case with offsets for every quote; a quote that is not in its document is a fault."""
    resolved = []
    for index, evidence in enumerate(case.evidence):
        found = _resolve(evidence, corpus)
        if isinstance(found, Fault):
            what = f"case {case.id!r}: evidence[{index}]: {found.what}"
            faults.append(Fault(what, place, found.mend))
        else:
            resolved.append(found)
    return msgspec.structs.replace(case, evidence=tuple(resolved))


def _resolve(evidence: Evidence, corpus: Corpus) -> Evidence | Fault:
    if not evidence.doc_id:
        return _search_all(evidence, corpus)
    document = corpus.documents.get(evidence.doc_id)
    if document is None:
        hint = did_you_mean(evidence.doc_id, corpus.documents) if len(corpus.documents) < 2000 else ""
        hint = hint if hint.startswith("did") else "add the document, or mend the id"
        return Fault(f"document {evidence.doc_id!r} is not in the corpus", mend=hint)
    if evidence.start is not None or evidence.end is not None:
        return _check_offsets(evidence, document)
    if evidence.quote is None:
        return evidence
    span = find_quote(document.text, evidence.quote)
    if span is None:
        where = _where_it_parts(document.text, evidence.quote)
        return Fault(f"quote is not in {evidence.doc_id!r}", mend=where)
    return msgspec.structs.replace(evidence, start=span[0], end=span[1])


def _check_offsets(evidence: Evidence, document: Document) -> Evidence | Fault:
    start, end, length = evidence.start, evidence.end, len(document.text)
    if start is None or end is None or not 0 <= start < end <= length:
        what = f"offsets {start}..{end} are not within the {length} characters of {document.doc_id!r}"
        return Fault(what, mend="give start and end with 0 <= start < end")
    if evidence.quote is not None and document.text[start:end] != evidence.quote:
        return Fault("quote and offsets disagree", mend="give one of them")
    return evidence


def _search_all(evidence: Evidence, corpus: Corpus) -> Evidence | Fault:
    """A quote without a document belongs to the one document that holds it."""
    quote = evidence.quote or ""
    holders = [(doc, span) for doc in corpus.documents.values() if (span := find_quote(doc.text, quote))]
    if len(holders) != 1:
        found = ", ".join(doc.doc_id for doc, _ in holders[:3]) or "no document"
        return Fault(f"quote {quote[:40]!r} is in {found}", mend="name its doc_id")
    document, span = holders[0]
    return msgspec.structs.replace(evidence, doc_id=document.doc_id, start=span[0], end=span[1])


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Find a quote in a text, exactly or with any white space where it has white space."""
    if not quote.strip():
        return None
    at = text.find(quote)
    if at >= 0:
        return at, at + len(quote)
    pattern = r"\s+".join(re.escape(part) for part in quote.split())
    match = re.search(pattern, text)
    return match.span() if match else None


def _where_it_parts(text: str, quote: str) -> str:
    """Say up to where the quote agrees with the document, which is where it has to be mended."""
    low, high = 0, len(quote)
    while low < high:
        middle = (low + high + 1) // 2
        if quote[:middle] in text:
            low = middle
        else:
            high = middle - 1
    if low < 8:
        return "quotes must be exact words of the document"
    return f"it agrees up to ...{quote[max(0, low - 25) : low]!r}, then has {quote[low : low + 15]!r}"
