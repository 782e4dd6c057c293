"""Planted faults: each does what it says and nothing else, repeats by its seed, or says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from harness.planting import negations, words
from harness.planting.around import Run
from harness.planting.faults import FAULTS, NotPlantable, language_of, plant
from harness.types import Case, Citation, Evidence, Passage, Query, Response

PASSAGES = (
    Passage("d1", "In Leipzig the fee of the Cargo is 12 EUR a month, and in Cork it is 15 EUR.", 1),
    Passage(
        "d2",
        "In Leipzig kostet der Cargo 12 Euro im Monat, und in Cork sind es 15 Euro für die Mitglieder.",
        2,
    ),
    Passage(
        "d3",
        "À Leipzig, le prix du Cargo est de 12 euros par mois, et à Cork il est de 15 pour les membres.",
        3,
    ),
    Passage("d4", "The depot in Nantes is open on all days of the week, and so is that in Cork.", 4),
    Passage(
        "d5", "Le dépôt de Nantes est ouvert tous les jours de la semaine, et celui de Cork est fermé.", 5
    ),
)
OUTPUT = "In Leipzig it is 12 EUR a month. It is not charged in the winter."
ENGLISH = Case(
    Query("c-en", "What does a Cargo cost there?"), evidence=(Evidence("d1"),), groups={"language": "en"}
)
GERMAN = Case(Query("c-de", "Was kostet es?"), groups={"language": "de-AT"}, evidence=(Evidence("d2"),))
FORBIDDEN = Case(Query("c-no", "Is that lawful?"), "refuse", groups={"language": "en"})
UNKNOWN = Case(Query("c-xx", "Qua?"), groups={"language": "la"})
ANSWER = Response(OUTPUT, PASSAGES, citations=(Citation("d1", 0, 32), Citation("d1", 33, 65)))
ANSWERS = [
    (ENGLISH, ANSWER),
    (GERMAN, Response("In Leipzig kostet es 12 Euro im Monat und wird im Winter nicht berechnet.", PASSAGES)),
    (FORBIDDEN, Response("I cannot judge that, please ask a lawyer about it.", PASSAGES)),
    (UNKNOWN, Response("Duodecim.", PASSAGES[:1])),
    (
        Case(Query("c-2", "And in Cork?"), groups={"language": "en"}),
        Response("In Cork it is 15 EUR, as the list says.", (Passage("d9", "In Cork it is 15 EUR.", 1),)),
    ),
]


def planted(fault: str, case: Case = ENGLISH, response: Response | None = None, seed: int = 0) -> Response:
    found = attempt(fault, case, response, seed)
    assert isinstance(found, Response), found
    return found


def attempt(
    fault: str, case: Case = ENGLISH, response: Response | None = None, seed: int = 0
) -> Response | NotPlantable:
    answer = response or next(answer for one, answer in ANSWERS if one.id == case.id)
    run = [(case, answer), *((one, other) for one, other in ANSWERS if one.id != case.id)]
    return plant(fault, case, answer, Run(run, seed).around(fault, case))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_repeats_by_its_seed(fault: str) -> None:
    """Same seed, same answer, another for another seed where there is a choice; the rest is untouched."""
    case, before = (FORBIDDEN, ANSWERS[2][1]) if fault == "forbidden_answer" else (ENGLISH, ANSWER)
    before = replace(before, retrieved=PASSAGES[:3]) if fault == "wrong_name" else before
    found = planted(fault, case, before)
    assert found != before
    assert found == planted(fault, case, before)
    assert (found.usage, found.timings, found.error) == (before.usage, before.timings, before.error)
    drawn = {planted(fault, case, before, seed=seed) for seed in range(12)}
    assert len(drawn) > 1 or fault in {
        "dropped_passage",
        "borrowed_number",
        "wrong_name",
        "invented_citation",
    }


def test_a_dropped_passage_is_gone_with_all_of_its_document() -> None:
    """The others move up, and the answer stays."""
    found = planted("dropped_passage")
    assert [passage.doc_id for passage in found.retrieved] == ["d2", "d3", "d4", "d5"]
    assert [passage.rank for passage in found.retrieved] == [1, 2, 3, 4]
    assert found.output == OUTPUT
    assert attempt("dropped_passage", UNKNOWN) == NotPlantable("the case names no evidence")
    lost = replace(ANSWER, retrieved=PASSAGES[1:])
    assert attempt("dropped_passage", ENGLISH, lost) == NotPlantable("no gold passage was retrieved")


def test_a_wrong_number_is_in_no_passage_and_a_borrowed_one_is() -> None:
    """One number changes; nothing else does."""
    for seed in range(20):
        wrong = planted("wrong_number", seed=seed).output or ""
        number = wrong.removeprefix("In Leipzig it is ").partition(" ")[0]
        assert number.isdigit()
        assert int(number) not in (12, 15)
        assert wrong == OUTPUT.replace("12", number)
    assert planted("borrowed_number").output == OUTPUT.replace("12", "15")
    assert isinstance(attempt("wrong_number", ENGLISH, replace(ANSWER, output="It is free.")), NotPlantable)


def test_a_wrong_name_is_one_of_the_run_that_the_answer_had_not_at_hand() -> None:
    """Names are what several languages share; German nouns are none."""
    known = replace(ANSWER, retrieved=PASSAGES[:3])
    assert planted("wrong_name", ENGLISH, known).output == OUTPUT.replace("Leipzig", "Nantes")
    assert attempt("wrong_name").why  # type: ignore[union-attr] # every name of the run is in its passages
    names = Run(ANSWERS, 0).around("wrong_name", ENGLISH).names
    assert set(names) == {"Leipzig", "Cargo", "Cork", "Nantes"}


@pytest.mark.parametrize("language", negations.RULES)
def test_a_negation_comes_or_goes(language: str) -> None:
    """In each language, both ways."""
    sentences = {
        "en": ("It is free.", "It is not free."),
        "de": ("Das ist erlaubt.", "Das ist nicht erlaubt."),
        "fr": ("Le vélo est prêt.", "Le vélo n'est pas prêt."),
        "es": ("El casco es obligatorio.", "El casco no es obligatorio."),
        "ja": ("予約できます。", "予約できません。"),
    }
    plain, negated = sentences[language]
    case = replace(ENGLISH, groups={"language": language})
    assert planted("negation", case, Response(plain)).output == negated
    back = planted("negation", case, Response(negated)).output
    assert back in (plain, "Le vélo est prêt.")


def test_sentences_are_of_the_language_of_the_case() -> None:
    """Every table has the same languages; each sentence is the whole answer, or within it."""
    assert set(words.REFUSALS) == set(words.MADE_UP) == set(words.ORDERS) == set(negations.RULES)
    assert planted("needless_refusal", GERMAN).output in words.REFUSALS["de"]
    assert planted("needless_refusal").citations == ()
    found = planted("unsupported_sentence", GERMAN).output or ""
    assert any(sentence in found for sentence in words.MADE_UP["de"])


def test_an_unknown_language_is_told() -> None:
    """What needs words has none; an order is English then, and what needs none is planted."""
    for fault in ("negation", "unsupported_sentence", "needless_refusal"):
        assert attempt(fault, UNKNOWN) == NotPlantable("no words in la")
    assert any(
        order in (planted("injected_instruction", UNKNOWN).output or "") for order in words.ORDERS["en"]
    )
    assert language_of(Case(Query("x", "?")), Response("!")) is None
    assert attempt("wrong_language", replace(UNKNOWN, groups={}), Response("Duodecim.")) == NotPlantable(
        "its language is not known"
    )


def test_citations_are_exchanged() -> None:
    """For a document that was not there, or for another that was."""
    assert {one.doc_id for one in planted("invented_citation").citations} == {"d9"}
    assert {one.doc_id for one in planted("misplaced_citation").citations} <= {"d2", "d3", "d4", "d5"}
    assert attempt("invented_citation", GERMAN) == NotPlantable("the answer cites nothing")


def test_answers_are_given_to_other_cases() -> None:
    """A forbidden answer in the language of the case, a wrong language in another one."""
    assert planted("forbidden_answer", FORBIDDEN).output in {OUTPUT, ANSWERS[4][1].output}
    assert attempt("forbidden_answer") == NotPlantable("the case expects answer")
    assert planted("wrong_language").output in {ANSWERS[1][1].output, ANSWERS[3][1].output}
    alone = Run([(ENGLISH, ANSWER)], 0).around("wrong_language", ENGLISH)
    found = plant("wrong_language", ENGLISH, ANSWER, alone)
    assert isinstance(found, Response)
    assert any(found.output == " ".join(words.MADE_UP[code][:2]) for code in ("de", "fr", "es", "ja"))


def test_a_truncated_answer_breaks_off_within_a_sentence() -> None:
    """It is a beginning of the answer; citations of the rest go, and end where the text ends."""
    for seed in range(20):
        found = planted("truncation", seed=seed)
        text = found.output or ""
        assert OUTPUT.startswith(text)
        assert 0.4 * len(OUTPUT) <= len(text) <= 0.85 * len(OUTPUT)
        assert text[-1].isalnum()
        assert all(one.start < len(text) and one.end <= len(text) for one in found.citations)  # type: ignore[operator]
    assert attempt("truncation", ENGLISH, Response("12 EUR.")) == NotPlantable(
        "it is too short to be cut off"
    )


def test_offsets_move_with_the_text() -> None:
    """A citation still marks the words that it marked."""
    marked: Sequence[str] = [OUTPUT[one.start : one.end] for one in ANSWER.citations]
    for fault in ("unsupported_sentence", "injected_instruction", "wrong_number"):
        found = planted(fault)
        text = found.output or ""
        second = found.citations[1]
        assert text[second.start : second.end].endswith(marked[1][-10:])


def test_what_was_refused_is_not_worsened() -> None:
    """A system that says that it refused gave no answer."""
    refused = replace(ANSWER, refused=True)
    for fault in ("wrong_number", "negation", "needless_refusal", "wrong_language"):
        assert attempt(fault, ENGLISH, refused) == NotPlantable("the system refused")
