"""Slices: which cases they hold, in which order, and that together they lose none."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.slices import (
    NESTED_SOURCES,
    PLAIN_SOURCES,
    is_source,
    labels_of,
    matches,
    select,
    slices_of,
    values_of,
)
from harness.types import Case, Query, Slice, SliceRule


def case(case_id: str = "c1", **fields: Any) -> Case:
    """A case with these fields."""
    return Case(Query(case_id, "x"), **fields)


FULL = case(
    expected_behavior="refuse",
    policy="law",
    split="test",
    document_id="d1",
    tags=("a", "b", "a"),
    groups={"language": "de"},
    metadata={"topic": "rent", "n": 1, "share": 0.5, "beta": True, "old": False, "none": None},
)
RULES = {
    "language": SliceRule("groups.language", min_n=2),
    "tag": SliceRule("tags", min_n=1),
    "kind": SliceRule("metadata.kind", min_n=3),
}


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("expected_behavior", ("refuse",)),
        ("policy", ("law",)),
        ("split", ("test",)),
        ("document_id", ("d1",)),
        ("id", ("c1",)),
        ("tags", ("a", "b")),
        ("groups.language", ("de",)),
        ("groups.gender", ()),
        ("metadata.topic", ("rent",)),
        ("metadata.n", ("1",)),
        ("metadata.share", ("0.5",)),
        ("metadata.beta", ("true",)),
        ("metadata.old", ("false",)),
        ("metadata.none", ()),
        ("metadata.absent", ()),
    ],
)
def test_values_are_text_as_json_has_it(source: str, values: tuple[str, ...]) -> None:
    """An absent value is no value, a tag counts once, and truth values are spelled ``true`` and ``false``."""
    assert is_source(source)
    assert values_of(FULL, source) == values


def test_what_is_absent_is_in_no_slice() -> None:
    """A case without the attribute has no value of it, and not the value 'None'."""
    for source in ("policy", "split", "document_id", "tags"):
        assert values_of(case(), source) == ()


@pytest.mark.parametrize("name", ["input", "groups", "groups.", "metadata", "tags.x", "", ".", "x.y", "Tags"])
def test_what_is_no_source(name: str) -> None:
    """Texts, whole maps and unknown fields are nothing to slice by."""
    assert not is_source(name)


def test_a_condition_names_a_slice_or_a_source() -> None:
    """All conditions must hold; a declared name goes before a field of the same name."""
    assert matches(FULL, {}, RULES)
    assert matches(FULL, {"language": "de", "tags": "b", "metadata.beta": "true"}, RULES)
    assert not matches(FULL, {"language": "de", "tags": "c"}, RULES)
    assert not matches(FULL, {"kind": "x"}, RULES)
    assert matches(FULL, {"tags": "de"}, {"tags": SliceRule("groups.language")})


def test_slices_are_listed_by_rule_and_value() -> None:
    """Every value of every rule, however small; crosses only from the largest minimum on."""
    cases = [
        case("c1", groups={"language": "de"}, tags=("b", "a"), metadata={"kind": "x"}),
        case("c2", groups={"language": "de"}, tags=("a", "a"), metadata={"kind": "x"}),
        case("c3", groups={"language": "de"}, tags=("a",), metadata={"kind": "x"}),
        case("c4", groups={"language": "fr"}, metadata={"kind": "x"}),
        case("c5", tags=("c",)),
    ]
    labels = [slice_.label for slice_ in slices_of(cases, RULES, [("language", "tag"), ("language", "kind")])]
    assert labels == [
        "language=de",
        "language=fr",
        "tag=a",
        "tag=b",
        "tag=c",
        "kind=x",
        "language=de & tag=a",
        "language=de & kind=x",
    ]
    assert [found.id for found in select(cases, Slice((("language", "de"), ("tag", "a"))), RULES)] == [
        "c1",
        "c2",
        "c3",
    ]
    assert labels_of(cases[0], RULES) == ("language=de", "tag=b", "tag=a", "kind=x")


def test_no_condition_is_every_case() -> None:
    """The empty slice is called ``all`` and holds all."""
    assert select([FULL, case("c2")], Slice(), {}) == (FULL, case("c2"))
    assert Slice().label == "all"


CASES = st.lists(
    st.builds(
        lambda language, tags, kind: case(
            groups={} if language is None else {"language": language},
            tags=tuple(tags),
            metadata={} if kind is None else {"kind": kind},
        ),
        st.none() | st.sampled_from(["de", "fr", ""]),
        st.lists(st.sampled_from("abc"), max_size=4),
        st.none() | st.booleans() | st.sampled_from(["true", "x", 1]),
    ),
    max_size=12,
).map(
    lambda cases: [
        case(f"c{i}", groups=c.groups, tags=c.tags, metadata=c.metadata) for i, c in enumerate(cases)
    ]
)


@settings(deadline=None)
@given(CASES)
def test_slices_of_one_value_part_the_cases(cases: list[Case]) -> None:
    """Each case with the attribute is in exactly one slice of it, each other in none."""
    rules = {"language": RULES["language"]}
    held = [found.id for slice_ in slices_of(cases, rules, ()) for found in select(cases, slice_, rules)]
    assert sorted(held) == sorted(found.id for found in cases if "language" in found.groups)


@settings(deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_slices_do_not_hang_on_the_order_of_cases(cases: list[Case], order: Any) -> None:
    """The same cases have the same slices, in the same order, each with a case and large enough."""
    crosses = [("language", "tag"), ("language", "tag", "kind")]
    found = slices_of(cases, RULES, crosses)
    shuffled = list(cases)
    order.shuffle(shuffled)
    assert slices_of(shuffled, RULES, crosses) == found
    assert len(set(found)) == len(found)
    for slice_ in found:
        least = 1 if len(slice_.where) == 1 else max(RULES[name].min_n for name, _ in slice_.where)
        assert len(select(cases, slice_, RULES)) >= least


@settings(deadline=None)
@given(CASES)
def test_the_labels_of_a_case_are_its_slices(cases: list[Case]) -> None:
    """A case is in a slice of one attribute just if it has its label."""
    for slice_ in slices_of(cases, RULES, ()):
        inside = {found.id for found in select(cases, slice_, RULES)}
        assert {found.id for found in cases if slice_.label in labels_of(found, RULES)} == inside


def test_sources_are_fields_of_a_case() -> None:
    """Every source can be read from a case without any field set."""
    assert all(hasattr(case(), name) for name in (*PLAIN_SOURCES, *NESTED_SOURCES))
