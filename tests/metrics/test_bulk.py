"""Rank metrics of whole runs: the values of the metrics case by case, from every form of input, in bounds."""

from __future__ import annotations

import functools
import importlib
import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from test_retrieval import CUTS, NAMES, Qrels, Runs, case_with, passages, random_set

from harness import score_rankings
from harness.errors import UsageError
from harness.metrics.bulk import columns, nested, tables
from harness.metrics.bulk.values import VALUES
from harness.registry import METRICS, find_metric
from harness.types import Response

METRIC_NAMES = [f"{name}@{k}" for name in NAMES for k in CUTS] + ["r_precision"]


def frames(runs: Runs, qrels: Qrels) -> tuple[pd.DataFrame, pd.DataFrame]:
    run = [(query, name, score) for query, found in runs.items() for name, score in found.items()]
    judged = [(query, name, grade) for query, found in qrels.items() for name, grade in found.items()]
    run_frame = pd.DataFrame(run, columns=["query_id", "doc_id", "score"])
    return run_frame, pd.DataFrame(judged, columns=["query_id", "doc_id", "grade"])


def as_lists(frame: pd.DataFrame) -> Any:
    return {name: frame[name].tolist() for name in frame}


def as_objects(frame: pd.DataFrame) -> Any:
    return {name: np.array(frame[name].tolist(), object if name.endswith("id") else None) for name in frame}


def as_fixed_width(frame: pd.DataFrame) -> Any:
    return {name: np.array(frame[name].tolist()) for name in frame}


def as_categories(frame: pd.DataFrame) -> Any:
    return frame.astype({"query_id": "category", "doc_id": "category"})


def as_arrow(frame: pd.DataFrame) -> Any:
    pa = pytest.importorskip("pyarrow")
    return pa.concat_tables([pa.Table.from_pandas(frame[:50]), pa.Table.from_pandas(frame[50:])])


def as_arrow_dictionaries(frame: pd.DataFrame) -> Any:
    pa = pytest.importorskip("pyarrow")
    return {name: pa.array(frame[name].tolist()).dictionary_encode() for name in ("query_id", "doc_id")} | {
        name: frame[name].to_numpy() for name in frame if not name.endswith("id")
    }


FORMS: list[Callable[[pd.DataFrame], Any]] = [
    lambda frame: frame,
    as_lists,
    as_objects,
    as_fixed_width,
    as_categories,
    as_arrow,
    as_arrow_dictionaries,
]


@pytest.fixture(params=[7, 1000], ids=["small blocks", "one block"])
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that every query is one, and so large that one holds everything."""
    for module in (columns, nested, tables):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", request.param)


def values_by_case(runs: Runs, qrels: Qrels, name: str) -> dict[str, float | None]:
    metric = find_metric(name)
    return {
        query: metric.score(case_with(grades), Response("", passages(runs.get(query, {})))).value
        for query, grades in qrels.items()
    }


def check(found: Any, runs: Runs, qrels: Qrels) -> None:
    """Every value is that of the metric of one case; where that does not apply, trec_eval's 0."""
    assert found.query_ids == list(qrels)
    assert found.retrieved.tolist() == [len(runs.get(query, {})) for query in qrels]
    for name in METRIC_NAMES:
        wanted = values_by_case(runs, qrels, name)
        assert found.values[name].tolist() == pytest.approx(
            [wanted[query] or 0.0 for query in qrels], abs=1e-9
        )
        known = [value for value in wanted.values() if value is not None]
        assert found.means()[name] == pytest.approx(sum(known) / len(known), abs=1e-9)


def test_every_rank_metric_has_a_bulk_form() -> None:
    """The metrics by document of a suite and those of whole runs are the same ones."""
    assert VALUES.keys() == {name for name, home in METRICS.items() if "metrics.retrieval:" in home}


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("seed", range(2))
def test_dictionaries_give_the_values_of_the_metrics(seed: int) -> None:
    """Graded judgements, many ties, unjudged documents: the per-case metric and the bulk one agree."""
    qrels, runs = random_set(seed)
    check(score_rankings(runs, qrels, METRIC_NAMES), runs, qrels)


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("form", FORMS)
def test_columns_give_the_values_of_the_metrics(form: Callable[[pd.DataFrame], Any]) -> None:
    """Whatever holds the columns, and also where the rows of a query do not stand together."""
    qrels, runs = random_set(3)
    run, judged = frames(runs, qrels)
    check(score_rankings(form(run), form(judged), METRIC_NAMES), runs, qrels)
    mixed, judged_mixed = run.sample(frac=1, random_state=1), judged.sort_values("grade", kind="stable")
    shuffled = score_rankings(form(mixed), form(judged_mixed), METRIC_NAMES)
    again = {query: qrels[query] for query in shuffled.query_ids}
    check(shuffled, runs, again)


def test_bulk_values_equal_trec_evals_with_ties_among_numbers() -> None:
    """Ids that are numbers are ordered as the text that trec_eval would read: 9 before 10."""
    rng = np.random.default_rng(0)
    n, retrieved, judged = 40, 40, 30
    run = {
        "query_id": np.repeat(np.arange(n), retrieved),
        "doc_id": np.concatenate([rng.choice(2000, retrieved, replace=False) for _ in range(n)]),
        "score": rng.integers(0, 3, n * retrieved).astype(float),
    }
    qrels = {
        "query_id": np.repeat(np.arange(n), judged),
        "doc_id": np.concatenate([rng.choice(2000, judged, replace=False) for _ in range(n)]),
        "grade": rng.integers(-1, 4, n * judged),
    }
    runs: Runs = {}
    for query, name, score in zip(*run.values(), strict=True):
        runs.setdefault(str(query), {})[str(name)] = float(score)
    grades: Qrels = {}
    for query, name, grade in zip(*qrels.values(), strict=True):
        grades.setdefault(str(query), {})[str(name)] = int(grade)
    known = pytrec_eval.RelevanceEvaluator(grades, {"ndcg_cut.10", "map"}).evaluate(runs)
    found = score_rankings(run, qrels, ["ndcg@10", "map@100"])
    for name, theirs in (("ndcg@10", "ndcg_cut_10"), ("map@100", "map")):
        wanted = [known[str(query)][theirs] for query in found.query_ids]
        assert found.values[name].tolist() == pytest.approx(wanted, abs=1e-9)


SCORES = st.floats(width=32, allow_nan=False) | st.sampled_from(
    [0.0, -0.0, float("inf"), -float("inf"), 1e300]
)


@settings(max_examples=60, deadline=None)
@given(
    run=st.dictionaries(st.text("ab\0é\U0001f600", min_size=1, max_size=3), SCORES, min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_any_scores_and_ids_are_ordered_as_in_one_case(run: dict[str, float], seed: int) -> None:
    """Infinite scores, both zeros, any text: dictionaries and columns rank as the metric of one case does."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    qrels = {"q": {name: rng.randint(0, 2) for name in run} | {"absent": 1}}
    check(score_rankings({"q": run}, qrels, METRIC_NAMES), {"q": run}, qrels)
    run_frame, judged = frames({"q": run}, qrels)
    check(score_rankings(as_objects(run_frame), as_objects(judged), METRIC_NAMES), {"q": run}, qrels)


def test_ranks_do_for_scores() -> None:
    """A run with ranks, the first being the best, and no scores."""
    run = {"query_id": [1, 1, 1], "doc_id": [7, 8, 9], "rank": [3, 1, 2]}
    qrels = {"query_id": [1, 1], "doc_id": [7, 9], "grade": [1, 1]}
    assert score_rankings(run, qrels, ["mrr@5"]).values["mrr@5"].tolist() == [0.5]


def test_a_query_that_the_run_lacks_scores_nothing() -> None:
    """What is missing cannot help: its values are 0 and in the mean; a query of the run alone is counted."""
    run = {"query_id": [1, 3], "doc_id": [7, 7], "score": [1.0, 1.0]}
    qrels = {"query_id": [1, 2, 4], "doc_id": [7, 7, 7], "grade": [1, 1, 0]}
    found = score_rankings(run, qrels, ["recall@1"])
    assert found.values["recall@1"].tolist() == [1.0, 0.0, 0.0]
    assert found.means() == {"recall@1": 0.5}
    assert (found.ignored, found.retrieved.tolist(), found.relevant.tolist()) == (1, [1, 0, 0], [1, 1, 0])


def test_nothing_gives_nothing() -> None:
    """Empty columns and dictionaries have no queries and no means."""
    empty = {"query_id": [], "doc_id": [], "score": [], "grade": []}
    numbers = {name: np.array([], np.int64) for name in empty}
    for run in ({}, numbers, pd.DataFrame(empty).astype({"query_id": str, "doc_id": str, "grade": int})):
        found = score_rankings(run, run, ["recall@1"])
        assert (found.query_ids, found.means()) == ([], {"recall@1": None})


def test_numbers_far_apart_are_told_apart() -> None:
    """Ids over the whole range of 64 bits, as hashes are."""
    ends = [-(2**63), 2**63 - 1, 5]
    run = {"query_id": [1, 1, 1, 2], "doc_id": [*ends, ends[0]], "score": [3.0, 2.0, 1.0, 1.0]}
    qrels = {"query_id": [1, 2], "doc_id": [ends[1], ends[1]], "grade": [1, 1]}
    assert score_rankings(run, qrels, ["mrr@3"]).values["mrr@3"].tolist() == [0.5, 0.0]


RUN = {"query_id": [1, 1], "doc_id": [7, 8], "score": [1.0, 2.0]}
QRELS = {"query_id": [1], "doc_id": [7], "grade": [1]}


@pytest.mark.parametrize(
    ("run", "qrels", "said"),
    [
        ({**RUN, "doc_id": [7, 7]}, QRELS, "document '7' twice for query 1"),
        ({**RUN, "score": [1.0, float("nan")]}, QRELS, "NaN"),
        ({**RUN, "score": ["a", "b"]}, QRELS, "score is .*numbers are wanted"),
        ({**RUN, "doc_id": ["7", "8"]}, QRELS, "whole numbers in the one and text in the other"),
        ({**RUN, "doc_id": [7.0, 8.0]}, QRELS, "ids are whole numbers or text"),
        ({**RUN, "doc_id": ["7", None]}, {**QRELS, "doc_id": ["7"]}, "row 2 has no id"),
        ({**RUN, "query_id": [5, 5]}, QRELS, "no query of the run is in the qrels: for example 5 and 1"),
        ({**RUN, "query_id": [1]}, QRELS, "rows"),
        ({"query_id": [1], "docid": [7], "score": [1.0]}, QRELS, "no column 'doc_id': did you mean 'docid'"),
        (RUN, {**QRELS, "grade": [0.5]}, "grades are whole numbers"),
        (RUN, {"query_id": [1, 1], "doc_id": [7, 7], "grade": [1, 0]}, "qrels have document '7' twice"),
        (RUN, {"1": {"7": 1}}, "give both alike"),
        ({"1": {"7": "best"}}, {"1": {"7": 1}}, "no number"),
        ({"1": {"7": float("nan")}}, {"1": {"7": 1}}, "NaN"),
    ],
)
def test_what_cannot_be_scored_is_refused(run: Any, qrels: Any, said: str) -> None:
    """With what is wrong and where; nothing is guessed."""
    with pytest.raises(UsageError, match=said):
        score_rankings(run, qrels, ["recall@1"])


@pytest.mark.parametrize("name", ["faithfulness", "recall", "recall@0", "recal@5"])
def test_only_rank_metrics_are_scored(name: str) -> None:
    """As a suite names them."""
    with pytest.raises(UsageError):
        score_rankings(RUN, QRELS, [name])


def test_what_is_needed_beyond_the_input_is_bounded() -> None:
    """Twenty times the queries need no more memory than the values themselves take."""

    def most(queries: int) -> int:
        n = np.arange(queries)
        run = {"query_id": np.repeat(n, 100), "doc_id": np.tile(np.arange(100), queries)}
        run["score"] = np.tile(np.arange(100.0), queries)
        qrels = {"query_id": n, "doc_id": n % 100, "grade": np.ones_like(n)}
        tracemalloc.start()
        score_rankings(run, qrels, ["ndcg@10"])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert most(50_000) < most(2_500) + 50_000 * 500


BENCHMARK = Path(__file__).parents[2] / "benchmarks/retrieval_speed.py"


@pytest.mark.slow
def test_columns_and_dictionaries_are_faster_than_pytrec_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 queries of the benchmark, least CPU of five: goals: 3 times and once; usual: 4 and 4."""
    monkeypatch.syspath_prepend(BENCHMARK.parent)
    benchmark = importlib.import_module("retrieval_speed")
    data = benchmark.make(2000)
    least = {}
    for name in ("numbers", "dicts", "pytrec_eval"):
        prepare, evaluate = benchmark.contestant(name)
        least[name] = least_cpu(functools.partial(evaluate, *prepare(data)))
    assert least["numbers"] * 2 < least["pytrec_eval"]
    assert least["dicts"] < least["pytrec_eval"]


def least_cpu(call: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.slow
def test_the_benchmark_runs_in_a_short_form(tmp_path: Path) -> None:
    """It measures each contestant that can be had, checks the values, and says which goals were missed."""
    page = tmp_path / "page.md"
    command = [sys.executable, str(BENCHMARK), "--queries", "200", "--rounds", "1", "--out", str(page)]
    subprocess.run(command, check=False, capture_output=True)
    text = page.read_text(encoding="utf-8")
    assert "with and without ties: 0e+00." in text
    for contestant in (
        "columns of numbers",
        "(Arrow)",
        "(NumPy objects)",
        "harness, dictionaries",
        "pytrec_eval",
    ):
        assert f"{contestant}" in text
    kept = json.loads(page.with_suffix(".json").read_text())
    means = [one["means"] for rounds in kept["rounds"]["200"].values() for one in rounds]
    assert all(mean == pytest.approx(means[0], abs=1e-9) for mean in means)
