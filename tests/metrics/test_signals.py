"""Each signal tells what it says it tells, and nothing plain stands against what the passage says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.passages import find_windows, read_sources, runs
from harness.metrics.signals import Look, Signals, look_at
from harness.numerals import numbers
from harness.types import Passage

TEXT = (
    "Returns are free within 30 days of delivery. Opened software cannot be returned. "
    "Prices may rise in June 2027. Members of the Harbour Club pay fewer duties."
)


def look(claim: str, *texts: str, question: str = "") -> Look:
    passages = [Passage(f"d{rank}", text, rank) for rank, text in enumerate(texts or (TEXT,), 1)]
    return look_at(claim, read_sources(passages, "en"), question)


@pytest.mark.parametrize(
    ("claim", "signal"),
    [
        ("Returns are free within 44 days.", "numbers"),
        ("Returns are free within 3 weeks.", "numbers"),
        ("Members of the Garden Club pay fewer duties.", "names"),
        ("Prices may rise in July 2027.", "names"),
        ("Opened software can be returned.", "polarity"),
        ("Opened software can be returned.", "negation"),
        ("Prices may fall in June 2027.", "opposite"),
        ("All returns are free.", "strength"),
        ("Prices rise in June 2027.", "strength"),
        ("Returns are free within 14 days of delivery.", "numbers_differ"),
        ("Returns are free within 30 weeks of delivery.", "numbers_differ"),
    ],
)
def test_a_signal_is_raised(claim: str, signal: str) -> None:
    """The signal that names the fault is above 0."""
    assert getattr(look(claim).signals, signal) > 0


def test_the_text_itself_raises_no_signal() -> None:
    """A verbatim claim is covered whole, and nothing speaks against it."""
    for claim in TEXT.split(". "):
        found = look(claim)
        assert found.signals == Signals(found.signals.characters, 1.0, *[0.0] * 7)
        assert found.signals.characters > 0.9
        assert found.against == ""


@pytest.mark.parametrize(
    ("claim", "question"),
    [
        ("The Kestrel may rise in June 2027.", "What about the Kestrel?"),
        ("Prices may rise on 1 June 2027.", ""),
        ("COVID-19 returns are free.", ""),
    ],
)
def test_what_is_no_fault(claim: str, question: str) -> None:
    """Names of the question, months by number, and numbers within names raise no names or numbers signal."""
    passages = (f"{TEXT} From 1.6.2027 on, COVID returns are free.",)
    signals = look(claim, *passages, question=question).signals
    assert (signals.names, signals.numbers) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("claim", "contradicts", "against"),
    [
        ("Returns are free within 14 days of delivery.", True, "the passage has 30, not 14"),
        ("Returns are free within 30 weeks of delivery.", True, "the passage has 30 days, not 30 weeks"),
        ("Opened software can be returned.", True, "one is negated, the other is not"),
        ("Prices may fall in June 2027.", True, "the passage says the opposite of fall"),
        ("Members 77 of the Harbour Club pay fewer duties.", False, "77 is not in the passages"),
        ("Members of the Harbour Club at Delft pay fewer duties.", False, "Delft is not in the passages"),
        ("Unrelated statements.", False, "none of its words is in the passages"),
    ],
)
def test_the_plainest_thing_against_a_claim(claim: str, contradicts: bool, against: str) -> None:
    """It is said in words, and whether the passage says otherwise or nothing."""
    found = look(claim)
    assert (found.contradicts, found.against) == (contradicts, against)


@pytest.mark.parametrize(
    ("claim", "against"),
    [
        ("The fee is 2027 euros.", "2027 euros is not in the passages"),
        ("The fee is €2027.", "€2027 is not in the passages"),
        ("The fee is 40 euros.", ""),
        ("It was so in 2027.", ""),
        ("The fee is 2027 dollars.", ""),
    ],
)
def test_a_number_of_something_else_is_none_of_the_claims(claim: str, against: str) -> None:
    """Where the passages have amounts in the claim's unit, a year or a page is no amount."""
    assert look(claim, "From 2027 on the fee is 40 euros.").against == against


@pytest.mark.parametrize(
    ("claim", "text", "contradicts"),
    [
        ("Members never pay for returns to Delft.", "Members can pay for returns to Delft by card.", True),
        ("Members never pay for returns to Delft.", "For members, returns to Delft are free of pay.", False),
        ("Members pay for returns to Delft.", "Members can pay for returns to Delft by card.", False),
        ("No, members pay for returns to Delft.", "Members can pay for returns to Delft.", False),
    ],
)
def test_only_the_claim_denies(claim: str, text: str, contradicts: bool) -> None:
    """A claim that denies what the window nowhere does contradicts it; "No," only answers."""
    assert look(claim, text).contradicts is contradicts


def test_of_more_text_it_tells_more_that_a_name_or_number_is_missing() -> None:
    """Up to 400 words in proportion."""
    claim = "Returns to Delft take 77 days."
    few, many, all_ = (look(claim, " ".join(["Returns are free."] * n)).signals for n in (1, 100, 200))
    assert few.names == few.numbers == 3 / 400
    assert many.names == many.numbers == 300 / 400
    assert all_.names == all_.numbers == 1.0


def test_nothing_retrieved() -> None:
    """Without a passage, or without text in it, that is what is said."""
    for texts in ((), ("",)):
        passages = [Passage("d", text, 1) for text in texts]
        found = look_at("Returns are free.", read_sources(passages))
        assert (found.retrieved, found.windows, found.against) == (False, [], "nothing was retrieved")


def test_windows_are_the_best_of_each_passage_with_offsets_in_its_text() -> None:
    """The best first; joined sentences only where they hold more; the address of a page counts as words."""
    sources = read_sources(
        [
            Passage("a", "Nothing. The lid is red. It opens at nine.", 1),
            Passage("b", "The lid: https://x.org/red-lid", 2),
        ]
    )
    found = find_windows(frozenset({"lid", "red"}), [], sources)
    assert [window.text for window in found.windows] == ["The lid is red.", "The lid:         x org red lid"]
    assert [window.source.passage.doc_id for window in found.windows] == ["a", "b"]
    assert [window.coverage for window in found.windows] == [1.0, 1.0]
    assert found.sentence_coverage == 1.0
    joined = find_windows(frozenset({"red", "nine"}), numbers("nine"), sources).windows[0]
    assert joined.text == "The lid is red. It opens at nine."


def test_runs_of_characters() -> None:
    """Five letters over word ends, two in scripts without spaces; punctuation does not count."""
    assert runs("A bc, de!") == {" a bc", "a bc ", " bc d", "bc de", "c de "}
    assert runs("返品") == {" 返", "返品", "品 "}
    assert runs("") == {"  "}


@given(st.text(max_size=100), st.lists(st.text(max_size=100), max_size=3))
def test_any_texts_give_signals_in_range(claim: str, texts: list[str]) -> None:
    """Hostile text never breaks a signal: each is 0..1, and windows lie in their passages."""
    passages = [Passage(f"d{rank}", text, rank) for rank, text in enumerate(texts, 1)]
    found = look_at(claim, read_sources(passages))
    assert all(0.0 <= value <= 1.0 for value in found.signals)
    assert all(0 <= w.start < w.end <= len(w.source.passage.text) for w in found.windows)


@given(st.permutations([TEXT, "The lid is red. It opens at nine.", "Returns of lids take 14 days."]))
def test_the_order_of_passages_changes_no_signal(texts: list[str]) -> None:
    """Signals do not depend on rank."""
    claims = ("Returns are free within 30 days.", "The lid is not red.")
    given_order = [look(claim, *texts).signals for claim in claims]
    assert all(
        [look(claim, *others).signals for claim in claims] == given_order
        for others in itertools.permutations(texts)
    )
