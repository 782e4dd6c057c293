"""What an answer does, told from its text alone: it answers, declines in full or in part, or asks back.

Phrases say what each sentence shows; a small linear model weighs where and how often. Its weights lie in
``behavior_weights.json``, fitted by ``benchmarks/refusal_training.py``; every feature is 0..1 and named.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from harness.language import likely_language, words
from harness.metrics.phrasebook import languages
from harness.metrics.sentences import Sentence, read_sentences
from harness.types import Behavior

RefusalReason = Literal["empty", "policy", "no_evidence", "ability", "false_premise", "unclear", "unsaid"]
"""Why an answer does not answer, in order: it is empty; the request is called wrong or against a rule; the
sources are silent or the speaker does not know; the speaker is only a program, without access or opinion;
what was asked about does not exist; it is open what is meant; none of these is said."""

LONGEST_READ = 20_000
"""Characters of an answer that are read: what it does shows long before."""

OPENING = 2
HEAD = 4
"""Sentences that say something: those that open an answer, and those that decide what it does."""

# More claims than these are an answer, even if it ends by asking which of several things was meant, or
# begins with a question that the claims explain.
LONGEST_CHOICE = 6
LONGEST_EXPLANATION = 3

LONGEST_BARE = 6
"""Words of a bare "I don't know": what is claimed after a longer one is what is known instead."""

FITTED = ("en",)
"""Languages of the answers that the weights were fitted on."""

WITHHELD = frozenset({"decline", "lack"})
_NO_CLAIM = WITHHELD | {"limits", "judgment", "unreal", "guidance"}
_AT_LENGTH = frozenset({"limits", "judgment", "guidance"})
_SILENT = ("aside", "offer", "ask", "ask_more")
# A figure tells something; years and the numbers of forms are mostly those of the question.
_FIGURE = re.compile(r"(?<![\w.,])(?!(?:19|20)\d\d(?![\d,.%]))\d[\d.,]*(?![\w-])")


class Reading(NamedTuple):
    """What an answer does, the words that show it, and how sure that is.

    ``refusal_probability`` (0..1) is that of a refusal, full or partial; None where a rule decided.
    ``language`` is the code of the answer's language, None where it cannot be told.
    """

    behavior: Behavior
    matched: str = ""
    reason: RefusalReason | None = None
    refusal_probability: float | None = None
    language: str | None = None
    claims: int = 0


@functools.lru_cache(maxsize=512)
def read_behavior(text: str) -> Reading:
    """Tell what an answer does.

    - No words at all: ``refuse``.
    - It begins by asking for something to go on, or ends by asking which of several things is meant, or
      asks for more and claims nothing: ``clarify``, unless it declines.
    - Else the model decides by ``features`` whether anything was withheld: all of it (``refuse``), unless
      something is claimed first, or after a turn such as "however", or after more than a bare "I don't know"
      (``partial``). Where the answer goes on about limits, wrongs or where else to look, only a turn counts.
    """
    sentences = read_sentences(text[:LONGEST_READ])
    language = _language(text[:LONGEST_READ], sentences)
    if not sentences:
        return Reading("refuse", "empty output", "empty", language=language)
    claims = sum(sentence.role in ("claim", "advice") for sentence in sentences)
    asked = _asked(sentences)
    if asked is not None:
        return Reading("clarify", asked.matched, "unclear", language=language, claims=claims)
    probability = _refusal_probability(features(text, sentences))
    if probability < 0.5:
        return Reading("answer", "", None, probability, language, claims)
    behavior: Behavior = "partial" if _in_part(text, sentences) else "refuse"
    return Reading(behavior, _shown(sentences), _reason(sentences), probability, language, claims)


def notice(reading: Reading) -> str:
    """Say what is not known of the answer's language; empty where answers in it were learnt from."""
    if reading.language in FITTED:
        return ""
    names = languages()
    if reading.language in names:
        return f"{names[reading.language]}: refusals are told by phrases, the weights are those of English"
    return "the answer's language is none of those whose refusals are known, or cannot be told"


def features(text: str, sentences: list[Sentence]) -> dict[str, float]:
    """Describe an answer by the cues of its first sentences, each feature 0..1.

    Greetings, offers, headings and questions say nothing and are left out, unless nothing else is left.
    ``opens_`` is 1 if one of the first two sentences shows the cue, ``share_`` the share of the first four.
    """
    said = [one for one in sentences if one.role not in _SILENT or one.cues & WITHHELD] or sentences
    head = said[:HEAD]
    withheld = [bool(one.cues & WITHHELD) for one in head]
    claims = [one.role == "claim" and not one.cues & _NO_CLAIM for one in head]
    first = withheld.index(True) if True in withheld else len(head)

    def share(*cues: str) -> float:
        return max(sum(cue in one.cues for one in head) / len(head) for cue in cues)

    def opens(cue: str) -> float:
        return float(any(cue in one.cues for one in head[:OPENING]))

    real = 1 - min(1.0, 2 * share("unreal") + opens("unreal"))
    moral = min(1.0, 2 * share("harm", "values")) * real
    guided = float(any("guidance" in one.cues for one in said))
    late = float(any(one.cues & WITHHELD for one in said[HEAD:]))
    plain = sum(claims) / len(head)
    return {
        "opens_decline": opens("decline"),
        "opens_lack": opens("lack"),
        "opens_limits": opens("limits"),
        "opens_judgment": opens("judgment"),
        "opens_unreal": opens("unreal"),
        "opens_defines": opens("defines"),
        "later_lack": float(any("lack" in one.cues for one in head[OPENING:])),
        "late_withheld": late,
        "late_guidance": late * guided,
        "share_withheld": sum(withheld) / len(head),
        "share_guidance": share("guidance"),
        "share_unreal": share("unreal"),
        "share_plain": plain,
        "share_items": sum(one.is_item for one in head) / len(head),
        "share_figures": sum(_tells(text, one) for one in head) / len(head),
        "decline_alone": opens("decline") * (1 - plain),
        "decline_unreal": opens("decline") * (1 - real),
        "lack_alone": opens("lack") * (1 - plain),
        "limits_guidance": opens("limits") * guided,
        "limits_moral": opens("limits") * moral,
        "judgment_moral": opens("judgment") * moral,
        "denial_moral": opens("denial") * moral,
        "turn_after": float(any("turn" in one.cues for one in head[first + 1 :])),
        "length": min(1.0, math.log1p(len(words(text[:4000]))) / 7),
    }


def _tells(text: str, sentence: Sentence) -> bool:
    """A figure in a sentence that withholds nothing."""
    end = min(sentence.end, sentence.start + 600)
    return not sentence.cues & WITHHELD and bool(_FIGURE.search(text, sentence.start, end))


def _refusal_probability(found: dict[str, float]) -> float:
    model = weights()
    score = model["bias"] + sum(weight * found[name] for name, weight in model["weights"].items())
    return 1 / (1 + math.exp(-score))


@functools.cache
def weights() -> dict[str, Any]:
    """Give the fitted model: ``bias``, ``weights`` by feature, and what it was fitted on."""
    source = files("harness.metrics") / "behavior_weights.json"
    read: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return read


def _in_part(text: str, sentences: list[Sentence]) -> bool:
    """Tell whether an answer that withholds something also tells something."""
    first = next((one for one in sentences if one.role in WITHHELD), None)
    claims = [one for one in sentences if one.role == "claim" and not one.cues & _NO_CLAIM]
    if first is None:
        return False
    before = [claim for claim in claims if claim.start < first.start]
    after = [claim for claim in claims if claim.start > first.start]
    turned = any("turn" in claim.cues for claim in after)
    if any(one.cues & _AT_LENGTH for one in sentences):
        return turned
    bare = first.role == "decline" or len(words(text[first.start : first.end])) <= LONGEST_BARE
    return bool(before) or (turned if bare else bool(after))


def _asked(sentences: list[Sentence]) -> Sentence | None:
    """Give the question that the answer puts instead of answering, if any."""
    if any(sentence.role == "decline" for sentence in sentences):
        return None
    n_claims = sum(sentence.role == "claim" for sentence in sentences)
    opening = next((sentence for sentence in sentences if sentence.role not in ("aside", "offer")), None)
    if opening and opening.role in ("ask", "ask_more") and n_claims <= LONGEST_EXPLANATION:
        return opening
    for sentence in sentences[-3:]:
        if sentence.role == "ask" and n_claims <= LONGEST_CHOICE:
            return sentence
        if sentence.role == "ask_more" and not n_claims:
            return sentence
    return None


def _shown(sentences: list[Sentence]) -> str:
    """Give the words that show the refusal: of the first that declines, else lacks, else says why."""
    for cue in ("decline", "lack"):
        for sentence in sentences:
            if sentence.role == cue:
                return sentence.matched
    return next((sentence.matched for sentence in sentences if sentence.matched), "")


def _reason(sentences: list[Sentence]) -> RefusalReason:
    """Say why it was refused, by the cues of the first sentences, the plainest first."""
    said = [one for one in sentences if one.role not in _SILENT or one.cues & WITHHELD][:HEAD]
    shown = Counter(cue for one in said for cue in one.cues)
    if shown["unreal"]:
        return "false_premise"
    if shown["judgment"] or shown["harm"] or shown["values"]:
        return "policy"
    if shown["limits"]:
        return "ability"
    if shown["lack"]:
        return "no_evidence"
    return "ability" if shown["guidance"] and not shown["decline"] else "unsaid"


def _language(text: str, sentences: list[Sentence]) -> str | None:
    """Tell the language by the phrases found, else by its words."""
    votes = Counter(one.language for one in sentences if one.language)
    return votes.most_common(1)[0][0] if votes else likely_language(text)
