"""Faithfulness: planted faults are caught, true claims pass, and what claims nothing has no value."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import find_metric
from harness.types import Case, Passage, Query, Response, Score

EN = (
    "Returns are free within 30 days of delivery. Opened software cannot be returned. Members pay no duties.",
    "The X1 battery lasts 14.5 hours and weighs 1,200 grams. Ada Moreau designed it in Lisbon in 2019.",
)
DE = (
    "Die Rücksendung ist innerhalb von 30 Tagen kostenlos. Die Garantie deckt Wasserschäden nicht ab.",
    "Der Akku hält 14,5 Stunden und wiegt 1.200 Gramm. Das Gerät wurde 2019 in Lissabon entworfen.",
)
JA = (
    "返品は商品到着後30日以内であれば無料です。開封済みのソフトウェアは返品できません。",
    "X1のバッテリーは14.5時間持続し、重さは1200グラムです。2019年にリスボンで設計されました。",
)


def scored(output: str | None, passages: tuple[str, ...] = EN, question: str = "What applies?") -> Score:
    retrieved = tuple(Passage(f"doc{rank}", text, rank) for rank, text in enumerate(passages, 1))
    return find_metric("faithfulness").score(Case(Query("q", question)), Response(output, retrieved))


def claims(
    output: str, passages: tuple[str, ...] = EN, question: str = "What applies?"
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scored(output, passages, question).details["claims"]
    return found


def verdicts(output: str, passages: tuple[str, ...] = EN, question: str = "What applies?") -> list[str]:
    return [claim["verdict"] for claim in claims(output, passages, question)]


@pytest.mark.parametrize("passages", [EN, DE, JA])
def test_verbatim_answers_are_fully_supported(passages: tuple[str, ...]) -> None:
    """An answer that repeats the passages is supported in every claim."""
    result = scored(" ".join(passages), passages)
    assert result.value == 1.0
    assert result.details["unsupported"] == result.details["contradicted"] == 0


@pytest.mark.parametrize(
    ("answer", "passages"),
    [
        ("Within 30 days of delivery, returns are free.", EN),
        ("The battery of the X1 weighs 1200 grams and lasts 14,5 hours.", EN),
        ("No duties are paid by members.", EN),
        ("In 2019, it was designed in Lisbon by Ada Moreau.", EN),
        ("Opened software can't be returned [1].", EN),
        ("1. Returns are free within 30 days.\n2. Software that was opened cannot be returned.", EN),
        ("Kostenlos ist die Rücksendung innerhalb von 30 Tagen.", DE),
        ("Wasserschäden deckt die Garantie nicht ab.", DE),
        ("Der Akku wiegt 1200 Gramm.", DE),
        ("到着後30日以内の返品は無料です。", JA),
        ("バッテリーの重さは1,200グラムです。", JA),
    ],
)
def test_lightly_reworded_claims_pass(answer: str, passages: tuple[str, ...]) -> None:
    """Another order, inflection or number format does not cost support."""
    assert set(verdicts(answer, passages)) == {"supported"}


@pytest.mark.parametrize(
    ("answer", "passages", "had"),
    [
        ("Returns are free within 45 days of delivery.", EN, "30"),
        ("The X1 battery lasts 15.4 hours and weighs 1,200 grams.", EN, "14.5"),
        ("The X1 battery lasts 14.5 hours and weighs 2,100 grams.", EN, "1,200"),
        ("Ada Moreau designed it in Lisbon in 2017.", EN, "2019"),
        ("Returns are free within sixty days of delivery.", EN, "30"),
        ("Die Rücksendung ist innerhalb von 45 Tagen kostenlos.", DE, "30"),
        ("Der Akku hält 15,4 Stunden und wiegt 1.200 Gramm.", DE, "14,5"),
        ("返品は商品到着後45日以内であれば無料です。", JA, "30"),
    ],
)
def test_a_swapped_number_is_a_contradiction(answer: str, passages: tuple[str, ...], had: str) -> None:
    """A claim about the same matter with another number contradicts the passage, and the reason names it."""
    (claim,) = claims(answer, passages)
    assert claim["verdict"] == "contradicted"
    assert f"has {had}, not" in claim["why"]


def test_a_number_of_another_sentence_does_not_excuse_a_swap() -> None:
    """Two numbers exchanged are a contradiction although both are in the passage."""
    passage = ("Returns are free within 30 days. Repairs take 14 days.",)
    assert verdicts("Returns are free within 14 days.", passage) == ["contradicted"]
    assert verdicts("Repairs take 14 days.", passage) == ["supported"]
    assert verdicts("Returns are free within 30 days and repairs take 14 days.", passage) == ["supported"]


@pytest.mark.parametrize(
    ("answer", "passages"),
    [
        ("Returns are not free within 30 days of delivery.", EN),
        ("Opened software can be returned.", EN),
        ("Members pay duties.", EN),
        ("The X1 battery doesn't last 14.5 hours.", EN),
        ("Die Garantie deckt Wasserschäden ab.", DE),
        ("Die Rücksendung ist innerhalb von 30 Tagen nicht kostenlos.", DE),
        ("開封済みのソフトウェアは返品できます。", JA),
    ],
)
def test_a_negation_put_in_or_left_out_is_a_contradiction(answer: str, passages: tuple[str, ...]) -> None:
    """A claim with the other polarity contradicts the passage."""
    assert verdicts(answer, passages) == ["contradicted"]


@pytest.mark.parametrize(
    ("answer", "passages"),
    [
        ("Gift vouchers may be exchanged for cash at any counter.", EN),
        ("The company plans to open a second warehouse near Porto next spring.", EN),
        ("Gutscheine lassen sich an jeder Kasse gegen Bargeld eintauschen.", DE),
        ("ギフト券はどのレジでも現金に交換できます。", JA),
    ],
)
def test_an_added_sentence_is_unsupported(answer: str, passages: tuple[str, ...]) -> None:
    """A sentence that the passages say nothing of lowers the value and stays apart from contradictions."""
    result = scored(f"{passages[0]} {answer}", passages)
    assert result.value is not None
    assert result.value < 1.0
    assert (result.details["unsupported"], result.details["contradicted"]) == (1, 0)
    assert result.details["claims"][-1]["verdict"] == "unsupported"


def test_a_swapped_name_or_unknown_number_is_unsupported() -> None:
    """A capitalised name, or a number, that is nowhere in the passage is not supported by its other words."""
    answer = "The X1 battery by Zoe lasts 14.5 hours and weighs 1,200 grams."
    assert claims(answer)[0]["why"] == "Zoe is not in the passages"
    assert claims("Opened software of series 77 cannot be returned.")[0]["why"] == "77 is not in the passages"


def test_a_name_of_the_question_is_no_claim() -> None:
    """What the user named need not stand in the passage."""
    passage = ("The warranty lasts two years and covers every part.",)
    answer = "The warranty of the Kestrel lasts two years."
    assert verdicts(answer, passage, "How long is the warranty of the Kestrel?") == ["supported"]
    assert verdicts(answer, passage, "How long is the warranty?") == ["unsupported"]


def test_value_is_the_share_of_supported_claims() -> None:
    """One of four claims supported is a quarter, and the counts say which is what."""
    answer = (
        "Returns are free within 30 days. Returns are free within 60 days. "
        "Opened software can be returned. Vouchers never expire anywhere."
    )
    result = scored(answer)
    assert result.value == 0.25
    assert [result.details[name] for name in ("supported", "unsupported", "contradicted")] == [1, 1, 2]


def test_offsets_point_at_the_claim_and_at_its_evidence() -> None:
    """Claim offsets are into the output, window offsets into the passage's text, for highlighting."""
    answer = "Sure!\n- The battery lasts 14.5 hours.\n"
    (claim,) = claims(answer)
    assert answer[claim["start"] : claim["end"]] == claim["text"] == "The battery lasts 14.5 hours."
    assert (claim["doc_id"], claim["rank"]) == ("doc2", 2)
    window = EN[1][claim["passage_start"] : claim["passage_end"]]
    assert window == "The X1 battery lasts 14.5 hours and weighs 1,200 grams."
    (first, *others) = claim["evidence"]
    assert first == {
        "doc_id": "doc2",
        "rank": 2,
        "start": claim["passage_start"],
        "end": claim["passage_end"],
        "coverage": 1.0,
    }
    assert all(first["coverage"] >= other["coverage"] for other in others)


@pytest.mark.parametrize(
    "output",
    [
        None,
        "",
        " \n",
        "I don't know.",
        "Which battery do you mean?",
        "わかりません。",
        "Hello! How can I help you today?",
        "Sure, here are the details:",
        "Yes.",
        "## Returns",
        "!!! ...",
    ],
)
def test_an_answer_without_claims_has_no_value(output: str | None) -> None:
    """Empty answers, refusals, questions and politeness are not_applicable, never 1.0."""
    result = scored(output)
    assert (result.value, result.status) == (None, "not_applicable")
    assert result.reason


def test_politeness_and_refusing_words_are_set_aside() -> None:
    """Greetings, lead-ins, offers and the missing part of a partial answer are not counted as claims."""
    answer = (
        "Hello! Here is what I found:\nReturns are free within 30 days.\n"
        "The documents do not mention exchanges. Let me know if you need anything else!"
    )
    assert [claim["text"] for claim in claims(answer)] == ["Returns are free within 30 days."]


def test_short_answers_are_claims() -> None:
    """A bare fact is a claim: 30 days is supported, 31 days is not."""
    assert verdicts("30 days") == ["supported"]
    assert verdicts("14.5 hours") == ["supported"]
    assert "supported" not in verdicts("31 days")
    assert verdicts("Lisbon") == ["supported"]
    assert verdicts("Oslo") == ["unsupported"]


def test_claims_without_passages_are_unsupported() -> None:
    """Where nothing was retrieved, nothing supports the claims: 0, with every claim listed."""
    result = scored("Returns are free within 30 days. Software is excluded.", ())
    assert result.value == 0.0
    assert result.details["unsupported"] == 2
    assert result.details["claims"][0]["doc_id"] is None
    assert scored("Returns are free within 30 days.", ("",)).value == 0.0


def test_an_answer_in_another_language_cannot_be_compared() -> None:
    """German words are not in English passages: no value, with the reason, rather than 0."""
    answer = (
        "Die Rücksendung ist innerhalb von 30 Tagen nach der Lieferung kostenlos, und die Mitglieder"
        " zahlen für den Versand nichts, wenn sie es wollen."
    )
    result = scored(answer, (EN[0] + " This is for all of the orders that are in the shop and on the way.",))
    assert result.status == "not_applicable"
    assert "answer is in de" in result.reason


def test_enumerations_addresses_and_citation_marks_state_no_number() -> None:
    """The number of a list item, [3] and a web address are not numbers of the claim."""
    answer = "7. Returns are free within 30 days [3, 4], see https://example.org/9917."
    assert verdicts(answer) == ["supported"]


def test_number_words_that_count_the_list_itself_pass() -> None:
    """An answer may count what it lists; only a number word in the same place contradicts."""
    assert verdicts("There are two battery figures: 14.5 hours and 1,200 grams.") == ["supported"]
    passage = ("The warranty lasts two years and covers every part.",)
    assert verdicts("The warranty lasts three years and covers every part.", passage) == ["contradicted"]


def test_what_is_set_aside_is_listed_with_its_reason() -> None:
    """Every sentence is either a claim or an aside with offsets and a reason."""
    answer = "Hello! Returns are free within 30 days. It depends."
    found = scored(answer).details["asides"]
    assert [(answer[one["start"] : one["end"]], one["reason"]) for one in found] == [
        ("Hello!", "greeting"),
        ("It depends.", "hedge"),
    ]


@pytest.mark.parametrize(
    ("passages", "told"),
    [(EN, None), (DE, "in de"), (JA, "in ja"), (("Xa Xo.",), "does not show")],
)
def test_a_language_that_the_weights_were_not_shown_is_told(
    passages: tuple[str, ...], told: str | None
) -> None:
    """The score says so in its reason and details; for English it says nothing."""
    result = scored(" ".join(passages), passages)
    assert result.status == "scored"
    assert result.details.get("notice", "") == result.reason
    assert (told in result.reason) if told else result.reason == ""


def test_the_label_of_the_case_tells_the_language_where_the_text_does_not() -> None:
    """A passage of two words is read in the language of the case."""
    case = Case(Query("q", "Wann?"), groups={"language": "de-AT"})
    response = Response("30 Tage", (Passage("d", "30 Tage", 1),))
    assert find_metric("faithfulness").score(case, response).details["language"] == "de"


WORSE = [
    ("Returns are free within 30 days of delivery.", "Returns are free within 40 days of delivery."),
    ("Returns are free within 30 days of delivery.", "Returns are free within 30 weeks of delivery."),
    ("Returns are free within 30 days of delivery.", "Returns are not free within 30 days of delivery."),
    ("Opened software cannot be returned.", "Opened software can be returned."),
    ("Members pay no duties.", "Members pay duties."),
    ("The X1 battery lasts 14.5 hours.", "The X1 battery lasts 41.5 hours."),
    ("The X1 battery weighs 1,200 grams.", "The X1 battery weighs 1,200 kg."),
    ("Ada Moreau designed it in Lisbon.", "Ada Moreau designed it in Helsinki."),
    ("In 2019, Ada Moreau designed it.", "In 2019, Carl Moreau designed it."),
    ("Returns are free.", "Returns are free and shipping takes one afternoon."),
    ("Software cannot be returned.", "Software cannot be returned but vouchers never expire."),
]


@pytest.mark.parametrize(("good", "bad"), WORSE)
def test_a_planted_fault_lowers_the_probability(good: str, bad: str) -> None:
    """A number, unit or name swapped, a negation, words added: less likely to be supported."""
    (before,), (after,) = claims(good), claims(bad)
    assert before["verdict"] == "supported"
    assert after["probability"] < before["probability"]


@pytest.mark.parametrize(("good", "bad"), WORSE[:8])
def test_a_swap_or_a_negation_is_not_supported(good: str, bad: str) -> None:
    """What differs plainly costs the verdict, in an otherwise verbatim claim."""
    assert verdicts(bad) != ["supported"]
    assert scored(f"{good} {bad}").value == 0.5


@given(
    st.permutations(["Returns are free within 30 days.", "It opens at 9.", "Members pay no duties.", "Why?"])
)
def test_the_order_of_sentences_changes_no_verdict(sentences: list[str]) -> None:
    """Each claim is judged by itself."""
    found = {claim["text"]: claim["verdict"] for claim in claims(" ".join(sentences))}
    assert found == {
        "Returns are free within 30 days.": "supported",
        "It opens at 9.": "unsupported",
        "Members pay no duties.": "supported",
    }


@given(st.text(max_size=120))
def test_any_text_has_a_value_in_range_or_a_reason(output: str) -> None:
    """Hostile text never breaks the metric: a value in 0..1, or a status with a reason."""
    result = scored(output)
    if result.value is None:
        assert result.reason
    else:
        assert 0.0 <= result.value <= 1.0
        counts = [result.details[name] for name in ("supported", "unsupported", "contradicted")]
        assert sum(counts) == len(result.details["claims"])


@given(st.integers(0, 20), st.sampled_from([EN[0], DE[0], JA[0]]))
def test_duplicated_passages_change_nothing(copies: int, passage: str) -> None:
    """The same passage again neither supports more nor less."""
    answer = f"{passage} Unheard-of matters remain."
    assert scored(answer, (passage,) * (copies + 1)).value == scored(answer, (passage,)).value


def test_a_long_answer_on_long_passages_takes_a_moment() -> None:
    """A thousand different claims on as many sentences: a moment, not a second for each."""
    words = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in ("ram", "tos", "vin", "dek", "lup")]
    passages = tuple(
        " ".join(
            f"{words[(7 * i + j) % 175]} {words[(i * j) % 175]} {words[(i + 3 * j) % 175]} costs {i} EUR."
            for i in range(100)
        )
        for j in range(10)
    )
    answer = " ".join(passages)
    assert len(answer) > 25_000
    started = time.process_time()
    assert scored(answer, passages[::-1]).value is not None
    assert time.process_time() - started < 3


@pytest.mark.parametrize("hostile", ["not " * 20_000, "1 " * 20_000, "a b, " * 20_000, "No. " * 20_000])
def test_a_hostile_text_takes_no_more_than_a_moment(hostile: str) -> None:
    """Time grows with the text's length, not its square: bounded looks at clauses, numbers, claims."""
    result = scored(hostile, (*EN, hostile))
    assert result.status in ("scored", "not_applicable")


@pytest.mark.parametrize(
    "sign",
    ["\n", " ", ".", "1", "a-", "退", "【", "1. ", "退款は三十日。", "三十日", "| a | 1 |\n", "1 day, "],
)
@pytest.mark.parametrize("where", ["passage", "answer"])
def test_time_grows_with_the_length_only(sign: str, where: str) -> None:
    """Ten times the text takes about ten times as long, not a hundred times."""
    claim = "It is free within 30 days, within 14 days or 2 days, not later."

    def seconds(length: int, turn: int) -> float:
        hostile = f"{(sign * length)[:length]} {turn}"  # another text each time: what was read is kept
        started = time.process_time()
        scored(*((claim, (claim, hostile)) if where == "passage" else (hostile, (claim,))))
        return time.process_time() - started

    # The better of two: garbage of other tests is collected at some time.
    assert min(seconds(40_000, turn) for turn in (1, 2)) < 30 * seconds(4_000, 0) + 0.2
