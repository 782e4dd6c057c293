"""The tier of a real language model: when it is skipped, its labels, and that its page is of its figures."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from project import clean_env

from harness.goldens.dataset import load_dataset
from harness.types import GoldenSource

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "goldens" / "brambleway"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("local_model")
    for name in ("local_model", "planted_tables"):
        sys.modules.pop(name, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "outcome", "why"),
    [
        ({}, "1 skipped", "HARNESS_LLM_URL is not set"),
        ({"REQUIRE_LOCAL_LLM": "1"}, "1 error", "REQUIRE_LOCAL_LLM=1, but HARNESS_LLM_URL is not set"),
        ({"HARNESS_LLM_URL": NOWHERE}, "1 skipped", f"HARNESS_LLM_URL is {NOWHERE}, and no list of models"),
        ({"HARNESS_LLM_URL": NOWHERE, "REQUIRE_LOCAL_LLM": "1"}, "1 error", "REQUIRE_LOCAL_LLM=1, but"),
    ],
)
def test_without_a_server_the_tier_is_skipped_unless_it_is_required(
    said: dict[str, str], outcome: str, why: str
) -> None:
    """The reason is printed either way, and what is required fails."""
    chosen = "tests/llm/test_answering.py::test_every_case_has_an_answer_or_an_error_that_is_explained"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", chosen],
        cwd=ROOT,
        env=clean_env(**said),
        capture_output=True,
        timeout=120,
        check=False,
    )
    printed = " ".join(done.stdout.decode().split())
    assert outcome in printed
    assert why in printed
    assert done.returncode == (1 if "error" in outcome else 0)


def test_labels_are_of_pairs_that_differ_in_one_fault(bench: Any) -> None:
    """Each case stands there as its golden has it, and once with a fault; every fault takes part."""
    dataset = load_dataset((GoldenSource(str(GOLDENS / "cases.jsonl")),), GOLDENS, "brambleway")
    found = bench.labelled_answers(dataset)
    clean, planted = found[::2], found[1::2]
    assert len(clean) == len(planted) == bench.N_CASES
    for one, other in zip(clean, planted, strict=True):
        assert one.case == other.case
        assert one.fault == bench.CLEAN
        assert one.response.output == one.case.expected_output[0]
        assert one.response.output != other.response.output
        assert one.response.retrieved == other.response.retrieved != ()
    assert set(Counter(one.fault for one in planted)) == set(bench.PLANTED)


def test_agreement_is_one_for_who_knows_and_zero_for_who_has_it_upside_down(bench: Any) -> None:
    """Answers without a value are left out, and the note counts them."""
    dataset = load_dataset((GoldenSource(str(GOLDENS / "cases.jsonl")),), GOLDENS, "brambleway")
    found = bench.labelled_answers(dataset)
    knows = [float(one.fault == bench.CLEAN) for one in found]
    right = bench.agreement("m", "who knows", found, knows)
    assert (right.value, right.low, right.high, right.n) == (1.0, 1.0, 1.0, len(found))
    wrong = bench.agreement("m", "who errs", found, [None, *(1 - value for value in knows[1:])])
    assert (wrong.value, wrong.n, wrong.note) == (0.0, len(found) - 1, "1 more without a value")


def test_parts_add_up_on_one_page_while_they_are_about_the_same(bench: Any, tmp_path: Path) -> None:
    """A part that is measured again replaces itself; another model begins a page of its own."""
    page = tmp_path / "page.md"
    first, other = (bench.About(model, "2 cores", "abc") for model in ("first", "other"))
    part = bench.Part("2026-11-26", {"answers": 4}, {"recall@2": (0.5, 4)}, 4, 0.1, 0.2, 100, 10)
    row = bench.Row("faithfulness", "brambleway, no model", 4, "ROC-AUC", 0.75, 0.5, 1.0)
    bench.record(page, first, "canaries", part)
    bench.record(page, first, "judging in text", part, (row,))
    bench.record(page, first, "judging in text", part, (msgspec.structs.replace(row, value=0.875),))
    found = bench.read(page)
    assert set(found.parts) == {"canaries", "judging in text"}
    assert [one.value for one in found.rows] == [0.875]
    assert page.read_text(encoding="utf-8") == bench.render(found)
    bench.record(page, other, "canaries", part)
    assert (set(bench.read(page).parts), bench.read(page).rows) == ({"canaries"}, ())


def test_the_page_is_of_its_figures(bench: Any) -> None:
    """After a change of its words: `python benchmarks/local_model.py`; of the rest: `make test-llm`."""
    assert bench.PAGE.read_text(encoding="utf-8") == bench.render(bench.read(bench.PAGE))
