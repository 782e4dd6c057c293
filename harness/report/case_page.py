"""What the page of one case shows: question, golden, both answers, passages side by side, claims, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from harness import numbers
from harness.report import wording
from harness.report.visible import visible
from harness.types import Case, CasePair, Passage, Report, Response, Result, Score

MAX_TEXT = 20_000
"""Characters of one text on the page; the recording has all of it."""

MAX_QUESTION = 160
"""Characters of a question in the index; one that fits on its line is stored there only."""


class Aligned(NamedTuple):
    """One passage before and after; a side is None where it was not retrieved."""

    before: Passage | None
    after: Passage | None


def detail(report: Report, pair: CasePair, number_of: Callable[[Passage], int]) -> dict[str, Any]:
    """Give one case as JSON types, all texts visible, all numbers written.

    ``number_of`` gives the number under which a passage is stored.
    """
    case = pair.case
    found: dict[str, Any] = {
        "id": visible(case.id, one_line=True),
        "history": [[turn.role, shown(turn.content)] for turn in case.query.history],
        "given": [number_of(passage) for passage in case.query.contexts],
        "expected": case.expected_behavior,
        "golden": [shown(text) for text in case.expected_output],
        "evidence": [[_word(e.doc_id), shown(e.quote or ""), e.grade] for e in case.evidence],
        "include": [shown(text) for text in case.must_include],
        "exclude": [shown(text) for text in case.must_not_include],
        "facts": _facts(case),
        "slices": [_word(label) for label in pair.slices],
        "cause": _word(pair.cause),
        "scores": _scores(report, pair),
        "passages": _passages(pair, number_of),
        "candidate": _side(pair.candidate),
        "claims": {},
    }
    if len(case.query.input) > MAX_QUESTION or "\n" in case.query.input or "\t" in case.query.input:
        found["question"] = shown(case.query.input)
    if report.baseline is not None:
        found["baseline"] = _side(pair.baseline)
    for role, result in (("baseline", pair.baseline), ("candidate", pair.candidate)):
        claims = _claims(result, number_of)
        if claims:
            found["claims"][role] = claims
    return found


def align(before: Sequence[Passage], after: Sequence[Passage]) -> list[Aligned]:
    """Pair the passages of two rankings: first the same text of the same document, then the same document.

    In the order of the candidate's ranks; those that left stand at the end, by the baseline's ranks.
    """
    old = sorted(before, key=lambda passage: passage.rank)
    new = sorted(after, key=lambda passage: passage.rank)
    partners: dict[int, Passage] = {}
    for is_same in (_is_same_passage, _is_same_document):
        for place, passage in enumerate(new):
            if place in partners:
                continue
            at = next((i for i, other in enumerate(old) if is_same(other, passage)), None)
            if at is not None:
                partners[place] = old.pop(at)
    rows = [Aligned(partners.get(place), passage) for place, passage in enumerate(new)]
    return rows + [Aligned(passage, None) for passage in old]


def shown(text: str) -> str:
    """Make a text visible, cut where it is too long for a page."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}\n… ({len(text) - MAX_TEXT:,} more characters are in the recording)"
    return visible(text)


def written(score: Score | None, unit: str) -> str:
    """Write a score's value, ``—`` where there is none."""
    return numbers.number(None if score is None else score.value, unit)


def direction(report: Report, metric: str, before: Score | None, after: Score | None) -> int:
    """Say which way a score went: -1 worse, 0 even or unknown, 1 better."""
    change = _change(before, after)
    if change is None or abs(change) <= 1e-12:
        return 0
    identity = report.run.metrics.get(metric)
    return 1 if (change > 0) == (identity is None or identity.higher_is_better) else -1


def _change(before: Score | None, after: Score | None) -> float | None:
    if before is None or after is None or before.value is None or after.value is None:
        return None
    return after.value - before.value


def _is_same_passage(a: Passage, b: Passage) -> bool:
    return a.doc_id == b.doc_id and a.text == b.text


def _is_same_document(a: Passage, b: Passage) -> bool:
    return a.doc_id == b.doc_id


def _word(text: str) -> str:
    return visible(text, one_line=True)


def _facts(case: Case) -> list[list[str]]:
    """Attributes of the case: groups, tags, metadata and what else was said of it."""
    facts = [*case.groups.items(), *case.metadata.items()]
    facts += [("tags", ", ".join(case.tags)), ("policy", case.policy), ("split", case.split)]
    facts += [("twin of", case.twin_of), ("document", case.document_id)]
    return [[_word(name), _word(str(value))] for name, value in facts if value not in (None, "")]


def _scores(report: Report, pair: CasePair) -> list[list[Any]]:
    """Per metric: name, before, after, change, direction, and what each side says about it."""
    before = {} if pair.baseline is None else pair.baseline.scores
    after = {} if pair.candidate is None else pair.candidate.scores
    names = [name for name in report.run.metrics if name in before or name in after]
    rows: list[list[Any]] = []
    for name in names:
        unit = wording.unit(report, name)
        old, new = before.get(name), after.get(name)
        rows.append([
            _word(name),
            written(old, unit),
            written(new, unit),
            numbers.signed(_change(old, new), unit),
            direction(report, name, old, new),
            _remark(old),
            _remark(new),
        ])  # fmt: skip
    return rows


def _remark(score: Score | None) -> str:
    if score is None:
        return ""
    status = "" if score.status == "scored" else score.status.replace("_", " ")
    return shown(": ".join(part for part in (status, score.reason) if part))


def _passages(pair: CasePair, number_of: Callable[[Passage], int]) -> list[list[Any]]:
    """Per passage: before and after (its number, rank and score, or null), and whether it is gold."""
    gold = {evidence.doc_id for evidence in pair.case.evidence if evidence.grade >= 1}
    before = () if pair.baseline is None else pair.baseline.response.retrieved
    after = () if pair.candidate is None else pair.candidate.response.retrieved
    rows: list[list[Any]] = []
    for row in align(before, after):
        sides = [None if p is None else [number_of(p), p.rank, numbers.number(p.score)] for p in row]
        rows.append([*sides, any(p is not None and p.doc_id in gold for p in row)])
    return rows


def _side(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    response = result.response
    observed = result.scores.get("refusal_correctness")
    found: dict[str, Any] = {"output": None if response.output is None else shown(response.output)}
    if response.error is not None:
        found["error"] = shown(f"{response.error.kind}: {response.error.message}")
    if observed is not None and "observed" in observed.details:
        found["observed"] = _word(str(observed.details["observed"]))
    elif response.refused is not None:
        found["observed"] = "refuse" if response.refused else "answer"
    if response.citations:
        found["cited"] = list(dict.fromkeys(_word(citation.doc_id) for citation in response.citations))
    found["spent"] = _spent(response)
    return found


def _spent(response: Response) -> list[list[str]]:
    """Time, money and tries, where known."""
    times, usage = response.timings, response.usage
    rows = [
        ("total", times.total_s, "s"),
        ("retrieve", times.retrieve_s, "s"),
        ("generate", times.generate_s, "s"),
        ("in", usage.input_tokens, "tokens"),
        ("out", usage.output_tokens, "tokens"),
        ("cost", usage.cost_usd, "USD"),
    ]
    found = [[name, numbers.number(value, unit)] for name, value, unit in rows if value is not None]
    if response.attempts > 1:
        before = [f"HTTP {one.http_status}" if one.http_status else one.kind for one in response.failures]
        told = f", first {', '.join(before)}" if before else ""
        found.append(["attempts", f"{numbers.count(response.attempts)}{told}"])
    if response.cached:
        found.append(["reply", "from the cache: its time is not counted"])
    if response.text_repaired:
        found.append(["text", "bytes that are no text were repaired"])
    return found


def _claims(result: Result | None, number_of: Callable[[Passage], int]) -> list[list[Any]]:
    """Per claim of a judged metric: metric, claim, verdict, why, document, and where it is supported.

    The place is the passage's number with start and end of the window in its shown text, counted in UTF-16
    units as the page's scripts count, or null. Details come from recordings, so nothing but their being JSON
    is taken for granted.
    """
    if result is None:
        return []
    rows: list[list[Any]] = []
    for metric, score in result.scores.items():
        claims = score.details.get("claims")
        for claim in claims if isinstance(claims, list) else ():
            said = claim if isinstance(claim, dict) else {"text": claim}
            texts = [said.get(name) for name in ("text", "verdict", "why", "doc_id")]
            words = ["" if text is None else shown(str(text)) for text in texts]
            rows.append([_word(metric), *words, _support(said, result.response, number_of)])
    return rows


def _support(
    claim: dict[str, Any], response: Response, number_of: Callable[[Passage], int]
) -> list[int] | None:
    start, end = claim.get("passage_start"), claim.get("passage_end")
    for passage in response.retrieved:
        if (passage.doc_id, passage.rank) == (claim.get("doc_id"), claim.get("rank")):
            if not (
                isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(passage.text)
            ):
                return None
            ends = (_utf16_units(shown(passage.text[:place])) for place in (start, end))
            return [number_of(passage), *ends] if end <= MAX_TEXT else None
    return None


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
