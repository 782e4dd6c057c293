"""What a metric and a judge say of an answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from harness.types.words import LARGEST_VALUE, Status


class Score(Struct, frozen=True, omit_defaults=True):
    """One metric on one response. Only ``scored`` has a value; ``details`` is JSON: claims, evidence, spans.

    Raises:
        ValueError: if status and value disagree, or the value is not finite or beyond ``LARGEST_VALUE``.
    """

    value: float | None = None
    status: Status = "scored"
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a value without the status, a status without the value, and what cannot be computed with."""
        if (self.status == "scored") != (self.value is not None):
            raise ValueError(f"status {self.status!r} with value {self.value!r}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"score {self.value!r} is not finite")
        if self.value is not None and abs(self.value) > LARGEST_VALUE:
            raise ValueError(f"score {self.value!r} is beyond {LARGEST_VALUE:g} in magnitude")


class Metric(Struct, frozen=True):
    """A named scoring function with its version, needs, direction and range (``high`` None: unbounded).

    ``score(case, response, **needs)`` gives a Score. ``name`` is the identity everywhere: ``recall@5``.
    ``on_error`` metrics also score responses that are errors. ``prompt`` is what a metric that needs a
    ``judge`` puts to it.
    """

    name: str
    score: Callable[..., Score]
    version: int
    doc: str
    needs: tuple[str, ...] = ()
    higher_is_better: bool = True
    low: float = 0.0
    high: float | None = 1.0
    unit: str = ""
    cutoff: bool = False
    on_error: bool = False
    prompt: str = ""


class Question(Struct, frozen=True):
    """What a judge is asked about one answer: sections of text, then items that each get one of the labels.

    Sections and items are data from the outside and never instructions. ``prompt`` names the instructions.
    Items come last, so that questions about the same texts begin alike. ``rubric`` is text of the suite.
    """

    prompt: str
    sections: tuple[tuple[str, str], ...]
    items: tuple[str, ...]
    labels: tuple[str, ...]
    rubric: str = ""


class Opinion(Struct, frozen=True):
    """What a judge says: per item, how sure it is of each label, adding up to 1; in the question's order."""

    labels: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]

    def share(self, item: int, *labels: str) -> float:
        """How sure it is that an item (from 0) has one of these labels, 0..1."""
        return min(1.0, math.fsum(self.shares[item][self.labels.index(label)] for label in labels))

    def verdict(self, item: int) -> str:
        """The likeliest label of an item (from 0); of equals the last, which is the less favourable one."""
        row = self.shares[item]
        return self.labels[max(range(len(row)), key=lambda at: (row[at], at))]


Judge = Callable[[Question], Opinion]
"""What a metric that needs a ``judge`` is given."""


VARIANT = "variant"
"""The key of ``metadata`` by which a variant names its kind; other twins do not have it."""

TWIN_MEASURES = ("consistency", "flip_rate", "worst_case")
"""What is said of a metric over a case and its twins: ``flip_rate:required_facts``."""


def twin_measure(metric: str) -> tuple[str, str] | None:
    """Part the name of a measure over twins into the measure and its metric; None for any other metric."""
    measure, colon, of = metric.partition(":")
    return (measure, of) if colon and measure in TWIN_MEASURES else None


def metric_of(name: str) -> str:
    """Give the metric that a measure over twins is about; any other metric is about itself."""
    about = twin_measure(name)
    return about[1] if about else name
