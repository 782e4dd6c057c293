"""Golden sources to one Dataset: read, checked as a whole, and fingerprinted."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.cases import Gathered, outlines
from harness.errors import Fault, GoldenError, NothingSelected, Place, did_you_mean
from harness.goldens.corpus import load_corpus, resolve_evidence
from harness.goldens.fields import CaseReader
from harness.goldens.lines import MAX_FAULTS
from harness.goldens.rows import read_rows
from harness.spool import Spool
from harness.types import Case, Corpus, Dataset, Document, GoldenSource

_DECODER = msgspec.json.Decoder(Case)


class _Aside:
    """Cases that are not held, as JSON in a file without a name, which nobody can change meanwhile."""

    def __init__(self) -> None:
        self._spool = Spool("the cases")
        self._places = array("q")

    def add(self, encoded: bytes) -> int:
        """Put a case aside; gives the number that it is read by."""
        self._places.extend((self._spool.add(encoded), len(encoded)))
        return len(self._places) // 2 - 1

    def read(self, number: int) -> Case:
        """Give a case by its number."""
        return _DECODER.decode(self._spool.read(*self._places[2 * number : 2 * number + 2]))


def load_dataset(sources: Sequence[GoldenSource], folder: Path, name: str) -> Dataset:
    """Load every source into one dataset, with evidence resolved against the corpus beside it.

    Args:
        sources: what the suite names, in order.
        folder: what relative paths are relative to (the suite file's folder).
        name: shown in reports.

    Raises:
        GoldenError: holds every fault found, the first 50 of them, each with file, line and mend.
        NothingSelected: the sources hold no case at all.
    """
    faults: list[Fault] = []
    notices: list[str] = []
    aside = _Aside()
    gathered, places = Gathered(aside.read), list[Place]()
    digests: dict[str, str] = {}
    corpora: dict[Path, Corpus] = {}
    for source in sources:
        corpus = _corpus_of(source, folder, corpora, faults)
        reader = CaseReader(faults, source.fields)
        for row in read_rows(source, folder, faults):
            if len(faults) >= MAX_FAULTS:
                break
            case = reader.read(row)
            if case is None:
                continue
            digests.setdefault(case.id, case_digest(case))
            if corpus is not None:
                case = resolve_evidence(case, corpus, row.place, faults)
            _gather(case, gathered, aside)
            places.append(row.place)
        for (ours, theirs), count in sorted(reader.used.items()):
            notices.append(f"{source.path}: {ours!r} was read from {theirs!r} in {count} cases")
    corpus = _merge(corpora, faults)
    cases = gathered.cases()
    _check_ids(outlines(cases), places, faults)
    if faults:
        raise GoldenError(faults[:MAX_FAULTS])
    if not cases:
        raise NothingSelected("the goldens hold no case", Place(sources[0].path if sources else name))
    return Dataset(
        name=name,
        cases=cases,
        digest=dataset_digest(digests),
        digests=digests,
        corpus=corpus,
        notices=tuple(notices),
    )


def _gather(case: Case, gathered: Gathered, aside: _Aside) -> None:
    encoded = msgspec.json.encode(case)
    gathered.add(case, len(encoded), lambda: aside.add(encoded))


def case_digest(case: Case) -> str:
    """Give the SHA-256 over the case as written; resolving evidence does not change it."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(case, order="deterministic")).hexdigest()


def dataset_digest(digests: dict[str, str]) -> str:
    """Give the SHA-256 over all case digests by id; the order of cases does not change it."""
    total = hashlib.sha256()
    for case_id in sorted(digests):
        total.update(f"{case_id} {digests[case_id]}\n".encode())
    return "sha256:" + total.hexdigest()


def _corpus_of(
    source: GoldenSource, folder: Path, corpora: dict[Path, Corpus], faults: list[Fault]
) -> Corpus | None:
    if source.corpus is not None:
        path = (folder / source.corpus).resolve()
    else:
        path = (folder / source.path).resolve().parent / "corpus.jsonl"
        if not path.is_file():
            return None
    if path not in corpora:
        corpora[path] = load_corpus(path, faults)
    return corpora[path]


def _merge(corpora: dict[Path, Corpus], faults: list[Fault]) -> Corpus | None:
    if len(corpora) <= 1:
        return next(iter(corpora.values()), None)
    documents: dict[str, Document] = {}
    for path, corpus in corpora.items():
        for doc_id, document in corpus.documents.items():
            if documents.setdefault(doc_id, document) != document:
                what = f"document {doc_id!r} has another text in another corpus of this suite"
                faults.append(Fault(what, Place(str(path)), "give it an id of its own"))
    joined = hashlib.sha256("\n".join(sorted(corpus.digest for corpus in corpora.values())).encode())
    return Corpus(documents, "sha256:" + joined.hexdigest())


def _check_ids(cases: Sequence[Case], places: Sequence[Place], faults: list[Fault]) -> None:
    """Ids must differ, also when read in other letter case; a twin's original must exist."""
    all_read = not faults  # else an original may be among the rows that could not be read
    first: dict[str, tuple[str, Place]] = {}
    original = {case.id: case.twin_of for case in cases}
    for case, place in zip(cases, places, strict=True):
        folded = unicodedata.normalize("NFKC", case.id).casefold()
        if folded in first:
            other, where = first[folded]
            kind = "duplicate id" if other == case.id else f"id looks like {other!r}:"
            faults.append(Fault(f"{kind} {case.id!r}, first at {where}", place, "ids must be unique"))
        first.setdefault(folded, (case.id, place))
        if all_read and case.twin_of is not None and case.twin_of not in original:
            faults.append(
                Fault(f"twin_of {case.twin_of!r} names no case", place, did_you_mean(case.twin_of, original))
            )
        elif case.twin_of is not None and (first_of := original.get(case.twin_of)) is not None:
            faults.append(
                Fault(f"twin_of {case.twin_of!r} names a twin", place, f"name its original {first_of!r}")
            )
