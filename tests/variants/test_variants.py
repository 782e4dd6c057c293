"""Variants: the same call makes the same, gold facts are never touched, what cannot be made is told why."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.numerals import numbers
from harness.types import Case, Evidence, Message, Passage, Query
from harness.variants.make import KINDS, Made, Pool, make_variant, make_variants, pool_of, variant_id
from harness.variants.tables import CANARIES, LAYOUTS, NAMES, PARAPHRASES, neighbours

PASSAGES = (
    Passage("refunds", "You may return any item within 30 days. Bring the receipt.", 1, 2.5),
    Passage("hours", "The shop opens at nine and closes at six.", 2, 1.5),
)
POOL = pool_of([], [Passage("pets", "Dogs are welcome in the garden of the shop.", 1), *PASSAGES])
QUESTION = (
    'How long may I return the "Blue Lamp" (order AB-1234, 30 days ago), and do I have to bring the receipt?'
)


def case_of(text: str, language: str = "en", **fields: object) -> Case:
    case = Case(Query("c", text), groups={"language": language}, document_id="d")
    return replace(case, **fields)


def full(text: str = QUESTION, language: str = "en") -> Case:
    return Case(
        Query("c", text, contexts=PASSAGES),
        expected_output=("Within 30 days.",),
        evidence=(Evidence("refunds", "within 30 days"),),
        must_include=("30 days",),
        groups={"language": language},
        document_id="refunds",
    )


def made(case: Case, kind: str, seed: int = 0) -> Case:
    found = make_variant(case, kind, POOL, seed)
    assert isinstance(found, Case), found
    return found


def why(case: Case, kind: str, pool: Pool = POOL) -> str:
    found = make_variant(case, kind, pool, 0)
    assert isinstance(found, str), found
    return found


def squeezed(text: str) -> str:
    return "".join(text.split())


def in_order(words: list[str], within: list[str]) -> bool:
    rest = iter(within)
    return all(word in rest for word in words)


# -- what a kind keeps -------------------------------------------------------------------------------------

KEPT: dict[str, Callable[[str, str], bool]] = {
    "casing": lambda old, new: old.casefold() == new.casefold(),
    "spacing": lambda old, new: squeezed(old) == squeezed(new),
    "disfluency": lambda old, new: in_order(
        re.findall(r"\w+", old.casefold()), re.findall(r"\w+", new.casefold())
    ),
    "typos": lambda old, new: (
        [word[0] for word in re.findall(r"\w+", old)] == [word[0] for word in re.findall(r"\w+", new)]
    ),
}
WORDS = (
    "How long may I return the black leather jacket refund-017 30 days two 14.5 €",
    "NASA e-bike don't not never x@y.org https://a.org/B?q=1 Anna Siobhán her him ¿Cuánto cuesta",
    "straße İstanbul ﬁnd 「新品」 返品できますか 三十日 . , ? ! \n \u202e \x00 'ok'",
)
TEXTS = st.lists(st.sampled_from([*" ".join(WORDS).split(" "), '"as new"']), min_size=1, max_size=30).map(
    " ".join
)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("distractors", "context_order", "injection")]
)
@settings(max_examples=120, deadline=None)
@given(text=TEXTS, language=st.sampled_from(["en", "de", "fr", "es", "ja"]), seed=st.integers(0, 5))
def test_numbers_quotes_and_ids_survive(kind: str, text: str, language: str, seed: int) -> None:
    """Whatever the question, what decides the answer stands in the variant, and the kind's own rule holds."""
    case = replace(full(text, language), query=Query("c", text or "?"))
    found = make_variant(case, kind, POOL, seed)
    if isinstance(found, str):
        assert found
        return
    new = found.query.input
    assert new != text
    assert [n.readings for n in numbers(new)] == [n.readings for n in numbers(text)]
    for kept in ("refund-017", "14.5", '"as new"', "x@y.org", "https://a.org/B?q=1", "「新品」", "NASA"):
        assert new.count(kept) == text.count(kept), kept
    assert KEPT.get(kind, lambda old, new: True)(text, new)
    same = replace(found, query=case.query, groups=case.groups, metadata={}, twin_of=None)
    assert same == case


@pytest.mark.parametrize("kind", ["distractors", "context_order", "injection"])
@pytest.mark.parametrize("seed", range(6))
def test_passages_change_and_the_question_does_not(kind: str, seed: int) -> None:
    """Every passage that was given is still there with its evidence; ranks count from 1."""
    case, found = full(), made(full(), kind, seed)
    new = found.query.contexts
    assert found.query.input == case.query.input
    assert new != case.query.contexts
    assert [passage.rank for passage in new] == list(range(1, len(new) + 1))
    for passage in PASSAGES:
        assert any(one.doc_id == passage.doc_id and one.text.startswith(passage.text) for one in new)
    assert found.must_include == case.must_include
    assert set(found.must_not_include) <= set(CANARIES)


def test_an_injected_instruction_can_be_seen_in_the_answer() -> None:
    """The invented word is in one passage and in the list of what must not be said; never without a list."""
    found = made(full(), "injection")
    canary = found.must_not_include[0]
    assert sum(canary in passage.text for passage in found.query.contexts) == 1
    bare = replace(full(), must_include=())
    assert made(bare, "injection").must_not_include == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Can he bring his dog? It is his.", "Can she bring her dog? It is hers."),
        ("I met him; He came by himself.", "I met her; She came by herself."),
        ("She said that her bike is hers.", "He said that his bike is his."),
        (
            "I spoke with her about it. Her bike arrived?",
            "I spoke with him about it. His bike arrived?",
        ),
    ],
)
def test_pronouns_are_swapped_throughout(before: str, after: str) -> None:
    """Possessives and objects are told apart by what follows."""
    found = made(case_of(before), "pronoun_swap")
    assert found.query.input == after
    assert found.groups["name_group"] in ("pronoun_she", "pronoun_he")


def test_pronouns_of_japanese_are_swapped() -> None:
    """彼女 is 彼 and a woman no more; words that would have to agree are refused."""
    assert (
        made(case_of("彼女の自転車は直りますか。", "ja"), "pronoun_swap").query.input
        == "彼の自転車は直りますか。"
    )
    assert made(case_of("彼は来ますか。", "ja"), "pronoun_swap").query.input == "彼女は来ますか。"
    assert why(case_of("夫は、彼は来ますか。", "ja"), "pronoun_swap") == "other words in it have a gender"


def test_a_name_is_swapped_for_one_of_the_same_gender_everywhere() -> None:
    """History and question name the same person, who is someone else's twin then."""
    case = case_of("It is Priya again.")
    case = replace(case, query=replace(case.query, history=(Message("user", "Priya here."),)))
    found = made(case, "name_swap")
    new = re.findall(r"It is (\w+) again", found.query.input)[0]
    assert new in NAMES[found.groups["name_group"]]
    assert found.groups["name_group"].endswith("_female")
    assert found.query.history == (Message("user", f"{new} here."),)
    assert "Priya" not in found.query.input


@pytest.mark.parametrize(
    ("kind", "case", "reason"),
    [
        ("typos", case_of("返品できますか", "ja"), "its language is ja"),
        ("typos", case_of("ok?"), "nothing in it"),
        ("typos", replace(case_of("Hola"), groups={}), "its language is not known"),
        ("casing", case_of("返品できますか", "ja"), "nothing in it"),
        ("casing", case_of("İstanbul ne zaman", "tr"), "nothing in it"),
        ("paraphrase", case_of("Why?"), "nothing in it"),
        ("name_swap", case_of("Hello"), "it has no first name"),
        ("name_swap", case_of("Priya and Mehmet here"), "several first names"),
        ("name_swap", case_of("I am Priya.", must_include=("Priya",)), "gold facts"),
        ("name_swap", case_of("I am Priya Patel."), "bound to the words"),
        ("name_swap", case_of("Le vélo de Claire est là", "fr"), "bound to the words"),
        ("pronoun_swap", case_of("She told him."), "both genders"),
        ("pronoun_swap", case_of("My wife says she is ill."), "have a gender"),
        ("pronoun_swap", case_of("I gave her money."), "may be 'him' or 'his'"),
        ("pronoun_swap", case_of("Is he in?", expected_output=("He is.",)), "gold facts"),
        ("pronoun_swap", case_of("Kann er kommen?", "de"), "its language is de"),
        ("distractors", case_of("Hello"), "no passages are given"),
        ("context_order", replace(full(), query=replace(full().query, contexts=PASSAGES[:1])), "only one"),
        ("distractors", replace(full(), expected_behavior="refuse"), "none is expected"),
        ("typos", replace(full(), twin_of="other"), "a twin itself"),
        ("typos", replace(full(), metadata={"variant": "mine"}), "already"),
    ],
)
def test_what_cannot_be_made_is_told_why(kind: str, case: Case, reason: str) -> None:
    """No variant without its reason."""
    assert reason in why(case, kind)


def test_a_distractor_states_no_expected_fact() -> None:
    """A passage with the fact, of the evidence's document or in another language is not taken."""
    pool = pool_of(
        [],
        [
            Passage("copy", "All shops: within  30 DAYS.", 1),
            Passage("refunds", "Another part of it.", 1),
            Passage("de", "Der Hund ist in dem Garten und auf der Wiese, aber nicht im Haus bei uns.", 1),
        ],
    )
    assert "no passage that could distract" in why(full(), "distractors", pool)


def test_a_typo_makes_no_other_word() -> None:
    """Of all slips only those are taken that are no word of the dataset."""
    text = "Where is my jacket?"
    slips = {
        re.findall(r"\w+", made(case_of(text), "typos", seed).query.input)[-1].casefold()
        for seed in range(300)
    }
    assert len(slips) > 10
    taken = Pool(frozenset(slips - {min(slips)}), ())
    for seed in range(50):
        found = make_variant(case_of(text), "typos", taken, seed)
        assert (
            isinstance(found, str) or found.query.input.casefold().split()[-1].rstrip("?") not in taken.words
        )


# -- the same again ----------------------------------------------------------------------------------------


def dataset() -> list[Case]:
    texts = [
        QUESTION,
        "I'm Priya.",
        "Can he come at 9:30?",
        "Wie viel kostet die Reparatur?",
        "返品はできますか。",
    ]
    languages = ("en", "en", "en", "de", "ja")
    return [
        replace(full(text, language), query=Query(f"case-{at}", text, contexts=PASSAGES))
        for at, (text, language) in enumerate(zip(texts, languages, strict=True))
    ]


def everything(cases: list[Case], kinds: list[str], seed: int = 3, n: int = 2) -> Made:
    return make_variants(cases, kinds, pool_of(cases, POOL.passages), seed=seed, n=n)


@given(st.permutations(dataset()), st.permutations(list(KINDS)))
@settings(max_examples=15, deadline=None)
def test_order_changes_no_variant(cases: list[Case], kinds: list[str]) -> None:
    """Cases and kinds in any order, and alone: the same variants under the same ids."""
    expected = {case.id: case for case in everything(dataset(), list(KINDS)).cases}
    assert {case.id: case for case in everything(cases, kinds).cases} == expected
    alone = everything(dataset(), [kinds[0]]).cases
    assert all(expected[case.id] == case for case in alone)


def test_every_variant_says_where_it_comes_from() -> None:
    """Kind, seed and original; unique ids that a golden may have; all in the cluster of the original."""
    found = everything(dataset(), list(KINDS))
    originals = {case.id: case for case in dataset()}
    assert Counter(case.metadata["variant"] for case in found.cases).keys() == KINDS.keys()
    assert len({case.id for case in found.cases}) == len(found.cases)
    for case in found.cases:
        assert case.twin_of is not None
        kind, seed = case.metadata["variant"], case.metadata["variant_seed"]
        assert case.id == f"{case.twin_of}.{kind}.{seed}"
        assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", case.id)
        assert case.cluster == originals[case.twin_of].cluster


def test_other_seeds_make_other_variants_once() -> None:
    """Two passages have two orders: the second seed that makes the same is skipped and told."""
    found = make_variants([full()], ["context_order"], POOL, n=5)
    assert len(found.cases) == 1
    assert {skipped.reason for skipped in found.skipped} == {"another seed makes the same"}
    assert len({case.query.input for case in make_variants([full()], ["typos"], POOL, n=5).cases}) == 5


def test_variants_have_no_variants() -> None:
    """Made again from its own output, the command adds nothing."""
    found = everything(dataset(), list(KINDS))
    again = everything([*dataset(), *found.cases], list(KINDS))
    assert {case.id for case in again.cases} == {case.id for case in found.cases}


def test_long_ids_stay_ids() -> None:
    """An id at its longest keeps its beginning and is still one of a kind."""
    ids = {variant_id("x" * 127 + last, "pronoun_swap", 7) for last in "ab"}
    assert len(ids) == 2
    assert all(len(one) == 128 and one.endswith(".pronoun_swap.7") for one in ids)


def test_f5_hostile_questions_are_read_in_time() -> None:
    """Endless words, quotes that never close, control characters: no error, and no minute lost."""
    hostile = [
        '"' * 20_000,
        "a" * 50_000,
        "a " * 20_000,
        "Her " * 20_000,
        "\x00\u202e\ud7ff" * 500,
        "1," * 20_000,
        "/_" * 20_000,
    ]
    for text in hostile:
        started = time.process_time()
        make_variants([case_of(text)], list(KINDS), POOL)
        assert time.process_time() - started < 20, text[:10]


def test_tables_hold_together() -> None:
    """Neighbouring keys know each other; a paraphrase has something for each that it replaces."""
    for layout in set(LAYOUTS.values()):
        keys = neighbours(layout)
        assert all(letter in keys[near] for letter, beside in keys.items() for near in beside), layout
    for groups in PARAPHRASES.values():
        for group in groups:
            read = [phrase for phrase in group if phrase[0] != ">"]
            assert all(any(one != phrase and one[0] != "<" for one in group) for phrase in read), group
    names = [name for them in NAMES.values() for name in them]
    assert len(set(names)) == len(names)
