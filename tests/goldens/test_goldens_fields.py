"""Fields of a golden: aliases are resolved and told, everything else is refused with its name and a mend."""

from pathlib import Path
from typing import Any

import pytest
from golden_files import fault, faults, load
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.goldens.fields import ALIASES, FIELDS, RawCase, is_field
from harness.types import Case, Evidence, Message, Passage

DOCUMENT = {"doc_id": "d1", "text": "The bike costs 40 euros a month. The deposit is 100 euros."}


def case_of(folder: Path, **fields: Any) -> Case:
    """The one case of one line."""
    return load(folder, {"input": "x", **fields}).cases[0]


@pytest.mark.parametrize(
    ("row", "what", "mend"),
    [
        ({"inptu": "x"}, "unknown field 'inptu'", "did you mean 'input'?"),
        ({"input": "x", "langauge": "de"}, "unknown field 'langauge'", "put it under 'metadata'"),
        ({"input": "x", "expected_ouput": "y"}, "unknown field", "did you mean 'expected_output'?"),
        ({"id": "c2"}, "field 'input' is missing", "every case needs it"),
        ({}, "field 'input' is missing", "every case needs it"),
        ({"input": " \n"}, "field 'input' is empty", "write what the user asks"),
        ({"input": 5}, "field 'input': expected `str`, got `int`", "put it in quotes"),
        ({"question": 5}, "field 'question': expected `str`, got `int`", "put it in quotes"),
        ({"input": None}, "field 'input': expected `str`, got `null`", "leave the field out"),
        ({"input": "x", "id": 7}, "field 'id': expected `str`, got `int`", "put it in quotes"),
        ({"input": "x", "id": "a b"}, "id 'a b'", "1 to 128 of"),
        ({"input": "x", "id": "../a"}, "id '../a'", "1 to 128 of"),
        ({"input": "x", "id": ""}, "id ''", "1 to 128 of"),
        ({"input": "x", "id": "ä"}, "id 'ä'", "1 to 128 of"),
        ({"input": "x", "id": "a\n"}, "id 'a\\n'", "1 to 128 of"),
        ({"input": "x", "id": "a" * 129}, "id 'aaa", "1 to 128 of"),
        ({"input": "x", "tags": None}, "field 'tags': expected `array`, got `null`", "leave the field out"),
        ({"input": "x", "tags": "a"}, "field 'tags': expected `array`, got `str`", ""),
        ({"input": "x", "must_include": [1]}, "field 'must_include[0]': expected `str`", "put it in quotes"),
        ({"input": "x", "groups": {"age": 5}}, "field 'groups.age': expected `str`", "put it in quotes"),
        ({"input": "x", "metadata": {"a": 1, "b": [1]}}, "field 'metadata.b': expected", ""),
        ({"input": "x", "columns": {"b": {}}}, "field 'columns.b': expected", ""),
        ({"input": "x", "expected_behavior": "refuze"}, "is 'refuze'", "did you mean 'refuse'?"),
        ({"input": "x", "expected_behavior": "x"}, "is 'x'", "valid names: answer, clarify, partial, refuse"),
        ({"input": "x", "should_refuse": "yes"}, "field 'should_refuse' is 'yes'", "write true or false"),
        ({"input": "x", "answerable": 1}, "field 'answerable' is 1", "write true or false"),
        (
            {"input": "x", "should_refuse": True, "expected_behavior": "answer"},
            "field 'should_refuse' contradicts 'expected_behavior'",
            "keep one of them",
        ),
        (
            {"input": "x", "should_refuse": True, "answerable": True},
            "field 'answerable' contradicts",
            "keep one of them",
        ),
        (
            {"input": "x", "question": "y"},
            "field 'question' says again what 'input' says",
            "keep one of them",
        ),
        ({"prompt": "x", "query": "y"}, "field 'query' says again what 'input' says", "keep one of them"),
        (
            {"input": "x", "evidence": [], "qrels": {"d1": 1}},
            "field 'qrels' says again what 'evidence' says",
            "keep one of them",
        ),
        ({"vars": {"query": "x", "city": "y"}}, "unknown field 'vars'", "only 'query' in it is read"),
        ({"vars": "x"}, "unknown field 'vars'", "only 'query' in it is read"),
        ({"input": "x", "vars": {"query": "y"}}, "field 'vars.query' says again", "keep one of them"),
        (
            {"input": "x", "history": [{"role": "bot", "content": "y"}]},
            "field 'history[0].role' is 'bot'",
            "valid names: assistant, system, user",
        ),
        (
            {"input": "x", "history": [{"role": "user"}]},
            "field 'history[0].content' is missing",
            "every part of 'history' needs it",
        ),
        (
            {"input": "x", "history": [{"role": "user", "contents": "y"}]},
            "unknown field 'history[0].contents'",
            "did you mean 'content'?",
        ),
        ({"input": "x", "history": ["y"]}, "field 'history[0]': expected `object`, got `str`", ""),
        (
            {"input": "x", "contexts": ["a", {"text": "y"}]},
            "field 'contexts[1].doc_id' is missing",
            "every part of 'contexts' needs it",
        ),
        (
            {"input": "x", "contexts": [{"doc_id": "d", "text": "y", "scroe": 1}]},
            "unknown field 'contexts[0].scroe'",
            "did you mean 'score'?",
        ),
        ({"input": "x", "contexts": [{"doc_id": "d", "text": 5}]}, "field 'contexts[0].text'", "in quotes"),
        ({"input": "x", "evidence": [{"quote": "y"}]}, "field 'evidence[0].doc_id' is missing", "every part"),
        (
            {"input": "x", "gold_passages": [{"doc_id": "d1", "qoute": "y"}]},
            "unknown field 'gold_passages[0].qoute'",
            "did you mean 'quote'?",
        ),
        ({"input": "x", "evidence": [{"doc_id": "d1", "grade": -1}]}, "field 'evidence[0].grade': -1 is", ""),
        ({"input": "x", "qrels": {"d1": -1}}, "field 'qrels.d1': -1 is below 0", ""),
        ({"input": "x", "qrels": {"d1": 1, "d2": True}}, "field 'qrels.d2': expected `int`", ""),
        ({"input": "x", "qrels": {"d1": 0.5}}, "field 'qrels.d1': expected `int`", ""),
        ({"input": "x", "reference_contexts": [5]}, "field 'reference_contexts[0]': expected", ""),
        (
            {"input": "x", "reference_contexts": ["a", "b"], "reference_context_ids": ["d1"]},
            "field 'reference_context_ids': one id per text",
            "",
        ),
        (
            {"input": "x", "reference_contexts": ["a"], "reference_context_ids": [None]},
            "field 'reference_context_ids[0]': expected",
            "",
        ),
        (
            {"input": "x", "evidence": [{"doc_id": "d1"}], "reference_context_ids": ["d2"]},
            "field 'reference_context_ids': one id per text",
            "",
        ),
        ({"input": "x", "reference_context_ids": "d1"}, "field 'reference_context_ids': expected", ""),
    ],
)
def test_a_row_that_is_no_case_is_told_with_its_field(
    tmp_path: Path, row: dict[str, Any], what: str, mend: str
) -> None:
    """Every fault names file, line, the field as the file has it, and where there is one, the mend."""
    found = fault(tmp_path, {"id": "c1", "input": "x"}, row)
    assert found.place is not None
    assert (found.place.file, found.place.line) == (str(tmp_path / "cases.jsonl"), 2)
    assert what in found.what
    assert mend in found.mend


def test_all_faults_of_one_row_are_told(tmp_path: Path) -> None:
    """Several wrong fields of one row are several faults."""
    found = faults(tmp_path, {"inptu": "x", "tagz": [], "should_refuse": 2})
    assert [entry.what for entry in found] == [
        "unknown field 'inptu'",
        "unknown field 'tagz'",
        "field 'should_refuse' is 2",
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ours, theirs) for ours, names in ALIASES.items() for theirs in names]
)
def test_every_alias_is_its_field(tmp_path: Path, ours: str, theirs: str) -> None:
    """A field by another tool's name gives the same case, and the reader is told."""
    value: Any = {"id": "c9", "evidence": ["a quote"], "metadata": {"k": "v"}}.get(ours, "some text")
    base = {} if ours == "input" else {"input": "x"}
    canonical = load(tmp_path, {**base, ours: value})
    aliased = load(tmp_path, {**base, theirs: value})
    assert aliased.cases == canonical.cases
    assert aliased.digest == canonical.digest
    assert aliased.notices == (f"cases.jsonl: {ours!r} was read from {theirs!r} in 1 cases",)
    assert canonical.notices == ()


def test_notices_count_the_cases(tmp_path: Path) -> None:
    """One notice a name, with the number of cases it was found in."""
    dataset = load(tmp_path, {"vars": {"query": "x"}}, {"question": "y"}, {"question": "z"})
    assert [case.query.input for case in dataset.cases] == ["x", "y", "z"]
    assert dataset.notices == (
        "cases.jsonl: 'input' was read from 'question' in 2 cases",
        "cases.jsonl: 'input' was read from 'vars.query' in 1 cases",
    )


@pytest.mark.parametrize(
    ("said", "behavior"),
    [
        ({}, "answer"),
        ({"should_refuse": True}, "refuse"),
        ({"should_refuse": False}, "answer"),
        ({"answerable": True}, "answer"),
        ({"answerable": False}, "refuse"),
        ({"answerable": False, "should_refuse": True}, "refuse"),
        ({"answerable": False, "expected_behavior": "refuse"}, "refuse"),
        ({"expected_behavior": "clarify"}, "clarify"),
        ({"expected_behavior": "partial"}, "partial"),
    ],
)
def test_behavior_is_said_in_several_ways(tmp_path: Path, said: dict[str, Any], behavior: str) -> None:
    """``should_refuse`` and ``answerable`` are the expected behaviour in other words."""
    assert case_of(tmp_path, **said).expected_behavior == behavior


@pytest.mark.parametrize(
    ("written", "outputs"),
    [("y", ("y",)), (["y", "z"], ("y", "z")), ([], ()), (None, ()), ("", ("",))],
)
def test_an_output_may_have_several_wordings(tmp_path: Path, written: Any, outputs: tuple[str, ...]) -> None:
    """A list of reference answers means any of them; none means there is none."""
    assert case_of(tmp_path, expected_output=written).expected_output == outputs


def test_a_dialogue_keeps_its_turns(tmp_path: Path) -> None:
    """Earlier turns stand before the question, in order."""
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    assert case_of(tmp_path, history=turns).query.history == (
        Message("user", "Hi"),
        Message("assistant", "Yes?"),
    )


def test_given_contexts_become_passages(tmp_path: Path) -> None:
    """Contexts are texts or passages; a text gets an id from its content, and each its rank."""
    given_contexts = ["some text", {"doc_id": "d2", "text": "more", "score": 0.5, "start": 7}]
    first, second = case_of(tmp_path, contexts=given_contexts).query.contexts
    assert (first.text, first.rank, first.doc_id[:7]) == ("some text", 1, "sha256:")
    assert second == Passage("d2", "more", 2, 0.5, 7)


@pytest.mark.parametrize(
    ("written", "evidence"),
    [
        ({"qrels": {"d1": 2, "d2": 0}}, (Evidence("d1", grade=2), Evidence("d2", grade=0))),
        (
            {"reference_contexts": ["a", "b"], "reference_context_ids": ["d1", 7]},
            (Evidence("d1", "a"), Evidence("7", "b")),
        ),
        ({"context": "a"}, (Evidence("", "a"),)),
        ({"evidence": [{"doc_id": "d1", "start": 2, "end": 5}]}, (Evidence("d1", None, 2, 5),)),
        ({"evidence": ["a", {"doc_id": "d1"}]}, (Evidence("", "a"), Evidence("d1"))),
        ({"evidence": []}, ()),
        ({"evidence": {}}, ()),
    ],
)
def test_evidence_is_brought_into_one_form(
    tmp_path: Path, written: dict[str, Any], evidence: tuple[Evidence, ...]
) -> None:
    """Quotes, texts with ids, and grades by document all become evidence."""
    assert case_of(tmp_path, **written).evidence == evidence


def test_texts_without_ids_are_found_in_the_corpus(tmp_path: Path) -> None:
    """A reference text belongs to the one document that holds it."""
    row = {"input": "x", "reference_contexts": ["The deposit is 100 euros."]}
    (evidence,) = load(tmp_path, row, corpus=[DOCUMENT]).cases[0].evidence
    assert (evidence.doc_id, evidence.start, evidence.end) == ("d1", 33, 58)


def test_a_case_without_id_gets_one_from_its_content(tmp_path: Path) -> None:
    """The id depends on what is asked only, so that reference answers can be mended."""
    first, mended = case_of(tmp_path), case_of(tmp_path, expected_output="y", tags=["t"])
    asked_otherwise = case_of(tmp_path, history=[{"role": "user", "content": "y"}])
    assert first.id == mended.id != asked_otherwise.id
    assert first.id.startswith("sha256:")


def test_f17_goldens_are_data(tmp_path: Path) -> None:
    """What looks like a template, a variable, a path or an address stays what it is."""
    texts = ["{{7*7}}", "${env:HOME}", "{0.__class__}", "%(x)s", "file:///etc/hostname", "!!python/name:os"]
    dataset = load(tmp_path, *({"input": text, "expected_output": text} for text in texts))
    assert [case.query.input for case in dataset.cases] == texts
    assert [case.expected_output for case in dataset.cases] == [(text,) for text in texts]


def test_a_mapping_reads_only_what_it_names(tmp_path: Path) -> None:
    """With ``fields:`` our names come from theirs, dotted where nested; nothing else is read."""
    row = {"q": {"text": "x"}, "a.b": "y", "lang": "de", "topic": "t", "other": {"deep": 1}, "tags": ["no"]}
    fields = {
        "input": "q.text",
        "expected_output": "a.b",
        "groups.language": "lang",
        "metadata.topic": "topic",
        "id": "absent",
    }
    case = load(tmp_path, row, fields=fields).cases[0]
    assert (case.query.input, case.expected_output) == ("x", ("y",))
    assert (case.groups, case.metadata, case.tags) == ({"language": "de"}, {"topic": "t"}, ())


def test_a_mapping_knows_the_other_ways_to_say_a_behavior(tmp_path: Path) -> None:
    """``answerable`` may be mapped like a field."""
    case = load(tmp_path, {"q": "x", "ok": False}, fields={"input": "q", "answerable": "ok"}).cases[0]
    assert case.expected_behavior == "refuse"


def test_a_mapped_field_that_does_not_fit_is_told_by_its_own_name(tmp_path: Path) -> None:
    """The fault names the column of the file, since that is where it is mended."""
    assert (
        "field 'q.text': expected `str`"
        in fault(tmp_path, {"q": {"text": 5}}, fields={"input": "q.text"}).what
    )
    assert "field 'input' is missing" in fault(tmp_path, {"a": 1}, fields={"input": "q"}).what


def test_what_a_mapping_may_name() -> None:
    """Our fields, single groups and metadata, and the two other ways to say a behaviour."""
    allowed = [*FIELDS, "groups.x", "metadata.a.b", "should_refuse", "answerable"]
    assert all(map(is_field, allowed))
    assert not any(map(is_field, ["question", "groups.", "tags.x", "", "vars", "vars.query"]))


JSON_FIELDS = st.dictionaries(
    st.sampled_from([*FIELDS, *(name for names in ALIASES.values() for name in names), "vars", "answerable"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(row=JSON_FIELDS)
def test_any_object_is_a_case_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]
) -> None:
    """No JSON object makes anything but a case or faults that name the line."""
    folder = tmp_path_factory.mktemp("g")
    found = faults(folder, row, "last line is no json")
    assert {entry.place.line for entry in found if entry.place} <= {1, 2}
    assert found[-1].place is not None
    assert found[-1].place.line == 2


def test_every_field_of_a_case_can_be_written() -> None:
    """The written form has all that a case holds, so that nothing can only be set by code."""
    held = {*Case.__struct_fields__, "id", "input", "history", "contexts"} - {"query"}
    assert held == set(RawCase.__struct_fields__)
