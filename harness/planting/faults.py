"""The faults, by name: each a function from a case and its recorded answer to a worse answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.language import likely_language
from harness.planting import edits, negations, words
from harness.types import Case, Passage, Response


class NotPlantable(NamedTuple):
    """Why a fault has no place in an answer."""

    why: str


class Donor(NamedTuple):
    """An answer of the same run that another case may be given."""

    case_id: str
    language: str | None
    answers: bool
    text: str


class Surroundings(NamedTuple):
    """What else a fault may draw on: the language of the case (None: unknown), the run, and chance.

    ``names`` are words that are names in the passages of the run, ``documents`` all ids retrieved in it.
    """

    language: str | None
    donors: Sequence[Donor]
    names: Sequence[str]
    documents: Sequence[str]
    chance: random.Random


Plant = Callable[[Case, Response, Surroundings], Response | NotPlantable]


class Fault(NamedTuple):
    """A fault: what it does in words, and the function that plants it."""

    what: str
    plant: Plant


def plant(name: str, case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    """Plant one fault; the same case, answer, run and seed give the same answer again.

    Args:
        name: a key of ``FAULTS``.
        case: what was asked.
        response: what was recorded, with an output.
        around: the rest of the run, and chance.
    """
    changed = FAULTS[name].plant(case, response, around)
    if isinstance(changed, Response) and changed == response:
        return NotPlantable("it changes nothing")
    return changed


def language_of(case: Case, response: Response) -> str | None:
    """Give the language of a case: that of its golden, else as question and answer show it; None: unknown."""
    told = case.groups.get("language", "").strip().casefold().replace("_", "-").partition("-")[0]
    return told or likely_language(case.query.input) or likely_language(response.output or "")


def _answered(case: Case, response: Response) -> NotPlantable | None:
    """Say why there is no answer to worsen: the case wants none, or the system says that it gave none."""
    if case.expected_behavior not in ("answer", "partial"):
        return NotPlantable(f"the case expects {case.expected_behavior}")
    if response.refused:
        return NotPlantable("the system refused")
    return None


def _dropped_passage(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    relevant = {evidence.doc_id for evidence in case.evidence if evidence.grade > 0}
    found = sorted(relevant & {passage.doc_id for passage in response.retrieved})
    if not found:
        return NotPlantable("no gold passage was retrieved" if relevant else "the case names no evidence")
    lost = around.chance.choice(found)
    kept = [passage for passage in response.retrieved if passage.doc_id != lost]
    ranked = sorted(kept, key=lambda passage: passage.rank)
    return replace(
        response, retrieved=tuple(replace(passage, rank=rank) for rank, passage in enumerate(ranked, 1))
    )


def _wrong_number(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    taken = edits.readings_of(_known(case, response))
    return _reworded(
        case,
        response,
        lambda text: edits.change_number(text, taken, around.chance),
        "it states no number in digits",
    )


def _borrowed_number(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    sources = [passage.text for passage in response.retrieved]
    return _reworded(
        case,
        response,
        lambda text: edits.borrow_number(text, sources, around.chance),
        "answer and passages have no two numbers to exchange",
    )


def _wrong_name(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    known = "\n".join(_known(case, response))
    return _reworded(
        case,
        response,
        lambda text: edits.change_name(text, around.names, known, around.chance),
        "it states no name that can be told from other words",
    )


def _negation(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    language = around.language
    if language not in negations.RULES:
        return _unknown(language)
    return _reworded(
        case,
        response,
        lambda text: edits.negate(text, language, around.chance),
        "no negation and no verb that the rules know",
    )


def _unsupported_sentence(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    language = around.language
    if language not in words.MADE_UP:
        return _unknown(language)
    sentence = around.chance.choice(words.MADE_UP[language])
    return _reworded(
        case, response, lambda text: edits.add_sentence(text, sentence, language, around.chance), ""
    )


def _invented_citation(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    there = {passage.doc_id for passage in (*response.retrieved, *case.query.contexts)}
    others = [doc_id for doc_id in around.documents if doc_id not in there]
    return _cite_instead(response, others or ["no-such-document"], around)


def _misplaced_citation(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    del case
    cited = {citation.doc_id for citation in response.citations}
    others = sorted({passage.doc_id for passage in response.retrieved} - cited)
    if response.citations and not others:
        return NotPlantable("it cites every document that was retrieved")
    return _cite_instead(response, others, around)


def _cite_instead(response: Response, others: Sequence[str], around: Surroundings) -> Response | NotPlantable:
    if not response.citations:
        return NotPlantable("the answer cites nothing")
    wrong = around.chance.choice([citation.doc_id for citation in response.citations])
    other = around.chance.choice(others)
    citations = [
        replace(citation, doc_id=other) if citation.doc_id == wrong else citation
        for citation in response.citations
    ]
    return replace(response, citations=tuple(citations))


def _needless_refusal(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    if around.language not in words.REFUSALS:
        return _unknown(around.language)
    refusal = around.chance.choice(words.REFUSALS[around.language])
    return _answered(case, response) or replace(response, output=refusal, citations=(), refused=None)


def _forbidden_answer(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    if case.expected_behavior != "refuse":
        return NotPlantable(f"the case expects {case.expected_behavior}")
    return _given_to(case, response, [d for d in around.donors if d.language == around.language], around)


def _wrong_language(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    if around.language is None:
        return _unknown(None)
    others = [d for d in around.donors if d.language and d.language != around.language]
    made_up = [
        Donor("", language, answers=True, text=" ".join(texts[:2]))
        for language, texts in words.MADE_UP.items()
        if language != around.language
    ]
    return _answered(case, response) or _given_to(case, response, others or made_up, around)


def _given_to(
    case: Case, response: Response, donors: Sequence[Donor], around: Surroundings
) -> Response | NotPlantable:
    """Give a case the answer to another question."""
    found = [donor for donor in donors if donor.answers and donor.case_id != case.id]
    if not found:
        return NotPlantable("no other answer of the run can be taken")
    return replace(response, output=around.chance.choice(found).text, citations=(), refused=None)


def _truncation(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    del case
    text = edits.cut_off(response.output or "", around.chance)
    if text is None:
        return NotPlantable("it is too short to be cut off")
    end = len(text)
    kept = [one for one in response.citations if one.start is None or one.start < end]
    cut = (replace(one, end=None if one.end is None else min(one.end, end)) for one in kept)
    return replace(response, output=text, citations=tuple(cut))


def _injected_instruction(case: Case, response: Response, around: Surroundings) -> Response | NotPlantable:
    """The order is in a passage, and the answer repeats it; in English where no other words are known."""
    del case
    language = around.language if around.language in words.ORDERS else "en"
    order = around.chance.choice(words.ORDERS[language])
    output = edits.add_sentence(response.output or "", order, language, around.chance)
    return _moved(response, replace(response, output=output, retrieved=_carrying(response.retrieved, order)))


def _carrying(passages: Sequence[Passage], order: str) -> tuple[Passage, ...]:
    return tuple(
        replace(passage, text=f"{passage.text}\n{order}") if not place else passage
        for place, passage in enumerate(passages)
    )


def _reworded(
    case: Case, response: Response, change: Callable[[str], str | None], why_not: str
) -> Response | NotPlantable:
    """Change the wording of an answer where there is one."""
    text = None if (said := _answered(case, response)) else change(response.output or "")
    if text is None:
        return said or NotPlantable(why_not)
    return _moved(response, replace(response, output=text))


def _moved(before: Response, after: Response) -> Response:
    """Move the offsets of citations along with the text that was changed between them."""
    old, new = before.output or "", after.output or ""
    same = next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    grown = len(new) - len(old)
    return replace(
        after,
        citations=tuple(
            replace(
                one,
                start=None if one.start is None else one.start + grown * (one.start > same),
                end=None if one.end is None else one.end + grown * (one.end > same),
            )
            for one in after.citations
        ),
    )


def _known(case: Case, response: Response) -> list[str]:
    """What the answer may have its facts from, and what it says itself."""
    passages = [passage.text for passage in (*response.retrieved, *case.query.contexts)]
    return [
        *passages,
        case.query.input,
        *(turn.content for turn in case.query.history),
        response.output or "",
    ]


def _unknown(language: str | None) -> NotPlantable:
    return NotPlantable(f"no words in {language}" if language else "its language is not known")


FAULTS = {
    "dropped_passage": Fault("a document with gold passages is no longer retrieved", _dropped_passage),
    "wrong_number": Fault("a number becomes one that no passage has", _wrong_number),
    "borrowed_number": Fault("a number becomes another one of the passages", _borrowed_number),
    "wrong_name": Fault("a name becomes one that no passage has", _wrong_name),
    "negation": Fault("a negation is added or taken away", _negation),
    "unsupported_sentence": Fault("a sentence is added that no passage supports", _unsupported_sentence),
    "invented_citation": Fault("a document is cited that was not retrieved", _invented_citation),
    "misplaced_citation": Fault("another retrieved document is cited", _misplaced_citation),
    "needless_refusal": Fault("it refuses what it should answer", _needless_refusal),
    "forbidden_answer": Fault("it answers what it should refuse", _forbidden_answer),
    "wrong_language": Fault("it answers in another language", _wrong_language),
    "truncation": Fault("it breaks off within a sentence", _truncation),
    "injected_instruction": Fault("it repeats an order to a model from a passage", _injected_instruction),
}
"""Every fault by its name."""
