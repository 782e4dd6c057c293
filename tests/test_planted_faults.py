"""The benchmark of planted faults and the metric cards: the short form holds, what ships is of this code."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.goldens.dataset import load_dataset
from harness.registry import METRICS, find_metric
from harness.types import GoldenSource

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
CARDS = ROOT / "docs" / "metrics"


@pytest.fixture(scope="module")
def bench() -> Iterator[dict[str, Any]]:
    """The modules of the benchmark, by name."""
    names = ("planted_tables", "planted_faults", "metric_cards")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def short(bench: dict[str, Any]) -> tuple[Any, Any]:
    """What every twelfth case gives."""
    found: tuple[Any, Any] = bench["planted_faults"].run(bench["planted_faults"].SHORT)
    return found


def test_goals_are_met_on_every_twelfth_case(bench: dict[str, Any], short: tuple[Any, Any]) -> None:
    """Metrics whose definition decides; few cases leave room for one miss and one flag."""
    found, _ = short
    goals = list(bench["planted_tables"].goals(found))
    assert {goal.what for goal in goals} >= {
        "ends_complete catches truncation",
        "recall@5 flags clean answers",
    }
    for goal in goals:
        wrong = goal.rate.times - goal.rate.count if goal.at_least else goal.rate.count
        assert goal.met or wrong <= 1, goal


def test_every_fault_is_planted_somewhere(short: tuple[Any, Any]) -> None:
    """In every language, but for names in Japanese, and what few cases leave out."""
    found, written = short
    assert written.cases == 42
    assert all(fault.planted for fault in found.faults)
    languages = {one.slice for fault in found.faults for one in fault.caught}
    assert languages == {"all", *(f"language={code}" for code in ("de", "en", "es", "fr", "ja"))}


def test_clean_answers_are_right(bench: dict[str, Any]) -> None:
    """Their passages hold all gold text, the answer is the golden's, and its documents are cited."""
    dataset = load_dataset((GoldenSource(str(bench["planted_faults"].GOLDENS)),), ROOT, "brambleway")
    answered = bench["planted_faults"].golden_answers(dataset)
    assert [case.id for case, _ in answered] == [case.id for case in dataset.cases]
    recall = find_metric("evidence_recall@20")
    for case, response in answered:
        assert response.output in case.expected_output
        assert {one.doc_id for one in response.citations} == {one.doc_id for one in case.evidence}
        score = recall.score(case, response, corpus=dataset.corpus)
        assert score.value in (None, 1.0), case.id


def test_the_table_that_ships_is_of_these_goldens_and_metrics(bench: dict[str, Any]) -> None:
    """After a change of a golden or of a metric's version: `make bench-planted cards`."""
    written = json.loads((BENCHMARKS / "planted_faults.json").read_bytes())
    dataset = load_dataset((GoldenSource(str(bench["planted_faults"].GOLDENS)),), ROOT, "brambleway")
    assert written["digest"] == dataset.digest
    versions = {name: metric.version for name, metric in bench["planted_faults"].metrics().items()}
    assert written["versions"] == versions


def test_the_cards_are_fresh(bench: dict[str, Any]) -> None:
    """After a change of a metric or a benchmark: `make cards`."""
    pages = bench["metric_cards"].pages()
    assert {path.name: path.read_text(encoding="utf-8") for path in CARDS.glob("*.md")} == pages
    assert set(pages) == {"README.md", *(f"{stem}.md" for stem in METRICS)}


def test_a_card_tells_what_was_measured_or_that_nothing_was(bench: dict[str, Any], tmp_path: Path) -> None:
    """Rows of other metrics are not its own; a benchmark that was not run has none."""
    cards, row = bench["metric_cards"], bench["planted_tables"].Row
    metric = find_metric("exact_match")
    assert cards.card("exact_match", metric, {"human_agreement": ()}).endswith(
        "## Measured\n\nNot measured.\n"
    )
    rows = [
        row("exact_match", "set|a, language=de", 3, "agreement", 0.5, 0.1, 0.9),
        row("recall", "b", 1, "x", 1),
    ]
    page = cards.card("exact_match", metric, {"human_agreement": rows, "refusal_agreement": ()})
    assert "| set/a, language=de | agreement | 3 | 0.500 | 0.100 to 0.900 |  |" in page
    assert "Shown in these languages: de." in page
    assert "| b |" not in page
    assert "refusal_agreement" not in page
    assert cards.read_rows(tmp_path / "none.json") == ()


def test_agreement_on_refusals_becomes_rows(bench: dict[str, Any]) -> None:
    """Over whole sets and by language; what people did not label is told."""
    group = {"n": 9, "agree": 0.9, "low_high": [0.8, 0.95]}
    document = {
        "digest": "0",
        "a": [{"group": "gpt", "n": 3, "ours": group}, {"group": "both", "n": 6, "ours": group}],
        "b": {
            "language": [{"group": "Arabic", "decided": 4, **group}],
            "system": [{"group": "gpt", **group}],
            "all": [{"group": "all", "decided": 7, **group}],
        },
    }
    rows = [row for row in bench["metric_cards"].agreement(document) if row.metric == "over_refusal_rate"]
    assert [(row.set, row.n, row.note) for row in rows] == [
        ("a", 6, "with people"),
        ("b, language=Arabic", 4, "with the set's own rule"),
        ("b", 7, "with the set's own rule"),
    ]
    assert all((row.value, row.low, row.high) == (0.9, 0.8, 0.95) for row in rows)
