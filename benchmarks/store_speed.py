"""What it costs to read a recording of 100,000 answers, to load its million scores, and to ask them by slice.

Reading and loading happen in a process of their own, as after a run, so that their peak memory is theirs. The
recording is made with a fixed seed: 10 metrics a case, half of them with details (documents found and missed,
claims in words of their own), 5 passages an answer out of 5,000.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrieval_speed import peak_mb

from harness import __version__
from harness.recordings import read
from harness.recordings.lines import End, dump, dump_header
from harness.store import Store
from harness.types import Case, MetricIdentity, Passage, Query, Response, Result, Run, Score, Timings

METRICS = (
    *("recall@5", "precision@5", "ndcg@10", "mrr@10", "faithfulness"),
    *("required_facts", "token_f1", "latency_s", "refusal_correctness", "error_rate"),
)
ROWS_PER_S, BYTES_PER_ROW, SLICES_S, PEAK_MB = 200_000, 60, 0.1, 1024
SLICES = """
with attributes as materialized (
    select case_id, groups['language'] as language
    from cases where dataset_digest = (select dataset_digest from runs where run_id = 'run')
)
select language, metric, count(value), avg(value), stddev(value), quantile_cont(value, [0.05, 0.5, 0.95])
from scores join attributes using (case_id)
where run_id = 'run'
group by all
"""
WORDS = (
    "order",
    "refund",
    "sent",
    "within",
    "days",
    "after",
    "receipt",
    "written",
    "notice",
    "owner",
    "unless",
)


def make_result(number: int) -> Result:
    """One answer with its scores; the same number gives the same result."""
    rng = random.Random(number)  # noqa: S311 -- not for secrets
    names = [f"d{rng.randrange(5000)}" for _ in range(5)]
    passages = tuple(
        Passage(name, f"{name}: {' '.join(WORDS * 4)}", rank, 1 / rank) for rank, name in enumerate(names, 1)
    )
    listed = {"found": names[:2], "missed": names[2:3]}
    details: dict[str, dict[str, Any]] = dict.fromkeys(METRICS[:4], listed)
    said = [" ".join(rng.choices(WORDS, k=9)) for _ in range(2)]
    details["faithfulness"] = {"claims": [{"claim": text, "verdict": "supported"} for text in said]}
    scores = {
        name: Score(status="not_applicable", reason="the case names no reference")
        if rng.random() < 0.05
        else Score(round(rng.random(), 4), details=details.get(name, {}))
        for name in METRICS
    }
    response = Response(". ".join(said), passages, timings=Timings(total_s=round(rng.random(), 3)))
    return Result(f"case-{number:07}", 0, response, scores)


def write_recording(path: Path, cases: int) -> None:
    """Write a whole recording, a line at a time."""
    identity = MetricIdentity(version=1, higher_is_better=True, low=0.0, high=1.0)
    run = Run(
        id="run",
        suite_name="large",
        started_at="2026-11-25T08:00:00Z",
        candidate="",
        system_fingerprint="system",
        dataset_digest="goldens",
        dataset_name="large",
        corpus_digest=None,
        metrics=dict.fromkeys(METRICS, identity),
        config={},
        suite={},
        suite_path="suites/large.yaml",
        harness_version=__version__,
        seed=0,
        repeats=1,
        n_cases=cases,
    )
    asked = [
        Case(Query(f"case-{number:07}", f"What is clause {number}?"), groups={"language": f"l{number % 12}"})
        for number in range(cases)
    ]
    sha256 = hashlib.sha256()
    with path.open("wb") as file:
        for line in dump_header(run, asked, {case.id: case.id for case in asked}, {}):
            sha256.update(line)
            file.write(line)
        for number in range(cases):
            line = dump(b"result", make_result(number))
            sha256.update(line)
            file.write(line)
        file.write(dump(b"end", End(cases, sha256.hexdigest())))


def measure(folder: Path) -> dict[str, float]:
    """Read the recording in a folder, load it, and ask for slices; CPU seconds, MB, bytes."""
    import duckdb

    path = folder / "harness.duckdb"
    path.unlink(missing_ok=True)
    started = time.process_time()
    recorded = read(folder / "recording.jsonl")
    found = {"read_s": time.process_time() - started, "read_mb": peak_mb()}
    with Store(path) as store:
        started = time.process_time()
        store.load(recorded)
        found["load_s"] = time.process_time() - started
    rows = sum(len(result.scores) for result in recorded.results)
    found |= {"rows": rows, "rows_per_s": rows / found["load_s"], "peak_mb": peak_mb()}
    found["bytes_per_row"] = path.stat().st_size / rows
    with duckdb.connect(str(path), read_only=True) as con:
        found["scores_bytes_per_row"] = _table_bytes(con, "scores") / rows
        times = []
        for _ in range(6):
            started = time.process_time()
            con.execute(SLICES).fetchall()
            times.append(time.process_time() - started)
        found["slices_s"] = statistics.median(times[1:])
    return found


def _table_bytes(con: Any, table: str) -> int:
    """Bytes of the blocks that hold a table; one that it shares with another counts whole."""
    sql = "select count(distinct block_id) from pragma_storage_info($table) where block_id >= 0"
    blocks = con.execute(sql, {"table": table}).fetchone()[0]
    return int(blocks) * int(con.execute("select block_size from pragma_database_size()").fetchone()[0])


def run_rounds(cases: int, rounds: int) -> list[dict[str, float]]:
    """Make the recording once, and measure it in a new process each round."""
    with tempfile.TemporaryDirectory() as folder:
        write_recording(Path(folder) / "recording.jsonl", cases)
        command = [sys.executable, __file__, "--one", folder]
        said = [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(rounds)]
        size = (Path(folder) / "recording.jsonl").stat().st_size
    return [{**json.loads(one), "recording_mb": size / 1e6} for one in said]


FIGURES = (
    ("read the recording, CPU s", "read_s", "{:.2f}", None),
    ("load it, CPU s", "load_s", "{:.2f}", None),
    ("score rows per CPU second", "rows_per_s", "{:,.0f}", f"at least {ROWS_PER_S:,}"),
    ("bytes a score row: the whole file", "bytes_per_row", "{:.1f}", f"at most {BYTES_PER_ROW}"),
    ("bytes a score row: the table of scores", "scores_bytes_per_row", "{:.1f}", None),
    (
        "count, mean, deviation, three quantiles by slice and metric, CPU s",
        "slices_s",
        "{:.3f}",
        f"at most {SLICES_S}",
    ),
    ("peak MB after reading", "read_mb", "{:.0f}", None),
    ("peak MB after loading", "peak_mb", "{:.0f}", f"less than {PEAK_MB}"),
)


def goals_missed(figures: dict[str, float]) -> list[str]:
    """Say which goals were missed."""
    held = {
        "rows_per_s": figures["rows_per_s"] >= ROWS_PER_S,
        "bytes_per_row": figures["bytes_per_row"] <= BYTES_PER_ROW,
        "slices_s": figures["slices_s"] <= SLICES_S,
        "peak_mb": figures["peak_mb"] < PEAK_MB,
    }
    return [f"{title}: not {goal}" for title, key, _, goal in FIGURES if not held.get(key, True)]


def page_of(found: list[dict[str, float]]) -> tuple[str, list[str]]:
    """The page, and the goals that were missed."""
    middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
    missed = goals_missed(middle)
    answers = f"{middle['rows'] / len(METRICS):,.0f} answers ({middle['recording_mb']:.0f} MB)"
    lines = [
        "# Speed of the store",
        "",
        f"A recording of {answers} with {middle['rows']:,.0f} scores, half of them with details.",
        f"{len(found)} rounds, each in a process of its own. Loading is all from the recording to the",
        "database with its checks made and its log written into it: cases, responses, passages and scores.",
        "",
        "| | median | least to most | goal |",
        "|---|--:|--:|---|",
    ]
    for title, key, shape, goal in FIGURES:
        values = [one[key] for one in found]
        spread = f"{shape.format(min(values))} to {shape.format(max(values))}"
        lines.append(f"| {title} | {shape.format(middle[key])} | {spread} | {goal or ''} |")
    return "\n".join([*lines, "", *(missed or ["Every goal was met."])]) + "\n", missed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="answers in the recording (100000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--out", type=Path, help="write the page here, and the figures beside it as .json")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(options.one)))
        return 0
    found = run_rounds(options.cases, options.rounds)
    page, missed = page_of(found)
    print(page, end="")
    if options.out:
        options.out.write_text(page, encoding="utf-8")
        options.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
