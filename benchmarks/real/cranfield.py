"""Cranfield and trec_eval's own test files: rank metrics against the reference implementation's values."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from workbench import data_folder, harness, read_lines, table, workspace, write_lines

RUNS = ("bm25", "bm25_stem", "bm25_noidf", "tfidf", "bm25_title")
SUITE = """
version: 1
suite: {name}
goldens: [{{path: cases.jsonl}}]
system: {{adapter: replay, path: runs/{baseline}.jsonl}}
candidates:
{candidates}
metrics: [{metrics}]
gates:
  - {{id: ndcg, metric: ndcg@10, max_drop: 0.05}}
"""
# Our name, trec_eval's name, and the name that pytrec_eval gives its result.
CRANFIELD = {
    "ndcg@5": "ndcg_cut_5", "ndcg@10": "ndcg_cut_10", "ndcg@20": "ndcg_cut_20",
    "recall@5": "recall_5", "recall@10": "recall_10", "recall@20": "recall_20", "recall@50": "recall_50",
    "precision@5": "P_5", "precision@10": "P_10", "map@10": "map_cut_10", "map@50": "map",
    "mrr@50": "recip_rank", "hit_rate@1": "success_1", "hit_rate@5": "success_5", "hit_rate@10": "success_10",
    "r_precision": "Rprec",
}  # fmt: skip
TREC = {
    "ndcg@5": "ndcg_cut_5", "ndcg@10": "ndcg_cut_10", "ndcg@100": "ndcg_cut_100",
    "ndcg@1000": "ndcg_cut_1000", "recall@5": "recall_5", "recall@100": "recall_100",
    "recall@1000": "recall_1000", "precision@5": "P_5",
    "precision@10": "P_10", "precision@1000": "P_1000", "map@10": "map_cut_10",
    "map@100": "map_cut_100",
    "map@1000": "map", "mrr@1000": "recip_rank", "hit_rate@1": "success_1", "hit_rate@10": "success_10",
    "r_precision": "Rprec",
}  # fmt: skip


def main() -> None:
    cranfield(data_folder("cranfield"))
    trec_eval(data_folder("trec_eval_reference"))


def cranfield(source: Path) -> None:
    queries = {row["id"]: row["question"] for row in read_lines(source / "queries.jsonl.gz")}
    grades = read_qrels((source / "qrels.txt").read_text())
    runs = {name: read_run(unpacked(source / "runs" / f"{name}.txt.gz")) for name in RUNS}
    expected = json.loads(unpacked(source / "expected.json.gz"))
    rows, means = [], []
    with workspace() as folder:
        corpus = (
            {"doc_id": row["id"], "text": row["text"] or "-", "title": row["title"]}
            for row in read_lines(source / "corpus.jsonl.gz")
        )
        write_lines(folder / "corpus.jsonl", corpus)
        write_suite(folder, "cranfield", queries, grades, runs, CRANFIELD)
        harness(folder, "run", "suite.yaml", "--run-id", "baseline", "-q")
        for name, run in runs.items():
            command = ["check", "suite.yaml", "--candidate", name, "--baseline", "baseline", "--json", "-q"]
            code, output = harness(folder, *command, "--run-id", f"run-{name}")
            report = json.loads(output)
            values = scores_of(folder / "reports" / "runs" / f"run-{name}" / "recording.jsonl")
            rows.append((name, *differences(values, grades, run, expected[name]["per_query"], CRANFIELD)))
            means.append(mean_row(name, report, code))
    print(f"Cranfield: {len(queries)} queries, {len(CRANFIELD)} metrics; largest difference per query\n")
    table(rows, ("run", "values", "from trec_eval's C code (pytrec_eval)", "from its 4-digit values"))
    table(means, ("run", "ndcg@10", "change from bm25 [95 % CI]", "recall@10", "map", "verdict", "exit"))


def mean_row(name: str, report: dict, code: int) -> tuple:
    found = next(item for item in report["comparisons"] if item["metric"] == "ndcg@10")
    interval = found["interval"]
    estimates = report["estimates"]
    return (
        name, f"{estimates['ndcg@10']['value']:.4f}",
        f"{found['change']:+.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]",
        f"{estimates['recall@10']['value']:.4f}", f"{estimates['map@50']['value']:.4f}",
        report["outcome"], code,
    )  # fmt: skip


def trec_eval(source: Path) -> None:
    grades = read_qrels((source / "qrels.test").read_text())
    run = read_run((source / "results.test").read_text())
    printed = defaultdict(dict)
    for line in (source / "out.test.aq").read_text().splitlines():
        name, query, value = line.split(None, 2)
        if query != "all" and name in TREC.values():
            printed[query][name] = float(value)
    asked = {query: f"topic {query}" for query in printed}
    with workspace() as folder:
        write_suite(folder, "trec-eval", asked, grades, {"standard": run}, TREC)
        harness(folder, "run", "suite.yaml", "--run-id", "standard", "-q")
        values = scores_of(folder / "reports" / "runs" / "standard" / "recording.jsonl")
    count, exact, rounded = differences(values, grades, run, printed, TREC)
    print("trec_eval's own test files: results.test against out.test.aq, 4 digits printed\n")
    table(
        [(len(asked), count, exact, rounded)],
        ("topics", "values", "from pytrec_eval", "from the printed values"),
    )


def write_suite(folder: Path, name: str, queries: dict, grades: dict, runs: dict, metrics: dict) -> None:
    cases = ({"id": f"q{query}", "input": text, "qrels": grades[query]} for query, text in queries.items())
    write_lines(folder / "cases.jsonl", cases)
    for run_name, run in runs.items():
        lines = (
            {
                "id": f"q{query}",
                "output": "(ranking only)",
                "retrieved": [
                    {"doc_id": doc_id, "text": "", "score": score, "rank": rank}
                    for rank, (doc_id, score) in enumerate(run.get(query, {}).items(), 1)
                ],
            }
            for query in queries
        )
        write_lines(folder / "runs" / f"{run_name}.jsonl", lines)
    changes = "\n".join(f"  {run_name}: {{path: runs/{run_name}.jsonl}}" for run_name in runs)
    listed = ", ".join(metrics)
    first = next(iter(runs))
    (folder / "suite.yaml").write_text(
        SUITE.format(name=name, baseline=first, candidates=changes, metrics=listed)
    )


def scores_of(recording: Path) -> dict[str, dict[str, float]]:
    """Query to metric to value, read from a recording."""
    from harness.recordings import read

    return {
        result.case_id[1:]: {
            name: score.value for name, score in result.scores.items() if score.value is not None
        }
        for result in read(recording).results
    }


def differences(values: dict, grades: dict, run: dict, printed: dict, names: dict) -> tuple[int, str, str]:
    """How many values, and the largest differences from pytrec_eval and from values of 4 digits."""
    import pytrec_eval

    evaluator = pytrec_eval.RelevanceEvaluator(grades, measures(names.values()))
    reference = evaluator.evaluate({query: found for query, found in run.items() if query in values})
    exact = rounded = 0.0
    count = 0
    for query, mine in values.items():
        for ours, value in mine.items():
            count += 1
            if query in reference:
                exact = max(exact, abs(value - reference[query][names[ours]]))
            else:
                exact = max(exact, abs(value))  # no result at all: trec_eval counts 0
            if query in printed:
                rounded = max(rounded, abs(value - printed[query][names[ours]]))
    return count, f"{exact:.1e}", f"{rounded:.1e}"


def measures(names: Iterable[str]) -> set[str]:
    """``ndcg_cut_5`` and ``ndcg_cut_10`` are asked for as ``ndcg_cut.5,10``."""
    cuts: dict[str, list[str]] = defaultdict(list)
    plain = set()
    for name in names:
        stem, _, cut = name.rpartition("_")
        if cut.isdigit():
            cuts[stem].append(cut)
        else:
            plain.add(name)
    return plain | {f"{stem}.{','.join(found)}" for stem, found in cuts.items()}


def unpacked(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def read_qrels(text: str) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in text.splitlines():
        query, _, doc_id, grade = line.split()
        grades[query][doc_id] = max(0, int(grade))
    return dict(grades)


def read_run(text: str) -> dict[str, dict[str, float]]:
    run: dict[str, dict[str, float]] = defaultdict(dict)
    for line in text.splitlines():
        query, _, doc_id, _, score, *_ = line.split()
        run[query][doc_id] = float(score)
    return dict(run)


if __name__ == "__main__":
    main()
