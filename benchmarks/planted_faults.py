"""How often metrics catch faults planted in right answers to the shipped goldens, and flag what is clean.

    python benchmarks/planted_faults.py --out benchmarks/planted_faults.md
    python benchmarks/planted_faults.py --short

The clean answers are made from the goldens: the expected output, with the passages of the reference system's
index that hold its evidence, and those that the reference system retrieves for the question.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from planted_tables import Row, goals, render, rows_of

from harness.api.planting import Measured, measure
from harness.goldens.dataset import load_dataset
from harness.planting.around import Answered
from harness.registry import CATCHES, declared, find_metric
from harness.systems.bm25 import Chunk, Index, cut, segmented
from harness.types import Case, Citation, Dataset, GoldenSource, Metric, Passage, Response, SliceRule

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "goldens" / "brambleway" / "cases.jsonl"
TOP_K, CHUNK_WORDS, CHUNK_OVERLAP, SEED = 5, 80, 20, 0
SLICES = {"language": SliceRule("groups.language")}
SHORT = 12
"""In the short form every such case is taken."""


class Written(msgspec.Struct, frozen=True):
    """What is kept of the benchmark: ``rows`` are read by the cards of the metrics."""

    goldens: str
    digest: str
    cases: int
    seed: int
    versions: dict[str, int]
    rows: tuple[Row, ...]


def golden_answers(dataset: Dataset, every: int = 1) -> Answered:
    """Give every case the answer that its golden expects, as a faultless system would have recorded it."""
    documents = dataset.corpus.documents.values() if dataset.corpus else ()
    chunks = [chunk for document in documents for chunk in cut(document, CHUNK_WORDS, CHUNK_OVERLAP)]
    current = [chunk for chunk in chunks if chunk.document.metadata.get("status") != "outdated"]
    index = Index([segmented(f"{chunk.document.title}\n{chunk.text}") for chunk in current])
    found = []
    for case in dataset.cases[::every]:
        ranked = index.rank(list(dict.fromkeys(segmented(case.query.input))), TOP_K)
        gold = [chunk for chunk in chunks if _holds_evidence(chunk, case)]
        others = [current[place] for place, _ in ranked if not _holds_evidence(current[place], case)]
        kept = [*gold, *others][: max(TOP_K, len(gold))]
        passages = tuple(
            Passage(chunk.document.doc_id, chunk.text, rank, start=chunk.start)
            for rank, chunk in enumerate(kept, 1)
        )
        cited = dict.fromkeys(evidence.doc_id for evidence in case.evidence)
        found.append(
            (case, Response(case.expected_output[0], passages, citations=tuple(map(Citation, cited))))
        )
    return found


def _holds_evidence(chunk: Chunk, case: Case) -> bool:
    first, last = chunk.start, chunk.start + len(chunk.text)
    return any(
        evidence.doc_id == chunk.document.doc_id and evidence.start < last and first < evidence.end
        for evidence in case.evidence
        if evidence.start is not None and evidence.end is not None
    )


def metrics() -> dict[str, Metric]:
    """Give every metric that answers for a fault and needs no judge."""
    found = {stem: declared(stem) for stem in CATCHES}
    names = [
        f"{stem}@{TOP_K}" if one.cutoff else stem
        for stem, one in found.items()
        if set(one.needs) <= {"corpus"}
    ]
    return {name: find_metric(name) for name in names}


def run(every: int = 1) -> tuple[Measured, Written]:
    """Measure on the shipped goldens, or on every so-manieth case of them."""
    dataset = load_dataset((GoldenSource(str(GOLDENS)),), GOLDENS.parent, "brambleway")
    answered, known = golden_answers(dataset, every), metrics()
    found = measure(answered, known, dataset.corpus, SLICES, SEED, lambda what: sys.stderr.write(f"{what}\n"))
    versions = {name: metric.version for name, metric in known.items()}
    return found, Written("brambleway", dataset.digest, len(answered), SEED, versions, rows_of(found))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help=f"every {SHORT}th case: seconds")
    parser.add_argument("--out", type=Path, help="write this page, and the .json beside it")
    options = parser.parse_args()
    found, written = run(SHORT if options.short else 1)
    page = render(found, written.goldens, written.digest, written.cases)
    if options.out is not None:
        options.out.write_text(page, encoding="utf-8")
        packed = msgspec.json.format(msgspec.json.encode(written), indent=1)
        options.out.with_suffix(".json").write_bytes(packed + b"\n")
    else:
        print(page)
    return int(any(not goal.met for goal in goals(found)))


if __name__ == "__main__":
    sys.exit(main())
