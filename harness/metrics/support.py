"""How likely retrieved passages support a claim: signals, weighed as was fitted on human labels."""

from __future__ import annotations

import functools
import math
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import msgspec

from harness.metrics.passages import Sources, Window
from harness.metrics.signals import Look, Signals, look_at

Verdict = Literal["supported", "unsupported", "contradicted"]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic model of signals: log-odds = intercept + sum of weight x signal; yes from ``threshold``."""

    intercept: float
    weights: dict[str, float]
    threshold: float

    def probability(self, signals: Signals) -> float:
        """Give the probability 0..1 at even odds: as if every second claim were so."""
        values = signals._asdict()
        odds = self.intercept + math.fsum(weight * values[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-odds))


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``support.json`` holds: two models, the languages they were shown, and where they come from."""

    support: Model
    contradiction: Model
    languages: list[str]
    provenance: dict[str, Any]


class Finding(NamedTuple):
    """The verdict on a claim and why, the probability of support 0..1, and the windows, best first."""

    verdict: Verdict
    why: str
    probability: float
    windows: list[Window]


def check_claim(claim: str, sources: Sources, question: str = "") -> Finding:
    """Judge one claim by its signals and the shipped weights.

    - ``supported``: the probability reaches the threshold of the support model;
    - ``contradicted``: the window says otherwise (``Look.contradicts``), or something differs between it and
      the claim and the model of contradiction takes it for one;
    - ``unsupported`` otherwise.
    """
    return judge(look_at(claim, sources, question), shipped_weights())


def judge(look: Look, weights: Weights) -> Finding:
    """Turn a look at a claim into a verdict, as ``check_claim`` does."""
    probability = support_probability(look, weights.support)
    if probability >= weights.support.threshold:
        return Finding("supported", "its words are in the passage", probability, look.windows)
    if look.contradicts:
        return Finding("contradicted", look.against, probability, look.windows)
    if look.against:
        return Finding("unsupported", look.against, probability, look.windows)
    differs = look.signals.negation or look.signals.opposite
    if differs and weights.contradiction.probability(look.signals) >= weights.contradiction.threshold:
        why = "the passage is about the same, and a negation or an opposite differs"
        return Finding("contradicted", why, probability, look.windows)
    return Finding("unsupported", "too little of it is in the passages", probability, look.windows)


def support_probability(look: Look, model: Model) -> float:
    """Give the probability of support, 0..1 at even odds; 0 without any passage.

    What stands plainly against a claim (``Look.against``) scales it to below the threshold.
    """
    if not look.retrieved:
        return 0.0
    probability = model.probability(look.signals)
    return probability * model.threshold * 0.999 if look.against else probability


@functools.cache
def shipped_weights() -> Weights:
    """Read ``support.json``, which ``benchmarks/train_support.py`` writes."""
    return msgspec.json.decode(files("harness.metrics").joinpath("support.json").read_bytes(), type=Weights)
