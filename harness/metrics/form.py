"""The form of an answer: is it in the language of the question, and does it reach its end."""

from __future__ import annotations

import re
from collections import Counter

from harness.language import FUNCTION_WORDS, likely_language, words
from harness.registry import metric
from harness.types import Case, Response, Score

SHORT_ANSWER = 6
"""Words up to which an answer need not be a sentence."""

_CLOSING = "\"'”’»«“)]}」』）*_`~ \n"
_ENDS = ".!?…。！？｡؟۔।॥።"
_PAIRS = {"(": ")", "[": "]", "「": "」", "『": "』", "（": "）", "“": "”"}
_ITEM = re.compile(r"\s*(?:[-*•+>#|]|\(?\d{1,2}[.)]\s|`)")


@metric("answer_language", version=1)
def answer_language(case: Case, response: Response) -> Score:
    """1 if the answer is in the language of the question, else 0.

    The language wanted is the case's group ``language`` where it is a code that is known, else that of the
    question as its words show it. The answer is in another one if its script is, or if it has more function
    words (``the``, ``nicht``) of another language than of the wanted one. Refusals count: they too should be
    in the language of the question. ``not_applicable`` where the language wanted is not
    known, or the answer has no function word of any language.
    """
    output = response.output or ""
    wanted = _known(case.groups.get("language", "")) or likely_language(case.query.input)
    if wanted is None:
        return Score(status="not_applicable", reason="it is not known which language is wanted")
    found = _written_in(output, wanted)
    if found is None:
        return Score(status="not_applicable", reason="the answer is too short to tell its language")
    return Score(value=float(found == wanted), details={"wanted": wanted, "found": found})


@metric("ends_complete", version=1)
def ends_complete(case: Case, response: Response) -> Score:  # noqa: ARG001 - a metric takes both
    """1 if the answer ends where a sentence ends, 0 if it breaks off.

    It breaks off if its last line has no full stop, question or exclamation mark of any script at its end
    (closing quotes, brackets and marks of emphasis aside), or if a code fence or a bracket is open.
    ``not_applicable`` where an end cannot be seen: no output, a last line that is a heading, an item, a
    row of a table or code, and an answer of a few words without any sentence end ("42 EUR").
    """
    output = (response.output or "").strip()
    if not output:
        return Score(status="not_applicable", reason="there is no output")
    last = output.splitlines()[-1]
    if output.count("```") % 2:
        return Score(value=0.0, reason="a code fence is open")
    bare = output.rstrip(_CLOSING)
    if bare[-1:] in _ENDS:
        return Score(value=1.0)
    opened = next((sign for sign, other in _PAIRS.items() if last.count(sign) > last.count(other)), None)
    if opened is not None:
        return Score(value=0.0, reason=f"{opened} is open")
    if _ITEM.match(last):
        return Score(status="not_applicable", reason="the last line is a heading, an item or a row")
    if not any(sign in output for sign in _ENDS) and len(words(output)) <= SHORT_ANSWER:
        return Score(status="not_applicable", reason="a few words without a sentence end")
    return Score(value=0.0, reason="the last line has no sentence end")


def _known(language: str) -> str | None:
    """Give the code that a golden's language has here; None for one that cannot be told by its words."""
    code = re.split(r"[-_ ]", language.strip().casefold())[0]
    return code if code in FUNCTION_WORDS or code in ("ja", "zh", "ko", "th") else None


def _written_in(text: str, wanted: str) -> str | None:
    """Tell the language of a text, the wanted one where nothing speaks against it; None: nothing to go by."""
    likely = likely_language(text)
    if likely is not None and likely not in FUNCTION_WORDS:
        return likely
    found = Counter(words(text))
    votes = Counter({name: sum(found[word] for word in known) for name, known in FUNCTION_WORDS.items()})
    first, most = votes.most_common(1)[0]
    if not most:
        return None
    return first if most > votes[wanted] else wanted
