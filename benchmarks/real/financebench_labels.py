"""Human labels of FinanceBench answers as metrics: what people said of exactly this answer."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path

from harness.registry import metric
from harness.types import Case, Response, Score


def answer_key(case_id: str, output: str) -> str:
    return f"{case_id}:{hashlib.sha256(output.strip().encode()).hexdigest()[:16]}"


@functools.cache
def labels() -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(os.environ["FINANCEBENCH_LABELS"]).read_text())
    return found


@metric("correct", version=1)
def correct(case: Case, response: Response) -> Score:
    """Share of answers that a person called correct."""
    return Score(float(_label(case, response) == "Correct Answer"))


@metric("refused", version=1)
def refused(case: Case, response: Response) -> Score:
    """Share of answers that a person called a refusal."""
    return Score(float(_label(case, response) == "Refusal"))


def _label(case: Case, response: Response) -> str:
    return labels()[answer_key(case.id, response.output or "")]
