"""CPU time and memory of rank metrics over whole runs, beside pytrec_eval, ir_measures and plain NumPy.

Every measurement is a process of its own, so that its peak memory is its own; the contestants of a round run
one after the other, and rounds follow each other, so that a busy machine meets all of them alike. Making the
input in the form that a library wants is not its work and not counted; turning that form into its own is.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RETRIEVED, JUDGED, DOCUMENTS = 100, 10, 1000
METRICS = ("recall@10", "ndcg@10", f"mrr@{RETRIEVED}", f"map@{RETRIEVED}", "precision@10")
TREC = ("recall_10", "ndcg_cut_10", "recip_rank", "map", "P_10")
OURS = {
    "numbers": "harness, columns of numbers",
    "arrow": "harness, columns of text (Arrow)",
    "objects": "harness, columns of text (NumPy objects)",
    "dicts": "harness, dictionaries",
}
PEERS = {"pytrec_eval": "pytrec_eval, dictionaries", "ir_measures": "ir_measures, dictionaries"}
REFERENCES = {"numpy": "NumPy reference, columns of numbers", "numpy-str": "NumPy reference, text (Arrow)"}


class Data(NamedTuple):
    """Documents by number, a query a row: retrieved with scores, (n, 100), judged with grades, (n, 10)."""

    documents: Any
    scores: Any
    judged: Any
    grades: Any


def make(queries: int, seed: int = 1, levels: int | None = None) -> Data:
    """Draw distinct documents per query and scores that all differ, or only so many levels of them."""
    rng = np.random.default_rng(seed)
    documents = np.empty((queries, RETRIEVED), np.int64)
    judged = np.empty((queries, JUDGED), np.int64)
    scores = np.empty((queries, RETRIEVED))
    for first in range(0, queries, 500):
        part = slice(first, min(first + 500, queries))
        n = part.stop - part.start
        drawn = rng.random((n, DOCUMENTS), dtype=np.float32)
        documents[part] = np.argpartition(drawn, RETRIEVED, axis=1)[:, :RETRIEVED]
        drawn = rng.random((n, DOCUMENTS), dtype=np.float32)
        judged[part] = np.argpartition(drawn, JUDGED, axis=1)[:, :JUDGED]
        scores[part] = rng.permuted(np.tile(np.arange(RETRIEVED) + 0.5, (n, 1)), axis=1)
    if levels is not None:
        scores = np.floor(scores * levels / RETRIEVED)
    return Data(documents, scores, judged, rng.integers(0, 4, (queries, JUDGED)))


def columns(data: Data, form: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Flat columns of a run and its judgements, rows of a query together."""
    n = len(data.documents)
    numbers = [
        np.repeat(np.arange(n), RETRIEVED),
        data.documents.ravel(),
        np.repeat(np.arange(n), JUDGED),
        data.judged.ravel(),
    ]
    if form == "numbers":
        ids = numbers
    else:
        named = [
            np.array([f"q{i}" for i in range(n)], object),
            np.array([f"d{i}" for i in range(DOCUMENTS)], object),
        ]
        if form == "arrow":
            import pyarrow as pa

            named = [pa.array(names) for names in named]
        ids = [named[at % 2].take(of) for at, of in enumerate(numbers)]
    run = {"query_id": ids[0], "doc_id": ids[1], "score": data.scores.ravel()}
    return run, {"query_id": ids[2], "doc_id": ids[3], "grade": data.grades.ravel()}


def dictionaries(data: Data) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """The same as dictionaries of dictionaries."""
    names = [f"d{number}" for number in range(DOCUMENTS)]

    def nested(documents: Any, values: Any) -> dict[str, dict[str, Any]]:
        return {
            f"q{query}": dict(zip([names[at] for at in row], of, strict=True))
            for query, (row, of) in enumerate(zip(documents.tolist(), values.tolist(), strict=True))
        }

    return nested(data.documents, data.scores), nested(data.judged, data.grades)


def contestant(name: str) -> tuple[Callable[[Data], Any], Callable[[Any, Any], dict[str, float]]]:
    """What makes the input of a contestant, and what gives the means of the five metrics."""
    if name in OURS:
        from harness import score_rankings

        def ours(run: Any, qrels: Any) -> dict[str, float]:
            found = score_rankings(run, qrels, METRICS)
            return {trec: float(found.values[one].mean()) for one, trec in zip(METRICS, TREC, strict=True)}

        return (dictionaries if name == "dicts" else lambda data: columns(data, name)), ours
    if name == "pytrec_eval":
        import pytrec_eval

        def theirs(run: Any, qrels: Any) -> dict[str, float]:
            measures = {"recall.10", "ndcg_cut.10", "recip_rank", "map", "P.10"}
            found = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
            return {trec: float(np.mean([one[trec] for one in found.values()])) for trec in TREC}

        return dictionaries, theirs
    import ir_measures
    from ir_measures import AP, RR, P, R, nDCG

    wanted = dict(zip(TREC, (R @ 10, nDCG @ 10, RR, AP, P @ 10), strict=True))

    def measured(run: Any, qrels: Any) -> dict[str, float]:
        found = ir_measures.calc_aggregate(list(wanted.values()), qrels, run)
        return {trec: float(found[one]) for trec, one in wanted.items()}

    return dictionaries, measured


def measure(name: str, queries: int) -> dict[str, Any]:
    """Time one contestant twice in this process; CPU seconds and peak MB."""
    prepare, evaluate = contestant(name)
    evaluate(*prepare(make(1)))  # what is imported on the way is not counted
    run, qrels = prepare(make(queries))
    before, cpu = peak_mb(), []
    for _ in range(2):
        started = time.process_time()
        means = evaluate(run, qrels)
        cpu.append(time.process_time() - started)
    return {"cpu_s": cpu[0], "again_s": cpu[1], "input_mb": before, "peak_mb": peak_mb(), "means": means}


def largest_difference(queries: int, levels: int | None) -> float:
    """The largest difference of any value of any query from pytrec_eval's, from columns and dictionaries."""
    import pytrec_eval

    from harness import score_rankings

    data = make(queries, seed=2, levels=levels)
    run, qrels = dictionaries(data)
    measures = {"recall.10", "ndcg_cut.10", "recip_rank", "map", "P.10"}
    known = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    worst = 0.0
    for form in OURS:
        found = score_rankings(*((run, qrels) if form == "dicts" else columns(data, form)), METRICS)
        for one, trec in zip(METRICS, TREC, strict=True):
            wanted = np.array([known[f"q{query}"][trec] for query in range(queries)])
            worst = max(worst, float(np.abs(found.values[one] - wanted).max()))
    return worst


def peak_mb() -> int:
    """The most memory of this process; that of its parent, which ``getrusage`` counts too, is not in it."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise OSError("no VmHWM in /proc/self/status")


def run_rounds(
    queries: int, rounds: int, peer: str, reference: Path | None
) -> dict[str, list[dict[str, Any]]]:
    """Measure every contestant once a round; one that cannot be had is left out."""
    commands = {name: [sys.executable, __file__, "--one", name] for name in OURS}
    commands |= {name: [peer, __file__, "--one", name] for name in PEERS}
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, command in commands.items():
            if said := _json_of([*command, "--queries", str(queries)]):
                found.setdefault(name, []).append(said)
        for name in REFERENCES if reference is not None else ():
            if said := _json_of([peer, str(reference), name, "--q", str(queries), "--k", str(RETRIEVED)]):
                build = said.get("build_cpu", 0)
                cpu = {"cpu_s": build + said["eval_cpu"], "again_s": build + said["eval2_cpu"]}
                sizes = {"input_mb": said["rss_in"], "peak_mb": said["rss_peak"]}
                found.setdefault(name, []).append({**cpu, **sizes, "means": said["means"]})
    return found


def _json_of(command: Sequence[str]) -> dict[str, Any] | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"{' '.join(command[-4:])}: {done.stderr.strip().splitlines()[-1:]}\n")
        return None
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


COLUMNS = (
    "",
    "CPU s, median (least to most)",
    "second time",
    "speed / pytrec_eval's",
    "peak MB",
    "of that input",
    "memory / pytrec_eval's",
)


def table(queries: int, found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Medians with the spread over the rounds, and how many times pytrec_eval's speed and memory that is."""
    lines = [f"## {queries:,} queries of {RETRIEVED} documents", "", f"| {' | '.join(COLUMNS)} |"]
    lines.append(f"|---|{'--:|' * (len(COLUMNS) - 1)}")
    base, middle = found.get("pytrec_eval"), statistics.median
    for name, title in {**OURS, **REFERENCES, **PEERS}.items():
        if not (rounds := found.get(name)):
            continue
        cpu, again, peak, size = (_all(rounds, key) for key in ("cpu_s", "again_s", "peak_mb", "input_mb"))
        cells = [
            title,
            f"{middle(cpu):.3f} ({min(cpu):.3f} to {max(cpu):.3f})",
            f"{middle(again):.3f}",
            f"{middle(_all(base, 'cpu_s')) / middle(cpu):.1f}" if base else "-",
            f"{middle(peak):.0f}",
            f"{middle(size):.0f}",
            f"{middle(peak) / middle(_all(base, 'peak_mb')):.2f}" if base else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _all(rounds: list[dict[str, Any]], key: str) -> list[float]:
    return [one[key] for one in rounds]


def goals_missed(found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Say which goals were missed: from columns 3 times the speed, half the memory; no slower from dicts."""
    if "pytrec_eval" not in found:
        return ["pytrec_eval could not be run"]
    base = {key: statistics.median(_all(found["pytrec_eval"], key)) for key in ("cpu_s", "peak_mb")}
    ours = {
        (name, key): statistics.median(_all(found[name], key))
        for name in OURS
        if name in found
        for key in base
    }
    missed = []
    if ours["numbers", "cpu_s"] * 3 > base["cpu_s"]:
        missed.append("columns of numbers are not 3 times as fast as pytrec_eval")
    if ours["dicts", "cpu_s"] > base["cpu_s"]:
        missed.append("dictionaries are slower than pytrec_eval")
    if ours["numbers", "peak_mb"] * 2 > base["peak_mb"]:
        missed.append("columns of numbers need more than half of pytrec_eval's memory")
    return missed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the run")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all contestants (5)")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has the peers")
    parser.add_argument("--reference", type=Path, help="a script that times plain NumPy in the same way")
    parser.add_argument("--out", type=Path, help="write the page here, and the figures beside it as .json")
    parser.add_argument("--one", choices=["differences", *OURS, *PEERS], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one == "differences":
        print(json.dumps({"most": max(largest_difference(5000, levels) for levels in (None, 14))}))
        return 0
    if options.one:
        print(json.dumps(measure(options.one, options.queries[0])))
        return 0
    worst = _json_of([sys.executable, __file__, "--one", "differences"])
    most = float("inf") if worst is None else worst["most"]
    figures = {
        queries: run_rounds(queries, options.rounds, options.peer_python, options.reference)
        for queries in options.queries
    }
    missed = [f"{n:,} queries: {what}" for n, found in figures.items() for what in goals_missed(found)]
    missed += [f"differs from trec_eval by {most:g}"] if most > 1e-9 else []
    lines = [
        *_head(options.rounds, most),
        *(line for item in figures.items() for line in table(*item)),
    ]
    page = "\n".join([*lines, *(missed or ["Every goal was met."])]) + "\n"
    print(page, end="")
    if options.out:
        options.out.write_text(page, encoding="utf-8")
        kept = {"largest_difference": most, "rounds": {str(n): found for n, found in figures.items()}}
        options.out.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


def _head(rounds: int, most: float) -> list[str]:
    return [
        "# Speed of rank metrics",
        "",
        "recall@10, nDCG@10, MRR, MAP and P@10 of every query, drawn with a fixed seed:",
        f"{RETRIEVED} of {DOCUMENTS:,} documents retrieved, {JUDGED} judged. {rounds} interleaved rounds,",
        f"each measurement in a process of its own; Python {platform.python_version()}, {_versions()}.",
        "CPU seconds; imports and the making of the input are not counted.",
        "",
        "Goals: from columns at least 3 times pytrec_eval's speed in at most half its memory, from",
        "dictionaries never slower. Largest difference of any value from pytrec_eval's, over 5,000 queries",
        f"with and without ties: {most:.0e}.",
        "",
    ]


def _versions() -> str:
    said = []
    for name in ("numpy", "pandas", "pyarrow", "pytrec-eval-terrier"):
        try:
            said.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(said)


if __name__ == "__main__":
    sys.exit(main())
