"""From suite and selection to what is run: the cases, repeatably, and a fingerprint of what is asked."""

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import NothingSelected, UsageError
from harness.planning import (
    Selection,
    fingerprint_of,
    flat_config,
    identity_of,
    select_cases,
    stages_of,
)
from harness.registry import find_metric
from harness.types import (
    Case,
    Dataset,
    Gate,
    Query,
    SliceRule,
    Suite,
)

CASES = tuple(
    Case(
        Query(f"c{number}", "x"),
        groups={"language": "de" if number % 3 else "fr"},
        tags=("odd",) * (number % 2),
    )
    for number in range(30)
)
SUITE = Suite(
    version=1,
    suite="demo",
    goldens=(),
    system={},
    metrics=(),
    gates=(Gate("g"),),
    slices={"language": SliceRule("groups.language")},
)


def chosen(selection: Selection, seed: int = 0) -> list[str]:
    """The ids that a selection gives."""
    dataset = Dataset("demo", CASES, "digest", {})
    return [case.id for case in select_cases(dataset, selection, SUITE, seed)]


def test_conditions_ids_and_limit_are_met_together() -> None:
    """Slices, sources and ids narrow the cases, in the order of the dataset."""
    assert chosen(Selection()) == [case.id for case in CASES]
    assert chosen(Selection(where={"language": "fr"})) == [f"c{number}" for number in range(0, 30, 3)]
    assert chosen(Selection(where={"language": "fr", "tags": "odd"})) == ["c3", "c9", "c15", "c21", "c27"]
    assert chosen(Selection(case_ids=("c9", "c3", "c9"))) == ["c3", "c9"]
    assert chosen(Selection(where={"language": "fr"}, case_ids=("c1", "c3"))) == ["c3"]
    assert len(chosen(Selection(where={"language": "fr"}, limit=4))) == 4
    assert chosen(Selection(limit=100)) == [case.id for case in CASES]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(where={"langauge": "fr"}), "--where 'langauge': no such slice: did you mean 'language'?"),
        (Selection(where={"groups.": "fr"}), "--where 'groups.': no such slice"),
        (Selection(case_ids=("c30",)), "no case 'c30': did you mean 'c3'?"),
    ],
)
def test_a_selection_of_what_is_not_there_is_told(selection: Selection, message: str) -> None:
    """A name that is no slice and an id that is no case are told with the nearest that is."""
    with pytest.raises(UsageError) as caught:
        chosen(selection)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(where={"language": "it"}),
        Selection(where={"tags": "odd"}, case_ids=("c2",)),
        Selection(limit=0),
    ],
)
def test_f33_nothing_selected_is_an_error(selection: Selection) -> None:
    """A run of no case has an exit code of its own: it can pass nothing."""
    with pytest.raises(NothingSelected, match="look at --where, --case and --limit"):
        chosen(selection)


@settings(deadline=None)
@given(limit=st.integers(1, 40), seed=st.integers(0, 999))
def test_a_sample_is_repeatable(limit: int, seed: int) -> None:
    """The same seed gives the same cases, each once, in the order of the dataset."""
    found = chosen(Selection(limit=limit), seed)
    assert found == chosen(Selection(limit=limit), seed)
    assert len(found) == min(limit, 30)
    assert found == [case.id for case in CASES if case.id in set(found)]


def test_a_sample_hangs_on_the_seed() -> None:
    """Another seed gives other cases, and in the end every case has its turn."""
    samples = [frozenset(chosen(Selection(limit=5), seed)) for seed in range(40)]
    assert len(set(samples)) > 30
    assert len(frozenset.union(*samples)) == 30


def test_very_many_cases_may_be_named() -> None:
    """A fresh sample of a large baseline is: it takes no look through all names for each case."""
    cases = tuple(Case(Query(f"c{number}", "x")) for number in range(60_000))
    named = tuple(case.id for case in cases[::8])
    began = time.process_time()
    found = select_cases(Dataset("demo", cases, "digest", {}), Selection(case_ids=named), SUITE, 0)
    assert [case.id for case in found] == list(named)
    assert time.process_time() - began < 2


def test_the_facts_of_a_selection_are_flat() -> None:
    """What was selected is recorded, so that a partial run is never taken for a whole one."""
    assert Selection().facts() == {}
    selection = Selection(where={"language": "fr"}, case_ids=("c1", "c2"), limit=3)
    assert selection.facts() == {"where.language": "fr", "cases": "c1,c2", "limit": 3}
    assert Selection(limit=0).facts() == {"limit": 0}


def test_options_become_flat_keys() -> None:
    """One key an option, nested ones dotted, lists as JSON; a file is known by its digest."""
    written = {
        "top_k": 5,
        "headers": {"A": "${secret:TOKEN}", "empty": {}},
        "command": ["a", 1],
        "nothing": None,
    }
    assert flat_config("process", written, {"prompt": "0123456789abcdef0123"}) == {
        "system.adapter": "process",
        "system.command": '["a",1]',
        "system.headers.A": "${secret:TOKEN}",
        "system.nothing": None,
        "system.prompt.sha256": "0123456789abcdef",
        "system.top_k": 5,
    }


NAMES = st.text("abc_", min_size=1, max_size=3)
OPTIONS = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.5]) | st.text(max_size=2),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, min_size=1, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)


def turned(value: Any) -> Any:
    """The same value with the keys of every map in the other order."""
    if isinstance(value, dict):
        return {key: turned(part) for key, part in reversed(value.items())}
    return [turned(part) for part in value] if isinstance(value, list) else value


def json_of(value: Any) -> str:
    """JSON tells 1, 1.0, true and "1" apart."""
    import json

    return json.dumps(value, sort_keys=True)


@settings(deadline=None)
@given(OPTIONS, OPTIONS)
def test_a_fingerprint_stands_for_the_options(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Equal options have one fingerprint, in whatever order; others have another."""
    first = fingerprint_of(flat_config("http", one, {}))
    assert fingerprint_of(flat_config("http", turned(one), {})) == first
    assert fingerprint_of(flat_config("process", one, {})) != first
    assert fingerprint_of(flat_config("http", one, {"prompt": "0" * 64})) != first
    same = json_of(one) == json_of(other)
    assert (fingerprint_of(flat_config("http", other, {})) == first) is same


def test_the_identity_of_a_metric_is_what_its_numbers_mean() -> None:
    """Version, direction, range and unit: what two runs must agree on."""
    identity = identity_of(find_metric("latency_s"))
    assert (identity.higher_is_better, identity.low, identity.high, identity.unit) == (False, 0.0, None, "s")
    assert identity_of(find_metric("recall@5")) == identity_of(find_metric("recall@10"))


# -- stages ------------------------------------------------------------------------------------------------

LOOKS = (0.4, 0.6, 0.8, 1.0)


def documents_of(sizes: list[int]) -> list[Case]:
    """Cases ``d0-0``, ``d0-1``, ..., so many to each document."""
    return [
        Case(Query(f"d{number}-{place}", "x"), document_id=f"d{number}")
        for number, size in enumerate(sizes)
        for place in range(size)
    ]


def ids_of(stages: tuple[tuple[Case, ...], ...]) -> list[set[str]]:
    return [{case.id for case in stage} for stage in stages]


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=120), seed=st.integers(0, 999), data=st.data())
def test_stages_are_whole_documents_and_reach_the_shares_of_their_looks(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    """Every case once, no document in two stages, 30 documents and just enough cases before a look."""
    cases = documents_of(sizes)
    looks = tuple(data.draw(st.sampled_from([LOOKS, (1.0,), (0.5, 1.0), (0.4, 0.45, 0.99, 1.0)])))
    stages = stages_of(cases, seed, looks)
    assert sorted(case.id for stage in stages for case in stage) == sorted(case.id for case in cases)
    assert all(stages)
    assert len(stages) <= len(looks)
    seen: set[str] = set()
    asked = 0
    for stage in stages:
        found = {case.document_id or "" for case in stage}
        assert not found & seen
        seen |= found
        asked += len(stage)
        if asked < len(cases):
            assert len(seen) >= 30
            assert any(asked - max(sizes) < look * len(cases) <= asked + 1e-9 for look in looks)


@settings(deadline=None, max_examples=40)
@given(order=st.randoms(use_true_random=False), seed=st.integers(0, 999))
def test_the_order_of_the_goldens_never_changes_the_stages(order: random.Random, seed: int) -> None:
    """Stages hang on the seed and the documents' names alone."""
    cases = documents_of([1 + number % 3 for number in range(90)])
    shuffled = order.sample(cases, len(cases))
    assert ids_of(stages_of(shuffled, seed, LOOKS)) == ids_of(stages_of(cases, seed, LOOKS))


def test_another_seed_asks_other_documents_first() -> None:
    """The order is by chance: over seeds, each document comes at the first look as often as any other."""
    cases = documents_of([1] * 100)
    firsts = [ids_of(stages_of(cases, seed, LOOKS))[0] for seed in range(400)]
    assert {len(found) for found in firsts} == {40}
    counts = [sum(case.id in found for found in firsts) for case in cases]
    assert all(100 < count < 220 for count in counts)  # 160 expected, standard deviation 9.8


def test_a_document_keeps_its_place_when_others_come() -> None:
    """New documents push others back and never forward."""
    few, many = documents_of([1] * 100), documents_of([1] * 110)
    before, after = (ids_of(stages_of(cases, 7, (0.5, 1.0))) for cases in (few, many))
    assert len(before[0] & after[0]) >= 45
    assert len(after[0] - before[0]) <= 15


def test_named_cases_come_first_with_their_documents() -> None:
    """A case that a gate names is asked in the first stage, and with it all of its document."""
    cases = documents_of([2] * 100)
    late = [case.id for case in stages_of(cases, 3, LOOKS)[-1]][:3]
    stages = stages_of(cases, 3, LOOKS, first=late)
    assert set(late) <= ids_of(stages)[0]
    assert {f"{case_id.partition('-')[0]}-{place}" for case_id in late for place in (0, 1)} <= ids_of(stages)[
        0
    ]
    assert [len(stage) for stage in stages] == [80, 40, 40, 40]


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([1] * 29, [29]),  # too few documents for any look
        ([1] * 30, [30]),  # the look would come after all of them
        ([1] * 50, [30, 10, 10]),  # 40 % are 20 documents: that look is left out
        ([1] * 100, [40, 20, 20, 20]),
        ([1000, *[1] * 100], None),  # one document may hold most of the cases
    ],
)
def test_a_look_before_thirty_documents_is_left_out(sizes: list[int], shape: list[int] | None) -> None:
    """Small sets are asked in one go."""
    stages = stages_of(documents_of(sizes), 0, LOOKS)
    if shape is not None:
        assert [len(stage) for stage in stages] == shape
    else:
        assert len({case.document_id for case in stages[0]}) >= 30
        assert sum(len(stage) for stage in stages) == sum(sizes)
