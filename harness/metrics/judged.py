"""Metrics that a judge decides: what is asked of it, and what its verdicts make of the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from harness.errors import UsageError
from harness.metrics.claims import Claim, read_claims
from harness.metrics.refusal import observe
from harness.registry import metric
from harness.types import Behavior, Case, Judge, Metric, Opinion, Passage, Question, Response, Rubric, Score

SUPPORT = ("supported", "unsupported", "contradicted")
RELEVANCE = ("relevant", "irrelevant")
RELEVANCY = {"fully": 1.0, "in part": 0.5, "not at all": 0.0}
BEHAVIORS: tuple[Behavior, ...] = ("answer", "partial", "clarify", "refuse")
"""Labels, the most favourable first."""

Sections = tuple[tuple[str, str], ...]


@metric("judged_faithfulness", version=1, needs=("judge",), prompt="claims.v1")
def judged_faithfulness(case: Case, response: Response, *, judge: Judge) -> Score:
    """Share of the answer's claims that the retrieved passages support, as a judge finds, 0..1.

    Where the judge tells probabilities, each claim counts with that of ``supported``. A refusal, a question
    back and an answer without claims are ``not_applicable``; claims without any passage are unsupported, and
    no judge is asked. ``details["claims"]`` has each claim with its offsets and verdict.
    """
    if (why := _no_answer(response)) is not None:
        return why
    claims = read_claims(response.output or "").claims
    if not claims:
        return Score(status="not_applicable", reason="the answer makes no claim")
    if not response.retrieved:
        return Score(value=0.0, reason="nothing was retrieved that could support the answer")
    sections = (*_texts(response.retrieved), *_asked(case))
    found = judge(Question("claims.v1", sections, tuple(claim.text for claim in claims), SUPPORT))
    return Score(
        value=_mean([found.share(at, "supported") for at in range(len(claims))]),
        details={
            "claims": [_told(claim, found, at) for at, claim in enumerate(claims)],
            "supported": _count(found, "supported"),
            "unsupported": _count(found, "unsupported"),
            "contradicted": _count(found, "contradicted"),
        },
    )


@metric("context_recall", version=1, needs=("judge",), prompt="claims.v1")
def context_recall(case: Case, response: Response, *, judge: Judge) -> Score:
    """Share of the reference answer's claims that the retrieved passages support, as a judge finds, 0..1.

    Of several reference answers the one that is best supported counts. It looks at the passages alone,
    whatever the system did with them; 0 where nothing was retrieved.
    """
    references = _references(case)
    if isinstance(references, Score):
        return references
    if not response.retrieved:
        return Score(value=0.0, reason="nothing was retrieved")
    sections = (*_texts(response.retrieved), *_asked(case))
    scores = []
    for reference in references:
        items = _statements(reference)
        found = judge(Question("claims.v1", sections, items, SUPPORT))
        told = [{"text": item, "verdict": found.verdict(at)} for at, item in enumerate(items)]
        value = _mean([found.share(at, "supported") for at in range(len(items))])
        scores.append(Score(value=value, details={"reference": told}))
    return max(scores, key=lambda score: score.value or 0.0)


@metric("context_precision", version=1, needs=("judge",), prompt="passages.v1")
def context_precision(case: Case, response: Response, *, judge: Judge) -> Score:
    """Whether relevant passages stand first: mean precision at the ranks of the relevant ones, 0..1.

    Relevant is what the reference answer rests on, as a judge finds. With ``v_k`` the judge's relevance of
    the passage at rank k: ``sum_k(v_k * mean(v_1..v_k)) / sum_k v_k``, as ragas defines it; 0 where nothing
    relevant, or nothing at all, was retrieved. Several reference answers are shown together.
    """
    references = _references(case)
    if isinstance(references, Score):
        return references
    passages = sorted(response.retrieved, key=lambda passage: passage.rank)
    if not passages:
        return Score(value=0.0, reason="nothing was retrieved")
    named = [("reference answer", text) for text in references]
    texts = tuple(passage.text for passage in passages)
    found = judge(Question("passages.v1", (*_asked(case), *named), texts, RELEVANCE))
    relevance = [found.share(at, "relevant") for at in range(len(passages))]
    told = [
        {"doc_id": passage.doc_id, "rank": passage.rank, "verdict": found.verdict(at)}
        for at, passage in enumerate(passages)
    ]
    return Score(value=_mean_precision(relevance), details={"passages": told})


@metric("answer_relevancy", version=1, needs=("judge",), prompt="relevancy.v1")
def answer_relevancy(case: Case, response: Response, *, judge: Judge) -> Score:
    """Whether the answer addresses the question: fully 1, in part 0.5, not at all 0, as a judge finds."""
    if (why := _no_answer(response)) is not None:
        return why
    found = judge(Question("relevancy.v1", _asked(case), (response.output or "",), tuple(RELEVANCY)))
    value = math.fsum(found.share(0, label) * worth for label, worth in RELEVANCY.items())
    return Score(value=min(1.0, value), details={"verdict": found.verdict(0)})


@metric("answer_correctness", version=1, needs=("judge",), prompt="claims.v1")
def answer_correctness(case: Case, response: Response, *, judge: Judge) -> Score:
    """F1 of the claims that answer and reference share, as a judge finds, 0..1; the best of the references.

    True positives are claims of the answer that the reference supports, false positives its others, false
    negatives claims of the reference that the answer does not support:
    ``F1 = TP / (TP + (FP + FN) / 2)``. It is the factual part of ragas' definition, without embeddings.
    """
    references = _references(case)
    if isinstance(references, Score):
        return references
    if (why := _no_answer(response)) is not None:
        return why
    output = response.output or ""
    stated = _statements(output)
    scores = []
    for reference in references:
        wanted = _statements(reference)
        said = judge(Question("claims.v1", (("text 1", reference), *_asked(case)), stated, SUPPORT))
        told = judge(Question("claims.v1", (("text 1", output), *_asked(case)), wanted, SUPPORT))
        right = math.fsum(said.share(at, "supported") for at in range(len(stated)))
        found = math.fsum(told.share(at, "supported") for at in range(len(wanted)))
        errors = (len(stated) - right) + (len(wanted) - found)
        details = {
            "stated": [{"text": text, "verdict": said.verdict(at)} for at, text in enumerate(stated)],
            "wanted": [{"text": text, "verdict": told.verdict(at)} for at, text in enumerate(wanted)],
        }
        scores.append(Score(value=right / (right + errors / 2) if right else 0.0, details=details))
    return max(scores, key=lambda score: score.value or 0.0)


@metric("judged_refusal", version=1, needs=("judge",), prompt="behavior.v1")
def judged_refusal(case: Case, response: Response, *, judge: Judge) -> Score:
    """1 if the system did what the case expects, as a judge reads the answer; a partial answer is one.

    Where the judge tells probabilities, the value is that of the expected behaviour. An empty answer is 0.
    """
    if not (response.output or "").strip():
        return Score(value=0.0, reason="the output is empty")
    found = judge(Question("behavior.v1", _asked(case), (response.output or "",), BEHAVIORS))
    expected = case.expected_behavior
    wanted = ("answer", "partial") if expected == "answer" else (expected,)
    details = {"expected": expected, "observed": found.verdict(0)}
    return Score(value=found.share(0, *wanted), details=details)


def rubric_named(name: str) -> Metric:
    """Make the metric of a rubric of the suite: ``rubric:NAME``.

    Raises:
        UsageError: there is no name.
    """
    if not name:
        raise UsageError(
            "metric 'rubric:' names no rubric", mend="write rubric:NAME, and NAME under `rubrics:`"
        )
    declare = metric(f"rubric:{name}", version=1, needs=("judge", "rubrics"), prompt="rubric.v1")
    return declare(partial(_by_rubric, name))


def _by_rubric(
    name: str, case: Case, response: Response, *, judge: Judge, rubrics: dict[str, Rubric]
) -> Score:
    """The judge's grade by a rubric of the suite, from 0 (lowest) to 1 (highest)."""
    if not (response.output or "").strip():
        return Score(value=0.0, reason="the output is empty")
    rubric = rubrics[name]
    grades = range(rubric.high, rubric.low - 1, -1)
    labels = tuple(map(str, grades))
    found = judge(Question("rubric.v1", _asked(case), (response.output or "",), labels, rubric.text))
    grade = math.fsum(found.share(0, str(grade)) * grade for grade in grades)
    value = (grade - rubric.low) / (rubric.high - rubric.low)
    return Score(value=min(1.0, max(0.0, value)), details={"grade": grade})


def _no_answer(response: Response) -> Score | None:
    """Why metrics of what an answer says do not apply, if so."""
    behavior, matched = observe(response)
    if behavior not in ("refuse", "clarify"):
        return None
    did = "refused" if behavior == "refuse" else "asked back"
    return Score(status="not_applicable", reason=f"the system {did}: {matched}")


def _references(case: Case) -> tuple[str, ...] | Score:
    """Give the reference answers, or the score where there is none to go by."""
    if case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    found = tuple(text for text in case.expected_output if text.strip())
    return found or Score(status="not_applicable", reason="the case has no expected output")


def _statements(text: str) -> tuple[str, ...]:
    """Give the claims of a text; one that is too short to make any stands as it is."""
    return tuple(claim.text for claim in read_claims(text).claims) or (text,)


def _texts(passages: Sequence[Passage]) -> Sections:
    ranked = sorted(passages, key=lambda passage: passage.rank)
    return tuple((f"text {number}", passage.text) for number, passage in enumerate(ranked, 1))


def _asked(case: Case) -> Sections:
    turns = "\n".join(f"{turn.role}: {turn.content}" for turn in case.query.history)
    earlier = (("earlier turns", turns),) if turns else ()
    return (*earlier, ("question", case.query.input))


def _told(claim: Claim, found: Opinion, at: int) -> dict[str, Any]:
    sure = round(found.share(at, "supported"), 4)
    return {**claim._asdict(), "verdict": found.verdict(at), "probability": sure}


def _count(found: Opinion, label: str) -> int:
    return sum(found.verdict(at) == label for at in range(len(found.shares)))


def _mean(values: Sequence[float]) -> float:
    return min(1.0, math.fsum(values) / len(values))


def _mean_precision(relevance: Sequence[float]) -> float:
    total = math.fsum(relevance)
    if not total:
        return 0.0
    gained = (value * math.fsum(relevance[:rank]) / rank for rank, value in enumerate(relevance, 1))
    return min(1.0, math.fsum(gained) / total)
