"""The page of agreement with people is what its figures say, and the guides quote those figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from statistics import fmean
from typing import Any

import pytest
from guides import ROOT, section

BENCHMARKS = ROOT / "benchmarks"
FIGURES = json.loads((BENCHMARKS / "human_agreement.json").read_text())


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The script."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import human_agreement

    yield human_agreement
    for name in ("human_agreement", "support_fit", "support_sets"):
        sys.modules.pop(name, None)


def test_the_page_is_written_from_the_figures(bench: Any) -> None:
    """No number on it was typed by hand."""
    assert (BENCHMARKS / "human_agreement.md").read_text() == bench.write(FIGURES)


def test_the_guide_quotes_the_means() -> None:
    """The mean area of the scorer and of the floor, and on how many sets it is plainly above it."""
    found = FIGURES["sets"].values()
    text = " ".join(section("metrics.md", "faithfulness").split())
    assert f"ROC-AUC {fmean(one['auc'] for one in found):.3f} on average" in text
    assert f"words found {fmean(one['floor'] for one in found):.3f}" in text
    assert all(one["gain"] > 0 for one in found)
    assert sum(one["gain_limits"][0] <= 0 for one in found) == 6
    assert "above that share on each of them, on six by less than the error" in text


def test_contradicted_only_where_a_set_says_so(bench: Any) -> None:
    """An addition is unsupported, another wrong edit contradicts, a right text does neither."""
    read = bench.SETS["summedits"].read
    line = {"id": "a", "contexts": ["Text."], "response": "Text."}
    for label, edits, contradicted in (
        (0, ["entity_modification", "hallucinated_fact_insertion"], True),
        (0, ["hallucinated_fact_insertion"], False),
        (0, [], None),
        (1, [], False),
    ):
        assert read({**line, "label": label, "edit_types": edits}).contradicted is contradicted


def test_fitting_keeps_signs_and_is_repeatable(bench: Any) -> None:
    """On texts of our own: the same rows give the same weights, each with the sign that its signal means."""
    import support_fit
    from support_sets import Row

    passage = ("Returns are free within 30 days. The lid is red. It opens at nine. Repairs take a week.",)
    right = [
        "Returns are free within 30 days.",
        "The lid is red.",
        "It opens at nine.",
        "Repairs take a week.",
    ]
    wrong = ["Returns are free within 40 days.", "The lid is not red.", "Vouchers expire.", "Bikes are blue."]
    rows = [
        Row(
            str(i),
            str(i),
            "",
            passage,
            text,
            supported=text in right,
            contradicted=False if text in right else i < 6,
        )
        for i, text in enumerate(right + wrong)
    ]
    sets = {"ours": support_fit.look_at_rows(rows)}
    first, second = (support_fit.fit(sets, ["en"], {}) for _ in range(2))
    assert first == second
    signs = support_fit.SUPPORT._asdict()
    assert all(weight * signs[name] > 0 for name, weight in first.support.weights.items())
    label, value, _ = support_fit.scores(sets["ours"], first.support)
    assert value[label].min() > value[~label].max()
