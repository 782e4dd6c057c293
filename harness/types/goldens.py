"""What is asked, and what is expected: cases, corpora, datasets and their slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field

from harness.types.words import Behavior, Scalar


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One earlier turn of a dialogue."""

    role: Literal["user", "assistant", "system"]
    content: str


class Passage(Struct, frozen=True, omit_defaults=True):
    """One retrieved passage; ``rank`` starts at 1, ``start`` is its offset in the document where known."""

    doc_id: str
    text: str
    rank: int
    score: float | None = None
    start: int | None = None


class Query(Struct, frozen=True, omit_defaults=True):
    """All that a system under test may see of a case: the reference cannot leak, by type.

    ``contexts`` are passages given with the question, for systems without a retriever of their own.
    """

    id: str
    input: str
    history: tuple[Message, ...] = ()
    contexts: tuple[Passage, ...] = ()


class Evidence(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A gold passage, anchored in the text of a source document so that it survives re-chunking.

    ``start`` and ``end`` are offsets into the document's text, resolved from ``quote`` at load.
    ``grade`` is the relevance, 0 (not relevant) upwards.
    """

    doc_id: str
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    grade: int = 1


class Case(Struct, frozen=True, omit_defaults=True):
    """One golden case: a query and what a good system does with it."""

    query: Query
    expected_behavior: Behavior = "answer"
    expected_output: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    must_include: tuple[str, ...] = ()
    must_not_include: tuple[str, ...] = ()
    policy: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: dict[str, Scalar] = field(default_factory=dict)
    split: str | None = None
    twin_of: str | None = None
    document_id: str | None = None

    @property
    def id(self) -> str:
        """The stable id of the case."""
        return self.query.id

    @property
    def cluster(self) -> str:
        """What correlated cases share: their source document, else their original, else themselves."""
        return self.document_id or self.twin_of or self.query.id


class Document(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One document of the corpus that the system answers from."""

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Scalar] = field(default_factory=dict)


class Corpus(Struct, frozen=True):
    """The documents by id, with the digest of all of them."""

    documents: dict[str, Document]
    digest: str


class Dataset(Struct, frozen=True):
    """Golden cases in file order; ``digests`` holds one digest per case id.

    Of very many not all are held: go through their ``outlines`` where that is enough.
    """

    name: str
    cases: Sequence[Case]
    digest: str
    digests: dict[str, str]
    corpus: Corpus | None = None
    notices: tuple[str, ...] = ()


class Slice(Struct, frozen=True):
    """A set of cases chosen by attributes; no condition means every case."""

    where: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """``language=de & register=plain``, or ``all``."""
        return " & ".join(f"{name}={value}" for name, value in self.where) or "all"
