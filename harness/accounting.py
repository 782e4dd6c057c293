"""What became of every selected case of a run."""

from __future__ import annotations

from collections import Counter

from harness.types import Accounting, Recorded

LONGEST = 200
"""Characters of what was said where the system failed."""


def account(recorded: Recorded) -> Accounting:
    """Count every selected case and repeat by what became of it; the parts add up to ``selected``."""
    kinds: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    judged_badly = 0
    for result in recorded.results:
        error = result.response.error
        kinds["answered" if error is None else "timeout" if error.kind == "timeout" else "system_error"] += 1
        if error is not None:
            failures[" ".join(f"{error.kind}: {error.message}".split())[:LONGEST]] += 1
        judged_badly += any(score.status == "judge_error" for score in result.scores.values())
    selected = len(recorded.cases) * recorded.run.repeats
    return Accounting(
        selected=selected,
        answered=kinds["answered"],
        system_error=kinds["system_error"],
        timeout=kinds["timeout"],
        missing=selected - sum(kinds.values()),
        judge_error=judged_badly,
        looks=len(recorded.looks),
        stop=recorded.stop,
        failure=failures.most_common(1)[0][0] if failures else "",
        saved=recorded.run.n_cases * recorded.run.repeats - selected if recorded.stop else 0,
    )
