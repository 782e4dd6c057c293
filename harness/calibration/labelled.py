"""Answers of runs and what people said of them: by the digest of the answer, whoever gave it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.types import Calibration, Given, Label, Panel, Recorded, Response, Result


class Told(NamedTuple):
    """One answer that has labels: the mean of what people said of it, and the judge's score of it."""

    label: float
    seen: float


class Book(NamedTuple):
    """All that is known of the labels of a suite; ``given`` has answers of runs without texts, by run."""

    panels: Mapping[str, Panel] = {}
    labels: tuple[Label, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    given: Mapping[str, tuple[Given, ...]] = {}


def answer_digest(case_digest: str, response: Response) -> str:
    """Give the digest of all that a rater sees of an answer: the case, the output and the passages' texts."""
    content = case_digest, response.output, sorted(passage.text for passage in response.retrieved)
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32]


def rubric_digest(rubric: str, scale: Sequence[float]) -> str:
    """Give the digest of what raters are asked, and of the values that they may give."""
    return hashlib.sha256(msgspec.json.encode((rubric, [float(value) for value in scale]))).hexdigest()[:16]


def labels_of(book: Book, metric: str) -> dict[str, list[Label]]:
    """Give the labels on one metric by answer: those that answer the rubric of its panel."""
    panel, found = book.panels.get(metric), dict[str, list[Label]]()
    asked = None if panel is None else rubric_digest(panel.rubric, panel.scale)
    for label in book.labels:
        if (label.metric, label.rubric) == (metric, asked):
            found.setdefault(label.answer, []).append(label)
    return found


def answers_of(recorded: Recorded, book: Book) -> Iterator[tuple[Result, str]]:
    """Give the answers of a run with their digests; without texts only those that were known at an export."""
    if any(case.query.input for case in recorded.cases):
        for result in recorded.results:
            yield result, answer_digest(recorded.digests[result.case_id], result.response)
        return
    known = {(one.case_id, one.repeat): one.answer for one in book.given.get(recorded.run.id, ())}
    for result in recorded.results:
        if (result.case_id, result.repeat) in known:
            yield result, known[result.case_id, result.repeat]


def told_of(runs: Iterable[Recorded], book: Book, metric: str) -> dict[str, Told]:
    """Give what people said of a system's answers by case: of several labelled answers the mean.

    Repeats of a case and runs of one system are alike to the rater and to chance, so that any of them may
    stand for all.
    """
    labels = labels_of(book, metric)
    found: dict[str, list[Told]] = {}
    for recorded in runs:
        for result, answer in answers_of(recorded, book):
            score = result.scores.get(metric)
            if answer in labels and score is not None and score.value is not None:
                told = Told(mean([label.value for label in labels[answer]]), score.value)
                found.setdefault(result.case_id, []).append(told)
    return {
        case_id: Told(mean([one.label for one in its]), mean([one.seen for one in its]))
        for case_id, its in found.items()
    }


def mean(values: Sequence[float]) -> float:
    """Mean of one value or more, the same in any order."""
    return math.fsum(values) / len(values)
