"""Rank metrics: trec_eval's values, its tie order, and what holds at the edges."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import retrieval
from harness.registry import find_metric
from harness.types import Case, Evidence, Passage, Query, Response

Qrels = dict[str, dict[str, int]]
Runs = dict[str, dict[str, float]]

CUTS = (1, 2, 3, 5, 10, 100)
NAMES = ("recall", "precision", "hit_rate", "mrr", "map", "ndcg")
ORACLE = {
    "recall": ("recall", retrieval.recall_at),
    "precision": ("P", retrieval.precision_at),
    "hit_rate": ("success", retrieval.hit_rate_at),
    "map": ("map_cut", retrieval.average_precision_at),
    "ndcg": ("ndcg_cut", retrieval.ndcg_at),
}


def case_with(grades: dict[str, int]) -> Case:
    evidence = tuple(Evidence(doc_id, grade=grade) for doc_id, grade in grades.items())
    return Case(Query("q", "question"), evidence=evidence)


def passages(scores: dict[str, float]) -> tuple[Passage, ...]:
    return tuple(Passage(doc_id, "", rank, score) for rank, (doc_id, score) in enumerate(scores.items(), 1))


def by_rank(*doc_ids: str) -> Response:
    return Response("answer", tuple(Passage(doc_id, "", rank) for rank, doc_id in enumerate(doc_ids, 1)))


def random_set(seed: int, queries: int = 60) -> tuple[Qrels, Runs]:
    """Graded judgements and runs with many equal scores, unjudged documents and short lists."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    qrels: Qrels = {}
    runs: Runs = {}
    for number in range(queries):
        judged = rng.sample(range(60), rng.randint(1, 25))
        qrels[f"q{number}"] = {f"d{i}": rng.choice([0, 0, 1, 1, 2, 3]) for i in judged} | {"d61": 1}
        retrieved = rng.sample(range(60), rng.randint(1, 40))
        levels = rng.choice([1, 3, 10, 1000])
        runs[f"q{number}"] = {f"d{i}": rng.randrange(levels) / levels for i in retrieved}
    return qrels, runs


def check_against_oracle(qrels: Qrels, runs: Runs) -> int:
    cuts = ",".join(map(str, CUTS))
    measures = {f"{oracle}.{cuts}" for oracle, _ in ORACLE.values()} | {"Rprec", "recip_rank"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(runs)
    for query, wanted in expected.items():
        ranking, grades = retrieval.ranked(passages(runs[query])), qrels[query]
        assert retrieval.r_precision_of(ranking, grades) == pytest.approx(wanted["Rprec"], abs=1e-9)
        deep = retrieval.reciprocal_rank_at(ranking, grades, len(ranking))
        assert deep == pytest.approx(wanted["recip_rank"], abs=1e-9)
        for k in CUTS:
            for oracle, function in ORACLE.values():
                value = function(ranking, grades, k)
                assert value == pytest.approx(wanted[f"{oracle}_{k}"], abs=1e-9), (query, oracle, k)
    return len(expected)


@pytest.mark.parametrize("seed", range(4))
def test_random_runs_with_ties_equal_trec_eval(seed: int) -> None:
    """On runs full of ties and graded judgements every metric equals trec_eval's, query by query."""
    assert check_against_oracle(*random_set(seed)) == 60


@pytest.mark.parametrize("k", [1, 3, 10])
def test_mrr_equals_trec_eval_on_a_truncated_run(k: int) -> None:
    """mrr@k is recip_rank of the run cut after k results."""
    qrels, runs = random_set(9)
    cut = {
        query: {passage.doc_id: passage.score or 0.0 for passage in retrieval.ordered(passages(run))[:k]}
        for query, run in runs.items()
    }
    expected = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(cut)
    for query, wanted in expected.items():
        ranking = retrieval.ranked(passages(runs[query]))
        value = retrieval.reciprocal_rank_at(ranking, qrels[query], k)
        assert value == pytest.approx(wanted["recip_rank"], abs=1e-9)


def test_scores_equal_in_single_precision_are_ties() -> None:
    """trec_eval holds scores in single precision: a difference beyond it does not order documents."""
    run = {"a": 1.0 + 1e-9, "b": 1.0}
    assert retrieval.ranked(passages(run)) == ["b", "a"]
    check_against_oracle({"q": {"a": 1, "b": 2}}, {"q": run})


def test_no_relevant_document_gives_zero_as_in_trec_eval() -> None:
    """A judged query without a relevant document has the value 0 in the plain functions."""
    check_against_oracle({"q": {"a": 0, "b": 0}}, {"q": {"a": 2.0, "b": 1.0}})


def data_folder(name: str) -> Path:
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("HARNESS_DATA", default)) / name
    if not folder.is_dir():
        pytest.skip(f"HARNESS_DATA has no folder {name}")
    return folder


def rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text("utf-8").splitlines():
        fields = line.split("#")[0].split()
        if fields:
            yield fields


def load(qrels_file: Path, run_file: Path) -> tuple[Qrels, Runs]:
    qrels: Qrels = defaultdict(dict)
    runs: Runs = defaultdict(dict)
    for query, _, doc_id, grade in rows(qrels_file):
        qrels[query][doc_id] = int(grade)
    for query, _, doc_id, _, score, *_ in rows(run_file):
        runs[query][doc_id] = float(score)
    return dict(qrels), dict(runs)


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "qrels_file", "run_file"),
    [
        ("trec_eval_reference", "qrels.test", "results.test"),
        ("trec_eval_reference", "qrels.test", "results.trunc"),
        ("ir_measures_compat", "compat.qrels", "compat.run"),
        ("ir_measures_compat", "cwl.qrels", "cwl.run"),
    ],
)
def test_public_runs_equal_trec_eval(folder: str, qrels_file: str, run_file: str) -> None:
    """On public test runs every metric equals trec_eval's, query by query."""
    path = data_folder(folder)
    assert check_against_oracle(*load(path / qrels_file, path / run_file)) > 0


@pytest.mark.data
def test_values_equal_the_output_of_trec_eval_itself() -> None:
    """The four printed digits of trec_eval's own reference output are ours."""
    path = data_folder("trec_eval_reference")
    qrels, runs = load(path / "qrels.test", path / "results.test")
    compared = 0
    for measure, query, value in rows(path / "out.test.aq"):
        name, _, cut = measure.rpartition("_")
        function = next((function for oracle, function in ORACLE.values() if oracle == name), None)
        if function is None or not cut.isdigit() or query not in runs:
            continue
        ranking = retrieval.ranked(passages(runs[query]))
        assert f"{function(ranking, qrels[query], int(cut)):.4f}" == value, (measure, query)
        compared += 1
    assert compared > 50


@pytest.mark.parametrize("name", NAMES)
def test_no_relevant_evidence_is_not_applicable(name: str) -> None:
    """Without evidence, or with grade 0 only, there is nothing to find and no value."""
    score = find_metric(f"{name}@5").score
    for case in (case_with({}), case_with({"a": 0})):
        result = score(case, by_rank("a"))
        assert (result.value, result.status) == (None, "not_applicable")
        assert result.reason


@pytest.mark.parametrize("name", [*(f"{name}@5" for name in NAMES), "r_precision"])
def test_nothing_retrieved_is_zero(name: str) -> None:
    """A system that retrieves nothing where something is relevant has the value 0."""
    result = find_metric(name).score(case_with({"a": 1}), Response("answer"))
    assert result.value == 0.0
    assert result.details["missed"] == ["a"]


@pytest.mark.parametrize("name", [*(f"{name}@1" for name in NAMES), "r_precision"])
def test_best_ranking_is_one(name: str) -> None:
    """The one relevant document in the first place gives 1 everywhere."""
    assert find_metric(name).score(case_with({"文書": 2, "b": 0}), by_rank("文書", "b")).value == 1.0


def test_precision_divides_by_k_beyond_the_list() -> None:
    """precision@10 of two results, one relevant, is 0.1: missing places are not relevant."""
    assert find_metric("precision@10").score(case_with({"a": 1}), by_rank("a", "b")).value == pytest.approx(
        0.1
    )


def test_chunks_of_a_document_count_once_at_the_best_place() -> None:
    """Several passages of one document take one place, that of the best."""
    response = by_rank("a", "a", "b", "a", "c")
    assert retrieval.ranked(response.retrieved) == ["a", "b", "c"]
    assert find_metric("mrr@3").score(case_with({"b": 1}), response).value == 0.5


def test_rank_decides_where_a_score_is_missing() -> None:
    """Scores order passages only if every passage has one; rank does otherwise."""
    full = (Passage("a", "", 1, 0.1), Passage("b", "", 2, 0.9))
    part = (Passage("a", "", 2, 0.9), Passage("b", "", 1))
    assert retrieval.ranked(full) == ["b", "a"]
    assert retrieval.ranked(part) == ["b", "a"]
    assert retrieval.ranked((Passage("a", "", 2, 0.9), Passage("b", "", 1, float("nan")))) == ["b", "a"]


def test_gold_grade_is_the_largest_of_a_documents_evidence() -> None:
    """A document with evidence of grades 0, 3 and 1 has grade 3."""
    evidence = tuple(Evidence("a", quote=str(grade), grade=grade) for grade in (0, 3, 1))
    assert retrieval.grades_of(Case(Query("q", "?"), evidence=evidence)) == {"a": 3}


doc_ids = st.lists(st.sampled_from("abcdefgh"), max_size=12)
judged = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8)


@given(doc_ids, judged, st.integers(1, 10))
def test_values_stay_in_range_and_grow_with_k(ids: list[str], grades: dict[str, int], k: int) -> None:
    """Every value lies in 0..1; recall, hit_rate, mrr and map never fall as k grows."""
    ranking = list(dict.fromkeys(ids))
    for _, function in [*ORACLE.values(), ("mrr", retrieval.reciprocal_rank_at)]:
        assert 0.0 <= function(ranking, grades, k) <= 1.0 + 1e-12
    growing = ("recall", "hit_rate", "map")
    for function in [ORACLE[name][1] for name in growing] + [retrieval.reciprocal_rank_at]:
        assert function(ranking, grades, k) <= function(ranking, grades, k + 1)


@given(doc_ids, judged.filter(lambda grades: any(grades.values())), st.integers(1, 10), st.data())
def test_a_duplicate_never_raises_a_value(
    ids: list[str], grades: dict[str, int], k: int, data: st.DataObject
) -> None:
    """Repeating a retrieved document further down changes no metric."""
    case, before = case_with(grades), by_rank(*ids)
    repeated = [*ids, data.draw(st.sampled_from(ids))] if ids else ids
    for name in NAMES:
        score = find_metric(f"{name}@{k}").score
        assert score(case, by_rank(*repeated)).value == score(case, before).value


def test_evidence_without_a_document_says_nothing_about_documents() -> None:
    """A bare quote whose document is not known leaves rank metrics without a gold document."""
    case = Case(query=Query(id="q", input="x"), evidence=(Evidence(doc_id="", quote="forty euros"),))
    answered = Response(output="y", retrieved=(Passage(doc_id="d", text="forty euros", rank=1),))
    assert find_metric("recall@5").score(case, answered).status == "not_applicable"
