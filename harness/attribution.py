"""Retriever or generator: where the difference between two runs comes from, case by case and in counts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.types import UNSCORED, Attribution, BehaviorCount, Result, Score, StageCount

RETRIEVAL = ("hit_rate", "recall", "evidence_recall", "ndcg", "map", "mrr")
"""Metrics that tell whether the gold passage was retrieved, the plainest first."""
ANSWERS = ("answer_correctness", "required_facts", "exact_match", "token_f1", "faithfulness")
"""Metrics that tell whether the answer was good, the strictest about content first."""
GOOD = 0.5
"""An answer is good from here up; a gold passage was retrieved where its metric is above 0."""
REFUSES, ANSWERS_NOW = ("answer", "refuse"), ("refuse", "answer")
"""What was observed before and after, where a refusal came or went."""
DIGEST = re.compile("sha256:[0-9a-f]{64}")


def attribute(
    baseline: Mapping[str, Result], candidate: Mapping[str, Result], metrics: Sequence[str]
) -> Attribution:
    """Count cases by stage before and after, and name the refusals that flipped.

    A case counts where both runs retrieved for a case with labelled evidence and neither lost the score of
    its answer; where that metric applies to one answer only (the other is a refusal), the other is not good.

    Args:
        baseline: first repeat by case.
        candidate: first repeat by case.
        metrics: what the run scored, in suite order.
    """
    retrieval, answer = _first(metrics, RETRIEVAL), _first(metrics, ANSWERS)
    stages: Counter[tuple[bool, bool, bool, bool]] = Counter()
    flips: dict[tuple[str | None, str | None], list[str]] = {REFUSES: [], ANSWERS_NOW: []}
    for case_id, after in candidate.items():
        if (before := baseline.get(case_id)) is None:
            continue
        flip = observed(before), observed(after)
        if flip in flips:
            flips[flip].append(case_id)
        if retrieval is None or answer is None or any(_is_lost(one, answer) for one in (before, after)):
            continue
        found = (
            _was_retrieved(before, retrieval),
            _was_retrieved(after, retrieval),
            _is_good(before, answer),
            _is_good(after, answer),
        )
        if found[0] is not None and found[1] is not None and (found[2], found[3]) != (None, None):
            stages[found[0], found[1], bool(found[2]), bool(found[3])] += 1
    return Attribution(
        retrieval_metric=retrieval,
        answer_metric=answer,
        stages=tuple(StageCount(*key, n=count) for key, count in sorted(stages.items(), reverse=True)),
        now_refuses=tuple(flips[REFUSES]),
        now_answers=tuple(flips[ANSWERS_NOW]),
    )


def cause_of(before: Result | None, after: Result | None, metrics: Sequence[str]) -> str:
    """Say in a few words what happened to a case between two runs; empty when nothing did."""
    if after is None:
        return "not run"
    if after.response.error is not None:
        return "timeout" if after.response.error.kind == "timeout" else "system error"
    if before is None or before.response.error is not None:
        return ""
    retrieval = _first(metrics, RETRIEVAL)
    if retrieval is not None and (fall := _fall(before, after, retrieval)):
        return fall  # the earlier stage first: an answer that changes with its passages is no cause
    flip = observed(before), observed(after)
    if None not in flip and flip[0] != flip[1]:
        verbs = {"refuse": "now refuses", "answer": "now answers", "clarify": "now asks back"}
        return verbs.get(flip[1] or "", "now answers in part")
    if not _same_output(before, after):
        return "answer changed"
    if [p.doc_id for p in before.response.retrieved] != [p.doc_id for p in after.response.retrieved]:
        return "other passages, same answer"
    return ""


def observed(result: Result) -> str | None:
    """Give the behaviour that refusal correctness saw, where it was scored."""
    score = result.scores.get("refusal_correctness")
    if score is None or score.status != "scored":
        return None
    found = score.details.get("observed")
    return found if isinstance(found, str) else None


def refusal_matrix(results: Iterable[Result]) -> tuple[BehaviorCount, ...]:
    """Count cases by expected and observed behaviour, from the details of refusal correctness."""
    cells: Counter[tuple[str, str]] = Counter()
    for result in results:
        score = result.scores.get("refusal_correctness")
        if score is not None and score.status == "scored":
            cells[str(score.details.get("expected")), str(score.details.get("observed"))] += 1
    return tuple(
        BehaviorCount(expected, seen, count)  # type: ignore[arg-type]
        for (expected, seen), count in sorted(cells.items())
    )


def _first(metrics: Sequence[str], stems: Sequence[str]) -> str | None:
    for stem in stems:
        for name in metrics:
            if name.partition("@")[0] == stem:
                return name
    return None


def _value(result: Result, metric: str) -> float | None:
    score: Score | None = result.scores.get(metric)
    return None if score is None else score.value


def _is_lost(result: Result, metric: str) -> bool:
    score = result.scores.get(metric)
    return score is None or score.status in UNSCORED


def _was_retrieved(result: Result, metric: str) -> bool | None:
    value = _value(result, metric)
    return None if value is None else value > 0


def _is_good(result: Result, metric: str) -> bool | None:
    value = _value(result, metric)
    return None if value is None else value >= GOOD


def _fall(before: Result, after: Result, metric: str) -> str:
    """Say what a fall of the retrieval metric means; empty where it did not fall."""
    had, has = _value(before, metric), _value(after, metric)
    if had is None or has is None or has >= had:
        return ""
    if has <= 0:
        return "gold passage lost"
    partly = {"recall": "a gold passage lost", "evidence_recall": "part of the gold text lost"}
    return partly.get(metric.partition("@")[0], "gold passage ranked lower")


def _same_output(before: Result, after: Result) -> bool:
    """Compare outputs; a baseline without texts holds ``sha256:`` and the digest in place of each."""
    old, new = before.response.output, after.response.output
    if old is None or new is None or not DIGEST.fullmatch(old):
        return old == new
    return old == "sha256:" + hashlib.sha256(new.encode("utf-8", "backslashreplace")).hexdigest()
