"""Rank metrics against ir_measures and answer metrics against SQuAD's, each as its own package computes them.

Needs two packages that the harness does not: ``pip install ir_measures 'transformers<5'`` (SQuAD's script as
``squad_metrics``); what is not installed is skipped with a message. trec_eval itself: see ``cranfield.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cranfield import read_qrels, read_run
from workbench import data_folder, read_lines, table

from harness.registry import find_metric
from harness.types import Case, Evidence, Passage, Query, Response

RUNS = (
    ("ir_measures_compat", "compat.qrels", "compat.run"),
    ("ir_measures_compat", "cwl.qrels", "cwl.run"),
    ("trec_eval_reference", "qrels.test", "results.test"),
    ("trec_eval_reference", "qrels.test", "results.trunc"),
)
CUTS = (1, 5, 10, 100, 1000)
# Our name, and that of ir_measures.
AT_CUT = {
    "recall@{k}": "R@{k}", "precision@{k}": "P@{k}", "hit_rate@{k}": "Success@{k}", "mrr@{k}": "RR@{k}",
    "map@{k}": "AP@{k}", "ndcg@{k}": "nDCG@{k}",
}  # fmt: skip
NAMES = {ours.format(k=k): theirs.format(k=k) for ours, theirs in AT_CUT.items() for k in CUTS}
NAMES["r_precision"] = "Rprec"


def main() -> None:
    rank_metrics()
    answer_metrics()


def rank_metrics() -> None:
    if find_spec("ir_measures") is None:
        print("skipped: rank metrics beside ir_measures, which is not installed\n")
        return
    table([compare_run(*run) for run in RUNS], ("run", "queries", "values", "largest difference", "where"))


def compare_run(folder: str, qrels_name: str, run_name: str) -> tuple[object, ...]:
    """Hold every metric of every query with a relevant document, beside ir_measures."""
    import ir_measures

    source = data_folder(folder)
    qrels, run = read_qrels(text_of(source / qrels_name)), read_run(text_of(source / run_name))
    measures = {ours: ir_measures.parse_measure(theirs) for ours, theirs in NAMES.items()}
    theirs = {
        (str(one.measure), one.query_id): one.value
        for one in ir_measures.iter_calc(measures.values(), dict(qrels), dict(run))
    }
    worst, where, count, queries = 0.0, "", 0, 0
    for query, found in run.items():
        if not any(grade >= 1 for grade in qrels.get(query, {}).values()):
            continue
        queries += 1
        case = Case(Query(query, "?"), evidence=tuple(Evidence(d, grade=g) for d, g in qrels[query].items()))
        response = Response("-", tuple(Passage(d, "", r, s) for r, (d, s) in enumerate(found.items(), 1)))
        for ours, measure in measures.items():
            value = find_metric(ours).score(case, response).value
            off = abs(value - theirs[str(measure), query])
            worst, where = max((worst, where), (off, f"{ours} {query}"))
            count += 1
    return f"{folder}/{run_name}", queries, count, f"{worst:.1e}", where if worst > 1e-9 else ""


def answer_metrics() -> None:
    try:
        from transformers.data.metrics.squad_metrics import compute_exact, compute_f1
    except ImportError:
        print("skipped: answer metrics beside SQuAD's, transformers below 5 is not installed\n")
        return
    rows = [row for row in read_lines(data_folder("squad2") / "squad2_dev.jsonl.gz") if row["answers"]]
    lines = []
    for name, theirs in (("exact_match", compute_exact), ("token_f1", compute_f1)):
        for script, keep in (("all", bool), ("ASCII only", lambda text: text.isascii())):
            lines.append((name, script, *compare_answers(name, theirs, rows, keep)))
    print(
        f"SQuAD 2.0: {len(rows)} answerable questions, eight answers each: spans, near spans, other writing\n"
    )
    table(
        lines,
        ("metric", "answers", "compared", "identical", "read as refusals", "largest difference", "where"),
    )


def compare_answers(
    name: str, theirs: Callable[[str, str], float], rows: list[dict[str, Any]], keep: Callable[[str], bool]
) -> tuple[object, ...]:
    count = same = refusals = 0
    worst, where = 0.0, ""
    for row in rows:
        case = Case(Query(row["id"], row["question"]), expected_output=tuple(row["answers"]))
        for answer in answers_to(row):
            if not keep(answer + "".join(row["answers"])):
                continue
            score = find_metric(name).score(case, Response(answer))
            if score.value is None:  # an answer that reads like a refusal is none for us
                refusals += 1
                continue
            off = abs(score.value - max(theirs(gold, answer) for gold in row["answers"]))
            count, same = count + 1, same + (off <= 1e-12)
            if off > max(worst, 1e-12):
                worst, where = off, ascii(answer)[:60]
    return count, same, refusals, f"{worst:.3f}", where


def answers_to(row: dict[str, Any]) -> Iterator[str]:
    """A gold span, the same written otherwise, spans that overlap it, and others from its paragraph."""
    rng = random.Random(row["id"])  # noqa: S311 -- a sample
    gold, words = rng.choice(row["answers"]), row["contexts"][0].split()
    start = rng.randrange(len(words))
    yield from (gold, gold.upper(), f"The {gold}.", f'"{gold}", and a  {words[start]}', gold.split()[0])
    yield " ".join(words[start : start + rng.randint(1, 6)])
    at = row["contexts"][0].find(gold)
    yield row["contexts"][0][max(0, at - 8) : at + len(gold) + 8]
    yield rng.choice(gold.split())


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


if __name__ == "__main__":
    main()
