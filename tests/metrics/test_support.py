"""The shipped weights: where they come from, that they mean what they say, and that they are not stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.signals import Look, Signals
from harness.metrics.support import judge, shipped_weights, support_probability

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WEIGHTS = shipped_weights()
NONE = Signals(*[0.0] * len(Signals._fields))
VALUES = st.floats(0, 1)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The script that writes the weights."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import train_support

    yield train_support
    for name in ("train_support", "support_fit", "support_sets"):
        sys.modules.pop(name, None)


def test_the_weights_belong_to_the_code_of_the_signals(training: Any) -> None:
    """Where a file that makes signals changed, the weights are fitted again: benchmarks/train_support.py."""
    assert WEIGHTS.provenance["code_sha256"] == training.code_digest()


def test_the_weights_say_where_they_come_from(training: Any) -> None:
    """Sets with licences and counts, script, seed, date and library; only sets whose licence allows it."""
    assert {"script", "date", "scikit_learn", "seed", "sets"} <= set(WEIGHTS.provenance)
    allowed = {name for name, labelled in training.SETS.items() if labelled.shipped}
    assert set(WEIGHTS.provenance["sets"]) == allowed
    assert all(found["licence"] and found["rows"] for found in WEIGHTS.provenance["sets"].values())


def test_every_weight_has_the_sign_that_its_signal_means() -> None:
    """The first two signals speak for support, all others against it; all speak for contradiction."""
    assert {name for name, weight in WEIGHTS.support.weights.items() if weight > 0} == {
        "characters",
        "coverage",
    }
    assert all(weight > 0 for weight in WEIGHTS.contradiction.weights.values())
    assert set(WEIGHTS.support.weights) | set(WEIGHTS.contradiction.weights) <= set(Signals._fields)


@given(st.lists(VALUES, min_size=9, max_size=9), st.integers(0, 8), VALUES)
def test_a_stronger_signal_never_works_the_other_way(values: list[float], which: int, other: float) -> None:
    """More coverage never lowers the probability, a fault never raises it."""
    less, more = Signals(*values), Signals(*values)
    name = Signals._fields[which]
    less = less._replace(**{name: min(values[which], other)})
    more = more._replace(**{name: max(values[which], other)})
    low, high = (WEIGHTS.support.probability(signals) for signals in (less, more))
    assert low <= high if which < 2 else low >= high
    assert 0.0 < low < 1.0


@given(st.lists(VALUES, min_size=9, max_size=9))
def test_what_stands_plainly_against_a_claim_keeps_it_below_the_threshold(values: list[float]) -> None:
    """Whatever else speaks for it."""
    found = judge(Look(Signals(*values), [], "77 is not in the passages", contradicts=False), WEIGHTS)
    assert found.probability < WEIGHTS.support.threshold
    assert (found.verdict, found.why) == ("unsupported", "77 is not in the passages")


def test_verdicts() -> None:
    """Supported from the threshold on; contradicted where the window says otherwise or the model says so."""
    full = NONE._replace(characters=1.0, coverage=1.0)
    assert judge(Look(full, [], "", contradicts=False), WEIGHTS).verdict == "supported"
    assert judge(Look(full, [], "one is negated", contradicts=True), WEIGHTS).verdict == "contradicted"
    differing = NONE._replace(coverage=0.9, opposite=1.0, negation=1.0)
    assert judge(Look(differing, [], "", contradicts=False), WEIGHTS).verdict == "contradicted"
    assert (
        judge(Look(NONE._replace(coverage=0.7), [], "", contradicts=False), WEIGHTS).verdict == "unsupported"
    )
    assert judge(Look(NONE, [], "", contradicts=False), WEIGHTS).verdict == "unsupported"


def test_without_a_passage_the_probability_is_zero() -> None:
    """Nothing can support a claim where nothing was retrieved."""
    assert support_probability(Look(NONE, [], "", contradicts=False, retrieved=False), WEIGHTS.support) == 0.0
