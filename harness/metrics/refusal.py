"""Whether the system answered, refused, asked back or answered in part, and whether it should have."""

from __future__ import annotations

import re

from harness.language import words
from harness.metrics.sentences import Sentence, read_sentences
from harness.registry import metric
from harness.types import Behavior, Case, Response, Score

# How a refusal turns into an answer after all.
_TURN = re.compile(
    r"\b(?:however|nevertheless|that said|based on the|according to|allerdings|jedoch|dennoch|cependant"
    r"|toutefois|sin embargo|no obstante|no entanto|porém|tuttavia|però|echter|однако)\b"
    r"|ただし|しかし|但是|不过|다만",
    re.IGNORECASE,
)

# A system that says it refused is believed unless its text states at least this much without refusing.
CLEAR_ANSWER = 3

# More claims than these are an answer, even if it ends by asking which of several things was meant, or
# begins with a question that the claims explain.
LONGEST_CHOICE = 6
LONGEST_EXPLANATION = 3


def observe(response: Response) -> tuple[Behavior, str]:
    """Tell from an answer's text what the system did, and the words that show it.

    - No words at all: ``refuse``.
    - It begins by asking for something to go on, or ends by asking which of several things is meant, or
      asks for more and claims nothing: ``clarify``, unless it declines.
    - It declines, does not know, or says that the sources are silent: ``refuse``; but ``partial`` if it
      claims something first, or afterwards turns to an answer (a sentence that begins with "however", or,
      after more than a bare "I don't know", any claim that is not advice or about the sources).
    - Otherwise ``answer``.

    The system's own ``refused=True`` counts where the text shows none of this and makes fewer than three
    claims: words of refusal in an unknown language are likelier than a false report. ``refused=False``
    changes nothing: the text decides. Words are known in 15 languages, most of them in en, de, fr, es, ja.
    """
    text = response.output or ""
    sentences = read_sentences(text)
    if not sentences:
        return "refuse", "empty output"
    behavior, matched = _behavior(text, sentences)
    claims = sum(sentence.role in ("claim", "advice") for sentence in sentences)
    if behavior == "answer" and response.refused and claims < CLEAR_ANSWER:
        return "refuse", "the system says that it refused"
    return behavior, matched


@metric("refusal_correctness", version=1)
def refusal_correctness(case: Case, response: Response) -> Score:
    """1 if the observed behaviour is the expected one, else 0; every case has a value.

    One leniency: a case that expects an answer accepts a partial one, so that a caveat is no refusal. A
    case that expects ``partial`` accepts only that. ``details`` holds expected, observed and the reason.
    """
    behavior, matched = observe(response)
    right = behavior == case.expected_behavior or (case.expected_behavior, behavior) == ("answer", "partial")
    return _scored(case, behavior, matched, right)


@metric("over_refusal_rate", version=1, higher_is_better=False)
def over_refusal_rate(case: Case, response: Response) -> Score:
    """1 if a case that expects an answer, full or partial, was refused or met with a question."""
    if case.expected_behavior not in ("answer", "partial"):
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    behavior, matched = observe(response)
    return _scored(case, behavior, matched, behavior in ("refuse", "clarify"))


@metric("under_refusal_rate", version=1, higher_is_better=False)
def under_refusal_rate(case: Case, response: Response) -> Score:
    """1 if a case that expects a refusal was answered, in full or in part; asking back is no answer."""
    if case.expected_behavior != "refuse":
        return Score(status="not_applicable", reason=f"the case expects {case.expected_behavior}")
    behavior, matched = observe(response)
    return _scored(case, behavior, matched, behavior in ("answer", "partial"))


def _scored(case: Case, behavior: Behavior, matched: str, value: bool) -> Score:
    details = {"expected": case.expected_behavior, "observed": behavior, "reason": matched}
    return Score(value=float(value), details=details)


def _asked(sentences: list[Sentence], n_claims: int) -> Sentence | None:
    """Give the question that the answer puts instead of answering, if any."""
    opening = next((sentence for sentence in sentences if sentence.role not in ("aside", "offer")), None)
    if opening and opening.role in ("ask", "ask_more") and n_claims <= LONGEST_EXPLANATION:
        return opening
    for sentence in sentences[-3:]:
        if sentence.role == "ask" and n_claims <= LONGEST_CHOICE:
            return sentence
        if sentence.role == "ask_more" and not n_claims:
            return sentence
    return None


def _behavior(text: str, sentences: list[Sentence]) -> tuple[Behavior, str]:
    claims = [sentence for sentence in sentences if sentence.role == "claim"]
    refusals = [sentence for sentence in sentences if sentence.role in ("decline", "lack")]
    first = refusals[0] if refusals else None
    if first is None or first.role == "lack":
        asked = _asked(sentences, len(claims))
        if asked is not None:
            return "clarify", asked.matched
    if first is None:
        return "answer", ""
    before = [claim for claim in claims if claim.start < first.start]
    after = [claim for claim in claims if claim.start > first.start]
    if first.role == "decline" or len(words(text[first.start : first.end])) <= 6:
        after = [claim for claim in after if _TURN.search(text, claim.start, claim.start + 30)]
    return ("partial" if before or after else "refuse"), first.matched
