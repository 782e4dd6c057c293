"""``harness score --run-file``: TREC files to means, slices and tables."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
import pytrec_eval
from project import Ended, call_inside

QRELS = "q1 0 d1 1\nq1 0 d2 0\nq2 0 d3 2\nq2 0 d4 1\nq3 0 d1 1\nq4 0 d1 0\n"
RUN = "q1 Q0 d2 1 2.5 tag\nq1\tQ0  d1 2 1.5 tag\nq2 Q0 d4 1 1.0 tag\nq2 Q0 d3 2 1.0 tag\nq9 Q0 d1 1 1.0 tag\n"
SLICES = "query_id,language\nq1,de\nq2,en\nq3,de\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("run.txt", RUN), ("qrels.txt", QRELS), ("slices.csv", SLICES)):
        (tmp_path / name).write_text(text)
    return tmp_path


def score(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> Ended:
    return call_inside(capsys, folder, "score", "--qrels", "qrels.txt", *arguments)


def test_means_are_over_every_judged_query(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also over those that the run lacks; by slice; trec_eval's values; and what was left out is told."""
    done = score(
        capsys, folder, "--run-file", "run.txt", "--metric", "ndcg@5", "--slices", "slices.csv", "--json"
    )
    assert done.code == 0, done.err
    qrels = {"q1": {"d1": 1, "d2": 0}, "q2": {"d3": 2, "d4": 1}}
    run = {"q1": {"d2": 2.5, "d1": 1.5}, "q2": {"d4": 1.0, "d3": 1.0}}
    known = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.5"}).evaluate(run)
    one, two = (known[query]["ndcg_cut_5"] for query in ("q1", "q2"))
    means = {(row["slice"], row["metric"]): (row["n"], row["mean"]) for row in json.loads(done.out)}
    assert means == {
        ("all", "ndcg@5"): (3, pytest.approx((one + two) / 3, abs=1e-9)),
        ("language=de", "ndcg@5"): (2, pytest.approx(one / 2, abs=1e-9)),
        ("language=en", "ndcg@5"): (1, pytest.approx(two, abs=1e-9)),
    }
    for said in (
        "1 queries of the run have no",
        "2 judged queries are not in the run",
        "1 judged queries are in no",
    ):
        assert said in done.err


def test_values_by_query_are_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As CSV, JSON and Parquet, the same ones; a compressed run is read too."""
    (folder / "run.txt.gz").write_bytes(gzip.compress(RUN.encode()))
    outputs = [part for name in ("o.csv", "o.json", "o.parquet") for part in ("-o", name)]
    done = score(capsys, folder, "--run-file", "run.txt.gz", "--slices", "slices.csv", *outputs)
    assert done.code == 0, done.err
    assert "mrr@10" in done.out
    rows = json.loads((folder / "o.json").read_text())
    assert [row["query_id"] for row in rows] == ["q1", "q2", "q3", "q4"]
    assert [row["mrr@10"] for row in rows] == [0.5, 1.0, 0.0, 0.0]
    assert [row["language"] for row in rows] == ["de", "en", "de", None]
    with (folder / "o.csv").open() as file:
        assert [float(row["mrr@10"]) for row in csv.DictReader(file)] == [0.5, 1.0, 0.0, 0.0]
    parquet = pytest.importorskip("pyarrow.parquet").read_table(folder / "o.parquet").to_pandas()
    assert isinstance(parquet, pd.DataFrame)
    assert parquet["mrr@10"].tolist() == [0.5, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q1 Q0 d1 1 2.5\nq1 Q0 d2 2 x tag\n", "run.txt:1"),
        ("q1 Q0 d1 1 2.5 tag\nq1 Q0 d2 2 x tag\n", "run.txt:2"),
        ("q1 Q0 d1 1 2.5 tag more\n", "7 fields instead of 6"),
        ("", "the file is empty"),
        ("q1 Q0 d1 1 2.5 tag\nq1 Q0 d1 2 1.5 tag\n", "document 'd1' twice for query 'q1'"),
        ("q1 Q0 d1 1 nan tag\n", "the score 'nan' is no number"),
        ("x1 Q0 d1 1 2.5 tag\n", "no query of the run is in the qrels"),
    ],
)
def test_a_wrong_file_is_told_by_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Exit code 2, what is wrong and where."""
    (folder / "run.txt").write_text(text)
    done = score(capsys, folder, "--run-file", "run.txt")
    assert done.code == 2
    assert said in done.words


@pytest.mark.parametrize(
    "arguments",
    [
        ("score",),
        ("score", "last", "--run-file", "run.txt", "--qrels", "qrels.txt"),
        ("score", "--run-file", "run.txt"),
        ("score", "last", "--metric", "ndcg@5"),
        ("score", "--run-file", "run.txt", "--qrels", "qrels.txt", "-o", "o.txt"),
        ("score", "--run-file", "run.txt", "--qrels", "qrels.txt", "--metric", "faithfulness"),
        ("score", "--run-file", "run.txt", "--qrels", "qrels.txt", "--slices", "qrels.txt"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """A run or files, not both; an output whose format is known; rank metrics."""
    assert call_inside(capsys, folder, *arguments).code == 2
