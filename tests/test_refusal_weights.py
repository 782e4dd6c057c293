"""The shipped weights and the published agreement are those of the code, phrases and examples that ship."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from harness.metrics.behavior import Reading, read_behavior, weights

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def training() -> Iterator[ModuleType]:
    """The script that fits the weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("refusal_training")
    sys.modules.pop("refusal_training", None)


def test_weights_were_fitted_by_the_code_that_ships(training: ModuleType) -> None:
    """After a change of features, phrases or examples: `make weights`, then `make bench-refusal`."""
    assert weights()["digest"] == training.digest()


def test_published_agreement_is_of_these_weights(training: ModuleType) -> None:
    """The figures were measured with the present code, and the page shows them."""
    measured = json.loads((BENCHMARKS / "refusal_agreement.json").read_text(encoding="utf-8"))
    page = (BENCHMARKS / "refusal_agreement.md").read_text(encoding="utf-8")
    assert measured["digest"] == training.digest()
    for row in [*measured["xstest"], *measured["financebench"]]:
        assert f"{100 * row['ours']['agree']:.1f} [" in page


def test_no_weight_contradicts_its_cue(training: ModuleType) -> None:
    """Each weight has the sign that its feature may have."""
    signs = {name: sign for sign, names in training.SIGNS.items() for name in names.split()}
    assert all(weight * signs[name] > 0 for name, weight in weights()["weights"].items())


def test_fitting_finds_what_it_was_given(training: ModuleType) -> None:
    """On answers that a single cue tells apart, the fit tells them apart by that cue."""
    rows = [
        training.Row(text, behavior, 1.0, "test")
        for text, behavior in [("I cannot help with that.", "refuse"), ("The door is green.", "answer")] * 50
    ]
    model = training.fit(rows)
    assert model["weights"]["opens_decline"] > 0 > model["weights"]["share_plain"]
    assert set(model["weights"]) <= set(weights()["weights"]) | {"opens_decline", "share_plain", "length"}


def test_own_examples_are_mostly_told(training: ModuleType) -> None:
    """The weights were fitted on these: a floor against decay, not a measure of how good they are."""
    rows = list(training.examples())
    told: list[tuple[str, Reading]] = [(row.behavior, read_behavior(row.text)) for row in rows]
    refusals = [(wanted != "answer") == (found.behavior in ("refuse", "partial")) for wanted, found in told]
    assert len(rows) > 100
    assert sum(refusals) / len(rows) >= 0.85
