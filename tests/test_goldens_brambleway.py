"""What the shipped golden dataset promises, checked on the files that ship."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.goldens.dataset import load_dataset
from harness.types import Case, Dataset, Document, Evidence, GoldenSource

FOLDER = Path(__file__).parents[1] / "goldens" / "brambleway"
LANGUAGES = ("en", "de", "fr", "es", "ja")
KINDS = {"answerable": "answer", "unanswerable": "refuse", "policy": "refuse", "clarify": "clarify"}
Label = Callable[[Case], str]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """The shipped set, by the product's own loader."""
    return load_dataset([GoldenSource(path="cases.jsonl")], FOLDER, "brambleway")


def documents(dataset: Dataset) -> dict[str, Document]:
    """The corpus by id."""
    assert dataset.corpus is not None
    return dataset.corpus.documents


def kind(case: Case) -> str:
    """Answerable, unanswerable, policy or clarify."""
    return str(case.metadata["kind"])


def language(case: Case) -> str:
    """The language of the question."""
    return case.groups["language"]


def quote(evidence: Evidence) -> str:
    """The words of the gold passage; every passage of this set has them."""
    assert evidence.quote
    return evidence.quote


def test_size(dataset: Dataset) -> None:
    """The set is large enough, in documents and in every kind of case."""
    kinds = Counter(kind(case) for case in dataset.cases)
    assert len(documents(dataset)) >= 60
    assert len(dataset.cases) >= 300
    assert kinds["answerable"] >= 190
    assert kinds["unanswerable"] >= 50
    assert kinds["policy"] >= 30
    assert kinds["clarify"] >= 20
    assert set(kinds) == set(KINDS)
    assert dataset.notices == ()


def test_kind_and_behavior_agree(dataset: Dataset) -> None:
    """The kind decides the behaviour, who has evidence, and who has a policy; each case has a reference."""
    for case in dataset.cases:
        assert case.expected_behavior == KINDS[kind(case)], case.id
        assert bool(case.evidence) == (kind(case) == "answerable"), case.id
        assert (case.policy is not None) == (kind(case) == "policy"), case.id
        assert all(text.strip() for text in case.expected_output), case.id
        assert case.expected_output, case.id


def test_policies_are_written_down(dataset: Dataset) -> None:
    """Every policy id has its heading in policy.md, and every rule there has cases."""
    written = re.findall(r"^## (P\d) ", (FOLDER / "policy.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert written == ["P1", "P2", "P3", "P4", "P5", "P6"]
    assert {case.policy for case in dataset.cases if case.policy} == set(written)


def test_languages_and_registers(dataset: Dataset) -> None:
    """Each language has every kind of case and every register."""
    for name in LANGUAGES:
        cases = [case for case in dataset.cases if language(case) == name]
        assert {kind(case) for case in cases} == set(KINDS), name
        registers = Counter(case.groups["register"] for case in cases)
        assert set(registers) == {"formal", "plain", "non_native"}, name
        assert min(registers.values()) >= 15, name


def test_parallel_sets(dataset: Dataset) -> None:
    """Versions of one question share kind, cluster and documents; at least 20 sets are in five languages."""
    sets: dict[str, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        if "parallel_id" in case.metadata and case.twin_of is None:
            sets[str(case.metadata["parallel_id"])].append(case)
    for name, cases in sets.items():
        assert len({language(case) for case in cases}) == len(cases), name
        assert len({(kind(case), case.document_id) for case in cases}) == 1, name
        stems = {frozenset(stem(evidence.doc_id) for evidence in case.evidence) for case in cases}
        assert len(stems) == 1, name
    assert sum({language(case) for case in cases} == set(LANGUAGES) for cases in sets.values()) >= 20


def stem(doc_id: str) -> str:
    """The document without its language."""
    return re.sub(r"-(en|de|fr|es|ja)$", "", doc_id)


def test_twins_differ_in_the_person_only(dataset: Dataset) -> None:
    """A twin equals its original but for id, input, reference answer and name group."""
    by_id = {case.id: case for case in dataset.cases}
    twins = [case for case in dataset.cases if case.twin_of is not None]
    assert len(twins) >= 40
    assert len({language(case) for case in twins}) >= 5
    for twin in twins:
        original = by_id[twin.twin_of or ""]
        assert original.twin_of is None, twin.id
        assert twin.query.input != original.query.input, twin.id
        assert twin.groups["name_group"] != original.groups["name_group"], twin.id
        assert _impersonal(twin) == _impersonal(original), twin.id


def _impersonal(case: Case) -> Case:
    groups = {name: value for name, value in case.groups.items() if name != "name_group"}
    query = msgspec.structs.replace(case.query, id="", input="")
    return msgspec.structs.replace(case, query=query, groups=groups, expected_output=(), twin_of=None)


def test_literal_facts(dataset: Dataset) -> None:
    """A fact stands in the quotes and in the reference answer; a forbidden one is not in the answer."""
    for case in dataset.cases:
        quotes = " ".join(quote(evidence) for evidence in case.evidence)
        answer = " ".join(case.expected_output).casefold()
        for fact in case.must_include:
            assert fact in quotes, (case.id, fact)
            assert fact.casefold() in answer, (case.id, fact)
        for fact in case.must_not_include:
            assert fact.casefold() not in answer, (case.id, fact)


def test_tags_say_what_the_evidence_shows(dataset: Dataset) -> None:
    """Tags two-documents, table and cross-language are set exactly where the evidence shows them."""
    corpus = documents(dataset)
    for case in dataset.cases:
        two = len({evidence.doc_id for evidence in case.evidence}) > 1
        table = any(quote(evidence).startswith("|") for evidence in case.evidence if evidence.grade == 2)
        cross = any(corpus[e.doc_id].metadata["language"] != language(case) for e in case.evidence)
        assert ("two-documents" in case.tags, "table" in case.tags) == (two, table), case.id
        assert ("cross-language" in case.tags) == cross, case.id
    assert sum("two-documents" in case.tags for case in dataset.cases) >= 30


def test_clusters_are_stems(dataset: Dataset) -> None:
    """Answerable cases cluster by a document they quote, and no cluster holds a twentieth of the set."""
    for case in dataset.cases:
        if case.evidence:
            assert case.document_id in {stem(evidence.doc_id) for evidence in case.evidence}, case.id
    sizes = Counter(case.document_id for case in dataset.cases)
    assert None not in sizes
    assert max(sizes.values()) <= len(dataset.cases) // 20


def test_outdated_documents_have_a_successor(dataset: Dataset) -> None:
    """An outdated document says until when it held and stands beside its current version."""
    corpus = documents(dataset)
    outdated = [document for document in corpus.values() if document.metadata["status"] == "outdated"]
    assert outdated
    for document in outdated:
        assert document.metadata["valid_until"], document.doc_id
        current = re.sub(r"-(20\d\d|v\d)(?=-[a-z]{2}$)", "", document.doc_id)
        assert corpus[current].metadata["status"] == "current", document.doc_id


def test_refuse_terms() -> None:
    """Each line is a comment, blank, or one lower-case term, and no term stands twice."""
    lines = (FOLDER / "refuse_terms.txt").read_text(encoding="utf-8").splitlines()
    terms = [line for line in lines if line and not line.startswith("#")]
    assert 60 <= len(terms) <= 120
    assert len(set(terms)) == len(terms)
    assert all(term == term.lower().strip() for term in terms)


def test_files_are_one_object_a_line() -> None:
    """The files are UTF-8 as written, without escapes, blank lines or a byte order mark."""
    for name in ("cases.jsonl", "corpus.jsonl"):
        text = (FOLDER / name).read_bytes().decode("utf-8")
        assert text.startswith("{"), name
        assert text.endswith("}\n"), name
        assert not re.search(r"\n\n|\r|\\u", text), name


def test_readme_counts(dataset: Dataset) -> None:
    """Every count in the README is that of the data."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert _table(text, "kind") == _counted(dataset, kind)
    assert _table(text, "register") == _counted(dataset, lambda case: case.groups["register"])
    assert _table(text, "domain") == _counted(dataset, lambda case: str(case.metadata["domain"]))
    places = [(i.partition("/")[0], str(d.metadata["language"])) for i, d in documents(dataset).items()]
    assert _table(text, "documents") == _rows(places)
    policies = Counter(case.policy for case in dataset.cases if case.policy)
    assert _table(text, "policy") == {name: [count] for name, count in policies.items()}
    features = _features(dataset)
    assert _table(text, "feature") == {name: _rows(features)[name] for name in dict(features)}
    sets: dict[str, set[str]] = defaultdict(set)
    for case in dataset.cases:
        sets[str(case.metadata.get("parallel_id"))].add(language(case))
    del sets["None"]
    assert _number(text, "in all five languages") == sum(len(found) == 5 for found in sets.values())
    assert _number(text, "(`document_id`)") == len({case.document_id for case in dataset.cases})
    outdated = [d for d in documents(dataset).values() if d.metadata["status"] == "outdated"]
    assert _number(text, "Outdated documents") == len(outdated)


def _features(dataset: Dataset) -> list[tuple[str, str]]:
    tags = ("two-documents", "table", "near-duplicate", "outdated", "cross-language")
    found = [(tag, language(case)) for case in dataset.cases for tag in tags if tag in case.tags]
    found += [("twins", language(case)) for case in dataset.cases if case.twin_of is not None]
    return found + [
        ("parallel", language(case))
        for case in dataset.cases
        if case.twin_of is None and "parallel_id" in case.metadata
    ]


def _counted(dataset: Dataset, label: Label) -> dict[str, list[int]]:
    return _rows([(label(case), language(case)) for case in dataset.cases])


def _rows(pairs: list[tuple[str, str]]) -> dict[str, list[int]]:
    """Rows of a README table: the sum, then one number per language; the last row is the total."""
    count = Counter(pairs)
    rows = {name: [count[name, code] for code in LANGUAGES] for name, _ in pairs}
    rows["total"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    return {name: [sum(row), *row] for name, row in rows.items()}


def _table(text: str, heading: str) -> dict[str, list[int]]:
    body = text.split(f"\n| {heading} | all |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body]
    return {row[0]: [int(number) for number in row[1:]] for row in cells}


def _number(text: str, label: str) -> int:
    found = re.search(re.escape(label) + r": (\d+)$", text, re.MULTILINE)
    assert found, label
    return int(found[1])
