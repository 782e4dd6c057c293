"""Sources to one dataset: ids that cannot be confused, and digests that change with what they stand for."""

import random
from pathlib import Path
from typing import Any

import pytest
from golden_files import fault, faults, load, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import GoldenError, NothingSelected
from harness.goldens.dataset import case_digest, dataset_digest, load_dataset
from harness.types import GoldenSource

ROW: dict[str, Any] = {
    "id": "c1",
    "input": "What does it cost?",
    "history": [{"role": "user", "content": "Hi"}],
    "contexts": [{"doc_id": "d1", "text": "40 euros a month"}],
    "expected_output": ["40 euros"],
    "expected_behavior": "answer",
    "evidence": [{"doc_id": "d1", "quote": "40 euros", "grade": 2}],
    "must_include": ["40"],
    "must_not_include": ["50"],
    "policy": "prices",
    "groups": {"language": "en", "register": "plain"},
    "tags": ["a", "b"],
    "metadata": {"topic": "rent", "n": 1},
    "split": "test",
    "document_id": "d1",
}
CHANGES: dict[str, Any] = {
    "id": "c2",
    "input": "What does it cost",
    "history": [{"role": "assistant", "content": "Hi"}],
    "contexts": [{"doc_id": "d1", "text": "40 euros a month", "score": 0.0}],
    "expected_output": ["40 euros", "forty euros"],
    "expected_behavior": "partial",
    "evidence": [{"doc_id": "d1", "quote": "40 euros", "grade": 1}],
    "must_include": [],
    "must_not_include": ["50", "60"],
    "policy": "price",
    "groups": {"language": "en", "register": "formal"},
    "tags": ["b", "a"],
    "metadata": {"topic": "rent", "n": 1.5},
    "split": None,
    "document_id": "d2",
    "twin_of": "c0",
}
ORIGINAL = {"id": "c0", "input": "The original"}
DOCUMENT = {"doc_id": "d1", "text": "It costs 40 euros a month."}


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ("refund-017", "duplicate id 'refund-017', first at {file}:1"),
        ("Refund-017", "id looks like 'refund-017': 'Refund-017', first at {file}:1"),
        ("REFUND-017", "id looks like 'refund-017': 'REFUND-017', first at {file}:1"),
    ],
)
def test_f15_ids_that_are_or_look_alike_are_told_with_both_lines(
    tmp_path: Path, second: str, what: str
) -> None:
    """Two cases with one id, also when read in other letter case, are a fault that names both lines."""
    rows = [{"id": "refund-017", "input": "x"}, {"id": "other", "input": "y"}, {"id": second, "input": "z"}]
    found = fault(tmp_path, *rows)
    assert found.what == what.format(file=tmp_path / "cases.jsonl")
    assert found.place is not None
    assert (found.place.line, found.mend) == (3, "ids must be unique")


@pytest.mark.parametrize(
    "name", ["a/b", "../a", "a\\b", "a b", "a\n", "a\0", "\u0430", "\uff41", "e\u0301", ""]
)
def test_f15_an_id_is_plain_signs(tmp_path: Path, name: str) -> None:
    """Nothing that could be a path, a line, or look like another letter."""
    found = fault(tmp_path, {"id": name, "input": "x"})
    assert found.what.startswith("id ")
    assert "1 to 128 of" in found.mend


def test_f15_the_same_question_twice_without_ids_is_a_duplicate(tmp_path: Path) -> None:
    """An id made from the content tells that the content is there twice."""
    assert "duplicate id 'sha256:" in fault(tmp_path, {"input": "x"}, {"input": "y"}, {"input": "x"}).what


def test_f15_ids_are_compared_over_all_sources(tmp_path: Path) -> None:
    """Two files of one suite share one space of ids."""
    write_lines(tmp_path / "a.jsonl", [{"id": "c1", "input": "x"}])
    write_lines(tmp_path / "b.jsonl", [{"id": "C1", "input": "x"}])
    sources = [GoldenSource(path="a.jsonl"), GoldenSource(path="b.jsonl")]
    with pytest.raises(GoldenError) as caught:
        load_dataset(sources, tmp_path, "demo")
    (found,) = caught.value.faults
    assert str(found).startswith(f"{tmp_path / 'b.jsonl'}:1: id looks like 'c1': 'C1', first at ")
    assert f"{tmp_path / 'a.jsonl'}:1" in found.what


def test_a_twin_needs_its_original(tmp_path: Path) -> None:
    """A variant of a case that is not there is told with the nearest id, wherever the original stands."""
    twin, original = {"id": "typo", "input": "x", "twin_of": "refund-1"}, {"id": "refund-1", "input": "y"}
    assert [case.cluster for case in load(tmp_path, twin, original).cases] == ["refund-1", "refund-1"]
    found = fault(tmp_path, {**twin, "twin_of": "refund-2"}, original)
    assert (found.what, found.mend) == ("twin_of 'refund-2' names no case", "did you mean 'refund-1'?")


def test_a_twin_of_a_faulty_case_is_not_told(tmp_path: Path) -> None:
    """The original is there, it could only not be read: one fault, not two."""
    rows: list[dict[str, Any]] = [
        {"id": "c1", "input": "y", "tagz": []},
        {"id": "c1-typo", "input": "x", "twin_of": "c1"},
    ]
    assert "tagz" in fault(tmp_path, *rows).what


def test_no_source_is_no_case(tmp_path: Path) -> None:
    """A dataset without sources is as empty as one with an empty file."""
    with pytest.raises(NothingSelected, match="demo: the goldens hold no case"):
        load_dataset([], tmp_path, "demo")


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_every_field_counts_for_the_digest(tmp_path: Path, name: str) -> None:
    """Change any field of one case, and the digests of the case and of the dataset change."""
    before = load(tmp_path, ORIGINAL, ROW)
    after = load(tmp_path, ORIGINAL, {**ROW, name: CHANGES[name]})
    assert after.digest != before.digest
    assert before.digests["c0"] == after.digests["c0"]
    assert before.digests["c1"] != after.digests.get("c1")


def test_every_field_of_a_row_is_changed_above() -> None:
    """The table of changes is whole."""
    from harness.goldens.fields import FIELDS

    assert set(CHANGES) == set(FIELDS)


def test_the_digest_does_not_change_with_the_writing(tmp_path: Path) -> None:
    """Key order, aliases, one reference answer or a list of one, and defaults written out mean the same."""
    row = {"id": "c1", "input": "x", "expected_output": "y", "groups": {"a": "1", "b": "2"}}
    other = {
        "tags": [],
        "groups": {"b": "2", "a": "1"},
        "expected_behavior": "answer",
        "reference": ["y"],
        "question": "x",
        "case_id": "c1",
    }
    assert load(tmp_path, row).digest == load(tmp_path, other).digest


def test_the_corpus_does_not_change_the_digest_of_the_cases(tmp_path: Path) -> None:
    """Resolving evidence leaves the digest alone: it is over the case as written."""
    bare = load(tmp_path, ORIGINAL, ROW)
    resolved = load(tmp_path, ORIGINAL, ROW, corpus=[DOCUMENT])
    assert resolved.digest == bare.digest
    assert resolved.cases[1].evidence[0].start == 9
    assert bare.cases[1].evidence[0].start is None
    assert resolved.digests["c1"] == case_digest(bare.cases[1])


def test_the_digest_of_the_corpus_is_over_all_of_every_document(tmp_path: Path) -> None:
    """Order does not change it; a text, a title, metadata or one more document does."""
    other = {"doc_id": "d2", "text": "More."}

    def digest(*corpus: dict[str, Any]) -> str:
        found = load(tmp_path, ORIGINAL, corpus=corpus).corpus
        assert found is not None
        return found.digest

    before = digest(DOCUMENT, other)
    assert digest(other, DOCUMENT) == before
    changed: list[dict[str, Any]] = [
        {"text": "It costs 41 euros."},
        {"title": "Prices"},
        {"metadata": {"a": 1}},
        {"doc_id": "d3"},
    ]
    digests = {digest({**DOCUMENT, **change}, other) for change in changed} | {digest(DOCUMENT), before}
    assert len(digests) == 6


def test_sources_may_have_corpora_of_their_own(tmp_path: Path) -> None:
    """Each file's evidence is found in the corpus beside it; together they are one corpus."""
    for name, text in (("a", "Alpha."), ("b", "Beta.")):
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name / "corpus.jsonl", [{"doc_id": name, "text": text}])
        row = {"id": name, "input": "x", "evidence": [{"doc_id": name, "quote": text}]}
        write_lines(tmp_path / name / "cases.jsonl", [row])
    both = [GoldenSource(path="a/cases.jsonl"), GoldenSource(path="b/cases.jsonl")]
    dataset = load_dataset(both, tmp_path, "demo")
    assert dataset.corpus is not None
    assert set(dataset.corpus.documents) == {"a", "b"}
    turned = load_dataset(both[::-1], tmp_path, "demo")
    assert turned.corpus is not None
    assert (turned.digest, turned.corpus.digest) == (dataset.digest, dataset.corpus.digest)


def test_one_document_has_one_text(tmp_path: Path) -> None:
    """Two corpora that give one id two texts are refused: spans of one would be read in the other."""
    write_lines(tmp_path / "cases.jsonl", [{"id": "c1", "input": "x"}])
    write_lines(tmp_path / "more.jsonl", [{"id": "c2", "input": "x"}])
    write_lines(tmp_path / "corpus.jsonl", [{"doc_id": "d1", "text": "Alpha."}])
    write_lines(tmp_path / "other.jsonl", [{"doc_id": "d1", "text": "Beta."}])
    sources = [GoldenSource(path="cases.jsonl"), GoldenSource(path="more.jsonl", corpus="other.jsonl")]
    with pytest.raises(GoldenError, match="document 'd1' has another text in another corpus") as caught:
        load_dataset(sources, tmp_path, "demo")
    place = caught.value.faults[0].place
    assert place is not None
    assert place.file == str(tmp_path / "other.jsonl")


def test_a_faulty_case_is_told_once_however_many_sources(tmp_path: Path) -> None:
    """At most fifty faults over all sources, the first ones first."""
    write_lines(tmp_path / "cases.jsonl", ["{"] * 40)
    write_lines(tmp_path / "more.jsonl", ["{"] * 40)
    with pytest.raises(GoldenError) as caught:
        load_dataset([GoldenSource(path="cases.jsonl"), GoldenSource(path="more.jsonl")], tmp_path, "demo")
    files = [Path(entry.place.file).name for entry in caught.value.faults if entry.place]
    assert files == ["cases.jsonl"] * 40 + ["more.jsonl"] * 10


CASES = st.lists(
    st.fixed_dictionaries(
        {"input": st.text(min_size=1, max_size=8).filter(str.strip)},
        optional={
            "tags": st.lists(st.text(max_size=3), max_size=2),
            "metadata": st.dictionaries(
                st.text(max_size=3), st.integers(0, 9) | st.text(max_size=3), max_size=3
            ),
        },
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(rows=CASES, seed=st.integers(0, 99))
def test_the_order_of_cases_does_not_change_the_digest(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], seed: int
) -> None:
    """A dataset is a set: only the order of the cases follows the file."""
    folder = tmp_path_factory.mktemp("g")
    rows = [{"id": f"c{index}", **row} for index, row in enumerate(rows)]
    shuffled = random.Random(seed).sample(rows, len(rows))  # noqa: S311 -- a shuffle
    before, after = load(folder, *rows), load(folder, *shuffled)
    assert after.digest == before.digest
    assert after.digests == before.digests
    assert [case.id for case in after.cases] == [row["id"] for row in shuffled]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"), max_size=4))
def test_a_dataset_digest_stands_for_its_cases(digests: dict[str, str]) -> None:
    """Leave out or change one case, and it is another dataset."""
    whole = dataset_digest(digests)
    for case_id in digests:
        assert dataset_digest({key: value for key, value in digests.items() if key != case_id}) != whole
        assert dataset_digest({**digests, case_id: "w"}) != whole


def test_faults_of_ids_come_with_the_others(tmp_path: Path) -> None:
    """A duplicate id does not wait until everything else is mended."""
    rows = [{"id": "c1", "input": "x"}, {"id": "c1", "input": "y"}, {"id": "c2", "inptu": "z"}]
    assert [entry.what[:13] for entry in faults(tmp_path, *rows)] == ["unknown field", "duplicate id "]


def test_a_twin_of_a_twin_is_told(tmp_path: Path) -> None:
    """All twins of a case name the case itself, so that they share its cluster."""
    rows = [
        {"id": "a", "input": "x"},
        {"id": "b", "input": "y", "twin_of": "a"},
        {"id": "c", "input": "z", "twin_of": "b"},
    ]
    found = fault(tmp_path, *rows)
    assert (found.what, found.mend) == ("twin_of 'b' names a twin", "name its original 'a'")
