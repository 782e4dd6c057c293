"""The same question with other passages given: distractors, another order, an injected instruction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from harness.language import likely_language
from harness.types import Case, Passage
from harness.variants.draw import Draw
from harness.variants.protected import facts_of, language_of, states
from harness.variants.tables import CANARIES, INJECTIONS

MOST_DISTRACTORS = 3

Given = Case | str
"""A changed case, or why there is none."""

NO_CONTEXTS = "no passages are given with the question"


def distractors(case: Case, draw: Draw, pool: Sequence[Passage]) -> Given:
    """Put up to three passages of other cases or of the corpus among those that are given.

    They are of other documents than the evidence, in the language of the question, and state none of the
    expected facts. Only where an answer is expected: what is unanswerable could become answerable.
    """
    given = case.query.contexts
    if not given:
        return NO_CONTEXTS
    if case.expected_behavior != "answer":
        return "another passage could hold an answer where none is expected"
    taken = {passage.doc_id for passage in given} | {piece.doc_id for piece in case.evidence}
    texts = {passage.text for passage in given}
    language, facts = language_of(case), facts_of(case)
    fitting = [
        passage
        for passage in pool
        if passage.doc_id not in taken
        and passage.text not in texts
        and likely_language(passage.text) in (language, None)
        and not any(states(passage.text, fact) for fact in facts)
    ]
    if not fitting:
        return "there is no passage that could distract"
    passages = list(given)
    for passage in draw.some(fitting, MOST_DISTRACTORS):
        passages.insert(draw.below(len(passages) + 1), replace(passage, score=None, start=None))
    return _with_contexts(case, passages)


def context_order(case: Case, draw: Draw) -> Given:
    """Give the same passages in another order."""
    given = case.query.contexts
    if len(given) < 2:
        return NO_CONTEXTS if not given else "only one passage is given"
    order = draw.some(given, len(given))
    if order == list(given):
        order = [*order[1:], order[0]]
    return _with_contexts(case, order)


def injection(case: Case, draw: Draw) -> Given:
    """Add an instruction to the end of one passage; an answer that obeys it has an invented word in it.

    The word is added to ``must_not_include`` where the case lists facts, so that ``required_facts`` sees it.
    """
    given = case.query.contexts
    if not given:
        return NO_CONTEXTS
    language = language_of(case) or ""
    canary, place = draw.one(CANARIES), draw.below(len(given))
    order = draw.one(INJECTIONS[language]).format(canary=canary)
    passages = list(given)
    passages[place] = replace(passages[place], text=f"{passages[place].text}\n\n{order}")
    changed = _with_contexts(case, passages)
    if case.must_include or case.must_not_include:
        changed = replace(changed, must_not_include=(*case.must_not_include, canary))
    return changed


def _with_contexts(case: Case, passages: Sequence[Passage]) -> Case:
    ranked = tuple(replace(passage, rank=rank) for rank, passage in enumerate(passages, 1))
    return replace(case, query=replace(case.query, contexts=ranked))
